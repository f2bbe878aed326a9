// The time loop of one team, backward: from the last step of each sequence to its first.
//
// Gradients of the weights are large products over all steps, made afterwards from the gradients of gates and
// products. The gradients of the gates take the place of the gates.
#pragma once

#include "rnn/registers.h"
#include "rnn/team.h"

namespace varlen::rnn {
namespace VARLEN_ISA {

class BackwardLoop final : public Loop {
 public:
  BackwardLoop(const Backward<Real>& unroll, const Sequences& sequences, const Deal& deal,
               int team_size)
      : b_(unroll),
        shape_(unroll.shape),
        sequences_(sequences),
        slots_(sequences, deal),
        team_size_(team_size),
        barrier_(team_size),
        state_(shape_.num_gates),
        parameter_(state_ + shape_.num_states),
        noise_(parameter_ + shape_.num_parameters),
        product_(noise_ + shape_.num_noises),
        output_(product_ + 1),
        next_state_(output_ + 1),
        operand_(next_state_ + shape_.num_states),
        gate_gradient_(operand_ + 1),
        state_gradient_(gate_gradient_ + shape_.num_gates),
        parameter_gradient_(state_gradient_ + shape_.num_states),
        product_gradient_(parameter_gradient_ + shape_.num_parameters + shape_.num_noises),
        registers_(product_gradient_ + 1),
        gradient_rooms_(slots_.count(), shape_.num_states, widest(shape_)),
        // The initial states, the gradients of the operand and of the output.
        rooms_(slots_.count(), shape_.num_states + 2, widest(shape_)),
        zeros_(widest(shape_)),
        runners_(*unroll.program, shape_.units, shape_.true_units, team_size),
        second_runners_(shape_.second_units ? *unroll.second_program : *unroll.program,
                        shape_.second_units, shape_.second_true_units, team_size),
        whole_rows_(either_reduces(*unroll.program, unroll.second_program)) {
    for (int slot = 0; slot < slots_.count(); ++slot) {
      begin(slot);
      for (int p = 0; p < shape_.num_parameters; ++p)
        registers_.at(parameter_ + p, slot) = const_cast<Real*>(b_.parameters[p]);
    }
  }

  void run(int member) override {
    for (;;) {
      if (member == 0)
        for (int slot = 0; slot < slots_.count(); ++slot) place(slot);
      barrier_.wait();
      if (slots_.count() == 0) return;
      take_step({member, team_size_, whole_rows_}, runners_[member], second_runners_[member]);
      barrier_.wait();
      if (member == 0)
        slots_.advance([this](int slot) { finish(slot); }, [this](int slot) { begin(slot); },
                       [this](int from, int to) { move(from, to); });
    }
  }

 private:
  // A sequence begins with the gradient of its final state.
  void begin(int slot) {
    const std::int64_t sequence = slots_[slot].sequence;
    for (int s = 0; s < shape_.num_states; ++s) {
      const StateShape& state = shape_.states[s];
      if (b_.final_gradients[s])
        copy_padded(b_.final_gradients[s] + sequence * state.true_units, state,
                    gradient_rooms_.at(s, slot, 0));
      else
        copy_row(zeros_.data(), state.units, gradient_rooms_.at(s, slot, 0));
      copy_padded(b_.initial_states[s][sequence], state, rooms_.at(s, slot, 0));
    }
  }

