// What an unroll is given: sizes, programs, weights, and where everything lies. No code.
//
// Jagged arrays hold all real steps, row after row of the batch; `starts[b]` is where sequence b begins. All
// rows are padded to whole vectors of every instruction set (multiples of 16 floats).
//
// A step of a cell is
//   gates    = what the inputs gave + state @ recurrent weights      (for the first `num_recurrent` gates)
//   program  : gates, states, parameters -> next states, output, operand
// and, if the cell has a second product,
//   product  = operand @ second weights
//   program  : the same and the product -> the next states and output that the first one left open
#pragma once

#include <cstdint>

#include "rnn/program.h"

namespace varlen::rnn {

struct Sequences {
  const std::int32_t* by_length;  // those with a step, the longest first
  std::int64_t count;
  const std::int64_t* lengths;
  const std::int64_t* starts;
  bool reverse;

  std::int64_t step(std::int32_t sequence, std::int64_t taken) const {
    return starts[sequence] + (reverse ? lengths[sequence] - 1 - taken : taken);
  }
};

// Sizes in floats. `true_units` and `true_terms` are without the padding.
struct Shape {
  std::int32_t num_gates, num_recurrent, num_states, num_parameters;
  std::int32_t units, true_units;         // of a gate
  std::int32_t second_units;              // of the second product; 0: there is none
  std::int32_t second_true_units;
  const std::int32_t* state_units;
  std::int32_t product_state, true_terms;  // the state that goes into the product, and its width
};

// Registers of the forward programs, in this order; a program does not use all of them.
//   in : gates, states, parameters, the product        out: next states, the output, the operand
struct Forward {
  Shape shape;
  const Program* program;
  const Program* second_program;
  const float* recurrent;          // packed, gate by gate: [true_terms, units]
  const float* second;             // packed: [true_units, second_units]
  const float* projected;          // jagged [steps, blocks, units]: what the inputs gave
  std::int32_t num_blocks;
  const std::int32_t* block_of;    // per gate: its block in `projected`, or -1: it begins with a bias
  const float* bias;               // [gates, units]
  const float* const* parameters;  // [units] each
  const float* const* initial_states;  // [batch, state units] each
  float* const* final_states;          // the same
  float* const* states;                // jagged [steps, state units] each; null: not kept
  float* outputs;                      // jagged [steps, output units]; null: a state is the output
  std::int32_t output_units;
  float* gates;                        // jagged [steps, gates, units]; null: not kept
  float* operands;                     // jagged [steps, units]; null: not kept
  float* products;                     // jagged [steps, second units]; null: not kept
};

// Registers of the backward programs.
//   in : gates, states, parameters, the product, gradients of output, next states and operand
//   out: gradients of gates, states and parameters (added), and of the product
struct Backward {
  Shape shape;
  const Program* program;
  const Program* second_program;
  const float* recurrent;          // packed, gate by gate: [true_units, state units], transposed
  const float* second;             // packed: [second_true_units, units], transposed
  const float* const* parameters;
  const float* const* initial_states;
  const float* const* states;
  const float* output_gradients;   // jagged [steps, output units]; null: zero
  std::int32_t output_units;
  const float* const* final_gradients;   // [batch, state units] each; null: zero
  float* const* initial_gradients;       // [batch, state units] each
  const float* gates;
  const float* products;
  float* gate_gradients;                 // jagged, as the gates
  float* product_gradients;              // jagged, as the products
  float* const* parameter_gradients;     // [batch, units] each, zero at the beginning
};

}  // namespace varlen::rnn
