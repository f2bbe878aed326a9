// From columns to Example and SequenceExample messages, byte for byte as protobuf writes them when it
// is asked to be deterministic: numbers packed, and every varint in its shortest form. The columns
// come in the order of the entries.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "features/buffer.h"
#include "features/column.h"

namespace varlen::features {

// One feature of many messages. The values are the caller's.
struct WrittenColumn {
  bool is_list;
  std::string name;
  Kind kind;
  const std::int64_t* int64s = nullptr;
  const float* floats = nullptr;
  const Bytes* bytes = nullptr;
  // Per message: values of a feature, -1 for a Feature without a kind; or steps of a list.
  const std::int64_t* lengths = nullptr;
  // Per step of a list: its values, -1 for a Feature without a kind.
  const std::int64_t* step_lengths = nullptr;
};

inline std::size_t varint_size(std::uint64_t value) {
  return static_cast<std::size_t>(64 - __builtin_clzll(value | 1) + 6) / 7;
}

// A tag of one byte, a length, and as many bytes.
inline std::size_t delimited_size(std::size_t size) { return 1 + varint_size(size) + size; }

class Writer {
 public:
  explicit Writer(std::uint8_t* at) : at_(at) {}

  void varint(std::uint64_t value) {
    while (value >= 0x80) {
      *at_++ = static_cast<std::uint8_t>(value | 0x80);
      value >>= 7;
    }
    *at_++ = static_cast<std::uint8_t>(value);
  }
  void head(std::uint32_t field, std::size_t size) {
    *at_++ = static_cast<std::uint8_t>(field << 3 | 2);
    varint(size);
  }
  void raw(const void* data, std::size_t size) {
    if (size != 0) std::memcpy(at_, data, size);
    at_ += size;
  }

 private:
  std::uint8_t* at_;
};

// Writes one column, message by message. Sizes are asked for first, since they stand before what
// they measure.
class ColumnWriter {
 public:
  explicit ColumnWriter(const WrittenColumn& column) : column_(&column) {}

  bool is_list() const { return column_->is_list; }

  // The size of the entry of the next message.
  std::size_t measure() {
    sizes_.truncate(0);
    std::size_t size = 0;
    const std::int64_t length = column_->lengths[message_];
    if (!is_list()) {
      size = measure_feature(length, next_value_);
    } else {
      std::size_t value = next_value_;
      for (std::int64_t step = 0; step < length; ++step) {
        const std::int64_t count = column_->step_lengths[next_step_ + static_cast<std::size_t>(step)];
        size += delimited_size(measure_feature(count, value));
        if (count > 0) value += static_cast<std::size_t>(count);
      }
    }
    value_size_ = size;
    return delimited_size(entry_size());
  }

  // Writes what was measured, and goes on to the next message.
  void write(Writer& out) {
    out.head(1, entry_size());
    out.head(1, column_->name.size());
    out.raw(column_->name.data(), column_->name.size());
    out.head(2, value_size_);
    const std::int64_t length = column_->lengths[message_++];
    next_size_ = 0;
    if (!is_list()) return write_feature(out, length);
    for (std::int64_t step = 0; step < length; ++step) {
      const std::int64_t count = column_->step_lengths[next_step_++];
      const std::size_t packed = sizes_[next_size_];
      out.head(1, feature_size(count, packed));
      write_feature(out, count);
    }
  }

 private:
  std::size_t entry_size() const {
    return delimited_size(column_->name.size()) + delimited_size(value_size_);
  }

  // The size of a Feature of `count` values, which begin at `value`.
  std::size_t measure_feature(std::int64_t count, std::size_t value) {
    const std::size_t size = count > 0 ? measure_values(static_cast<std::size_t>(count), value) : 0;
    sizes_.push(size);
    return feature_size(count, size);
  }

  // Of values that take `size` bytes, without the head of a packed list.
  std::size_t feature_size(std::int64_t count, std::size_t size) const {
    return count < 0 ? 0 : delimited_size(list_size(count, size));
  }
  std::size_t list_size(std::int64_t count, std::size_t size) const {
    return column_->kind == Kind::kBytes || count == 0 ? size : delimited_size(size);
  }

  std::size_t measure_values(std::size_t count, std::size_t value) const {
    if (column_->kind == Kind::kFloats) return count * sizeof(float);
    std::size_t size = 0;
    if (column_->kind == Kind::kInt64s) {
      for (std::size_t i = value; i < value + count; ++i)
        size += varint_size(static_cast<std::uint64_t>(column_->int64s[i]));
    } else {
      for (std::size_t i = value; i < value + count; ++i)
        size += delimited_size(column_->bytes[i].size());
    }
    return size;
  }

  void write_feature(Writer& out, std::int64_t count) {
    const std::size_t size = sizes_[next_size_++];
    if (count < 0) return;
    out.head(static_cast<std::uint32_t>(column_->kind), list_size(count, size));
    if (count == 0) return;
    const std::size_t begin = next_value_;
    next_value_ += static_cast<std::size_t>(count);
    if (column_->kind == Kind::kFloats) {
      out.head(1, size);
      out.raw(column_->floats + begin, size);
    } else if (column_->kind == Kind::kInt64s) {
      out.head(1, size);
      for (std::size_t i = begin; i < next_value_; ++i)
        out.varint(static_cast<std::uint64_t>(column_->int64s[i]));
    } else {
      for (std::size_t i = begin; i < next_value_; ++i) {
        out.head(1, column_->bytes[i].size());
        out.raw(column_->bytes[i].at, column_->bytes[i].size());
      }
    }
  }

  const WrittenColumn* column_;
  std::size_t message_ = 0;
  std::size_t next_step_ = 0;
  std::size_t next_value_ = 0;
  std::size_t value_size_ = 0;
  // Of the measured message: the bytes of the values of its Feature, or of each of its steps.
  Buffer<std::size_t> sizes_;
  std::size_t next_size_ = 0;
};

struct Encoded {
  Buffer<std::uint8_t> bytes;  // all messages, one after the other
  Buffer<std::size_t> ends;    // where each one ends
};

// Encodes `num_messages` messages. The columns of the context, or of an Example, come first, and then
// those of the lists.
inline Encoded encode_batch(const std::vector<WrittenColumn>& columns, std::size_t num_messages) {
  std::vector<ColumnWriter> writers(columns.begin(), columns.end());
  Encoded encoded;
  for (std::size_t message = 0; message < num_messages; ++message) {
    std::size_t section_sizes[2] = {0, 0};
    bool is_there[2] = {false, false};
    for (ColumnWriter& writer : writers) {
      section_sizes[writer.is_list()] += writer.measure();
      is_there[writer.is_list()] = true;
    }
    std::size_t size = 0;
    for (const int section : {0, 1})
      if (is_there[section]) size += delimited_size(section_sizes[section]);
    Writer out(encoded.bytes.room_for(size));
    auto writer = writers.begin();
    for (const int section : {0, 1}) {
      if (!is_there[section]) continue;
      out.head(static_cast<std::uint32_t>(section + 1), section_sizes[section]);
      for (; writer != writers.end() && writer->is_list() == (section == 1); ++writer)
        writer->write(out);
    }
    encoded.bytes.advance(size);
    encoded.ends.push(encoded.bytes.size());
  }
  return encoded;
}

}  // namespace varlen::features
