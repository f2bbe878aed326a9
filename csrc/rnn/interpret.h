// Runs a program over a tile: a few rows of at most kTileUnits units, which stay in the first cache.
#pragma once

#include "rnn/program.h"
#include "rnn/vector.h"

namespace varlen::rnn {
namespace VARLEN_ISA {

constexpr int kTileUnits = 64;

// Where the registers of a tile lie. Row r of register x begins at rows[x * kTileRows + r] + shift(x):
// registers from outside are rows of all units, temporaries have just those of the tile.
struct Tile {
  float* const* rows;
  int num_rows;
  int num_units;
  int first_unit;
  int num_external;

  float* at(int name, int row) const {
    return rows[name * kTileRows + row] + (name < num_external ? first_unit : 0);
  }
};

template <class Function>
inline void each(const Tile& tile, const Instruction& i, Function function) {
  for (int row = 0; row < tile.num_rows; ++row) {
    float* target = tile.at(i.target, row);
    const float* a = tile.at(i.a, row);
    for (int u = 0; u < tile.num_units; u += kLanes) store(target + u, function(load(a + u)));
  }
}

template <class Function>
inline void each_pair(const Tile& tile, const Instruction& i, Function function) {
  for (int row = 0; row < tile.num_rows; ++row) {
    float* target = tile.at(i.target, row);
    const float* a = tile.at(i.a, row);
    const float* b = tile.at(i.b, row);
    for (int u = 0; u < tile.num_units; u += kLanes)
      store(target + u, function(load(a + u), load(b + u)));
  }
}

inline Vector one_where(Integers condition) {
  return reinterpret_cast<Vector>(condition & reinterpret_cast<Integers>(splat(1.0f)));
}

inline void run(const Program& program, const Tile& tile) {
  for (int n = 0; n < program.num_instructions; ++n) {
    const Instruction& i = program.instructions[n];
    const Vector k = splat(i.constant);
    switch (static_cast<Op>(i.op)) {
      case Op::kCopy: each(tile, i, [](Vector a) { return a; }); break;
      case Op::kFill: each(tile, i, [k](Vector) { return k; }); break;
      case Op::kAdd: each_pair(tile, i, [](Vector a, Vector b) { return a + b; }); break;
      case Op::kSubtract: each_pair(tile, i, [](Vector a, Vector b) { return a - b; }); break;
      case Op::kMultiply: each_pair(tile, i, [](Vector a, Vector b) { return a * b; }); break;
      case Op::kDivide: each_pair(tile, i, [](Vector a, Vector b) { return a / b; }); break;
      case Op::kAddScalar: each(tile, i, [k](Vector a) { return a + k; }); break;
      case Op::kScale: each(tile, i, [k](Vector a) { return a * k; }); break;
      case Op::kReverse: each(tile, i, [k](Vector a) { return k - a; }); break;
      case Op::kNegate: each(tile, i, [](Vector a) { return -a; }); break;
      case Op::kSigmoid: each(tile, i, [](Vector a) { return sigmoid(a); }); break;
      case Op::kTanh: each(tile, i, [](Vector a) { return hyperbolic_tangent(a); }); break;
      case Op::kExp: each(tile, i, [](Vector a) { return exponential(a); }); break;
      case Op::kRelu: each(tile, i, [](Vector a) { return a < 0.0f ? Vector{} : a; }); break;
      case Op::kAbs: each(tile, i, [](Vector a) { return absolute(a); }); break;
      case Op::kSign:
        each(tile, i, [](Vector a) { return one_where(a > 0.0f) - one_where(a < 0.0f); });
        break;
      case Op::kMinimum: each(tile, i, [k](Vector a) { return a > k ? k : a; }); break;
      case Op::kMaximum: each(tile, i, [k](Vector a) { return a < k ? k : a; }); break;
      case Op::kGreater: each(tile, i, [k](Vector a) { return one_where(a > k); }); break;
      case Op::kGreaterEqual: each(tile, i, [k](Vector a) { return one_where(a >= k); }); break;
      case Op::kLess: each(tile, i, [k](Vector a) { return one_where(a < k); }); break;
      case Op::kLessEqual: each(tile, i, [k](Vector a) { return one_where(a <= k); }); break;
      case Op::kAnd: each_pair(tile, i, [](Vector a, Vector b) { return a * b; }); break;
      case Op::kSelect:
        for (int row = 0; row < tile.num_rows; ++row) {
          float* target = tile.at(i.target, row);
          const float *a = tile.at(i.a, row), *b = tile.at(i.b, row), *c = tile.at(i.c, row);
          for (int u = 0; u < tile.num_units; u += kLanes)
            store(target + u, load(a + u) != 0.0f ? load(b + u) : load(c + u));
        }
        break;
      case Op::kAccumulate:
        for (int row = 0; row < tile.num_rows; ++row) {
          float* target = tile.at(i.target, row);
          const float* a = tile.at(i.a, row);
          for (int u = 0; u < tile.num_units; u += kLanes)
            store(target + u, load(target + u) + load(a + u));
        }
        break;
      case Op::kCount: break;
    }
  }
}

}  // namespace VARLEN_ISA
}  // namespace varlen::rnn
