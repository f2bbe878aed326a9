// The loops as compiled for one instruction set, and the choice among them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "rnn/unroll.h"

namespace varlen::rnn {

struct Kernels {
  const char* name;
  void (*forward)(const Forward&, const Sequences&, std::int64_t* next, int slots);
  void (*backward)(const Backward&, const Sequences&, std::int64_t* next, int slots);
  void (*pack)(const float* weights, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride,
               int num_rows, int num_columns, float* packed);
  void (*evaluate)(const Program&, const float* const* inputs, float* const* outputs, int units);
};

extern const Kernels kKernelsBaseline;
#if defined(__x86_64__)
extern const Kernels kKernelsAvx2;
extern const Kernels kKernelsAvx512;
#endif

// The best that this processor runs; those below it too, for tests.
inline const Kernels* const* kernels(int* count) {
  static const Kernels* available[3];
  static const int number = [] {
    int n = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("x86-64-v4")) available[n++] = &kKernelsAvx512;
    if (__builtin_cpu_supports("x86-64-v3")) available[n++] = &kKernelsAvx2;
#endif
    available[n++] = &kKernelsBaseline;
    return n;
  }();
  *count = number;
  return available;
}

}  // namespace varlen::rnn
