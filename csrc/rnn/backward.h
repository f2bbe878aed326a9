// The time loop of one worker, backward: from the last step of each sequence to its first.
//
// Gradients of the weights are large products over all steps, which the caller makes afterwards from the
// gradients of gates and products.
#pragma once

#include "rnn/product.h"
#include "rnn/registers.h"

namespace varlen::rnn {
namespace VARLEN_ISA {

class BackwardLoop {
 public:
  BackwardLoop(const Backward& unroll, const Sequences& sequences, std::int64_t* next, int limit)
      : b_(unroll),
        shape_(unroll.shape),
        sequences_(sequences),
        slots_(sequences, next, limit),
        state_(shape_.num_gates),
        parameter_(state_ + shape_.num_states),
        product_(parameter_ + shape_.num_parameters),
        output_(product_ + 1),
        next_state_(output_ + 1),
        operand_(next_state_ + shape_.num_states),
        gate_gradient_(operand_ + 1),
        state_gradient_(gate_gradient_ + shape_.num_gates),
        parameter_gradient_(state_gradient_ + shape_.num_states),
        product_gradient_(parameter_gradient_ + shape_.num_parameters),
        registers_(product_gradient_ + 1),
        runner_(*unroll.program),
        second_runner_(shape_.second_units ? *unroll.second_program : *unroll.program),
        state_rooms_(slots_.count(), shape_.num_states, widest(shape_)),
        operand_rooms_(slots_.count(), 1, widest(shape_)),
        zeros_(widest(shape_)) {}

  void run() {
    for (int slot = 0; slot < slots_.count(); ++slot) {
      begin(slot);
      for (int p = 0; p < shape_.num_parameters; ++p)
        registers_.at(parameter_ + p, slot) = const_cast<float*>(b_.parameters[p]);
    }
    while (slots_.count() > 0) {
      for (int slot = 0; slot < slots_.count(); ++slot) place(slot);
      take_step();
      slots_.advance([this](int slot) { finish(slot); }, [this](int slot) { begin(slot); },
                     [this](int from, int to) { move(from, to); });
    }
  }

 private:
  // A sequence begins with the gradient of its final state.
  void begin(int slot) {
    for (int s = 0; s < shape_.num_states; ++s) {
      const std::int64_t units = shape_.state_units[s];
      const float* from =
          b_.final_gradients[s] ? b_.final_gradients[s] + slots_[slot].sequence * units : zeros_.data();
      copy_row(from, shape_.state_units[s], state_rooms_.at(s, slot, 0));
    }
  }

  void place(int slot) {
    const Slot held = slots_[slot];
    const std::int64_t taken = slots_.length(slot) - 1 - held.taken;  // on the way forward
    const std::int64_t step = sequences_.step(held.sequence, taken);
    for (int gate = 0; gate < shape_.num_gates; ++gate) {
      const std::int64_t offset = (step * shape_.num_gates + gate) * shape_.units;
      registers_.at(gate, slot) = const_cast<float*>(b_.gates) + offset;
      registers_.at(gate_gradient_ + gate, slot) = b_.gate_gradients + offset;
    }
    for (int s = 0; s < shape_.num_states; ++s) {
      const std::int64_t units = shape_.state_units[s];
      registers_.at(state_ + s, slot) = const_cast<float*>(
          taken == 0 ? b_.initial_states[s] + held.sequence * units
                     : b_.states[s] + sequences_.step(held.sequence, taken - 1) * units);
      registers_.at(next_state_ + s, slot) = state_rooms_.at(s, slot, held.taken);
      registers_.at(state_gradient_ + s, slot) = state_rooms_.at(s, slot, held.taken + 1);
    }
    for (int p = 0; p < shape_.num_parameters; ++p)
      registers_.at(parameter_gradient_ + p, slot) =
          b_.parameter_gradients[p] + std::int64_t{held.sequence} * shape_.units;
    registers_.at(output_, slot) = b_.output_gradients
                                       ? const_cast<float*>(b_.output_gradients) + step * b_.output_units
                                       : zeros_.data();
    registers_.at(operand_, slot) = operand_rooms_.at(0, slot, 0);
    if (shape_.second_units) {
      const std::int64_t offset = step * shape_.second_units;
      registers_.at(product_, slot) = const_cast<float*>(b_.products) + offset;
      registers_.at(product_gradient_, slot) = b_.product_gradients + offset;
    }
    zero_rows_[slot] = zeros_.data();
  }

  void take_step() {
    const int count = slots_.count();
    if (shape_.second_units) {
      for_each_tile(shape_.second_units, count, [&](int unit, int width, int slot, int rows) {
        second_runner_.run(registers_, unit, width, slot, rows);
      });
      for_each_tile(shape_.units, count, [&](int unit, int width, int slot, int rows) {
        product(registers_.of(product_gradient_, slot), rows, shape_.second_true_units, b_.second,
                shape_.units, unit, width, zero_rows_ + slot, registers_.of(operand_, slot));
      });
    }
    for_each_tile(shape_.units, count, [&](int unit, int width, int slot, int rows) {
      runner_.run(registers_, unit, width, slot, rows);
    });
    const int units = shape_.state_units[shape_.product_state];
    float* const* gradient = registers_.of(state_gradient_ + shape_.product_state, 0);
    if (shape_.num_recurrent > 0)
      for_each_tile(units, count, [&](int unit, int width, int slot, int rows) {
        for (int gate = 0; gate < shape_.num_recurrent; ++gate)
          product(registers_.of(gate_gradient_ + gate, slot), rows, shape_.true_units,
                  b_.recurrent + static_cast<std::ptrdiff_t>(gate) * shape_.true_units * units, units,
                  unit, width, gradient + slot, gradient + slot);
      });
  }

  void finish(int slot) {
    for (int s = 0; s < shape_.num_states; ++s) {
      const std::int64_t units = shape_.state_units[s];
      copy_row(registers_.at(state_gradient_ + s, slot), shape_.state_units[s],
               b_.initial_gradients[s] + slots_[slot].sequence * units);
    }
  }

  void move(int from, int to) {
    state_rooms_.move(from, to);
    for (int s = 0; s < shape_.num_states; ++s)
      registers_.at(state_gradient_ + s, to) = registers_.at(state_gradient_ + s, from);
  }

  const Backward& b_;
  const Shape& shape_;
  const Sequences& sequences_;
  Slots slots_;
  int state_, parameter_, product_, output_, next_state_, operand_;
  int gate_gradient_, state_gradient_, parameter_gradient_, product_gradient_;
  Registers registers_;
  Runner runner_, second_runner_;
  Rooms state_rooms_, operand_rooms_;
  Array<float> zeros_;
  float* zero_rows_[kMaxSlots];
};

}  // namespace VARLEN_ISA
}  // namespace varlen::rnn
