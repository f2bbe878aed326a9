// One feature of many messages: its values one after the other, and how many belong to each.
#pragma once

#include <cstdint>
#include <string>

#include "features/buffer.h"
#include "features/wire.h"

namespace varlen::features {

// The numbers are those of the fields of a Feature message.
enum class Kind : std::uint32_t { kNone = 0, kBytes = 1, kFloats = 2, kInt64s = 3 };

// What is wanted of every message.
struct Request {
  bool is_list;       // a feature list, rather than a feature of the context
  std::string name;
  Kind kind;
  std::int64_t size;  // values in a feature, or in each step of a list; -1 for any number
  bool required;      // whether its absence is a failure
};

// The values of one kind. Byte strings are joined, and `ends` says where each one ends.
class Values {
 public:
  explicit Values(Kind kind) : kind_(kind) {}

  Kind kind() const { return kind_; }
  std::size_t size() const {
    switch (kind_) {
      case Kind::kInt64s:
        return int64s.size();
      case Kind::kFloats:
        return floats.size();
      default:
        return ends.size();
    }
  }
  void truncate(std::size_t size) {
    switch (kind_) {
      case Kind::kInt64s:
        return int64s.truncate(size);
      case Kind::kFloats:
        return floats.truncate(size);
      default:
        ends.truncate(size);
        bytes.truncate(size == 0 ? 0 : static_cast<std::size_t>(ends[size - 1]));
    }
  }
  void push_bytes(Bytes value) {
    bytes.append(value.at, value.size());
    ends.push(static_cast<std::int64_t>(bytes.size()));
  }

  Buffer<std::int64_t> int64s;
  Buffer<float> floats;
  Buffer<std::uint8_t> bytes;
  Buffer<std::int64_t> ends;

 private:
  Kind kind_;
};

struct Column {
  explicit Column(Kind kind) : values(kind) {}

  Values values;
  // Per message: values of a feature, or steps of a list; -1 where it is missing.
  Buffer<std::int64_t> lengths;
  // Per step of a list of any size: its values.
  Buffer<std::int64_t> step_lengths;
};

}  // namespace varlen::features
