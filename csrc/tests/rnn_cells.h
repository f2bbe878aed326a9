// Five small cells for the checks of the time loops, as programs written by hand: values and gradients.
#pragma once

#include <utility>
#include <vector>

#include "rnn/cell.h"

namespace varlen::check {

using rnn::Op;

// The registers of a cell's programs, in the order that unroll.h states.
struct Names {
  int num_gates, num_states, num_vectors, num_noises = 0;

  int gate(int i) const { return i; }
  int state(int i) const { return num_gates + i; }
  int vector(int i) const { return state(num_states) + i; }
  int noise(int i) const { return vector(num_vectors) + i; }
  int product() const { return noise(num_noises); }
  int given() const { return product() + 1; }
  // Of a forward program.
  int next(int i) const { return given() + i; }
  int output() const { return next(num_states); }
  int operand() const { return output() + 1; }
  // Of a backward program.
  int of_output() const { return given(); }
  int of_next(int i) const { return given() + 1 + i; }
  int of_operand() const { return of_next(num_states); }
  int of_gate(int i) const { return of_operand() + 1 + i; }
  int of_state(int i) const { return of_gate(num_gates) + i; }
  int of_vector(int i) const { return of_state(num_states) + i; }
  int of_product() const { return of_vector(num_vectors + num_noises); }
};

class Code {
 public:
  Code(int num_inputs, int num_outputs) : inputs_(num_inputs), outputs_(num_outputs) {}

  static Code forward(const Names& n) { return {n.given(), n.num_states + 2}; }
  static Code backward(const Names& n) { return {n.of_gate(0), n.given()}; }

  void put(int target, Op op, int a, int b = 0, double constant = 0) {
    instructions_.push_back({static_cast<std::int32_t>(op), target, a, b, 0, constant});
  }
  int make(Op op, int a, int b = 0, double constant = 0) {
    const int target = inputs_ + outputs_ + temporaries_++;
    put(target, op, a, b, constant);
    return target;
  }

  int add(int a, int b) { return make(Op::kAdd, a, b); }
  int subtract(int a, int b) { return make(Op::kSubtract, a, b); }
  int multiply(int a, int b) { return make(Op::kMultiply, a, b); }
  int one_minus(int a) { return make(Op::kReverse, a, 0, 1); }
  int sigmoid(int a) { return make(Op::kSigmoid, a); }
  int tanh(int a) { return make(Op::kTanh, a); }
  // Gradients through a function, whose result is known.
  int through_sigmoid(int gradient, int result) {
    return multiply(gradient, multiply(result, one_minus(result)));
  }
  int through_tanh(int gradient, int result) {
    return multiply(gradient, one_minus(multiply(result, result)));
  }

  rnn::Program program() const {
    return {instructions_.data(), static_cast<std::int32_t>(instructions_.size()), inputs_, outputs_,
            temporaries_};
  }

 private:
  int inputs_, outputs_, temporaries_ = 0;
  std::vector<rnn::Instruction> instructions_;
};

// A cell with the programs it points to.
class CheckedCell {
 public:
  CheckedCell(const char* name, rnn::Cell cell, std::vector<Code> code)
      : name_(name), cell_(std::move(cell)), code_(std::move(code)) {
    for (const Code& each : code_) programs_.push_back(each.program());
    cell_.forward = &programs_[0];
    cell_.backward = &programs_[1];
    cell_.second_forward = programs_.size() > 2 ? &programs_[2] : nullptr;
    cell_.second_backward = programs_.size() > 2 ? &programs_[3] : nullptr;
  }
  CheckedCell(CheckedCell&&) = delete;

  const char* name() const { return name_; }
  const rnn::Cell& get() const { return cell_; }
  Names names() const {
    return {cell_.all_gates(), static_cast<int>(cell_.state_units.size()), cell_.num_vectors,
            cell_.num_noises};
  }

