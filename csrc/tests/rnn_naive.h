// The definition: one sequence, one step, one number at a time, in float64.
//
// Gradients come from the forward programs, by the chain rule, so they know nothing of the backward ones.
#pragma once

#include <cmath>
#include <numeric>
#include <stdexcept>

#include "tests/rnn_problem.h"

namespace varlen::check {

using Row = std::vector<double>;
using Rows = std::vector<Row>;

inline double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// Programs of the checks write each register once, so that all values are there on the way back.
inline void evaluate(const rnn::Program& program, int units, Rows& at) {
  for (int n = 0; n < program.num_instructions; ++n) {
    const rnn::Instruction& i = program.instructions[n];
    for (int u = 0; u < units; ++u) {
      const double a = at[i.a][u], b = at[i.b][u];
      double& to = at[i.target][u];
      switch (static_cast<Op>(i.op)) {
        case Op::kCopy: to = a; break;
        case Op::kAdd: to = a + b; break;
        case Op::kSubtract: to = a - b; break;
        case Op::kMultiply: to = a * b; break;
        case Op::kAddScalar: to = a + i.constant; break;
        case Op::kReverse: to = i.constant - a; break;
        case Op::kSigmoid: to = sigmoid(a); break;
        case Op::kTanh: to = std::tanh(a); break;
        case Op::kInverseRoot: to = 1 / std::sqrt(a); break;
        case Op::kRowSum: to = std::accumulate(at[i.a].begin(), at[i.a].begin() + units, 0.0); break;
        default: throw std::logic_error("an operation that the checks do not know");
      }
    }
  }
}

inline void differentiate(const rnn::Program& program, int units, const Rows& at, Rows& d) {
  for (int n = program.num_instructions - 1; n >= 0; --n) {
    const rnn::Instruction& i = program.instructions[n];
    for (int u = 0; u < units; ++u) {
      const double a = at[i.a][u], b = at[i.b][u], y = at[i.target][u], dy = d[i.target][u];
      double &da = d[i.a][u], &db = d[i.b][u];
      switch (static_cast<Op>(i.op)) {
        case Op::kCopy:
        case Op::kAddScalar: da += dy; break;
        case Op::kAdd: da += dy, db += dy; break;
        case Op::kSubtract: da += dy, db -= dy; break;
        case Op::kMultiply: da += dy * b, db += dy * a; break;
        case Op::kReverse: da -= dy; break;
        case Op::kSigmoid: da += dy * y * (1 - y); break;
        case Op::kTanh: da += dy * (1 - y * y); break;
        case Op::kInverseRoot: da -= dy * y * y * y / 2; break;
        case Op::kRowSum:
          for (int v = 0; v < units; ++v) d[i.a][v] += dy;
          break;
        default: throw std::logic_error("an operation that the checks do not know");
      }
    }
  }
}

template <class Real>
class Naive {
 public:
  explicit Naive(const Problem<Real>& problem)
      : p_(problem), c_(p_.cell.get()), n_(p_.cell.names()), input_(p_.input_matrix()),
        recurrent_(p_.recurrent_matrix()), second_(p_.second_matrix()) {
    outputs_.resize(p_.table.num_rows * c_.output_units);
    d_inputs_.resize(p_.options.with_input_gradients ? p_.inputs.size() : 0);
    d_input_.resize(p_.input.size());
    d_recurrent_.resize(p_.recurrent.size());
    d_second_.resize(p_.second.size());
    d_bias_.resize(p_.bias.size());
    for (int i = 0; i < c_.num_vectors; ++i) found_[numbered("d_vector ", i)].resize(c_.units);
    for (int s = 0; s < n_.num_states; ++s) {
      found_[numbered("final ", s)].resize(p_.initial_states[s].size());
      found_[numbered("d_initial ", s)].resize(p_.initial_states[s].size());
    }
    for (std::size_t b = 0; b < p_.table.lengths.size(); ++b) unroll(b);
    found_["outputs, nothing kept"] = outputs_;
    for (int s = 0; s < n_.num_states; ++s)
      found_[numbered("final ", s) + ", nothing kept"] = found_[numbered("final ", s)];
  }

