// What one unroll and its gradient are given, at random, and how they are run.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "rnn/driver.h"
#include "tests/rnn_cells.h"

namespace varlen::check {

enum class Layout { kPadded, kTimeMajor, kPacked, kJagged };

// Where the steps of a batch lie.
struct Table {
  std::vector<std::int64_t> lengths, bases, offsets;
  std::int64_t num_rows = 0;

  Table(std::vector<std::int64_t> of, Layout layout) : lengths(std::move(of)) {
    const auto size = static_cast<std::int64_t>(lengths.size());
    std::int64_t longest = 0, sum = 0;
    for (const std::int64_t length : lengths) longest = std::max(longest, length);
    const std::int64_t steps = longest + (layout <= Layout::kTimeMajor ? 2 : 0);
    for (std::int64_t b = 0; b < size; ++b) {
      std::int64_t longer = 0;  // sequences before this one, if the longest comes first
      for (std::int64_t other = 0; other < size; ++other)
        longer += lengths[other] > lengths[b] || (lengths[other] == lengths[b] && other < b);
      bases.push_back(layout == Layout::kPadded      ? b * steps
                      : layout == Layout::kTimeMajor ? b
                      : layout == Layout::kPacked    ? longer
                                                     : sum);
      sum += lengths[b];
    }
    for (std::int64_t t = 0; t < steps; ++t) {
      std::int64_t before = 0;  // steps of all sequences before this time
      for (const std::int64_t length : lengths) before += std::min(length, t);
      offsets.push_back(layout == Layout::kTimeMajor ? t * size
                        : layout == Layout::kPacked  ? before
                                                     : t);
    }
    num_rows = layout <= Layout::kTimeMajor ? size * steps : sum;
  }

  std::int64_t place(std::int64_t b, std::int64_t t) const { return bases[b] + offsets[t]; }
  // Its first step among all steps, sequence after sequence.
  std::int64_t start(std::int64_t b) const {
    return std::accumulate(lengths.begin(), lengths.begin() + b, std::int64_t{0});
  }
};

template <class Real>
using Arrays = std::map<std::string, std::vector<Real>>;

// Numbers in [-1, 1], always the same ones.
class Numbers {
 public:
  template <class Real>
  std::vector<Real> take(std::size_t count, double scale = 1) {
    std::vector<Real> numbers;
    for (std::size_t i = 0; i < count; ++i) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      const auto top = static_cast<double>(state_ >> 11) / static_cast<double>(1ull << 52);
      numbers.push_back(static_cast<Real>(scale * (top - 1)));
    }
    return numbers;
  }

 private:
  std::uint64_t state_ = 7;
};

struct Options {
  bool reverse = false;
  bool with_bias = true;
  bool transposed = false;       // the weights are
  bool with_output_gradients = true, output_gradients_placed = true;
  bool with_final_gradients = true;
  bool with_input_gradients = true;
};

template <class Real>
struct Problem {
  const CheckedCell& cell;
  Table table;
  Options options;
  int input_size;
  // Matrices are contiguous; or their transposes are.
  std::vector<Real> input, recurrent, second, bias;
  std::vector<std::vector<Real>> vectors, initial_states, final_gradients;
  std::vector<std::vector<Real>> noises;  // NaN behind the units
  std::vector<Real> inputs, output_gradients;  // by place, NaN in the padding

  Problem(const CheckedCell& of, const Table& where, const Options& how, int inputs_width)
      : cell(of), table(where), options(how), input_size(inputs_width) {
    Numbers numbers;
    const rnn::Cell& c = cell.get();
    const auto matrix = [&](int rows, int columns) {
      return numbers.take<Real>(std::size_t{1} * rows * columns, 1 / std::sqrt(rows));
    };
    input = matrix(input_size, c.gates_of_inputs() * c.units);
    recurrent = matrix(c.state_units[c.product_state], c.gates_of_state() * c.units);
    second = matrix(c.units, c.second_units);
    bias = numbers.take<Real>(options.with_bias ? c.all_gates() * c.units : 0);
    for (int i = 0; i < c.num_vectors; ++i) vectors.push_back(numbers.take<Real>(c.units, 0.2));
    for (int i = 0; i < c.num_noises; ++i) noises.push_back(noise(numbers, c.units));
    for (const int units : c.state_units) {
      initial_states.push_back(numbers.take<Real>(table.lengths.size() * units));
      final_gradients.push_back(numbers.take<Real>(table.lengths.size() * units));
    }
    inputs = rows(numbers, input_size);
    output_gradients = rows(numbers, c.output_units);
  }

  rnn::Matrix<Real> matrix(const std::vector<Real>& numbers, int rows, int columns) const {
    if (options.transposed) return {numbers.data(), 1, rows, rows, columns};
    return {numbers.data(), columns, 1, rows, columns};
  }
  rnn::Matrix<Real> input_matrix() const {
    return matrix(input, input_size, cell.get().gates_of_inputs() * cell.get().units);
  }
  rnn::Matrix<Real> recurrent_matrix() const {
    const rnn::Cell& c = cell.get();
    return matrix(recurrent, c.state_units[c.product_state], c.gates_of_state() * c.units);
  }
  rnn::Matrix<Real> second_matrix() const {
    if (cell.get().second_units == 0) return {};
    return matrix(second, cell.get().units, cell.get().second_units);
  }

  static std::vector<Real> poison(std::int64_t count) {
    return std::vector<Real>(count, std::numeric_limits<Real>::quiet_NaN());
  }

 private:
  std::vector<Real> noise(Numbers& numbers, int units) const {
    std::vector<Real> all;
    for (const std::int64_t length : table.lengths)
      for (std::int64_t t = 0; t < length; ++t) {
        std::vector<Real> row = numbers.take<Real>(units);
        row.resize(rnn::padded(units), std::numeric_limits<Real>::quiet_NaN());
        all.insert(all.end(), row.begin(), row.end());
      }
    return all;
  }

