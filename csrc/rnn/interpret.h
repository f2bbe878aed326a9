// Runs a program over a tile: a few rows of at most kTileUnits units, which stay in the first cache. A program that
// sums along rows has tiles of whole rows.
#pragma once

#include "rnn/program.h"
#include "rnn/vector.h"

namespace varlen::rnn {
namespace VARLEN_ISA {

constexpr int kTileUnits = 64;

// Where the registers of a tile lie. Row r of register x begins at rows[x * kTileRows + r] + shift(x):
// registers from outside are rows of all units, temporaries have just those of the tile.
struct Tile {
  Real* const* rows;
  int num_rows;
  int num_units;
  int first_unit;
  int num_external;
  int true_units;  // of a whole row; behind them is padding

  Real* at(int name, int row) const {
    return rows[name * kTileRows + row] + (name < num_external ? first_unit : 0);
  }
};

inline Vector one_where(Integers condition) {
  return reinterpret_cast<Vector>(condition & reinterpret_cast<Integers>(splat(1)));
}

// In one order, whatever the rows beside it.
inline Real sum_of(const Real* numbers, int count) {
  Vector sums{};
  int u = 0;
  for (; u + kLanes <= count; u += kLanes) sums += load(numbers + u);
  Real sum = 0;
  for (int lane = 0; lane < kLanes; ++lane) sum += sums[lane];
  for (; u < count; ++u) sum += numbers[u];
  return sum;
}

// kUnits is the width of the tile where it is known, which lets the compiler unroll; else 0.
template <int kUnits>
class Interpreter {
 public:
  explicit Interpreter(const Tile& tile) : tile_(tile) {}

  void run(const Program& program) const {
    for (int n = 0; n < program.num_instructions; ++n) run(program.instructions[n]);
  }

 private:
  void run(const Instruction& i) const {
    const Vector k = splat(static_cast<Real>(i.constant));
    switch (static_cast<Op>(i.op)) {
      case Op::kCopy: each(i, [](Vector a) { return a; }); break;
      case Op::kFill: each(i, [k](Vector) { return k; }); break;
      case Op::kAdd: each_pair(i, [](Vector a, Vector b) { return a + b; }); break;
      case Op::kSubtract: each_pair(i, [](Vector a, Vector b) { return a - b; }); break;
      case Op::kMultiply: each_pair(i, [](Vector a, Vector b) { return a * b; }); break;
      case Op::kDivide: each_pair(i, [](Vector a, Vector b) { return a / b; }); break;
      case Op::kAddScalar: each(i, [k](Vector a) { return a + k; }); break;
      case Op::kScale: each(i, [k](Vector a) { return a * k; }); break;
      case Op::kReverse: each(i, [k](Vector a) { return k - a; }); break;
      case Op::kNegate: each(i, [](Vector a) { return -a; }); break;
      case Op::kSigmoid: each(i, [](Vector a) { return sigmoid(a); }); break;
      case Op::kTanh: each(i, [](Vector a) { return hyperbolic_tangent(a); }); break;
      case Op::kExp: each(i, [](Vector a) { return exponential(a); }); break;
      case Op::kRelu: each(i, [](Vector a) { return a < Real{0} ? Vector{} : a; }); break;
      case Op::kAbs: each(i, [](Vector a) { return absolute(a); }); break;
      case Op::kSign:
        each(i, [](Vector a) { return one_where(a > Real{0}) - one_where(a < Real{0}); });
        break;
      case Op::kMinimum: each(i, [k](Vector a) { return a > k ? k : a; }); break;
      case Op::kMaximum: each(i, [k](Vector a) { return a < k ? k : a; }); break;
      case Op::kGreater: each(i, [k](Vector a) { return one_where(a > k); }); break;
      case Op::kGreaterEqual: each(i, [k](Vector a) { return one_where(a >= k); }); break;
      case Op::kLess: each(i, [k](Vector a) { return one_where(a < k); }); break;
      case Op::kLessEqual: each(i, [k](Vector a) { return one_where(a <= k); }); break;
      case Op::kAnd: each_pair(i, [](Vector a, Vector b) { return a * b; }); break;
      case Op::kInverseRoot:
        each(i, [](Vector a) { return splat(1) / each_lane(a, [](Real x) { return std::sqrt(x); }); });
        break;
      case Op::kExpMinusOne: each(i, [](Vector a) { return exponential_minus_one(a); }); break;
      case Op::kLog:
        each(i, [](Vector a) { return each_lane(a, [](Real x) { return std::log(x); }); });
        break;
      case Op::kLogOnePlus:
        each(i, [](Vector a) { return each_lane(a, [](Real x) { return std::log1p(x); }); });
        break;
      case Op::kRowSum:
        for (int row = 0; row < tile_.num_rows; ++row) {
          Real* target = tile_.at(i.target, row);
          const Vector sum = splat(sum_of(tile_.at(i.a, row), tile_.true_units));
          for_each_vector([=](int u) { store(target + u, sum); });
        }
        break;
      case Op::kSelect:
        for (int row = 0; row < tile_.num_rows; ++row) {
          Real* target = tile_.at(i.target, row);
          const Real *a = tile_.at(i.a, row), *b = tile_.at(i.b, row), *c = tile_.at(i.c, row);
          for_each_vector(
              [=](int u) { store(target + u, load(a + u) != Real{0} ? load(b + u) : load(c + u)); });
        }
        break;
      case Op::kAccumulate:
        for (int row = 0; row < tile_.num_rows; ++row) {
          Real* target = tile_.at(i.target, row);
          const Real* a = tile_.at(i.a, row);
          for_each_vector([=](int u) { store(target + u, load(target + u) + load(a + u)); });
        }
        break;
      case Op::kCount: break;
    }
  }

  template <class Body>
  void for_each_vector(Body body) const {
    const int units = kUnits > 0 ? kUnits : tile_.num_units;
#pragma GCC unroll 4
    for (int u = 0; u < units; u += kLanes) body(u);
  }

  template <class Function>
  void each(const Instruction& i, Function function) const {
    for (int row = 0; row < tile_.num_rows; ++row) {
      Real* target = tile_.at(i.target, row);
      const Real* a = tile_.at(i.a, row);
      for_each_vector([=](int u) { store(target + u, function(load(a + u))); });
    }
  }

  template <class Function>
  void each_pair(const Instruction& i, Function function) const {
    for (int row = 0; row < tile_.num_rows; ++row) {
      Real* target = tile_.at(i.target, row);
      const Real *a = tile_.at(i.a, row), *b = tile_.at(i.b, row);
      for_each_vector([=](int u) { store(target + u, function(load(a + u), load(b + u))); });
    }
  }

  const Tile& tile_;
};

inline void run(const Program& program, const Tile& tile) {
  if (tile.num_units == kTileUnits) Interpreter<kTileUnits>(tile).run(program);
  else Interpreter<0>(tile).run(program);
}

}  // namespace VARLEN_ISA
}  // namespace varlen::rnn
