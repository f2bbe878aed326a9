// Where the registers of all slots lie, and how a tile of a few slots sees them.
#pragma once

#include "rnn/array.h"
#include "rnn/interpret.h"
#include "rnn/slots.h"

namespace varlen::rnn {
namespace VARLEN_ISA {

// One pointer per register and slot, to a row of all units.
class Registers {
 public:
  explicit Registers(int count) : rows_(static_cast<std::size_t>(count) * kMaxSlots) {}

  float*& at(int name, int slot) { return rows_[static_cast<std::size_t>(name) * kMaxSlots + slot]; }
  float* const* of(int name, int slot) const {
    return &rows_[static_cast<std::size_t>(name) * kMaxSlots + slot];
  }

 private:
  Array<float*> rows_;
};

// A program with room for its temporaries, ready to run on tiles.
class Runner {
 public:
  explicit Runner(const Program& program)
      : program_(program),
        num_external_(program.num_inputs + program.num_outputs),
        rows_(static_cast<std::size_t>(num_external_ + program.num_temporaries) * kTileRows),
        temporaries_(static_cast<std::size_t>(program.num_temporaries) * kTileRows * kTileUnits) {
    for (int i = 0; i < program.num_temporaries * kTileRows; ++i)
      rows_[num_external_ * kTileRows + i] = &temporaries_[static_cast<std::size_t>(i) * kTileUnits];
  }

  void run(const Registers& registers, int unit, int width, int slot, int num_slots) {
    for (int name = 0; name < num_external_; ++name)
      for (int row = 0; row < num_slots; ++row)
        rows_[name * kTileRows + row] = registers.of(name, slot)[row];
    VARLEN_ISA::run(program_, {rows_.data(), num_slots, width, unit, num_external_});
  }

 private:
  const Program& program_;
  int num_external_;
  Array<float*> rows_;
  Array<float> temporaries_;
};

// Rows for the slots: a number of kinds, each twice, so that a step can read what the one before wrote.
class Rooms {
 public:
  Rooms(int num_slots, int num_kinds, int units)
      : num_kinds_(num_kinds),
        units_(units),
        rows_(static_cast<std::size_t>(num_slots) * num_kinds * 2 * units) {}

  float* at(int kind, int slot, std::int64_t turn) {
    const std::size_t row = (static_cast<std::size_t>(slot) * num_kinds_ + kind) * 2 + (turn & 1);
    return &rows_[row * units_];
  }

  void move(int from, int to) {
    std::memcpy(at(0, to, 0), at(0, from, 0),
                sizeof(float) * static_cast<std::size_t>(num_kinds_) * 2 * units_);
  }

 private:
  int num_kinds_, units_;
  Array<float> rows_;
};

// body(first unit, width, first slot, number of slots) for every tile: units outside, so that the weights of
// a block of units serve all slots while they are in the cache.
template <class Body>
inline void for_each_tile(int units, int slots, Body body) {
  for (int unit = 0; unit < units; unit += kTileUnits)
    for (int slot = 0; slot < slots; slot += kTileRows)
      body(unit, units - unit < kTileUnits ? units - unit : kTileUnits, slot,
           slots - slot < kTileRows ? slots - slot : kTileRows);
}

inline void copy_row(const float* from, int units, float* to) {
  std::memcpy(to, from, sizeof(float) * static_cast<std::size_t>(units));
}

inline int widest(const Shape& shape) {
  int units = shape.units > shape.second_units ? shape.units : shape.second_units;
  for (int s = 0; s < shape.num_states; ++s)
    if (shape.state_units[s] > units) units = shape.state_units[s];
  return units;
}

}  // namespace VARLEN_ISA
}  // namespace varlen::rnn
