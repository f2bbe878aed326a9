// A cell as the driver gets it: sizes, programs, and weights where they are.
#pragma once

#include <vector>

#include "rnn/unroll.h"

namespace varlen::rnn {

// Gates lie in the order: fed by inputs and state, by the state alone, by the inputs alone.
struct Cell {
  int num_gates, num_recurrent_gates, num_input_gates;
  int units;
  int num_vectors;
  int num_noises;  // rows of numbers that are drawn for each step
  std::vector<int> state_units;
  int product_state;
  int second_units;  // 0: there is no second product
  int output_units;
  int output_state;  // -1: none is
  const Program* forward;
  const Program* second_forward;
  const Program* backward;
  const Program* second_backward;

  int all_gates() const { return num_gates + num_recurrent_gates + num_input_gates; }
  int gates_of_state() const { return num_gates + num_recurrent_gates; }
  int gates_of_inputs() const { return num_gates + num_input_gates; }

  // A gate's place among those that the inputs feed; -1: they do not.
  int input_place(int gate) const {
    if (gate < num_gates) return gate;
    return gate < gates_of_state() ? -1 : gate - num_recurrent_gates;
  }
};

template <class Real>
struct CellWeights {
  Matrix<Real> input;      // [input size, gates of inputs * units]
  Matrix<Real> recurrent;  // [product state, gates of the state * units]
  Matrix<Real> second;     // [units, second units]; no data: there is none
  const Real* bias;        // [all gates * units]; null: zeros
  std::vector<const Real*> vectors;  // [units] each
  std::vector<const Real*> noises;   // jagged, [steps, padded units] each
};

// Gates that are alike in what feeds them, whose columns lie side by side.
struct GateRange {
  int first, count;   // among all gates
  int input_gate;     // the first one's place among the gates of the inputs; -1: these do not feed them
  int state_gate;     // likewise of the state
};

// Where the units are whole vectors, gates of one kind are one range; else each gate is one, since the
// padding behind it lies between.
inline std::vector<GateRange> gate_ranges(const Cell& cell) {
  const int both = cell.num_gates, of_state = cell.gates_of_state();
  std::vector<GateRange> ranges;
  const auto add = [&](int first, int end, int input_gate, int state_gate) {
    const int step = cell.units % kVector == 0 ? end - first : 1;
    for (int gate = first; gate < end; gate += step)
      ranges.push_back({gate, step, input_gate < 0 ? -1 : input_gate + gate - first,
                        state_gate < 0 ? -1 : state_gate + gate - first});
  };
  add(0, both, 0, 0);
  add(both, of_state, -1, both);
  add(of_state, cell.all_gates(), both, -1);
  return ranges;
}

}  // namespace varlen::rnn
