// From Example and SequenceExample messages to columns.
//
//     Example          features = 1: Features             SequenceExample   context = 1: Features
//     Features         feature = 1: entries               feature_lists = 2: FeatureLists
//     an entry         key = 1: string, value = 2         FeatureLists      feature_list = 1: entries
//     Feature          bytes_list = 1, float_list = 2     FeatureList       feature = 1: steps
//                      or int64_list = 3                  the lists         value = 1: repeated
//
// The general rules of protobuf hold: unknown fields are skipped, pieces of a message are merged, of
// several entries of one key the last counts, and of several kinds in a Feature the last. All of a
// message is checked, not only what is asked for. Whatever is refused here, protobuf's own reader
// has the last word on; whatever is accepted, it accepts with equal values.
//
// Time and memory are linear in the bytes, for each request of a name: no length is believed further
// than there are bytes for it.
#pragma once

#include <cstring>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "features/column.h"
#include "features/plain_floats.h"
#include "features/plain_steps.h"
#include "features/wire.h"

namespace varlen::features {

// Packed varints. Without `values` they are only checked.
inline bool read_packed_int64s(Bytes packed, Values* values) {
  if (values == nullptr) {
    std::uint64_t ignored;
    while (!packed.empty())
      if (!packed.read_varint(ignored)) return false;
    return true;
  }
  std::int64_t* const begin = values->int64s.room_for(packed.size());
  std::int64_t* next = begin;
  while (!packed.empty()) {
    std::uint64_t value;
    if (!packed.read_varint(value)) return false;
    *next++ = static_cast<std::int64_t>(value);
  }
  values->int64s.advance(static_cast<std::size_t>(next - begin));
  return true;
}

inline bool read_packed_floats(Bytes packed, Values* values) {
  if (packed.size() % sizeof(float) != 0) return false;
  if (values != nullptr) values->floats.append(packed.at, packed.size() / sizeof(float));
  return true;
}

// One `value` of a list of the given kind. What has another wire type is an unknown field.
inline bool read_value(Bytes& list, Kind kind, std::uint32_t wire_type, Values* values) {
  Bytes piece;
  if (wire_type == kDelimited) {
    if (!list.read_delimited(piece)) return false;
    if (kind == Kind::kInt64s) return read_packed_int64s(piece, values);
    if (kind == Kind::kFloats) return read_packed_floats(piece, values);
    if (values != nullptr) values->push_bytes(piece);
    return true;
  }
  if (wire_type == kVarint && kind == Kind::kInt64s) {
    std::uint64_t value;
    if (!list.read_varint(value)) return false;
    if (values != nullptr) values->int64s.push(static_cast<std::int64_t>(value));
    return true;
  }
  const std::uint8_t* const at = list.at;
  if (!list.skip(wire_type)) return false;
  if (wire_type == kFixed32 && kind == Kind::kFloats && values != nullptr) values->floats.append(at, 1);
  return true;
}

inline bool read_list(Bytes list, Kind kind, Values* values) {
  while (!list.empty()) {
    std::uint32_t field, wire_type;
    if (!list.read_tag(field, wire_type)) return false;
    if (!(field == 1 ? read_value(list, kind, wire_type, values) : list.skip(wire_type))) return false;
  }
  return true;
}

// Calls `on_list(kind, list)` for the lists of a Feature message, as they come. Unknown fields are skipped.
template <typename OnList>
bool read_lists(Bytes feature, OnList on_list) {
  while (!feature.empty()) {
    std::uint32_t field, wire_type;
    if (!feature.read_tag(field, wire_type)) return false;
    if (wire_type != kDelimited || field > 3) {
      if (!feature.skip(wire_type)) return false;
      continue;
    }
    Bytes list;
    if (!feature.read_delimited(list)) return false;
    if (!on_list(static_cast<Kind>(field), list)) return false;
  }
  return true;
}

// A Feature message, in one piece or more.
class FeatureReader {
 public:
  // Without `values` the message is only checked.
  explicit FeatureReader(Values* values) : values_(values), mark_(values ? values->size() : 0) {}

