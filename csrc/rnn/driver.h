// A whole unroll, forward or backward: packs the weights, makes the large products, runs the loops.
#pragma once

#include <vector>

#include "rnn/batch.h"
#include "rnn/cell.h"
#include "rnn/isa.h"
#include "rnn/tasks.h"
#include "rnn/teams.h"
#include "rnn/workspace.h"

namespace varlen::rnn {

// What the steps leave for the gradient. Jagged; without data where nothing is kept.
template <class Real>
struct Saved {
  Real* gates;                // [steps, gates, padded units]
  std::vector<Real*> states;  // [steps, padded units] each
  Real* operands;             // [steps, padded units]
  Real* products;             // [steps, padded second units]
};

template <class Real>
struct WeightGradients {
  Real* input;      // as the weights, but contiguous
  Real* recurrent;
  Real* second;
  Real* bias;       // null: not wanted
  std::vector<Real*> vectors;
};

template <class Real>
class Driver {
 public:
  Driver(const Kernels<Real>& kernels, const Crew& crew, const Batch& batch, const Cell& cell,
         const CellWeights<Real>& weights, const Real* inputs)
      : kernels_(kernels),
        crew_(is_small(batch, cell, weights) ? Crew(nullptr, 1) : crew),
        batch_(batch),
        cell_(cell),
        weights_(weights),
        inputs_(inputs),
        ranges_(gate_ranges(cell)),
        units_(padded(cell.units)),
        gate_width_(std::int64_t{cell.all_gates()} * units_) {
    for (const int units : cell.state_units) states_.push_back({units, padded(units)});
    shape_ = {cell.all_gates(),
              cell.gates_of_state(),
              static_cast<std::int32_t>(states_.size()),
              cell.num_vectors,
              cell.num_noises,
              cell.units,
              units_,
              cell.second_units,
              padded(cell.second_units),
              states_.data(),
              cell.product_state,
              cell.output_units,
              padded(cell.output_units),
              cell.output_state};
    for (const Real* vector : weights.vectors) vectors_.push_back(widened(vector, cell.units));
    for (int gate = 0; gate < cell.all_gates(); ++gate)
      biases_.push_back(weights.bias ? widened(weights.bias + gate * cell.units, cell.units)
                                     : zeros());
  }

  // Outputs have a row for each row of the batch's arrays, zero where that is no step. Of `saved`, what has
  // data is kept.
  void forward(const std::vector<const Real*>& initial_states,
               const std::vector<Real*>& final_states, Real* outputs, const Saved<Real>& saved) {
    hand_through(initial_states, final_states);
    add_zeros(outputs, cell_.output_units);
    const StepWeights weights = pack_step();
    tasks_.run(crew_);
    run_forward(batch_, weights, state_rows(initial_states), final_states.data(),
                saved.states.data(), outputs, saved);
  }

