// How many steps a record's feature has, without decoding a value.
//
// Of the messages, only the path to the feature is looked at:
//
//   SequenceExample { context = 1: Features, feature_lists = 2: FeatureLists }
//   Example         { features = 1: Features }
//   Features and FeatureLists { entry = 1: { key = 1, value = 2: Feature or FeatureList } }
//   FeatureList { feature = 1: repeated Feature }
//   Feature { one of bytes_list = 1, float_list = 2, int64_list = 3, each with value = 1 }
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace varlen::records {

// Walks over the fields of one message.
class Fields {
 public:
  enum Type { kVarint = 0, kEightBytes = 1, kBytes = 2, kFourBytes = 5 };

  explicit Fields(std::string_view message)
      : at_(reinterpret_cast<const std::uint8_t*>(message.data())), end_(at_ + message.size()) {}

  // Moves to the next field; false at the end, and where the message is malformed.
  bool next() {
    if (at_ == end_) return false;
    std::uint64_t tag;
    if (!varint(tag) || tag >> 32 != 0 || tag >> 3 == 0) return fail();
    number_ = static_cast<std::uint32_t>(tag >> 3);
    type_ = static_cast<int>(tag & 7);
    std::uint64_t size;
    switch (type_) {
      case kVarint:
        return varint(size) || fail();
      case kEightBytes:
        return take(8);
      case kFourBytes:
        return take(4);
      case kBytes:
        return varint(size) ? take(size) : fail();
      default:
        return fail();
    }
  }

  bool is(std::uint32_t number, int type) const { return number_ == number && type_ == type; }
  std::uint32_t number() const { return number_; }
  int type() const { return type_; }
  std::string_view bytes() const { return bytes_; }
  bool malformed() const { return malformed_; }

 private:
  bool fail() {
    malformed_ = true;
    return false;
  }

  bool take(std::uint64_t size) {
    if (size > static_cast<std::uint64_t>(end_ - at_)) return fail();
    bytes_ = {reinterpret_cast<const char*>(at_), static_cast<std::size_t>(size)};
    at_ += size;
    return true;
  }

  bool varint(std::uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      if (at_ == end_) return false;
      const std::uint8_t byte = *at_++;
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  std::string_view bytes_;
  std::uint32_t number_ = 0;
  int type_ = 0;
  bool malformed_ = false;
};

// Counts the values of a Feature that may come in several pieces. The last kind counts.
class ValueCounter {
 public:
  bool add(std::string_view feature) {
    Fields fields(feature);
    while (fields.next()) {
      if (fields.type() != Fields::kBytes || fields.number() < kBytesList ||
          fields.number() > kInt64List)
        continue;
      if (fields.number() != kind_) count_ = 0;
      kind_ = fields.number();
      if (!add_list(fields.bytes())) return false;
    }
    return !fields.malformed();
  }

  std::int64_t count() const { return count_; }

 private:
  enum Kind : std::uint32_t { kBytesList = 1, kFloatList = 2, kInt64List = 3 };

  bool add_list(std::string_view list) {
    Fields fields(list);
    while (fields.next()) {
      if (fields.number() != 1) continue;
      if (fields.type() == Fields::kBytes) {
        if (!add_chunk(fields.bytes())) return false;
      } else if ((kind_ == kFloatList && fields.type() == Fields::kFourBytes) ||
                 (kind_ == kInt64List && fields.type() == Fields::kVarint)) {
        ++count_;
      }
    }
    return !fields.malformed();
  }

  // One bytes value, or packed numbers.
  bool add_chunk(std::string_view chunk) {
    if (kind_ == kBytesList) {
      ++count_;
      return true;
    }
    if (kind_ == kFloatList) {
      count_ += static_cast<std::int64_t>(chunk.size() / 4);
      return chunk.size() % 4 == 0;
    }
    // A varint ends at the byte whose highest bit is not set.
    for (const char byte : chunk) count_ += static_cast<std::uint8_t>(byte) < 0x80;
    return chunk.empty() || static_cast<std::uint8_t>(chunk.back()) < 0x80;
  }

  std::uint32_t kind_ = 0;
  std::int64_t count_ = 0;
};

// Counts the steps of a FeatureList that may come in several pieces.
class StepCounter {
 public:
  bool add(std::string_view feature_list) {
    Fields fields(feature_list);
    while (fields.next()) count_ += fields.is(1, Fields::kBytes);
    return !fields.malformed();
  }

  std::int64_t count() const { return count_; }

 private:
  std::int64_t count_ = 0;
};

// Looks for `name` in Features or FeatureLists. The last entry of that name replaces `count`.
template <typename Counter>
bool count_entries(std::string_view map, std::string_view name, std::int64_t& count) {
  Fields entries(map);
  while (entries.next()) {
    if (!entries.is(1, Fields::kBytes)) continue;
    std::string_view key;
    Fields entry(entries.bytes());
    while (entry.next())
      if (entry.is(1, Fields::kBytes)) key = entry.bytes();
    if (entry.malformed()) return false;
    if (key != name) continue;
    Counter counter;
    Fields values(entries.bytes());
    while (values.next())
      if (values.is(2, Fields::kBytes) && !counter.add(values.bytes())) return false;
    count = counter.count();
  }
  return !entries.malformed();
}

// The steps of the feature list `name` of a SequenceExample; without such a list, the values of the
// context feature, or feature of an Example, of that name; without either, 0. -1 where the message
// is malformed on the way there.
inline std::int64_t count_steps(std::string_view record, std::string_view name) {
  std::int64_t steps = -1;
  std::int64_t values = 0;
  Fields fields(record);
  while (fields.next()) {
    if (fields.is(1, Fields::kBytes)) {
      if (!count_entries<ValueCounter>(fields.bytes(), name, values)) return -1;
    } else if (fields.is(2, Fields::kBytes)) {
      if (!count_entries<StepCounter>(fields.bytes(), name, steps)) return -1;
    }
  }
  if (fields.malformed()) return -1;
  return steps >= 0 ? steps : values;
}

}  // namespace varlen::records
