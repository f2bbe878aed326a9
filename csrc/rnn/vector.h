// One vector of numbers, as wide as the instruction set that this translation unit is compiled for,
// and the functions of one variable that programs use.
//
// Everything that depends on the instruction set or the type of numbers lives in the namespace VARLEN_ISA,
// so that the same source can be compiled several times into one module.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace varlen::rnn {
namespace VARLEN_ISA {

#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
constexpr int kTileRows = 6;  // 6 x 4 accumulators, 4 weights and a broadcast fill 32 registers
#elif defined(__AVX2__)
constexpr int kVectorBytes = 32;
constexpr int kTileRows = 3;  // 3 x 4 accumulators fill 16 registers
#elif defined(__aarch64__)
constexpr int kVectorBytes = 16;
constexpr int kTileRows = 6;  // 6 x 4 accumulators, 4 weights and 4 factors fill 32 registers
#else
constexpr int kVectorBytes = 16;
constexpr int kTileRows = 2;
#endif

using Real = VARLEN_REAL;

template <class T>
struct Format;

template <>
struct Format<float> {
  using Integer = std::int32_t;
  static constexpr int kFractionBits = 23;
  static constexpr float kRounder = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  static constexpr float kLogTwoHigh = 0.693359375f, kLogTwoLow = -2.12194440e-4f;
  static constexpr float kLowest = -87.3f, kHighest = 88.0f;
  static constexpr int kDegree = 7;
};

template <>
struct Format<double> {
  using Integer = std::int64_t;
  static constexpr int kFractionBits = 52;
  static constexpr double kRounder = 6755399441055744.0;  // 1.5 * 2^52
  static constexpr double kLogTwoHigh = 0x1.62e42feep-1, kLogTwoLow = 0x1.a39ef35793c76p-33;
  static constexpr double kLowest = -708.3, kHighest = 709.0;
  static constexpr int kDegree = 13;
};

using RealFormat = Format<Real>;
using Integer = RealFormat::Integer;
typedef Real Vector __attribute__((vector_size(kVectorBytes)));
typedef Integer Integers __attribute__((vector_size(kVectorBytes)));
constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(Real));

inline Vector load(const Real* from) {
  Vector value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline void store(Real* to, Vector value) { std::memcpy(to, &value, sizeof value); }

// Subtracting zeros is how GCC is brought to broadcast from memory.
inline Vector splat(Real value) { return value - Vector{}; }

inline Vector minimum(Vector a, Vector b) { return a < b ? a : b; }
inline Vector maximum(Vector a, Vector b) { return a > b ? a : b; }

// A function of one number, lane by lane: for what is too rare to have a form of its own.
template <class Function>
inline Vector each_lane(Vector x, Function function) {
  for (int lane = 0; lane < kLanes; ++lane) x[lane] = function(x[lane]);
  return x;
}

inline Vector absolute(Vector x) {
  constexpr Integer kAllButSign = ~(Integer{1} << (8 * sizeof(Integer) - 1));
  return reinterpret_cast<Vector>(reinterpret_cast<Integers>(x) & kAllButSign);
}

// e^x = 2^n (1 + q) with n the integer nearest to x / ln 2, and q = e^r - 1 for the rest r of at most
// ln 2 / 2, by its series, which is exact to an ulp there. x is cut to where 2^n is a normal number.
struct Exponential {
  Vector power;  // 2^n
  Vector rest;   // q

  explicit Exponential(Vector x) {
    constexpr auto kRounder = RealFormat::kRounder;
    const Vector bounded =
        minimum(maximum(x, splat(RealFormat::kLowest)), splat(RealFormat::kHighest));
    const Vector shifted = bounded * static_cast<Real>(1.44269504088896340736) + kRounder;
    const Vector n = shifted - kRounder;
    const Vector r = (bounded - n * RealFormat::kLogTwoHigh) - n * RealFormat::kLogTwoLow;
    Vector series = splat(inverse_factorial(RealFormat::kDegree));
#pragma GCC unroll 16
    for (int k = RealFormat::kDegree - 1; k > 1; --k) series = series * r + inverse_factorial(k);
    rest = series * r * r + r;
    // What was rounded stands in the lowest bits of `shifted`; as an exponent it makes 2^n.
    const Integers exponent = reinterpret_cast<Integers>(shifted) -
                              reinterpret_cast<Integers>(splat(kRounder));
    power = reinterpret_cast<Vector>(reinterpret_cast<Integers>(splat(Real{1})) +
                                     (exponent << RealFormat::kFractionBits));
  }

  Vector value() const { return power * rest + power; }
  Vector minus_one() const { return power * rest + (power - Real{1}); }

 private:
  static constexpr Real inverse_factorial(int k) {
    double product = 1;
    for (int i = 2; i <= k; ++i) product *= i;
    return static_cast<Real>(1 / product);
  }
};

// Far out the square becomes infinite or 0 as it should.
inline Vector exponential(Vector x) {
  const Vector root = Exponential(x * Real{0.5}).value();
  return x == x ? root * root : x;
}

// Exact near 0 too.
inline Vector exponential_minus_one(Vector x) {
  const Vector near = Exponential(x).minus_one();
  return x <= splat(RealFormat::kHighest) ? near : exponential(x);
}

inline Vector sigmoid(Vector x) {
  const Vector result = Real{1} / (Real{1} + Exponential(-x).value());
  return x == x ? result : x;
}

// tanh |x| = -m / (2 + m) with m = e^-2|x| - 1, which is exact near 0 too.
inline Vector hyperbolic_tangent(Vector x) {
  const Vector m = Exponential(absolute(x) * Real{-2}).minus_one();
  const Vector size = -m / (Real{2} + m);
  constexpr Integer kSign = Integer{1} << (8 * sizeof(Integer) - 1);
  const Integers sign = reinterpret_cast<Integers>(x) & kSign;
  const Vector result = reinterpret_cast<Vector>(reinterpret_cast<Integers>(size) | sign);
  return x == x ? result : x;
}

}  // namespace VARLEN_ISA
}  // namespace varlen::rnn
