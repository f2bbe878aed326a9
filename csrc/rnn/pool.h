// A few threads of our own, parked between calls.
//
// The caller is worker 0 and the others help. A call while another is under way (from a second thread,
// or nested) runs on its own thread alone, so nothing can wait for itself. A forked child starts with
// no helpers and makes its own when it needs them.
#pragma once

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace varlen::rnn {

class Pool {
 public:
  static Pool& shared() {
    static std::once_flag once;
    std::call_once(once, [] {
      instance() = new Pool;
      // The parent's threads are not in the child, and its locks may be held for ever there.
      pthread_atfork(nullptr, nullptr, [] { instance() = new Pool; });
    });
    return *instance();
  }

  // Calls work(0), ..., work(workers - 1), or work(0) alone. Returns when all have returned; rethrows what
  // one of them threw.
  void run(int workers, const std::function<void(int)>& work) {
    std::unique_lock<std::mutex> turn(turn_, std::try_to_lock);
    if (workers <= 1 || !turn.owns_lock()) {
      work(0);
      return;
    }
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      while (static_cast<int>(helpers_.size()) < workers - 1) {
        const int number = static_cast<int>(helpers_.size()) + 1;
        const std::uint64_t seen = call_.load(std::memory_order_relaxed);
        helpers_.emplace_back([this, number, seen] { help(number, seen); });
        helpers_.back().detach();
      }
      work_ = &work;
      workers_ = workers;
      pending_ = static_cast<int>(helpers_.size());
      error_ = nullptr;
      call_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    std::exception_ptr own;
    try {
      work(0);
    } catch (...) {
      own = std::current_exception();
    }
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [this] { return pending_ == 0; });
    if (own) std::rethrow_exception(own);
    if (error_) std::rethrow_exception(error_);
  }

 private:
  static Pool*& instance() {
    static Pool* pool = nullptr;
    return pool;
  }

  void help(int number, std::uint64_t seen) {
    for (;;) {
      // A call often follows the last one at once; a short wait is cheaper than to be woken.
      for (int spin = 0; spin < 2000 && call_.load(std::memory_order_acquire) == seen; ++spin) pause();
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [&] { return call_.load(std::memory_order_relaxed) != seen; });
      seen = call_.load(std::memory_order_relaxed);
      const auto* work = number < workers_ ? work_ : nullptr;
      lock.unlock();
      std::exception_ptr error;
      if (work) {
        try {
          (*work)(number);
        } catch (...) {
          error = std::current_exception();
        }
      }
      lock.lock();
      if (error) error_ = error;
      if (--pending_ == 0) done_.notify_one();
    }
  }

  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  std::mutex turn_, mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> helpers_;
  std::atomic<std::uint64_t> call_{0};
  const std::function<void(int)>* work_ = nullptr;
  int workers_ = 0;
  int pending_ = 0;
  std::exception_ptr error_;
};

}  // namespace varlen::rnn
