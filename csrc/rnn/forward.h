// The time loop of one team, forward.
#pragma once

#include "rnn/registers.h"
#include "rnn/team.h"

namespace varlen::rnn {
namespace VARLEN_ISA {

// What the inputs give to the gates is made this many steps ahead, a tile of rows for each sequence, so that the
// weights of the inputs serve several rows and the result is still in the cache when its step comes.
constexpr int kAhead = 6;

class ForwardLoop final : public Loop {
 public:
  ForwardLoop(const Forward<Real>& unroll, const Sequences& sequences, const Deal& deal, int team_size)
      : f_(unroll),
        shape_(unroll.shape),
        sequences_(sequences),
        slots_(sequences, deal),
        team_size_(team_size),
        barrier_(team_size),
        state_(shape_.num_gates),
        parameter_(state_ + shape_.num_states),
        noise_(parameter_ + shape_.num_parameters),
        product_(noise_ + shape_.num_noises),
        next_state_(product_ + 1),
        output_(next_state_ + shape_.num_states),
        operand_(output_ + 1),
        registers_(operand_ + 1),
        begin_(shape_.num_gates),
        state_rooms_(slots_.count(), shape_.num_states, widest(shape_)),
        ahead_size_(unroll.gates ? 0 : std::size_t{kAhead} * shape_.num_gates * shape_.units),
        ahead_(slots_.count() * ahead_size_),
        // Operand, product and output that nobody keeps.
        rooms_(slots_.count(), 3, widest(shape_)),
        zeros_(widest(shape_)),
        runners_(*unroll.program, shape_.units, shape_.true_units, team_size),
        second_runners_(shape_.second_units ? *unroll.second_program : *unroll.program,
                        shape_.second_units, shape_.second_true_units, team_size),
        whole_rows_(either_reduces(*unroll.program, unroll.second_program)) {
    for (int slot = 0; slot < slots_.count(); ++slot) {
      begin(slot);
      for (int p = 0; p < shape_.num_parameters; ++p)
        registers_.at(parameter_ + p, slot) = const_cast<Real*>(f_.parameters[p]);
    }
  }

  void run(int member) override {
    for (;;) {
      if (member == 0) {
        num_next_ = 0;
        for (int slot = 0; slot < slots_.count(); ++slot) place(slot);
      }
      barrier_.wait();
      if (slots_.count() == 0) return;
      take_step({member, team_size_, whole_rows_}, runners_[member], second_runners_[member]);
      barrier_.wait();
      if (member == 0) {
        for (int slot = 0; slot < slots_.count(); ++slot) hand_out(slot);
        slots_.advance([this](int slot) { finish(slot); }, [this](int slot) { begin(slot); },
                       [this](int from, int to) { move(from, to); });
      }
    }
  }

 private:
  // The state before the first step, in the rows of the turn before it.
  void begin(int slot) {
    ahead_begin_[slot] = ahead_end_[slot] = 0;
    for (int s = 0; s < shape_.num_states; ++s)
      copy_padded(f_.initial_states[s][slots_[slot].sequence], shape_.states[s],
                  state_rooms_.at(s, slot, -1));
  }

  // Says where the registers of the slot's next step lie.
  void place(int slot) {
    const Slot held = slots_[slot];
    const std::int64_t step = sequences_.step(held.sequence, held.taken);
    if (held.taken == ahead_end_[slot]) look_ahead(slot);
    Real* gates = gates_of(slot, held.taken);
    for (int gate = 0; gate < shape_.num_gates; ++gate) {
      registers_.at(gate, slot) = gates + gate * shape_.units;
      begin_.at(gate, slot) =
          f_.input[gate].data ? registers_.at(gate, slot) : const_cast<Real*>(f_.bias[gate]);
    }
    for (int s = 0; s < shape_.num_states; ++s) {
      registers_.at(state_ + s, slot) =
          held.taken == 0 ? state_rooms_.at(s, slot, -1) : state(s, slot, held.taken - 1);
      registers_.at(next_state_ + s, slot) = state(s, slot, held.taken);
    }
    for (int i = 0; i < shape_.num_noises; ++i)
      registers_.at(noise_ + i, slot) = const_cast<Real*>(f_.noises[i] + step * shape_.units);
    registers_.at(operand_, slot) =
        f_.operands ? f_.operands + step * shape_.units : rooms_.at(0, slot, 0);
    registers_.at(product_, slot) =
        f_.products ? f_.products + step * shape_.second_units : rooms_.at(1, slot, 0);
    registers_.at(output_, slot) =
        writes_outputs() ? output_row(slot, held.taken) : rooms_.at(2, slot, 0);
    zero_rows_[slot] = zeros_.data();
  }

  // The gates of a step, one after the other.
  Real* gates_of(int slot, std::int64_t taken) {
    const std::int64_t width = std::int64_t{shape_.num_gates} * shape_.units;
    if (f_.gates) return f_.gates + sequences_.step(slots_[slot].sequence, taken) * width;
    return ahead_.data() + slot * ahead_size_ + (taken - ahead_begin_[slot]) * width;
  }

