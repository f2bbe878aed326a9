// Threads that take every step together, each for some of the units.
#pragma once

#include <sched.h>

#include "rnn/unroll.h"

namespace varlen::rnn {
namespace VARLEN_ISA {

// Where the members of a team wait for each other. They are known to run, so the wait is a short one and
// a busy one, unless the system has taken a core away.
class Barrier {
 public:
  explicit Barrier(int size) : size_(size) {}

  void wait() {
    if (size_ == 1) return;
    const int turn = __atomic_load_n(&turn_, __ATOMIC_ACQUIRE);
    if (__atomic_add_fetch(&arrived_, 1, __ATOMIC_ACQ_REL) == size_) {
      __atomic_store_n(&arrived_, 0, __ATOMIC_RELAXED);
      __atomic_store_n(&turn_, turn + 1, __ATOMIC_RELEASE);
      return;
    }
    for (int spin = 0; __atomic_load_n(&turn_, __ATOMIC_ACQUIRE) == turn; ++spin)
      if (spin < 4000) relax();
      else sched_yield();
  }

 private:
  static void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  const int size_;
  alignas(64) int arrived_ = 0;
  alignas(64) int turn_ = 0;
};

}  // namespace VARLEN_ISA
}  // namespace varlen::rnn
