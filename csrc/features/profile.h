// What the features of many messages are like, whatever their names: kinds, counts, ranges.
//
// The rules of reading are those of decode.h; a message that is refused there is refused here, and
// adds nothing. Time is linear in the bytes, but for the logarithm of the number of names; memory is
// linear in the bytes.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <string_view>
#include <vector>

#include "features/column.h"
#include "features/decode.h"
#include "features/plain_steps.h"
#include "features/wire.h"

namespace varlen::features {

constexpr std::size_t kNumKinds = 4;
constexpr std::int64_t kNoMessage = -1;

// The least and the most of some numbers; of none, `least` is above `most`.
template <class T>
struct Range {
  T least = std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity()
                                                 : std::numeric_limits<T>::max();
  T most = std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                : std::numeric_limits<T>::lowest();

  bool empty() const { return least > most; }
  // NaN is passed over, since it compares as false.
  void add(T value) {
    least = value < least ? value : least;
    most = value > most ? value : most;
  }
  void add(const Range& other) {
    least = std::min(least, other.least);
    most = std::max(most, other.most);
  }
};

// Some values of a feature. For byte strings, the range is that of their sizes.
struct Extents {
  // Features or steps of each kind, Kind::kNone included.
  std::array<std::int64_t, kNumKinds> num_of_kind{};
  Range<std::int64_t> sizes;  // values in a feature, or in a step
  Range<std::int64_t> int64s;
  Range<float> floats;
  Range<std::int64_t> bytes;
  std::int64_t num_nans = 0;

  void add(const Extents& other) {
    for (std::size_t kind = 0; kind < kNumKinds; ++kind)
      num_of_kind[kind] += other.num_of_kind[kind];
    sizes.add(other.sizes);
    int64s.add(other.int64s);
    floats.add(other.floats);
    bytes.add(other.bytes);
    num_nans += other.num_nans;
  }
};

// One feature of all messages.
struct Profile {
  std::string_view name;  // bytes of a message
  bool is_list = false;
  Extents extents;
  // The first message that has each kind.
  std::array<std::int64_t, kNumKinds> first{kNoMessage, kNoMessage, kNoMessage, kNoMessage};
  // Of every message that has it, with a kind: values of a feature, or steps of a list.
  Buffer<std::int64_t> lengths;
};

// The values of one entry, before it is known whether they count.
class EntryReader {
 public:
  // False: the bytes are malformed.
  bool read(const Entry& entry, bool is_list) {
    extents_ = Extents();
    length_ = 0;
    for (Values* values : {&int64s_, &floats_, &bytes_}) values->truncate(0);
    if (!(is_list ? read_list(entry) : read_feature(entry))) return false;
    for (std::size_t i = 0; i < int64s_.size(); ++i) extents_.int64s.add(int64s_.int64s[i]);
    for (std::size_t i = 0; i < floats_.size(); ++i) {
      const float value = floats_.floats[i];
      extents_.floats.add(value + 0.0f);  // a zero loses its sign
      extents_.num_nans += value != value;
    }
    std::int64_t begin = 0;
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
      extents_.bytes.add(bytes_.ends[i] - begin);
      begin = bytes_.ends[i];
    }
    return true;
  }

  const Extents& extents() const { return extents_; }
  std::int64_t length() const { return length_; }

 private:
  // A Feature message, in one piece or more, of whatever kind.
  class AnyFeature {
   public:
    explicit AnyFeature(EntryReader& reader) : reader_(reader) {}

    bool read(Bytes feature) {
      return read_lists(feature, [this](Kind kind, Bytes list) {
        set_kind(kind);
        return features::read_list(list, kind_, values_);
      });
    }

    Kind kind() const { return kind_; }
    std::int64_t count() const {
      return values_ == nullptr ? 0 : static_cast<std::int64_t>(values_->size() - mark_);
    }

   private:
    void set_kind(Kind kind) {
      if (kind == kind_) return;
      if (values_ != nullptr) values_->truncate(mark_);
      kind_ = kind;
      values_ = &reader_.values(kind);
      mark_ = values_->size();
    }

    EntryReader& reader_;
    Kind kind_ = Kind::kNone;
    Values* values_ = nullptr;
    std::size_t mark_ = 0;
  };