  std::vector<Real> rows(Numbers& numbers, int width) const {
    std::vector<Real> all = poison(table.num_rows * width);
    for (std::size_t b = 0; b < table.lengths.size(); ++b)
      for (std::int64_t t = 0; t < table.lengths[b]; ++t) {
        const std::vector<Real> row = numbers.take<Real>(width);
        std::copy(row.begin(), row.end(), all.begin() + table.place(b, t) * width);
      }
    return all;
  }
};

template <class T, class Real>
std::vector<T*> addresses(std::vector<std::vector<Real>>& of) {
  std::vector<T*> found;
  for (auto& each : of) found.push_back(each.data());
  return found;
}

// Values and gradients, by name. All memory that the driver gets holds NaN before it writes.
template <class Real>
Arrays<Real> run(Problem<Real> p, const rnn::Kernels<Real>& kernels, const rnn::Crew& crew,
                 bool recompute) {
  const auto poison = Problem<Real>::poison;
  const rnn::Cell& c = p.cell.get();
  const auto size = static_cast<std::int64_t>(p.table.lengths.size());
  const rnn::Batch batch(p.table.lengths.data(), size, p.table.bases.data(),
                         p.table.offsets.data(), p.table.num_rows, p.options.reverse);
  const rnn::CellWeights<Real> weights{p.input_matrix(), p.recurrent_matrix(), p.second_matrix(),
                                       p.options.with_bias ? p.bias.data() : nullptr,
                                       addresses<const Real>(p.vectors),
                                       addresses<const Real>(p.noises)};
  const auto initial = addresses<const Real>(p.initial_states);
  const std::int64_t steps = batch.num_steps(), units = rnn::padded(c.units);
  std::vector<std::vector<Real>> states, final_states, initial_gradients, vector_gradients;
  for (const int width : c.state_units) {
    states.push_back(poison(steps * rnn::padded(width)));
    final_states.push_back(poison(size * width));
    initial_gradients.push_back(poison(size * width));
  }
  for (int i = 0; i < c.num_vectors; ++i) vector_gradients.push_back(poison(c.units));
  const bool keep = !recompute, keep_second = keep && c.second_units > 0;
  auto gates = poison(keep ? steps * c.all_gates() * units : 0);
  auto operands = poison(keep_second ? steps * units : 0);
  auto products = poison(keep_second ? steps * rnn::padded(c.second_units) : 0);
  // Kept or not, and not whether there is a step, says whether there is an address.
  Real none;
  const auto address = [&](bool kept, std::vector<Real>& of) {
    return !kept ? nullptr : of.empty() ? &none : of.data();
  };
  const rnn::Saved<Real> saved{address(keep, gates), addresses<Real>(states),
                               address(keep_second, operands), address(keep_second, products)};
  auto outputs = poison(p.table.num_rows * c.output_units);
  rnn::Driver<Real>(kernels, crew, batch, c, weights, p.inputs.data())
      .forward(initial, addresses<Real>(final_states), outputs.data(), saved);

  // Without anything kept, values are the same.
  auto alone = poison(p.table.num_rows * c.output_units);
  std::vector<std::vector<Real>> alone_states;
  for (const int width : c.state_units) alone_states.push_back(poison(size * width));
  rnn::Driver<Real>(kernels, crew, batch, c, weights, p.inputs.data())
      .forward(initial, addresses<Real>(alone_states), alone.data(),
               {nullptr, std::vector<Real*>(c.state_units.size()), nullptr, nullptr});

  std::vector<Real> unplaced;
  for (const std::int64_t place : batch.places())
    unplaced.insert(unplaced.end(), p.output_gradients.begin() + place * c.output_units,
                    p.output_gradients.begin() + (place + 1) * c.output_units);
  auto input_gradients = poison(p.options.with_input_gradients ? p.inputs.size() : 0);
  auto of_input = poison(p.input.size()), of_recurrent = poison(p.recurrent.size());
  auto of_second = poison(p.second.size()), of_bias = poison(p.bias.size());
  auto final_gradients = addresses<const Real>(p.final_gradients);
  if (!p.options.with_final_gradients) final_gradients.assign(final_gradients.size(), nullptr);
  const Real* given = p.options.output_gradients_placed ? p.output_gradients.data() : unplaced.data();
  rnn::Driver<Real>(kernels, crew, batch, c, weights, p.inputs.data())
      .backward(initial, p.options.with_output_gradients ? given : nullptr,
                p.options.output_gradients_placed, final_gradients,
                addresses<Real>(initial_gradients), saved,
                p.options.with_input_gradients ? input_gradients.data() : nullptr,
                {of_input.data(), of_recurrent.data(), of_second.data(),
                 p.options.with_bias ? of_bias.data() : nullptr,
                 addresses<Real>(vector_gradients)});

  Arrays<Real> found{{"outputs", outputs},         {"outputs, nothing kept", alone},
                     {"d_inputs", input_gradients}, {"d_input", of_input},
                     {"d_recurrent", of_recurrent}, {"d_second", of_second},
                     {"d_bias", of_bias}};
  for (std::size_t s = 0; s < c.state_units.size(); ++s) {
    const std::string number = std::to_string(s);
    found["final " + number] = final_states[s];
    found["final " + number + ", nothing kept"] = alone_states[s];
    found["d_initial " + number] = initial_gradients[s];
  }
  for (int i = 0; i < c.num_vectors; ++i)
    found["d_vector " + std::to_string(i)] = vector_gradients[i];
  return found;
}

}  // namespace varlen::check