  // `saved.gates` become their gradients; without data they are computed again first, with operands and
  // products. `output_gradients`, `input_gradients` and each of `final_gradients` may be null.
  void backward(const std::vector<const Real*>& initial_states, const Real* output_gradients,
                bool output_gradients_placed, const std::vector<const Real*>& final_gradients,
                const std::vector<Real*>& initial_gradients, Saved<Real> saved,
                Real* input_gradients, const WeightGradients<Real>& gradients) {
    const StateRows initial_rows = state_rows(initial_states);
    StateRows before;
    for (std::size_t s = 0; s < states_.size(); ++s)
      before.push_back(
          batch_.rows_before<Real>(saved.states[s], states_[s].units, initial_rows[s].data()));
    hand_through(final_gradients, initial_gradients);
    add_zeros(input_gradients, weights_.input.num_rows);
    std::vector<Weights<Real>> recurrent;
    for (int gate = 0; gate < shape_.num_recurrent; ++gate)
      recurrent.push_back(pack(weights_.recurrent, gate * cell_.units, cell_.units, true));
    const Weights<Real> second = pack(weights_.second, 0, cell_.second_units, true);
    Weights<Real> input{};
    if (input_gradients)
      input = pack(weights_.input, 0, cell_.gates_of_inputs() * cell_.units, true);
    Recomputed again;
    if (!saved.gates) again = recompute(before, saved);
    tasks_.run(crew_);

    const Workspace<Real> product_gradients(batch_.num_steps() * shape_.second_units);
    std::vector<Workspace<Real>> by_sequence;
    std::vector<Real*> vector_gradients;
    for (int i = 0; i < cell_.num_vectors; ++i) {
      by_sequence.push_back(Workspace<Real>::zeros(batch_.size() * units_));
      vector_gradients.push_back(by_sequence.back().data());
    }
    const auto rows = pointers(initial_rows);
    const Backward<Real> unroll{shape_,
                                cell_.backward,
                                cell_.second_backward,
                                recurrent.data(),
                                second,
                                vectors_.data(),
                                weights_.noises.data(),
                                rows.data(),
                                saved.states.data(),
                                output_gradients,
                                output_gradients_placed,
                                final_gradients.data(),
                                initial_gradients.data(),
                                saved.gates,
                                saved.products,
                                product_gradients.data(),
                                vector_gradients.data()};
    const Sequences sequences = batch_.sequences();
    Teams(crew_, batch_).run(loop_bytes(), units_to_share(), [&](const Deal& deal, int team) {
      return kernels_.backward(unroll, sequences, deal, team);
    });
    for (int i = 0; i < cell_.num_vectors; ++i)
      sum_rows(vector_gradients[i], gradients.vectors[i]);

    if (input_gradients) add_input_gradients(input, saved.gates, input_gradients);
    const std::vector<const Real*> input_rows = batch_.rows(inputs_, weights_.input.num_rows);
    add_weight_gradients(input_rows, before[cell_.product_state], saved.gates, gradients);
    std::vector<const Real*> operands;
    if (cell_.second_units) {
      for (std::int64_t step = 0; step < batch_.num_steps(); ++step)
        operands.push_back(saved.operands + step * units_);
      add_outer({{{operands.data(), cell_.units, gradients.second, cell_.second_units}},
                 1,
                 product_gradients.data(),
                 shape_.second_units,
                 batch_.num_steps(),
                 shape_.second_units,
                 cell_.second_units});
    }
    tasks_.run(crew_);
  }

 private:
  static constexpr int kRowBlock = 48;      // rows of a large product that read the weights together
  static constexpr int kTasksPerThread = 4;
  static constexpr std::int64_t kSmallProducts = 2 << 20;

  // Whether to start other threads would take longer than to do without them.
  static bool is_small(const Batch& batch, const Cell& cell, const CellWeights<Real>& weights) {
    const std::int64_t terms = weights.input.num_rows + weights.recurrent.num_rows;
    return batch.num_steps() * terms * cell.all_gates() * cell.units < kSmallProducts;
  }

  // By state: a row per sequence or step.
  using StateRows = std::vector<std::vector<const Real*>>;

  struct StepWeights {
    std::vector<Weights<Real>> input;      // per gate; no data: the inputs do not feed it
    std::vector<Weights<Real>> recurrent;  // per gate that the state feeds
    Weights<Real> second;
  };

  struct Recomputed {
    Workspace<Real> gates, operands, products;
  };

  Real* widened(const Real* vector, int width) {
    room_.push_back(Workspace<Real>::zeros(padded(width)));
    std::memcpy(room_.back().data(), vector, sizeof(Real) * static_cast<std::size_t>(width));
    return room_.back().data();
  }

  // At least as wide as any row.
  const Real* zeros() {
    if (!zeros_.data())
      zeros_ = Workspace<Real>::zeros(
          std::max<std::int64_t>(gate_width_, padded(weights_.input.num_rows)));
    return zeros_.data();
  }

  StateRows state_rows(const std::vector<const Real*>& states) const {
    StateRows rows(states_.size());
    for (std::size_t s = 0; s < states_.size(); ++s)
      for (std::int64_t b = 0; b < batch_.size(); ++b)
        rows[s].push_back(states[s] + b * states_[s].true_units);
    return rows;
  }

  static std::vector<const Real* const*> pointers(const StateRows& rows) {
    std::vector<const Real* const*> found;
    for (const auto& each : rows) found.push_back(each.data());
    return found;
  }

  StepWeights pack_step() {
    StepWeights weights;
    for (int gate = 0; gate < shape_.num_gates; ++gate) {
      const int place = cell_.input_place(gate);
      weights.input.push_back(
          place < 0 ? Weights<Real>{}
                    : pack(weights_.input, place * cell_.units, cell_.units, false));
    }
    for (int gate = 0; gate < shape_.num_recurrent; ++gate)
      weights.recurrent.push_back(pack(weights_.recurrent, gate * cell_.units, cell_.units, false));
    weights.second = pack(weights_.second, 0, cell_.second_units, false);
    return weights;
  }

