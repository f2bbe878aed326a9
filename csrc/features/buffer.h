// Growing storage for plain values, which can be given away without a copy.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

namespace varlen::features {

// std::vector would set every value to zero before it is written, and cannot give its memory away.
template <class T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    swap(other);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { std::free(data_); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return size_; }
  T operator[](std::size_t i) const { return data_[i]; }

  // Where the next `count` values may be written; `advance` then makes them part of the buffer.
  T* room_for(std::size_t count) {
    if (capacity_ - size_ < count) grow(count);
    return data_ + size_;
  }
  void advance(std::size_t count) { size_ += count; }

  void push(T value) {
    *room_for(1) = value;
    ++size_;
  }
  void append(const void* values, std::size_t count) {
    if (count != 0) std::memcpy(room_for(count), values, count * sizeof(T));
    size_ += count;
  }
  void append_zeros(std::size_t count) {
    if (count != 0) std::memset(room_for(count), 0, count * sizeof(T));
    size_ += count;
  }
  void truncate(std::size_t size) { size_ = size; }

  // The values, to be freed with std::free; never null. The buffer is empty afterwards.
  T* release() {
    if (data_ == nullptr) room_for(1);
    size_ = capacity_ = 0;
    return std::exchange(data_, nullptr);
  }

 private:
  void swap(Buffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  void grow(std::size_t count) {
    const std::size_t capacity = std::max(size_ + count, capacity_ * 2);
    void* grown = std::realloc(data_, capacity * sizeof(T));
    if (grown == nullptr) throw std::bad_alloc();
    data_ = static_cast<T*>(grown);
    capacity_ = capacity;
  }

  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace varlen::features
