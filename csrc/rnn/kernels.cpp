// Compiled once for every instruction set and type of numbers, with the definitions
//   VARLEN_ISA   the namespace of this version, as isa.h has it
//   VARLEN_REAL  the type of numbers
//   VARLEN_NAME  the name of the instruction set
#include "rnn/backward.h"
#include "rnn/forward.h"
#include "rnn/isa.h"

namespace varlen::rnn {
namespace VARLEN_ISA {
namespace {

Loop* forward(const Forward<Real>& unroll, const Sequences& sequences, const Deal& deal,
              int team_size) {
  return new ForwardLoop(unroll, sequences, deal, team_size);
}

Loop* backward(const Backward<Real>& unroll, const Sequences& sequences, const Deal& deal,
               int team_size) {
  return new BackwardLoop(unroll, sequences, deal, team_size);
}

// A program over one row, for tests.
void evaluate(const Program& program, const Real* const* inputs, Real* const* outputs, int units) {
  Registers registers(program.num_inputs + program.num_outputs);
  for (int i = 0; i < program.num_inputs; ++i) registers.at(i, 0) = const_cast<Real*>(inputs[i]);
  for (int o = 0; o < program.num_outputs; ++o)
    registers.at(program.num_inputs + o, 0) = outputs[o];
  Runner runner(program, units, units);
  runner.run(registers, 0, units, 0, 1);
}

}  // namespace

const Kernels<Real> kKernels = {VARLEN_NAME,   kPanel,         forward,    backward,
                                multiply_rows, multiply_outer, pack_panel, evaluate};

}  // namespace VARLEN_ISA
}  // namespace varlen::rnn