  void run_forward(const Batch& batch, const StepWeights& weights, const StateRows& initial,
                   Real* const* final_states, Real* const* states, Real* outputs,
                   const Saved<Real>& saved) {
    const auto rows = pointers(initial);
    const Forward<Real> unroll{shape_,
                               cell_.forward,
                               cell_.second_forward,
                               inputs_,
                               weights_.input.num_rows,
                               weights.input.data(),
                               weights.recurrent.data(),
                               weights.second,
                               biases_.data(),
                               vectors_.data(),
                               weights_.noises.data(),
                               rows.data(),
                               final_states,
                               states,
                               outputs,
                               saved.gates,
                               saved.operands,
                               saved.products};
    const Sequences sequences = batch.sequences();
    Teams(crew_, batch).run(loop_bytes(), units_to_share(), [&](const Deal& deal, int team) {
      return kernels_.forward(unroll, sequences, deal, team);
    });
  }

  // Every step at once, since all states are known: what `forward` would have kept, bit for bit.
  Recomputed recompute(const StateRows& before, Saved<Real>& saved) {
    const StepWeights weights = pack_step();
    tasks_.run(crew_);
    const std::int64_t steps = batch_.num_steps();
    Recomputed again{Workspace<Real>(steps * gate_width_),
                     Workspace<Real>(cell_.second_units ? steps * units_ : 0),
                     Workspace<Real>(steps * shape_.second_units)};
    saved.gates = again.gates.data();
    if (cell_.second_units) {
      saved.operands = again.operands.data();
      saved.products = again.products.data();
    }
    const std::vector<Real*> no_states(states_.size(), nullptr);
    run_forward(batch_.single_steps(), weights, before, nullptr, no_states.data(), nullptr, saved);
    return again;
  }

  // Sequences without a step end with what they began with.
  void hand_through(const std::vector<const Real*>& from, const std::vector<Real*>& to) {
    for (std::size_t s = 0; s < states_.size(); ++s) {
      const std::int64_t units = states_[s].true_units;
      for (std::int64_t b = 0; b < batch_.size(); ++b) {
        if (batch_.lengths()[b] > 0) continue;
        for (std::int64_t u = b * units; u < (b + 1) * units; ++u)
          to[s][u] = from[s] ? from[s][u] : Real{0};
      }
    }
  }

  // Task: zeros in the rows of a caller's array that are no steps.
  void add_zeros(Real* array, std::int64_t width) {
    if (!array || batch_.num_steps() == batch_.num_rows()) return;
    if (padding_.empty()) padding_ = batch_.padding();
    const std::vector<bool>& padding = padding_;
    tasks_.add_range(batch_.num_rows(), 64, 4096, kTasksPerThread * crew_.size(),
                     [&padding, array, width](std::int64_t first, std::int64_t count) {
                       for (std::int64_t row = first; row < first + count; ++row)
                         if (padding[row])
                           std::memset(array + row * width, 0,
                                       sizeof(Real) * static_cast<std::size_t>(width));
                     });
  }

  // Task: columns [first, first + count) of a matrix, packed; or transposed, which makes them the rows.
  Weights<Real> pack(const Matrix<Real>& whole, int first, int count, bool transposed) {
    if (!whole.data) return {};
    const Real* data = whole.data + first * whole.column_stride;
    const Matrix<Real> part =
        transposed ? Matrix<Real>{data, whole.column_stride, whole.row_stride, count, whole.num_rows}
                   : Matrix<Real>{data, whole.row_stride, whole.column_stride, whole.num_rows, count};
    const int num_columns = padded(part.num_columns);
    // For very few steps, to read them as they are is cheaper than to pack them first.
    if (batch_.num_steps() <= 2 && part.column_stride == 1 && part.row_stride > 0 &&
        num_columns == part.num_columns)
      return {part.data, part.row_stride};
    room_.emplace_back(std::size_t{1} * part.num_rows * num_columns);
    Real* packed = room_.back().data();
    for (int column = 0; column < num_columns; column += kernels_.panel)
      tasks_.add([this, part, num_columns, column, packed] {
        kernels_.pack_panel(part, num_columns, column, packed);
      });
    return {packed, 0};
  }

  void add_rows(const RowsProduct<Real>& product) {
    tasks_.add_range(product.num_rows, 6, kRowBlock, kTasksPerThread * crew_.size(),
                     [this, product](std::int64_t first, std::int64_t count) {
                       kernels_.multiply_rows(product, first, count);
                     });
  }