  bool read(Bytes feature) {
    return read_lists(feature, [this](Kind kind, Bytes list) {
      set_kind(kind);
      return read_list(list, kind_, is_wanted() ? values_ : nullptr);
    });
  }

  Kind kind() const { return kind_; }
  bool is_wanted() const { return values_ != nullptr && kind_ == values_->kind(); }
  std::int64_t count() const { return static_cast<std::int64_t>(values_->size() - mark_); }

 private:
  void set_kind(Kind kind) {
    if (kind == kind_) return;
    kind_ = kind;
    if (values_ != nullptr) values_->truncate(mark_);
  }

  Values* values_;
  std::size_t mark_;
  Kind kind_ = Kind::kNone;
};

// A map entry: its key, and its value in one piece or more.
class Entry {
 public:
  bool read(Bytes entry) {
    entry_ = entry;
    key_ = Bytes();
    return for_each([this](std::uint32_t field, Bytes piece) {
      if (field == 1) key_ = piece;
      return field != 1 || is_utf8(piece);
    });
  }

  std::string_view key() const { return key_.text(); }

  template <class Reader>
  bool read_value(Reader& reader) const {
    return for_each(
        [&reader](std::uint32_t field, Bytes piece) { return field != 2 || reader.read(piece); });
  }

 private:
  template <class Visit>
  bool for_each(Visit visit) const {
    Bytes rest = entry_;
    while (!rest.empty()) {
      std::uint32_t field, wire_type;
      if (!rest.read_tag(field, wire_type)) return false;
      if (wire_type != kDelimited) {
        if (!rest.skip(wire_type)) return false;
        continue;
      }
      Bytes piece;
      if (!rest.read_delimited(piece) || !visit(field, piece)) return false;
    }
    return true;
  }

  Bytes entry_;
  Bytes key_;
};

// Visits the pieces of field 1 of a message, which are the entries of Features and FeatureLists, and
// the steps of a FeatureList. Other fields are unknown.
template <class Visit>
bool for_each_item(Bytes message, Visit visit) {
  while (!message.empty()) {
    std::uint32_t field, wire_type;
    if (!message.read_tag(field, wire_type)) return false;
    if (field != 1 || wire_type != kDelimited) {
      if (!message.skip(wire_type)) return false;
      continue;
    }
    Bytes piece;
    if (!message.read_delimited(piece) || !visit(piece)) return false;
  }
  return true;
}

// Visits the entries of a message: those of its features, and if it has any, those of its lists.
template <class Visit>
bool for_each_entry(Bytes message, bool has_lists, Visit visit) {
  Entry entry;
  while (!message.empty()) {
    std::uint32_t field, wire_type;
    if (!message.read_tag(field, wire_type)) return false;
    if (wire_type != kDelimited || field > (has_lists ? 2 : 1)) {
      if (!message.skip(wire_type)) return false;
      continue;
    }
    Bytes entries;
    if (!message.read_delimited(entries)) return false;
    const auto read = [&](Bytes piece) { return entry.read(piece) && visit(entry, field == 2); };
    if (!for_each_item(entries, read)) return false;
  }
  return true;
}

// Collects one column, message by message.
class ColumnReader {
 public:
  explicit ColumnReader(const Request& request)
      : request_(&request), plain_floats_(request.size), column_(request.kind) {}

  void begin_message() {
    mark_ = column_.values.size();
    steps_mark_ = column_.step_lengths.size();
    length_ = -1;
    is_bad_ = false;
  }

  // Reads what replaces any earlier entry of the same key. False: the bytes are malformed.
  bool read(const Entry& entry) {
    column_.values.truncate(mark_);
    column_.step_lengths.truncate(steps_mark_);
    is_bad_ = false;
    return request_->is_list ? read_list(entry) : read_feature(entry);
  }

  // False: the message does not hold what is wanted.
  bool end_message() {
    if (is_bad_ || (length_ < 0 && request_->required)) return false;
    column_.lengths.push(length_);
    return true;
  }

  Column take() { return std::move(column_); }