  struct Steps {
    EntryReader* reader;
    bool read(Bytes steps) { return reader->read_steps(steps); }
  };

  Values& values(Kind kind) {
    return kind == Kind::kInt64s ? int64s_ : kind == Kind::kFloats ? floats_ : bytes_;
  }

  bool read_feature(const Entry& entry) {
    AnyFeature feature(*this);
    if (!entry.read_value(feature)) return false;
    // Without a kind it counts as missing, and has no size.
    if (feature.kind() == Kind::kNone)
      ++extents_.num_of_kind[0];
    else
      add(feature);
    length_ = feature.count();
    return true;
  }

  bool read_list(const Entry& entry) {
    Steps steps{this};
    return entry.read_value(steps);
  }

  bool read_steps(Bytes steps) {
    const std::int64_t num_plain = take_plain_steps(steps, int64s_.int64s);
    if (num_plain > 0) {
      extents_.num_of_kind[static_cast<std::size_t>(Kind::kInt64s)] += num_plain;
      extents_.sizes.add(1);
      length_ += num_plain;
    }
    return for_each_item(steps, [this](Bytes step) {
      AnyFeature feature(*this);
      if (!feature.read(step)) return false;
      add(feature);
      ++length_;
      return true;
    });
  }

  void add(const AnyFeature& feature) {
    ++extents_.num_of_kind[static_cast<std::size_t>(feature.kind())];
    extents_.sizes.add(feature.count());
  }

  Extents extents_;
  std::int64_t length_ = 0;
  Values int64s_{Kind::kInt64s};
  Values floats_{Kind::kFloats};
  Values bytes_{Kind::kBytes};
};

// Profiles messages one after the other. Their bytes must outlive the profiler: names are parts of
// them.
class Profiler {
 public:
  // False: the message is malformed.
  bool read(Bytes message) {
    const std::int64_t number = num_messages_++;
    touched_.clear();
    const bool sound = for_each_entry(message, true, [&](const Entry& entry, bool is_list) {
      if (!reader_.read(entry, is_list)) return false;
      // Of several entries of one key, the last replaces those before.
      Pending& pending = pending_of(entry.key(), is_list);
      if (pending.message != number) touched_.push_back(&pending);
      pending.message = number;
      pending.extents = reader_.extents();
      pending.length = reader_.length();
      return true;
    });
    if (!sound) {
      refused_.push(number);
      return false;
    }
    for (Pending* pending : touched_) count(*pending, number);
    return true;
  }

  // The messages that were refused, by number.
  Buffer<std::int64_t> take_refused() { return std::move(refused_); }

  // The features that the messages have; first those of the context, each sorted by name.
  std::vector<Profile> take_profiles() {
    std::vector<Profile> profiles;
    for (auto& section : sections_)
      for (auto& [name, pending] : section)
        if (pending.is_counted) profiles.push_back(std::move(pending.profile));
    return profiles;
  }

 private:
  // A feature, and its last entry in the message that is being read.
  struct Pending {
    Profile profile;
    bool is_counted = false;
    std::int64_t message = kNoMessage;
    Extents extents;
    std::int64_t length = 0;
  };

  Pending& pending_of(std::string_view name, bool is_list) {
    Pending& pending = sections_[is_list][name];
    pending.profile.name = name;
    pending.profile.is_list = is_list;
    return pending;
  }

  static void count(Pending& pending, std::int64_t number) {
    Profile& profile = pending.profile;
    pending.is_counted = true;
    profile.extents.add(pending.extents);
    for (std::size_t kind = 0; kind < kNumKinds; ++kind)
      if (pending.extents.num_of_kind[kind] > 0 && profile.first[kind] == kNoMessage)
        profile.first[kind] = number;
    if (profile.is_list || pending.extents.num_of_kind[0] == 0)
      profile.lengths.push(pending.length);
  }

  std::int64_t num_messages_ = 0;
  EntryReader reader_;
  std::vector<Pending*> touched_;
  Buffer<std::int64_t> refused_;
  // By key. A tree: names are not to be trusted, and a table could be made to collide.
  std::map<std::string_view, Pending> sections_[2];
};

}  // namespace varlen::features
