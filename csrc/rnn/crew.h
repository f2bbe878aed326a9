// The threads of a call. They are the caller's: torch lends its own, which would otherwise wait busily for
// torch's next product on the cores that ours need.
#pragma once

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <stdexcept>

namespace varlen::rnn {

// Calls body(begin, end, context) for ranges that make up [0, size), on as many threads as it can, each of which
// gets one range. Torch's `torch_parallel_for` is one. Gives 0 if all is well.
using ParallelFor = int (*)(std::int64_t begin, std::int64_t end, std::int64_t grain,
                            void (*body)(std::int64_t, std::int64_t, void*), void* context);

class Crew {
 public:
  // Without `parallel_for` the caller works alone, as does a forked child, in which the threads of its parent
  // are missing.
  Crew(ParallelFor parallel_for, int size)
      : parallel_for_(parallel_for), size_(parallel_for && size > 1 ? size : 1) {}

  // Asked each time: a crew may have been made before the fork.
  int size() const { return is_forked() ? 1 : size_; }

  // To be called before any fork, so that a child knows that it is one.
  static void watch_forks() { is_forked(); }

  // Calls work(0), ..., work(size() - 1), at once or one after the other. Rethrows what one of them threw.
  void run(const std::function<void(int)>& work) const {
    if (size() == 1) {
      work(0);
      return;
    }
    Run run{work, {}, {}};
    const int status = parallel_for_(0, size_, 1, Run::range, &run);
    if (run.error) std::rethrow_exception(run.error);
    if (status != 0) throw std::runtime_error("the threads could not be started");
  }

  // The same, but only if they all run at once and so may wait for each other; else gives false, and nothing
  // is called.
  bool run_together(const std::function<void(int)>& work) const {
    if (size() == 1) return false;
    Meeting meeting{work, size_};
    parallel_for_(0, size_, 1, Meeting::range, &meeting);
    return meeting.arrived.load() == size_;
  }

 private:
  struct Run {
    const std::function<void(int)>& work;
    std::mutex mutex;
    std::exception_ptr error;

    static void range(std::int64_t begin, std::int64_t end, void* context) {
      auto& run = *static_cast<Run*>(context);
      try {
        for (std::int64_t i = begin; i < end; ++i) run.work(static_cast<int>(i));
      } catch (...) {
        const std::lock_guard<std::mutex> lock(run.mutex);
        run.error = std::current_exception();
      }
    }
  };

  // Each thread gets one range: either all ranges have one member, so that all members arrive, or one has more,
  // and calls the meeting off.
  struct Meeting {
    const std::function<void(int)>& work;
    const int size;
    std::atomic<int> arrived{0};
    std::atomic<bool> is_off{false};

    static void range(std::int64_t begin, std::int64_t end, void* context) {
      auto& meeting = *static_cast<Meeting*>(context);
      if (end - begin != 1) {
        meeting.is_off.store(true);
        return;
      }
      meeting.arrived.fetch_add(1);
      while (meeting.arrived.load() < meeting.size) {
        if (meeting.is_off.load()) return;
        sched_yield();  // there may be fewer cores than threads
      }
      meeting.work(static_cast<int>(begin));
    }
  };

  static bool is_forked() {
    static std::atomic<bool> forked{false};
    static std::once_flag once;
    std::call_once(once, [] { pthread_atfork(nullptr, nullptr, [] { forked.store(true); }); });
    return forked.load();
  }

  const ParallelFor parallel_for_;
  const int size_;
};

}  // namespace varlen::rnn