  const Arrays<double>& found() const { return found_; }

 private:
  static std::string numbered(const char* name, int i) { return name + std::to_string(i); }

  static double at(const rnn::Matrix<Real>& matrix, int row, int column) {
    return matrix.data[row * matrix.row_stride + column * matrix.column_stride];
  }

  void unroll(std::size_t b) {
    const std::int64_t length = p_.table.lengths[b];
    std::vector<Rows> steps;  // the registers of each
    Rows states(n_.num_states), d_states(n_.num_states);
    for (int s = 0; s < n_.num_states; ++s)
      for (int u = 0; u < c_.state_units[s]; ++u) {
        states[s].push_back(p_.initial_states[s][b * c_.state_units[s] + u]);
        d_states[s].push_back(
            p_.options.with_final_gradients ? p_.final_gradients[s][b * c_.state_units[s] + u] : 0);
      }
    const std::int64_t start = p_.table.start(b);
    const auto time = [&](std::int64_t taken) {
      return p_.options.reverse ? length - 1 - taken : taken;
    };
    const auto place = [&](std::int64_t taken) { return p_.table.place(b, time(taken)); };
    for (std::int64_t taken = 0; taken < length; ++taken)
      steps.push_back(step(states, place(taken), start + time(taken)));
    write("final ", b, states);
    for (std::int64_t taken = length - 1; taken >= 0; --taken)
      step_back(steps[taken], d_states, place(taken));
    write("d_initial ", b, d_states);
  }

  void write(const char* name, std::size_t b, const Rows& states) {
    for (int s = 0; s < n_.num_states; ++s)
      std::copy(states[s].begin(), states[s].end(),
                found_[numbered(name, s)].begin() + b * c_.state_units[s]);
  }

  Rows registers() const {
    int temporaries = c_.forward->num_temporaries;
    if (c_.second_units)
      temporaries = std::max(temporaries, c_.second_forward->num_temporaries);
    return Rows(n_.operand() + 1 + temporaries, Row(std::max(c_.units, c_.second_units)));
  }

  int input_gate(int gate) const {
    return gate < c_.num_gates ? gate : gate < c_.gates_of_state() ? -1 : gate - c_.num_recurrent_gates;
  }
  int output_register() const {
    return c_.output_state < 0 ? n_.output() : n_.next(c_.output_state);
  }

  Rows step(Rows& states, std::int64_t place, std::int64_t number) {
    Rows r = registers();
    for (int gate = 0; gate < n_.num_gates; ++gate)
      for (int u = 0; u < c_.units; ++u) {
        double sum = p_.options.with_bias ? p_.bias[gate * c_.units + u] : 0;
        if (input_gate(gate) >= 0)
          for (int k = 0; k < p_.input_size; ++k)
            sum += p_.inputs[place * p_.input_size + k] *
                   at(input_, k, input_gate(gate) * c_.units + u);
        if (gate < c_.gates_of_state())
          for (int k = 0; k < recurrent_.num_rows; ++k)
            sum += states[c_.product_state][k] * at(recurrent_, k, gate * c_.units + u);
        r[n_.gate(gate)][u] = sum;
      }
    for (int s = 0; s < n_.num_states; ++s)
      std::copy(states[s].begin(), states[s].end(), r[n_.state(s)].begin());
    for (int i = 0; i < c_.num_vectors; ++i)
      std::copy(p_.vectors[i].begin(), p_.vectors[i].end(), r[n_.vector(i)].begin());
    for (int i = 0; i < c_.num_noises; ++i)
      std::copy_n(p_.noises[i].begin() + number * rnn::padded(c_.units), c_.units,
                  r[n_.noise(i)].begin());
    evaluate(*c_.forward, c_.units, r);
    for (int m = 0; m < c_.second_units; ++m)
      for (int u = 0; u < c_.units; ++u)
        r[n_.product()][m] += r[n_.operand()][u] * at(second_, u, m);
    Rows all = r;
    if (c_.second_units) evaluate(*c_.second_forward, c_.second_units, all);
    for (int s = 0; s < n_.num_states; ++s)
      states[s].assign(all[n_.next(s)].begin(), all[n_.next(s)].begin() + c_.state_units[s]);
    for (int u = 0; u < c_.output_units; ++u)
      outputs_[place * c_.output_units + u] = all[output_register()][u];
    return r;
  }