  // Notes the next steps of the slot, whose inputs are to be multiplied.
  void look_ahead(int slot) {
    const std::int64_t left = slots_.length(slot) - ahead_end_[slot];
    ahead_begin_[slot] = ahead_end_[slot];
    ahead_end_[slot] += left < kAhead ? left : kAhead;
    for (std::int64_t taken = ahead_begin_[slot]; taken < ahead_end_[slot]; ++taken) {
      const std::int64_t step = sequences_.step(slots_[slot].sequence, taken);
      next_inputs_[num_next_] = f_.inputs + sequences_.places[step] * f_.input_size;
      next_gates_[num_next_++] = gates_of(slot, taken);
    }
  }

  void multiply_inputs(int unit, int width) {
    for (int gate = 0; gate < shape_.num_gates; ++gate) {
      if (!f_.input[gate].data) continue;
      const Real* from[kTileRows];
      Real* to[kTileRows];
      for (int row = 0; row < num_next_; row += kTileRows) {
        const int rows = num_next_ - row < kTileRows ? num_next_ - row : kTileRows;
        for (int r = 0; r < rows; ++r) {
          from[r] = f_.bias[gate];
          to[r] = next_gates_[row + r] + gate * shape_.units;
        }
        product(next_inputs_ + row, rows, f_.input_size, f_.input[gate], shape_.units, unit, width,
                from, to);
      }
    }
  }

  // Rows of the caller can be written in place where they need no padding.
  bool writes_outputs() const {
    return f_.outputs && shape_.output_true_units == shape_.output_units;
  }

  Real* output_row(int slot, std::int64_t taken) const {
    const std::int64_t step = sequences_.step(slots_[slot].sequence, taken);
    return f_.outputs + sequences_.places[step] * shape_.output_true_units;
  }

  // The row of a state after the slot has taken step number `taken`.
  Real* state(int s, int slot, std::int64_t taken) {
    if (f_.states[s])
      return f_.states[s] + sequences_.step(slots_[slot].sequence, taken) * shape_.states[s].units;
    if (s == shape_.output_state && writes_outputs()) return output_row(slot, taken);
    return state_rooms_.at(s, slot, taken);
  }

  void take_step(Share share, Runner& runner, Runner& second_runner) {
    const int count = slots_.count();
    const int num_terms = shape_.states[shape_.product_state].true_units;
    share.for_each_unit_tile(shape_.units, count, [&](int unit, int width) {
      multiply_inputs(unit, width);
      for (int gate = 0; gate < shape_.num_recurrent; ++gate)
        for_each_slot_tile(count, [&](int slot, int rows) {
          product(registers_.of(state_ + shape_.product_state, slot), rows, num_terms,
                  f_.recurrent[gate], shape_.units, unit, width, begin_.of(gate, slot),
                  registers_.of(gate, slot));
        });
      for_each_slot_tile(count, [&](int slot, int rows) {
        runner.run(registers_, unit, width, slot, rows);
      });
    });
    if (!shape_.second_units) return;
    barrier_.wait();
    share.for_each_unit_tile(shape_.second_units, count, [&](int unit, int width) {
      for_each_slot_tile(count, [&](int slot, int rows) {
        product(registers_.of(operand_, slot), rows, shape_.true_units, f_.second,
                shape_.second_units, unit, width, zero_rows_ + slot, registers_.of(product_, slot));
        second_runner.run(registers_, unit, width, slot, rows);
      });
    });
  }

  // Writes the output of the step that was taken, where it is not there yet.
  void hand_out(int slot) {
    if (!f_.outputs) return;
    const int from = shape_.output_state < 0 ? output_ : next_state_ + shape_.output_state;
    Real* to = output_row(slot, slots_[slot].taken);
    if (registers_.at(from, slot) != to)
      copy_row(registers_.at(from, slot), shape_.output_true_units, to);
  }

  void finish(int slot) {
    if (!f_.final_states) return;
    for (int s = 0; s < shape_.num_states; ++s) {
      const int units = shape_.states[s].true_units;
      copy_row(registers_.at(next_state_ + s, slot), units,
               f_.final_states[s] + std::int64_t{slots_[slot].sequence} * units);
    }
  }

  void move(int from, int to) {
    state_rooms_.move(from, to);
    ahead_begin_[to] = ahead_begin_[from];
    ahead_end_[to] = ahead_end_[from];
    if (ahead_size_ > 0)
      std::memcpy(ahead_.data() + to * ahead_size_, ahead_.data() + from * ahead_size_,
                  sizeof(Real) * ahead_size_);
    for (int s = 0; s < shape_.num_states; ++s)
      registers_.at(next_state_ + s, to) = registers_.at(next_state_ + s, from);
  }

  const Forward<Real> f_;
  const Shape& shape_;
  const Sequences& sequences_;
  Slots slots_;
  const int team_size_;
  Barrier barrier_;
  const int state_, parameter_, noise_, product_, next_state_, output_, operand_;
  Registers registers_, begin_;
  Rooms state_rooms_;
  const std::size_t ahead_size_;  // per slot
  Array<Real> ahead_;
  std::int64_t ahead_begin_[kMaxSlots], ahead_end_[kMaxSlots];
  int num_next_ = 0;
  const Real* next_inputs_[kMaxSlots * kAhead];
  Real* next_gates_[kMaxSlots * kAhead];
  Rooms rooms_;
  Array<Real> zeros_;
  Runners runners_, second_runners_;
  const bool whole_rows_;
  Real* zero_rows_[kMaxSlots];
};

}  // namespace VARLEN_ISA
}  // namespace varlen::rnn
