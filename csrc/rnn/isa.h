// The kernels as compiled for one instruction set and one type of numbers, and the choice among them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rnn/unroll.h"

namespace varlen::rnn {

template <class Real>
struct Kernels {
  const char* name;
  int panel;  // columns of a packed panel
  Loop* (*forward)(const Forward<Real>&, const Sequences&, const Deal&, int team_size);
  Loop* (*backward)(const Backward<Real>&, const Sequences&, const Deal&, int team_size);
  void (*multiply_rows)(const RowsProduct<Real>&, std::int64_t first, std::int64_t count);
  void (*multiply_outer)(const OuterProduct<Real>&, int column, int first, int count);
  void (*pack_panel)(const Matrix<Real>&, int num_columns, int first, Real* packed);
  void (*evaluate)(const Program&, const Real* const* inputs, Real* const* outputs, int units);
};

// kernels.cpp is compiled once for each of these.
#define VARLEN_DECLARE_KERNELS(isa)                                        \
  namespace isa##_float { extern const Kernels<float> kKernels; }          \
  namespace isa##_double { extern const Kernels<double> kKernels; }        \
  inline const Kernels<float>* isa##_kernels(float) { return &isa##_float::kKernels; } \
  inline const Kernels<double>* isa##_kernels(double) { return &isa##_double::kKernels; }

VARLEN_DECLARE_KERNELS(baseline)
#if defined(__x86_64__)
VARLEN_DECLARE_KERNELS(avx2)
VARLEN_DECLARE_KERNELS(avx512)
#endif

template <class Real>
struct Available {
  const Kernels<Real>* kernels[3];
  int count = 0;
};

// Those that this processor runs, the best first; the others too, for tests.
template <class Real>
const Available<Real>& available_kernels() {
  static const Available<Real> available = [] {
    Available<Real> found;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("x86-64-v4")) found.kernels[found.count++] = avx512_kernels(Real{});
    if (__builtin_cpu_supports("x86-64-v3")) found.kernels[found.count++] = avx2_kernels(Real{});
#endif
    found.kernels[found.count++] = baseline_kernels(Real{});
    return found;
  }();
  return available;
}

}  // namespace varlen::rnn