  void step_back(const Rows& r, Rows& d_states, std::int64_t place) {
    Rows d = registers();
    for (int s = 0; s < n_.num_states; ++s)
      std::copy(d_states[s].begin(), d_states[s].end(), d[n_.next(s)].begin());
    if (p_.options.with_output_gradients)
      for (int u = 0; u < c_.output_units; ++u)
        d[output_register()][u] += p_.output_gradients[place * c_.output_units + u];
    if (c_.second_units) second_back(r, d);
    differentiate(*c_.forward, c_.units, r, d);
    for (int s = 0; s < n_.num_states; ++s)
      for (int u = 0; u < c_.state_units[s]; ++u) d_states[s][u] = d[n_.state(s)][u];
    for (int i = 0; i < c_.num_vectors; ++i)
      for (int u = 0; u < c_.units; ++u) found_[numbered("d_vector ", i)][u] += d[n_.vector(i)][u];
    const Row& before = r[n_.state(c_.product_state)];
    for (int gate = 0; gate < n_.num_gates; ++gate)
      for (int u = 0; u < c_.units; ++u) {
        const double gradient = d[n_.gate(gate)][u];
        if (p_.options.with_bias) d_bias_[gate * c_.units + u] += gradient;
        if (input_gate(gate) >= 0) input_back(input_gate(gate) * c_.units + u, gradient, place);
        if (gate >= c_.gates_of_state()) continue;
        const int column = gate * c_.units + u;
        for (int k = 0; k < recurrent_.num_rows; ++k) {
          d_recurrent_[k * recurrent_.num_columns + column] += before[k] * gradient;
          d_states[c_.product_state][k] += at(recurrent_, k, column) * gradient;
        }
      }
  }

  void second_back(const Rows& r, Rows& d) {
    Rows again = r;
    evaluate(*c_.second_forward, c_.second_units, again);
    differentiate(*c_.second_forward, c_.second_units, again, d);
    for (int m = 0; m < c_.second_units; ++m)
      for (int u = 0; u < c_.units; ++u) {
        const double gradient = d[n_.product()][m];
        d_second_[u * c_.second_units + m] += r[n_.operand()][u] * gradient;
        d[n_.operand()][u] += at(second_, u, m) * gradient;
      }
    // The first program has temporaries of its own.
    for (std::size_t i = n_.operand() + 1; i < d.size(); ++i) d[i].assign(d[i].size(), 0);
  }

  void input_back(int column, double gradient, std::int64_t place) {
    for (int k = 0; k < p_.input_size; ++k) {
      const std::int64_t at_input = place * p_.input_size + k;
      d_input_[k * input_.num_columns + column] += p_.inputs[at_input] * gradient;
      if (p_.options.with_input_gradients)
        d_inputs_[at_input] += at(input_, k, column) * gradient;
    }
  }

  const Problem<Real>& p_;
  const rnn::Cell& c_;
  const Names n_;
  const rnn::Matrix<Real> input_, recurrent_, second_;
  Arrays<double> found_;
  Row &outputs_ = found_["outputs"], &d_inputs_ = found_["d_inputs"], &d_input_ = found_["d_input"];
  Row &d_recurrent_ = found_["d_recurrent"], &d_second_ = found_["d_second"];
  Row& d_bias_ = found_["d_bias"];
};

}  // namespace varlen::check
