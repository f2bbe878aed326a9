// Pieces of work that the threads of a call share out among themselves.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "rnn/crew.h"

namespace varlen::rnn {

class Tasks {
 public:
  void add(std::function<void()> task) { tasks_.push_back(std::move(task)); }

  // body(first, count) for pieces of [0, size), a multiple of `multiple` each and about `wanted` of them.
  template <class Body>
  void add_range(std::int64_t size, std::int64_t multiple, std::int64_t most, int wanted, Body body) {
    std::int64_t piece = (size / std::max(1, wanted) + multiple - 1) / multiple * multiple;
    piece = std::min(std::max(piece, multiple), most);
    for (std::int64_t first = 0; first < size; first += piece)
      add([=] { body(first, std::min(piece, size - first)); });
  }

  void run(const Crew& crew) {
    std::atomic<std::size_t> next{0};
    crew.run([&](int) {
      for (std::size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < tasks_.size();)
        tasks_[i]();
    });
    tasks_.clear();
  }

 private:
  std::vector<std::function<void()>> tasks_;
};

}  // namespace varlen::rnn
