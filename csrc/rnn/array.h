// Zeroed room for numbers and pointers, aligned to a cache line.
//
// Not std::vector: its functions would be compiled once per instruction set under one name, and the
// linker might keep the version that an older processor cannot run.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>

namespace varlen::rnn {
namespace VARLEN_ISA {

template <class T>
class Array {
 public:
  explicit Array(std::size_t count) {
    const std::size_t bytes = (count * sizeof(T) + 63) / 64 * 64;
    if (bytes == 0) return;
    items_ = static_cast<T*>(std::aligned_alloc(64, bytes));
    if (items_ == nullptr) throw std::bad_alloc();
    std::memset(static_cast<void*>(items_), 0, bytes);
  }
  ~Array() { std::free(items_); }
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  T* data() { return items_; }
  T& operator[](std::size_t i) { return items_[i]; }
  const T& operator[](std::size_t i) const { return items_[i]; }

 private:
  T* items_ = nullptr;
};

}  // namespace VARLEN_ISA
}  // namespace varlen::rnn