  void place(int slot) {
    const Slot held = slots_[slot];
    const std::int64_t taken = slots_.length(slot) - 1 - held.taken;  // on the way forward
    const std::int64_t step = sequences_.step(held.sequence, taken);
    for (int gate = 0; gate < shape_.num_gates; ++gate)
      registers_.at(gate, slot) = registers_.at(gate_gradient_ + gate, slot) =
          b_.gates + (step * shape_.num_gates + gate) * shape_.units;
    for (int s = 0; s < shape_.num_states; ++s) {
      registers_.at(state_ + s, slot) =
          taken == 0 ? rooms_.at(s, slot, 0)
                     : b_.states[s] +
                           sequences_.step(held.sequence, taken - 1) * shape_.states[s].units;
      registers_.at(next_state_ + s, slot) = gradient_rooms_.at(s, slot, held.taken);
      registers_.at(state_gradient_ + s, slot) = gradient_rooms_.at(s, slot, held.taken + 1);
    }
    for (int p = 0; p < shape_.num_parameters; ++p)
      registers_.at(parameter_gradient_ + p, slot) =
          b_.parameter_gradients[p] + std::int64_t{held.sequence} * shape_.units;
    for (int i = 0; i < shape_.num_noises; ++i)
      registers_.at(noise_ + i, slot) = const_cast<Real*>(b_.noises[i] + step * shape_.units);
    registers_.at(output_, slot) = output_gradient(slot, step);
    registers_.at(operand_, slot) = rooms_.at(shape_.num_states, slot, 0);
    if (shape_.second_units) {
      const std::int64_t offset = step * shape_.second_units;
      registers_.at(product_, slot) = const_cast<Real*>(b_.products) + offset;
      registers_.at(product_gradient_, slot) = b_.product_gradients + offset;
    }
    zero_rows_[slot] = zeros_.data();
  }

  Real* output_gradient(int slot, std::int64_t step) {
    if (!b_.output_gradients) return zeros_.data();
    const std::int64_t row = b_.output_gradients_placed ? sequences_.places[step] : step;
    auto* given = const_cast<Real*>(b_.output_gradients) + row * shape_.output_true_units;
    if (shape_.output_true_units == shape_.output_units) return given;
    Real* room = rooms_.at(shape_.num_states + 1, slot, 0);
    copy_row(given, shape_.output_true_units, room);  // what lies behind it stays zero
    return room;
  }

  void take_step(Share share, Runner& runner, Runner& second_runner) {
    const int count = slots_.count();
    if (shape_.second_units) {
      share.for_each_unit_tile(shape_.second_units, count, [&](int unit, int width) {
        for_each_slot_tile(count, [&](int slot, int rows) {
          second_runner.run(registers_, unit, width, slot, rows);
        });
      });
      barrier_.wait();
    }
    share.for_each_unit_tile(shape_.units, count, [&](int unit, int width) {
      for_each_slot_tile(count, [&](int slot, int rows) {
        if (shape_.second_units)
          product(registers_.of(product_gradient_, slot), rows, shape_.second_true_units, b_.second,
                  shape_.units, unit, width, zero_rows_ + slot, registers_.of(operand_, slot));
        runner.run(registers_, unit, width, slot, rows);
      });
    });
    if (shape_.num_recurrent == 0) return;
    barrier_.wait();
    const int units = shape_.states[shape_.product_state].units;
    const int gradient = state_gradient_ + shape_.product_state;
    share.for_each_unit_tile(units, count, [&](int unit, int width) {
      for (int gate = 0; gate < shape_.num_recurrent; ++gate)
        for_each_slot_tile(count, [&](int slot, int rows) {
          product(registers_.of(gate_gradient_ + gate, slot), rows, shape_.true_units,
                  b_.recurrent[gate], units, unit, width, registers_.of(gradient, slot),
                  registers_.of(gradient, slot));
        });
    });
  }

  void finish(int slot) {
    for (int s = 0; s < shape_.num_states; ++s) {
      const int units = shape_.states[s].true_units;
      copy_row(registers_.at(state_gradient_ + s, slot), units,
               b_.initial_gradients[s] + std::int64_t{slots_[slot].sequence} * units);
    }
  }

  void move(int from, int to) {
    gradient_rooms_.move(from, to);
    rooms_.move(from, to);
    for (int s = 0; s < shape_.num_states; ++s)
      registers_.at(state_gradient_ + s, to) = registers_.at(state_gradient_ + s, from);
  }

  const Backward<Real> b_;
  const Shape& shape_;
  const Sequences& sequences_;
  Slots slots_;
  const int team_size_;
  Barrier barrier_;
  const int state_, parameter_, noise_, product_, output_, next_state_, operand_;
  const int gate_gradient_, state_gradient_, parameter_gradient_, product_gradient_;
  Registers registers_;
  Rooms gradient_rooms_, rooms_;
  Array<Real> zeros_;
  Runners runners_, second_runners_;
  const bool whole_rows_;
  Real* zero_rows_[kMaxSlots];
};

}  // namespace VARLEN_ISA
}  // namespace varlen::rnn
