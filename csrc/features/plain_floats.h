// Steps of a known number of floats as every writer writes them: the same few bytes, then the floats.
//
//     0A n       a step of n bytes
//     12 m       that is a float_list of m bytes
//     0A 4k      that is 4k bytes of packed floats
//     ...        and here they are
#pragma once

#include <cstdint>
#include <cstring>
#include <string>

#include "features/column.h"

namespace varlen::features {

class PlainFloats {
 public:
  // `count` floats a step; with no floats or too many for a message, no step is plain.
  explicit PlainFloats(std::int64_t count) {
    if (count < 1 || count > kMostFloats) return;
    count_ = static_cast<std::size_t>(count);
    frame_ = delimited(0x0A, count_ * sizeof(float));
    frame_ = delimited(0x12, frame_.size() + count_ * sizeof(float)) + frame_;
    frame_ = delimited(0x0A, frame_.size() + count_ * sizeof(float)) + frame_;
  }

  // Takes as many such steps as stand at the beginning of `steps`. Returns how many were taken.
  std::int64_t take(Bytes& steps, Buffer<float>& values) const {
    if (count_ == 0) return 0;
    const std::size_t frame_size = frame_.size(), step_size = frame_size + count_ * sizeof(float);
    float* const begin = values.room_for(steps.size() / step_size * count_);
    float* next = begin;
    while (steps.size() >= step_size && std::memcmp(steps.at, frame_.data(), frame_size) == 0) {
      std::memcpy(next, steps.at + frame_size, count_ * sizeof(float));
      next += count_;
      steps.at += step_size;
    }
    const auto taken = static_cast<std::size_t>(next - begin);
    values.advance(taken);
    return static_cast<std::int64_t>(taken / count_);
  }

 private:
  // Their bytes and all lengths around them fit what `Bytes` reads.
  static constexpr std::int64_t kMostFloats = 1 << 28;

  static std::string delimited(std::uint8_t tag, std::size_t length) {
    std::string bytes(1, static_cast<char>(tag));
    for (; length >= 0x80; length >>= 7) bytes += static_cast<char>(length | 0x80);
    return bytes + static_cast<char>(length);
  }

  std::size_t count_ = 0;
  std::string frame_;  // what stands before the floats of every step
};

}  // namespace varlen::features
