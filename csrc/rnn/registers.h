// Where the registers of all slots lie, and how a tile of a few slots sees them.
#pragma once

#include "rnn/array.h"
#include "rnn/interpret.h"
#include "rnn/large_products.h"
#include "rnn/slots.h"

namespace varlen::rnn {
namespace VARLEN_ISA {

// One pointer per register and slot, to a row of all units.
class Registers {
 public:
  explicit Registers(int count) : rows_(static_cast<std::size_t>(count) * kMaxSlots) {}

  Real*& at(int name, int slot) { return rows_[static_cast<std::size_t>(name) * kMaxSlots + slot]; }
  Real* const* of(int name, int slot) const {
    return &rows_[static_cast<std::size_t>(name) * kMaxSlots + slot];
  }

 private:
  Array<Real*> rows_;
};

// A program with room for its temporaries, ready to run on tiles of rows of so many units.
class Runner {
 public:
  Runner(const Program& program, int units, int true_units)
      : program_(program),
        tile_units_(program.reduces() ? units : kTileUnits),
        true_units_(true_units),
        num_external_(program.num_inputs + program.num_outputs),
        rows_(static_cast<std::size_t>(num_external_ + program.num_temporaries) * kTileRows),
        temporaries_(static_cast<std::size_t>(program.num_temporaries) * kTileRows * tile_units_) {
    for (int i = 0; i < program.num_temporaries * kTileRows; ++i)
      rows_[num_external_ * kTileRows + i] = temporaries_.data() + static_cast<std::size_t>(i) * tile_units_;
  }

  void run(const Registers& registers, int first, int width, int slot, int num_slots) {
    for (int name = 0; name < num_external_; ++name)
      for (int row = 0; row < num_slots; ++row)
        rows_[name * kTileRows + row] = registers.of(name, slot)[row];
    for (int unit = first; unit < first + width; unit += tile_units_) {
      const int left = first + width - unit;
      VARLEN_ISA::run(program_, {rows_.data(), num_slots, left < tile_units_ ? left : tile_units_, unit,
                                 num_external_, true_units_});
    }
  }

 private:
  const Program& program_;
  const int tile_units_, true_units_;
  int num_external_;
  Array<Real*> rows_;
  Array<Real> temporaries_;
};

// A runner for each member of a team, made before they start: a member that failed then would leave the others
// waiting.
class Runners {
 public:
  Runners(const Program& program, int units, int true_units, int count)
      : count_(count), runners_(count) {
    for (int i = 0; i < count; ++i) runners_[i] = new Runner(program, units, true_units);
  }
  ~Runners() {
    for (int i = 0; i < count_; ++i) delete runners_[i];
  }
  Runners(const Runners&) = delete;
  Runners& operator=(const Runners&) = delete;

  Runner& operator[](int member) { return *runners_[member]; }

 private:
  const int count_;
  Array<Runner*> runners_;
};

// Rows for the slots: a number of kinds, each twice, so that a step can read what the one before wrote.
class Rooms {
 public:
  Rooms(int num_slots, int num_kinds, int units)
      : num_kinds_(num_kinds),
        units_(units),
        rows_(static_cast<std::size_t>(num_slots) * num_kinds * 2 * units) {}

  Real* at(int kind, int slot, std::int64_t turn) {
    const std::size_t row = (static_cast<std::size_t>(slot) * num_kinds_ + kind) * 2 + (turn & 1);
    return &rows_[row * units_];
  }

  void move(int from, int to) {
    std::memcpy(at(0, to, 0), at(0, from, 0),
                sizeof(Real) * static_cast<std::size_t>(num_kinds_) * 2 * units_);
  }

 private:
  int num_kinds_, units_;
  Array<Real> rows_;
};

// The tiles of units that are a member's share of a team's.
struct Share {
  int member, size;
  bool whole_rows;  // a program reads them; the team has one member then

  // body(first unit, width)
  template <class Body>
  void for_each_unit_tile(int units, int slots, Body body) const {
    const int tile = whole_rows ? units : tile_for(units, slots);
    for (int unit = member * tile; unit < units; unit += size * tile)
      body(unit, units - unit < tile ? units - unit : tile);
  }

 private:
  // For one row, whose gates are few, wider tiles: longer pieces of the weights are read faster.
  int tile_for(int units, int slots) const {
    if (slots > 1) return kTileUnits;
    const int share = (units + size * kTileUnits - 1) / (size * kTileUnits) * kTileUnits;
    return share < 4 * kTileUnits ? share : 4 * kTileUnits;
  }
};

// body(first slot, number of slots)
template <class Body>
inline void for_each_slot_tile(int slots, Body body) {
  for (int slot = 0; slot < slots; slot += kTileRows)
    body(slot, slots - slot < kTileRows ? slots - slot : kTileRows);
}

// A row of the caller, whose width is the true one, to a padded one.
inline void copy_padded(const Real* from, const StateShape& shape, Real* to) {
  copy_row(from, shape.true_units, to);
  for (int u = shape.true_units; u < shape.units; ++u) to[u] = 0;
}

inline int widest(const Shape& shape) {
  int units = shape.units > shape.second_units ? shape.units : shape.second_units;
  if (shape.output_units > units) units = shape.output_units;
  for (int s = 0; s < shape.num_states; ++s)
    if (shape.states[s].units > units) units = shape.states[s].units;
  return units;
}

}  // namespace VARLEN_ISA
}  // namespace varlen::rnn
