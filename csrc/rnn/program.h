// A cell's elementwise arithmetic: a short list of instructions over registers.
//
// A register is a row of numbers per sequence. The first ones are given from outside (gates, states,
// parameters, gradients in and out); the others are temporary. An instruction reads up to three
// registers and writes one.
#pragma once

#include <cstdint>

namespace varlen::rnn {

enum class Op : std::int32_t {
  kCopy,       // a
  kFill,       // constant
  kAdd,        // a + b
  kSubtract,   // a - b
  kMultiply,   // a * b
  kDivide,     // a / b
  kAddScalar,  // a + constant
  kScale,      // a * constant
  kReverse,    // constant - a
  kNegate,     // -a
  kSigmoid,
  kTanh,
  kExp,
  kRelu,       // max(a, 0), NaN stays
  kAbs,
  kSign,       // -1, 0 or 1
  kMinimum,    // min(a, constant)
  kMaximum,    // max(a, constant)
  kGreater,    // a > constant, as 1 or 0
  kGreaterEqual,
  kLess,
  kLessEqual,
  kSelect,     // b where a is not 0, else c
  kAnd,        // a * b for ones and zeros
  kInverseRoot,  // 1 / sqrt(a)
  kExpMinusOne,  // e^a - 1
  kLog,
  kLogOnePlus,   // log(1 + a)
  kRowSum,       // the sum of a over all units of its row, for each unit
  kAccumulate, // target + a
  kCount
};

struct Instruction {
  std::int32_t op, target, a, b, c;
  double constant;
};

// Registers [0, num_inputs) are read, [num_inputs, num_inputs + num_outputs) are written and may be
// read after that, and num_temporaries more lie behind them.
struct Program {
  const Instruction* instructions;
  std::int32_t num_instructions;
  std::int32_t num_inputs;
  std::int32_t num_outputs;
  std::int32_t num_temporaries;

  // Whether it reads whole rows, so that tiles of some units will not do.
  bool reduces() const {
    for (std::int32_t i = 0; i < num_instructions; ++i)
      if (instructions[i].op == static_cast<std::int32_t>(Op::kRowSum)) return true;
    return false;
  }
};

// Of a step's two programs, of which the second may be missing.
inline bool either_reduces(const Program& first, const Program* second) {
  return first.reduces() || (second && second->reduces());
}

}  // namespace varlen::rnn