 private:
  const char* name_;
  rnn::Cell cell_;
  std::vector<Code> code_;
  std::vector<rnn::Program> programs_;
};

// c' = f c + i j,  h' = o tanh c'
inline CheckedCell lstm(int units) {
  const Names n{4, 2, 0};
  const int c = n.state(0);
  Code forward = Code::forward(n), backward = Code::backward(n);
  const auto gates = [&](Code& to) {
    return std::vector<int>{to.sigmoid(n.gate(0)), to.tanh(n.gate(1)),
                            to.sigmoid(to.make(Op::kAddScalar, n.gate(2), 0, 1)),
                            to.sigmoid(n.gate(3))};
  };
  {
    const std::vector<int> g = gates(forward);
    forward.put(n.next(0), Op::kAdd, forward.multiply(g[2], c), forward.multiply(g[0], g[1]));
    forward.put(n.next(1), Op::kMultiply, g[3], forward.tanh(n.next(0)));
  }
  {
    Code& to = backward;
    const std::vector<int> g = gates(to);
    const int squashed = to.tanh(to.add(to.multiply(g[2], c), to.multiply(g[0], g[1])));
    const int dh = to.add(n.of_next(1), n.of_output());
    const int dc = to.add(n.of_next(0), to.through_tanh(to.multiply(dh, g[3]), squashed));
    // Gates and their gradients lie in the same place, so all gates have been read by now.
    to.put(n.of_gate(0), Op::kCopy, to.through_sigmoid(to.multiply(dc, g[1]), g[0]));
    to.put(n.of_gate(1), Op::kCopy, to.through_tanh(to.multiply(dc, g[0]), g[1]));
    to.put(n.of_gate(2), Op::kCopy, to.through_sigmoid(to.multiply(dc, c), g[2]));
    to.put(n.of_gate(3), Op::kCopy, to.through_sigmoid(to.multiply(dh, squashed), g[3]));
    to.put(n.of_state(0), Op::kMultiply, dc, g[2]);
    to.put(n.of_state(1), Op::kFill, 0);
  }
  return {"lstm",
          {4, 0, 0, units, 0, 0, {units, units}, 1, 0, units, 1, {}, {}, {}, {}},
          {forward, backward}};
}

// Gates of all three kinds, and an output that is no state:
// u = s(both),  n = tanh(of_inputs + u of_state),  h' = n + u (h - n),  output = n h'
inline CheckedCell mixed(int units) {
  const Names n{3, 1, 0};
  const int h = n.state(0), of_state = n.gate(1);
  Code forward = Code::forward(n), backward = Code::backward(n);
  const auto parts = [&](Code& to) {
    const int u = to.sigmoid(n.gate(0));
    const int candidate = to.tanh(to.add(n.gate(2), to.multiply(u, of_state)));
    return std::pair{u, candidate};
  };
  {
    const auto [u, candidate] = parts(forward);
    forward.put(n.next(0), Op::kAdd, candidate,
                forward.multiply(u, forward.subtract(h, candidate)));
    forward.put(n.output(), Op::kMultiply, candidate, n.next(0));
  }
  {
    Code& to = backward;
    const auto [u, candidate] = parts(to);
    const int rest = to.subtract(h, candidate);
    const int next = to.add(candidate, to.multiply(u, rest));
    const int d_next = to.add(n.of_next(0), to.multiply(n.of_output(), candidate));
    const int d_candidate = to.add(to.multiply(n.of_output(), next),
                                   to.multiply(d_next, to.one_minus(u)));
    const int inside = to.through_tanh(d_candidate, candidate);
    const int du = to.add(to.multiply(d_next, rest), to.multiply(inside, of_state));
    const int d_gate = to.through_sigmoid(du, u);
    to.put(n.of_gate(0), Op::kCopy, d_gate);
    to.put(n.of_gate(1), Op::kMultiply, inside, u);
    to.put(n.of_gate(2), Op::kCopy, inside);
    to.put(n.of_state(0), Op::kMultiply, d_next, u);
  }
  return {"mixed",
          {1, 1, 1, units, 0, 0, {units}, 0, 0, units, -1, {}, {}, {}, {}},
          {forward, backward}};
}

// A product of another width, a vector, and noise: c' = s(a + w c) c + z tanh b,  h' = tanh(c' @ second)
inline CheckedCell projected(int units, int width) {
  const Names n{2, 2, 1, 1};
  const int c = n.state(0), w = n.vector(0), z = n.noise(0);
  Code forward = Code::forward(n), backward = Code::backward(n);
  Code second = Code::forward(n), second_backward = Code::backward(n);
  const auto parts = [&](Code& to) {
    return std::pair{to.sigmoid(to.add(n.gate(0), to.multiply(w, c))), to.tanh(n.gate(1))};
  };
  {
    const auto [keep, candidate] = parts(forward);
    forward.put(n.next(0), Op::kAdd, forward.multiply(keep, c), forward.multiply(z, candidate));
    forward.put(n.operand(), Op::kCopy, n.next(0));
    second.put(n.next(1), Op::kTanh, n.product());
  }
  {
    Code& to = backward;
    const auto [keep, candidate] = parts(to);
    const int dc = to.add(n.of_next(0), n.of_operand());
    const int d_keep = to.through_sigmoid(to.multiply(dc, c), keep);
    to.put(n.of_gate(0), Op::kCopy, d_keep);
    to.put(n.of_gate(1), Op::kCopy, to.through_tanh(to.multiply(dc, z), candidate));
    to.put(n.of_state(0), Op::kAdd, to.multiply(dc, keep), to.multiply(d_keep, w));
    to.put(n.of_vector(0), Op::kAccumulate, to.multiply(d_keep, c));
  }
  {
    Code& to = second_backward;
    const int gradient = to.add(n.of_next(1), n.of_output());
    to.put(n.of_product(), Op::kCopy, to.through_tanh(gradient, to.tanh(n.product())));
    to.put(n.of_state(1), Op::kFill, 0);
  }
  return {"projected",
          {2, 0, 0, units, 1, 1, {units, width}, 1, width, width, 1, {}, {}, {}, {}},
          {forward, backward, second, second_backward}};
}

// A product as wide as the gates, which meets them: u = s(a),  n = tanh(x + (s(b) h) @ second),
// h' = n + u (h - n)
inline CheckedCell reset_before(int units) {
  const Names n{3, 1, 0};
  const int h = n.state(0);
  Code forward = Code::forward(n), backward = Code::backward(n);
  Code second = Code::forward(n), second_backward = Code::backward(n);
  const auto parts = [&](Code& to) {
    return std::pair{to.sigmoid(n.gate(0)), to.tanh(to.add(n.gate(2), n.product()))};
  };
  {
    forward.put(n.operand(), Op::kMultiply, forward.sigmoid(n.gate(1)), h);
    const auto [u, candidate] = parts(second);
    second.put(n.next(0), Op::kAdd, candidate, second.multiply(u, second.subtract(h, candidate)));
  }
  const auto inside = [&](Code& to, int gradient, int u, int candidate) {
    return to.through_tanh(to.multiply(gradient, to.one_minus(u)), candidate);
  };
  {
    Code& to = second_backward;
    const auto [u, candidate] = parts(to);
    const int gradient = to.add(n.of_next(0), n.of_output());
    to.put(n.of_product(), Op::kCopy, inside(to, gradient, u, candidate));
  }
  {
    Code& to = backward;
    const auto [u, candidate] = parts(to);
    const int reset = to.sigmoid(n.gate(1));
    const int gradient = to.add(n.of_next(0), n.of_output());
    const int du = to.multiply(gradient, to.subtract(h, candidate));
    to.put(n.of_gate(0), Op::kCopy, to.through_sigmoid(du, u));
    to.put(n.of_gate(1), Op::kCopy, to.through_sigmoid(to.multiply(n.of_operand(), h), reset));
    to.put(n.of_gate(2), Op::kCopy, inside(to, gradient, u, candidate));
    to.put(n.of_state(0), Op::kAdd, to.multiply(gradient, u), to.multiply(n.of_operand(), reset));
  }
  return {"reset_before",
          {2, 0, 1, units, 0, 0, {units}, 0, units, units, 0, {}, {}, {}, {}},
          {forward, backward, second, second_backward}};
}

// A sum along rows: r = 1 / sqrt(1 + sum of s(a)),  h' = tanh(r b)
inline CheckedCell summed(int units) {
  const Names n{2, 1, 0};
  Code forward = Code::forward(n), backward = Code::backward(n);
  const auto parts = [&](Code& to) {
    const int s = to.sigmoid(n.gate(0));
    return std::pair{s, to.make(Op::kInverseRoot,
                                to.make(Op::kAddScalar, to.make(Op::kRowSum, s), 0, 1))};
  };
  {
    const int r = parts(forward).second;
    forward.put(n.next(0), Op::kTanh, forward.multiply(r, n.gate(1)));
  }
  {
    Code& to = backward;
    const auto [s, r] = parts(to);
    const int gradient = to.add(n.of_next(0), n.of_output());
    const int inside = to.through_tanh(gradient, to.tanh(to.multiply(r, n.gate(1))));
    const int dr = to.multiply(inside, n.gate(1));
    const int cube = to.multiply(r, to.multiply(r, r));
    const int d_sum = to.make(Op::kScale, to.multiply(dr, cube), 0, -0.5);
    to.put(n.of_gate(0), Op::kCopy, to.through_sigmoid(to.make(Op::kRowSum, d_sum), s));
    to.put(n.of_gate(1), Op::kMultiply, inside, r);
    to.put(n.of_state(0), Op::kFill, 0);
  }
  return {"summed",
          {2, 0, 0, units, 0, 0, {units}, 0, 0, units, 0, {}, {}, {}, {}},
          {forward, backward}};
}

}  // namespace varlen::check
