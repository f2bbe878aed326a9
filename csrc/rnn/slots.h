// Which sequences a worker holds. A slot holds one, and gets the next one the moment its own has ended.
#pragma once

#include "rnn/unroll.h"
#include "rnn/vector.h"

namespace varlen::rnn {
namespace VARLEN_ISA {

constexpr int kMaxSlots = 24;

struct Slot {
  std::int32_t sequence;
  std::int64_t taken;  // how many steps lie behind it
};

class Slots {
 public:
  Slots(const Sequences& sequences, const Deal& deal) : sequences_(sequences), next_(deal.next) {
    for (std::int64_t number = deal.first; count_ < deal.num_slots && number < sequences_.count;
         number += deal.num_teams)
      slots_[count_++] = {sequences_.by_length[number], 0};
  }

  int count() const { return count_; }
  const Slot& operator[](int slot) const { return slots_[slot]; }
  std::int64_t length(int slot) const { return sequences_.lengths[slots_[slot].sequence]; }

  // Moves every slot on by a step. finish(slot): its sequence has ended. begin(slot): it has got another
  // one. move(from, to): there is none left, so the last slot takes its place.
  template <class Finish, class Begin, class Move>
  void advance(Finish finish, Begin begin, Move move) {
    int slot = 0;
    while (slot < count_) {
      if (++slots_[slot].taken < length(slot)) {
        ++slot;
        continue;
      }
      finish(slot);
      if (fill(slot)) {
        begin(slot++);
        continue;
      }
      // The last slot has not moved on yet: the loop comes to it in its new place.
      if (slot < --count_) {
        slots_[slot] = slots_[count_];
        move(count_, slot);
      }
    }
  }

 private:
  bool fill(int slot) {
    const std::int64_t number = __atomic_fetch_add(next_, 1, __ATOMIC_RELAXED);
    if (number >= sequences_.count) return false;
    slots_[slot] = {sequences_.by_length[number], 0};
    return true;
  }

  const Sequences& sequences_;
  std::int64_t* next_;
  int count_ = 0;
  Slot slots_[kMaxSlots];
};

}  // namespace VARLEN_ISA
}  // namespace varlen::rnn