 private:
  bool read_feature(const Entry& entry) {
    FeatureReader feature(&column_.values);
    if (!entry.read_value(feature)) return false;
    length_ = feature.kind() == Kind::kNone ? -1 : feature.count();
    is_bad_ = feature.kind() != Kind::kNone &&
              (!feature.is_wanted() || (request_->size >= 0 && length_ != request_->size));
    return true;
  }

  struct StepsReader {
    ColumnReader* column;
    bool read(Bytes steps) { return column->read_steps(steps); }
  };

  bool read_list(const Entry& entry) {
    length_ = 0;
    StepsReader steps{this};
    return entry.read_value(steps);
  }

  bool read_steps(Bytes steps) {
    while (!steps.empty()) {
      length_ += take_plain(steps);
      if (steps.empty()) break;
      std::uint32_t field, wire_type;
      if (!steps.read_tag(field, wire_type)) return false;
      if (field != 1 || wire_type != kDelimited) {
        if (!steps.skip(wire_type)) return false;
        continue;
      }
      Bytes step;
      FeatureReader feature(&column_.values);
      if (!steps.read_delimited(step) || !feature.read(step)) return false;
      is_bad_ |= !feature.is_wanted() && (feature.kind() != Kind::kNone || request_->size >= 0);
      add_step(feature.count());
    }
    return true;
  }

  std::int64_t take_plain(Bytes& steps) {
    if (request_->kind == Kind::kFloats) return plain_floats_.take(steps, column_.values.floats);
    if (request_->kind == Kind::kInt64s && request_->size == 1)
      return take_plain_steps(steps, column_.values.int64s);
    return 0;
  }

  void add_step(std::int64_t count) {
    ++length_;
    if (request_->size < 0)
      column_.step_lengths.push(count);
    else
      is_bad_ |= count != request_->size;
  }

  const Request* request_;
  PlainFloats plain_floats_;
  Column column_;
  std::size_t mark_ = 0;
  std::size_t steps_mark_ = 0;
  std::int64_t length_ = -1;
  bool is_bad_ = false;
};

// The value of an entry that nobody asked for.
struct FeatureChecker {
  FeatureReader feature{nullptr};
  bool read(Bytes piece) { return feature.read(piece); }
};

struct StepsChecker {
  bool read(Bytes steps) {
    return for_each_item(steps, [](Bytes step) { return FeatureReader(nullptr).read(step); });
  }
};

// Reads messages one after the other into a column for each request.
class Decoder {
 public:
  // `requests` must outlive the decoder. Without `has_lists` the messages are Examples, in which
  // field 2 is unknown.
  Decoder(const std::vector<Request>& requests, bool has_lists) : has_lists_(has_lists) {
    for (const Request& request : requests) {
      sections_[request.is_list][request.name].push_back(readers_.size());
      readers_.emplace_back(request);
    }
  }

  // False: the message is malformed or does not hold what is wanted, and no more can be read.
  bool read(Bytes message) {
    for (ColumnReader& reader : readers_) reader.begin_message();
    const auto visit = [this](const Entry& entry, bool is_list) { return read_entry(entry, is_list); };
    if (!for_each_entry(message, has_lists_, visit)) return false;
    for (ColumnReader& reader : readers_)
      if (!reader.end_message()) return false;
    return true;
  }

  std::vector<Column> take() {
    std::vector<Column> columns;
    columns.reserve(readers_.size());
    for (ColumnReader& reader : readers_) columns.push_back(reader.take());
    return columns;
  }

 private:
  bool read_entry(const Entry& entry, bool is_list) {
    const auto found = sections_[is_list].find(entry.key());
    if (found == sections_[is_list].end()) {
      if (is_list) {
        StepsChecker steps;
        return entry.read_value(steps);
      }
      FeatureChecker feature;
      return entry.read_value(feature);
    }
    for (const std::size_t reader : found->second)
      if (!readers_[reader].read(entry)) return false;
    return true;
  }

  bool has_lists_;
  std::vector<ColumnReader> readers_;
  // By key, the readers that want its entries: those of features, and those of lists.
  std::unordered_map<std::string_view, std::vector<std::size_t>> sections_[2];
};

}  // namespace varlen::features
