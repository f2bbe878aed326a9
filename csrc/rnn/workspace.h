// Room for numbers that nobody has written yet, aligned to a cache line.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace varlen::rnn {

template <class Real>
class Workspace {
 public:
  Workspace() = default;
  explicit Workspace(std::size_t count)
      : numbers_(static_cast<Real*>(std::aligned_alloc(64, (count * sizeof(Real) + 63) / 64 * 64))) {
    if (count > 0 && !numbers_) throw std::bad_alloc();
  }

  static Workspace zeros(std::size_t count) {
    Workspace made(count);
    if (count > 0) std::memset(made.data(), 0, count * sizeof(Real));
    return made;
  }

  Real* data() const { return numbers_.get(); }

 private:
  struct Free {
    void operator()(Real* numbers) const { std::free(numbers); }
  };
  std::unique_ptr<Real, Free> numbers_;
};

}  // namespace varlen::rnn