  void add_input_gradients(const Weights<Real>& transposed, const Real* gate_gradients,
                           Real* input_gradients) {
    if (cell_.gates_of_inputs() == 0) {
      std::memset(input_gradients, 0,
                  sizeof(Real) * static_cast<std::size_t>(batch_.num_rows() * weights_.input.num_rows));
      return;
    }
    for (std::int64_t step = 0; step < batch_.num_steps(); ++step)
      gate_rows_.push_back(gate_gradients + step * gate_width_);
    for (const GateRange& range : ranges_)
      if (range.input_gate >= 0) blocks_.push_back({range.first * units_, range.count * cell_.units});
    result_rows_ = batch_.rows(input_gradients, weights_.input.num_rows);
    const int width = weights_.input.num_rows;
    add_rows({gate_rows_.data(), batch_.num_steps(), blocks_.data(), static_cast<int>(blocks_.size()),
              cell_.gates_of_inputs() * cell_.units, transposed, padded(width), width, zeros(),
              result_rows_.data()});
  }

  void add_weight_gradients(const std::vector<const Real*>& input_rows,
                            const std::vector<const Real*>& before, const Real* gate_gradients,
                            const WeightGradients<Real>& gradients) {
    const int input_columns = cell_.gates_of_inputs() * cell_.units;
    const int state_columns = cell_.gates_of_state() * cell_.units;
    ones_.assign(batch_.num_steps(), &one_);
    for (const GateRange& range : ranges_) {
      OuterProduct<Real> product{{},
                                 0,
                                 gate_gradients + range.first * units_,
                                 gate_width_,
                                 batch_.num_steps(),
                                 range.count * units_,
                                 range.count * cell_.units};
      const auto with = [&](const std::vector<const Real*>& rows, int count, Real* results,
                            std::ptrdiff_t stride) {
        product.sets[product.num_sets++] = {rows.data(), count, results, stride};
      };
      if (range.input_gate >= 0)
        with(input_rows, weights_.input.num_rows,
             gradients.input + range.input_gate * cell_.units, input_columns);
      if (range.state_gate >= 0)
        with(before, weights_.recurrent.num_rows,
             gradients.recurrent + range.state_gate * cell_.units, state_columns);
      if (gradients.bias) with(ones_, 1, gradients.bias + range.first * cell_.units, 0);
      add_outer(product);
    }
  }

  void add_outer(const OuterProduct<Real>& product) {
    const int num_panels = (product.num_columns + kernels_.panel - 1) / kernels_.panel;
    const int wanted = (kTasksPerThread * crew_.size() + num_panels - 1) / num_panels;
    for (int column = 0; column < product.num_columns; column += kernels_.panel)
      tasks_.add_range(product.num_factors(), 6, product.num_factors(), wanted,
                       [this, product, column](std::int64_t first, std::int64_t count) {
                         kernels_.multiply_outer(product, column, static_cast<int>(first),
                                                 static_cast<int>(count));
                       });
  }

  void sum_rows(const Real* rows, Real* sums) const {
    for (int u = 0; u < cell_.units; ++u) {
      sums[u] = 0;
      for (std::int64_t b = 0; b < batch_.size(); ++b) sums[u] += rows[b * units_ + u];
    }
  }

  // What the loops read of the weights at every step.
  std::int64_t loop_bytes() const {
    return static_cast<std::int64_t>(sizeof(Real)) *
           (std::int64_t{shape_.num_recurrent} * weights_.recurrent.num_rows * cell_.units +
            std::int64_t{cell_.units} * cell_.second_units);
  }

  // Rows that a program sums cannot be shared out.
  int units_to_share() const {
    const bool whole = either_reduces(*cell_.forward, cell_.second_forward) ||
                       either_reduces(*cell_.backward, cell_.second_backward);
    return whole ? 0 : cell_.units;
  }

  const Kernels<Real>& kernels_;
  const Crew crew_;
  const Batch& batch_;
  const Cell& cell_;
  const CellWeights<Real>& weights_;
  const Real* inputs_;
  const std::vector<GateRange> ranges_;
  const int units_;
  const std::int64_t gate_width_;
  std::vector<StateShape> states_;
  Shape shape_;
  std::vector<Workspace<Real>> room_;  // of packed weights and the like
  std::vector<const Real*> vectors_, biases_;
  Workspace<Real> zeros_;
  std::vector<bool> padding_;
  Tasks tasks_;
  // What tasks of the gradients read.
  const Real one_ = 1;
  std::vector<const Real*> ones_, gate_rows_;
  std::vector<Real*> result_rows_;
  std::vector<RowBlock> blocks_;
};

}  // namespace varlen::rnn
