// Threads as a caller may lend them, in every way that may be met.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "rnn/crew.h"

namespace varlen::check {

using Body = void (*)(std::int64_t, std::int64_t, void*);

inline std::atomic<int> num_lent{0};  // threads

// Everything in one range, on the calling thread.
inline int inline_for(std::int64_t begin, std::int64_t end, std::int64_t, Body body, void* context) {
  body(begin, end, context);
  return 0;
}

// Ranges of `size` on a thread each; as with torch's, a call from inside one of them runs inline.
inline int ranges_for(std::int64_t begin, std::int64_t end, std::int64_t size, Body body,
                      void* context) {
  static thread_local bool is_inside = false;
  if (is_inside) return inline_for(begin, end, 1, body, context);
  std::vector<std::thread> threads;
  for (std::int64_t first = begin; first < end; first += size, ++num_lent)
    threads.emplace_back([=] {
      is_inside = true;
      body(first, first + size < end ? first + size : end, context);
    });
  for (std::thread& thread : threads) thread.join();
  return 0;
}

inline int threads_for(std::int64_t begin, std::int64_t end, std::int64_t, Body body,
                       void* context) {
  return ranges_for(begin, end, 1, body, context);
}

// Fewer threads than were asked for.
inline int half_for(std::int64_t begin, std::int64_t end, std::int64_t, Body body, void* context) {
  return ranges_for(begin, end, 2, body, context);
}

// None at all.
inline int failing_for(std::int64_t, std::int64_t, std::int64_t, Body, void*) { return 1; }

}  // namespace varlen::check
