// The time loop of one worker, forward.
#pragma once

#include "rnn/product.h"
#include "rnn/registers.h"

namespace varlen::rnn {
namespace VARLEN_ISA {

class ForwardLoop {
 public:
  ForwardLoop(const Forward& unroll, const Sequences& sequences, std::int64_t* next, int limit)
      : f_(unroll),
        shape_(unroll.shape),
        sequences_(sequences),
        slots_(sequences, next, limit),
        state_(shape_.num_gates),
        parameter_(state_ + shape_.num_states),
        product_(parameter_ + shape_.num_parameters),
        next_state_(product_ + 1),
        output_(next_state_ + shape_.num_states),
        operand_(output_ + 1),
        registers_(operand_ + 1),
        begin_(shape_.num_gates),
        runner_(*unroll.program),
        second_runner_(shape_.second_units ? *unroll.second_program : *unroll.program),
        state_rooms_(slots_.count(), shape_.num_states, widest(shape_)),
        // Gates, operand and product that nobody keeps.
        gate_rooms_(slots_.count(), shape_.num_gates + 2, widest(shape_)),
        zeros_(widest(shape_)) {}

  void run() {
    for (int slot = 0; slot < slots_.count(); ++slot)
      for (int p = 0; p < shape_.num_parameters; ++p)
        registers_.at(parameter_ + p, slot) = const_cast<float*>(f_.parameters[p]);
    while (slots_.count() > 0) {
      for (int slot = 0; slot < slots_.count(); ++slot) place(slot);
      take_step();
      slots_.advance([this](int slot) { finish(slot); }, [](int) {},
                     [this](int from, int to) { move(from, to); });
    }
  }

 private:
  // Says where the registers of the slot's next step lie.
  void place(int slot) {
    const Slot held = slots_[slot];
    const std::int64_t step = sequences_.step(held.sequence, held.taken);
    for (int gate = 0; gate < shape_.num_gates; ++gate) {
      const int block = f_.block_of[gate];
      const float* from = block < 0 ? f_.bias + gate * shape_.units
                                    : f_.projected + (step * f_.num_blocks + block) * shape_.units;
      float* to = f_.gates ? f_.gates + (step * shape_.num_gates + gate) * shape_.units
                           : gate_rooms_.at(gate, slot, 0);
      if (gate >= shape_.num_recurrent && to != from) {
        if (f_.gates) copy_row(from, shape_.units, to);
        else to = const_cast<float*>(from);
      }
      begin_.at(gate, slot) = const_cast<float*>(from);
      registers_.at(gate, slot) = to;
    }
    for (int s = 0; s < shape_.num_states; ++s) {
      const std::int64_t units = shape_.state_units[s];
      registers_.at(state_ + s, slot) =
          held.taken == 0 ? const_cast<float*>(f_.initial_states[s]) + held.sequence * units
                          : state(s, slot, held.taken - 1);
      registers_.at(next_state_ + s, slot) = state(s, slot, held.taken);
    }
    const int room = shape_.num_gates;
    registers_.at(output_, slot) = f_.outputs ? f_.outputs + step * f_.output_units : nullptr;
    registers_.at(operand_, slot) =
        f_.operands ? f_.operands + step * shape_.units : gate_rooms_.at(room, slot, 0);
    registers_.at(product_, slot) =
        f_.products ? f_.products + step * shape_.second_units : gate_rooms_.at(room + 1, slot, 0);
    zero_rows_[slot] = zeros_.data();
  }

  // The row of a state after the slot has taken step number `taken`.
  float* state(int s, int slot, std::int64_t taken) {
    if (!f_.states[s]) return state_rooms_.at(s, slot, taken);
    return f_.states[s] + sequences_.step(slots_[slot].sequence, taken) * shape_.state_units[s];
  }

  void take_step() {
    const int packed_gate = shape_.true_terms * shape_.units;
    for_each_tile(shape_.units, slots_.count(), [&](int unit, int width, int slot, int rows) {
      for (int gate = 0; gate < shape_.num_recurrent; ++gate)
        product(registers_.of(state_ + shape_.product_state, slot), rows, shape_.true_terms,
                f_.recurrent + static_cast<std::ptrdiff_t>(gate) * packed_gate, shape_.units, unit,
                width, begin_.of(gate, slot), registers_.of(gate, slot));
      runner_.run(registers_, unit, width, slot, rows);
    });
    if (!shape_.second_units) return;
    for_each_tile(shape_.second_units, slots_.count(), [&](int unit, int width, int slot, int rows) {
      product(registers_.of(operand_, slot), rows, shape_.true_units, f_.second,
              shape_.second_units, unit, width, zero_rows_ + slot, registers_.of(product_, slot));
      second_runner_.run(registers_, unit, width, slot, rows);
    });
  }

  void finish(int slot) {
    for (int s = 0; s < shape_.num_states; ++s) {
      const std::int64_t units = shape_.state_units[s];
      copy_row(registers_.at(next_state_ + s, slot), shape_.state_units[s],
               f_.final_states[s] + slots_[slot].sequence * units);
    }
  }

  void move(int from, int to) {
    state_rooms_.move(from, to);
    for (int s = 0; s < shape_.num_states; ++s)
      registers_.at(next_state_ + s, to) = registers_.at(next_state_ + s, from);
  }

  const Forward& f_;
  const Shape& shape_;
  const Sequences& sequences_;
  Slots slots_;
  int state_, parameter_, product_, next_state_, output_, operand_;
  Registers registers_, begin_;
  Runner runner_, second_runner_;
  Rooms state_rooms_, gate_rooms_;
  Array<float> zeros_;
  float* zero_rows_[kMaxSlots];
};

}  // namespace VARLEN_ISA
}  // namespace varlen::rnn
