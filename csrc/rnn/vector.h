// One vector of floats, as wide as the instruction set that this translation unit is compiled for,
// and the functions of one variable that programs use.
//
// Everything that depends on the instruction set lives in the inline namespace VARLEN_ISA, so that
// the same source can be compiled several times into one module.
#pragma once

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
constexpr int kTileRows = 6;
#else
constexpr int kVectorBytes = 16;
constexpr int kTileRows = 2;
#endif

typedef float Vector __attribute__((vector_size(kVectorBytes)));
typedef std::int32_t Integers __attribute__((vector_size(kVectorBytes)));
constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(float));

inline Vector load(const float* from) {
  Vector value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline void store(float* to, Vector value) { std::memcpy(to, &value, sizeof value); }

// Subtracting zeros is how GCC is brought to broadcast from memory.
inline Vector splat(float value) { return value - Vector{}; }

inline Vector select(Integers condition, Vector yes, Vector no) {
  return reinterpret_cast<Vector>((condition & reinterpret_cast<Integers>(yes)) |
                                  (~condition & reinterpret_cast<Integers>(no)));
}

inline Vector minimum(Vector a, Vector b) { return a < b ? a : b; }
inline Vector maximum(Vector a, Vector b) { return a > b ? a : b; }
inline Vector absolute(Vector x) {
  return reinterpret_cast<Vector>(reinterpret_cast<Integers>(x) & 0x7FFFFFFF);
}

// For |x| up to 87, where the result is neither subnormal nor infinite; farther out it is that of the
// border. e^x = 2^n e^r with n the integer nearest to x / ln 2, and a polynomial in r that is exact to an ulp
// on |r| <= ln 2 / 2. NaN stays NaN.
inline Vector bounded_exponential(Vector x) {
  const Vector bounded = minimum(maximum(x, splat(-87.3f)), splat(88.0f));
  const Vector magic = splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer
  const Vector shifted = bounded * 1.44269504088896341f + magic;
  const Vector n = shifted - magic;
  const Vector r = (bounded - n * 0.693359375f) + n * 2.12194440e-4f;
  Vector p = splat(1.0f / 5040) * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r * r + r + 1.0f;
  const Integers exponent = (reinterpret_cast<Integers>(shifted) -
                             reinterpret_cast<Integers>(magic))
                            << 23;
  const Vector scaled = reinterpret_cast<Vector>(reinterpret_cast<Integers>(p) + exponent);
  return x == x ? scaled : x;
}

// Far out the square becomes infinite or 0 as it should.
inline Vector exponential(Vector x) {
  const Vector root = bounded_exponential(x * 0.5f);
  return root * root;
}

inline Vector sigmoid(Vector x) { return 1.0f / (1.0f + bounded_exponential(-x)); }

// (1 - e) / (1 + e) with e = e^-2|x| loses digits near 0, where the odd series is exact.
inline Vector hyperbolic_tangent(Vector x) {
  const Vector size = absolute(x);
  const Vector e = bounded_exponential(size * -2.0f);
  const Vector large = (1.0f - e) / (1.0f + e);
  const Vector square = x * x;
  Vector series = splat(-17.0f / 315) + square * (62.0f / 2835);
  series = 2.0f / 15 + square * series;
  series = -1.0f / 3 + square * series;
  series = size + size * square * series;
  const Vector positive = size < 0.25f ? series : large;
  const Integers sign = reinterpret_cast<Integers>(x) & static_cast<std::int32_t>(0x80000000u);
  return reinterpret_cast<Vector>(reinterpret_cast<Integers>(positive) | sign);
}

}  // namespace VARLEN_ISA
}  // namespace varlen::rnn
