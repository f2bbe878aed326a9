// Included by each isa_*.cpp after it has named its VARLEN_ISA: the loops under that name.
#include "rnn/isa.h"
#include "rnn/backward.h"
#include "rnn/forward.h"

namespace varlen::rnn {
namespace VARLEN_ISA {

inline void forward(const Forward& unroll, const Sequences& sequences, std::int64_t* next,
                    int slots) {
  ForwardLoop(unroll, sequences, next, slots).run();
}

inline void backward(const Backward& unroll, const Sequences& sequences, std::int64_t* next,
                     int slots) {
  BackwardLoop(unroll, sequences, next, slots).run();
}

// A program over one row, for tests.
inline void evaluate(const Program& program, const float* const* inputs, float* const* outputs,
                     int units) {
  Registers registers(program.num_inputs + program.num_outputs);
  for (int i = 0; i < program.num_inputs; ++i) registers.at(i, 0) = const_cast<float*>(inputs[i]);
  for (int o = 0; o < program.num_outputs; ++o)
    registers.at(program.num_inputs + o, 0) = outputs[o];
  Runner runner(program);
  for_each_tile(units, 1, [&](int unit, int width, int slot, int rows) {
    runner.run(registers, unit, width, slot, rows);
  });
}

}  // namespace VARLEN_ISA
}  // namespace varlen::rnn
