// What the loops are given: sizes, programs, weights, and where everything lies. No code.
//
// Jagged arrays hold all real steps, row after row of the batch, each row padded to whole vectors of every
// instruction set (multiples of kVector numbers). Arrays of the caller (inputs, outputs, states of the batch,
// and their gradients) have rows of their true width, wherever `Sequences::places` says.
//
// A step of a cell is
//   gates    = bias + inputs @ input weights + state @ recurrent weights, whichever feed it
//   program  : gates, states, parameters, noise -> next states, output, operand
// and, if the cell has a second product,
//   product  = operand @ second weights
//   program  : the same and the product -> the next states and output that the first one left open
#pragma once

#include <cstddef>
#include <cstdint>

#include "rnn/program.h"

namespace varlen::rnn {

constexpr int kVector = 16;

constexpr int padded(int width) { return (width + kVector - 1) / kVector * kVector; }

// A matrix anywhere in memory.
template <class Real>
struct Matrix {
  const Real* data;
  std::ptrdiff_t row_stride, column_stride;
  int num_rows, num_columns;
};

// Weights as a product reads them: packed, or, with a row stride, as they are.
template <class Real>
struct Weights {
  const Real* data;
  std::ptrdiff_t row_stride;
};

struct Sequences {
  const std::int32_t* by_length;  // those with a step, the longest first
  std::int64_t count;
  const std::int64_t* lengths;
  const std::int64_t* starts;
  const std::int64_t* places;  // of the steps, in jagged order: their rows in arrays of the caller
  bool reverse;

  std::int64_t step(std::int32_t sequence, std::int64_t taken) const {
    return starts[sequence] + (reverse ? lengths[sequence] - 1 - taken : taken);
  }
};

struct StateShape {
  std::int32_t true_units;
  std::int32_t units;  // padded
};

struct Shape {
  std::int32_t num_gates, num_recurrent, num_states, num_parameters, num_noises;
  std::int32_t true_units, units;  // of a gate
  std::int32_t second_true_units, second_units;  // of the second product; 0: there is none
  const StateShape* states;
  std::int32_t product_state;  // which one goes into the recurrent product
  std::int32_t output_true_units, output_units;
  std::int32_t output_state;  // which one is the output; -1: none is
};

// Registers of the forward programs, in this order; a program does not use all of them.
//   in : gates, states, parameters, noise, the product   out: next states, the output, the operand
template <class Real>
struct Forward {
  Shape shape;
  const Program* program;
  const Program* second_program;
  const Real* inputs;                   // rows of `input_size`
  std::int32_t input_size;
  const Weights<Real>* input;           // per gate, [input_size, units]; no data: the inputs do not feed it
  const Weights<Real>* recurrent;       // per gate, [product state, units]
  Weights<Real> second;                 // [true_units, second_units]
  const Real* const* bias;              // [units] per gate
  const Real* const* parameters;        // [units] each
  const Real* const* noises;            // jagged, [steps, units] each
  const Real* const* const* initial_states;  // each a row of true units per sequence
  Real* const* final_states;            // [batch, true units] each; null: not wanted
  Real* const* states;                  // jagged each; null: not kept
  Real* outputs;                        // null: not wanted
  Real* gates;                          // jagged [steps, gates, units]; null: not kept
  Real* operands;                       // jagged [steps, units]; null: not kept
  Real* products;                       // jagged [steps, second units]; null: not kept
};

// Registers of the backward programs.
//   in : gates, states, parameters, noise, the product, gradients of output, next states and operand
//   out: gradients of gates, states and parameters (added), none of noise, and of the product
template <class Real>
struct Backward {
  Shape shape;
  const Program* program;
  const Program* second_program;
  const Weights<Real>* recurrent;       // per gate, transposed: [true_units, product state]
  Weights<Real> second;                 // transposed: [second_true_units, units]
  const Real* const* parameters;
  const Real* const* noises;
  const Real* const* const* initial_states;
  Real* const* states;
  const Real* output_gradients;         // null: zero
  bool output_gradients_placed;         // as arrays of the caller; else one row per step
  const Real* const* final_gradients;   // [batch, true units] each; null: zero
  Real* const* initial_gradients;       // [batch, true units] each
  Real* gates;                          // in: the gates; out: their gradients
  const Real* products;
  Real* product_gradients;              // jagged, as the products
  Real* const* parameter_gradients;     // [batch, units] each, zero at the beginning
};

// Terms of a row that take part in a product.
struct RowBlock {
  int offset, num_terms;
};

// Many rows times weights; each row of the result begins with `bias`.
template <class Real>
struct RowsProduct {
  const Real* const* rows;
  std::int64_t num_rows;
  const RowBlock* blocks;
  int num_blocks;
  int num_terms;                  // of all blocks
  Weights<Real> weights;          // [num_terms, num_columns]
  int num_columns, true_columns;  // the true ones are written
  const Real* bias;               // [num_columns]
  Real* const* results;
};

// Factors of all steps, to be multiplied with their gradients.
template <class Real>
struct Factors {
  const Real* const* rows;  // per step
  int count;
  Real* results;            // [count, columns], rows `stride` apart
  std::ptrdiff_t stride;
};

// The sum over all steps of each factor times each gradient, for up to three sets of factors.
template <class Real>
struct OuterProduct {
  Factors<Real> sets[3];
  int num_sets;
  const Real* gradients;           // a row per step, `stride` apart
  std::ptrdiff_t stride;
  std::int64_t num_steps;
  int num_columns, true_columns;   // of the gradients

  int num_factors() const {
    int sum = 0;
    for (int i = 0; i < num_sets; ++i) sum += sets[i].count;
    return sum;
  }
};

// How sequences are dealt to teams: to begin with in turn, so that each has long and short ones, then to
// whoever has a slot free.
struct Deal {
  int first;  // this team's number
  int num_teams;
  int num_slots;
  std::int64_t* next;  // of all teams: the first sequence that nobody has
};

// A loop over all steps, shared by the members of a team.
class Loop {
 public:
  virtual ~Loop();
  virtual void run(int member) = 0;
};

}  // namespace varlen::rnn
