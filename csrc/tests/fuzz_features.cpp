// Hostile bytes for the decoding of messages, and decoding as the inverse of encoding, under the
// sanitizers.
//
// `make fuzz` runs it for a short time. The input is read twice: as messages, cut where a 0xFE
// stands; and as values from which messages are encoded, which are then damaged where it says.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "features/batch.h"
#include "features/encode.h"
#include "features/profile.h"

namespace {

using varlen::features::Buffer;
using varlen::features::Bytes;
using varlen::features::Column;
using varlen::features::Decoded;
using varlen::features::Kind;
using varlen::features::kNoFailure;
using varlen::features::Profile;
using varlen::features::Profiler;
using varlen::features::Request;
using varlen::features::WrittenColumn;
using Message = std::vector<std::uint8_t>;

void check(bool holds) {
  if (!holds) std::abort();
}

// Both sections, all kinds, names asked for twice, sized and not.
const std::vector<Request>& requests() {
  static const std::vector<Request> made{
      {false, "a", Kind::kInt64s, -1, false}, {false, "a", Kind::kInt64s, 1, false},
      {false, "b", Kind::kFloats, -1, false}, {false, "c", Kind::kBytes, -1, false},
      {true, "a", Kind::kInt64s, 1, false},   {true, "b", Kind::kFloats, -1, false},
      {true, "c", Kind::kBytes, -1, false},   {true, "d", Kind::kInt64s, -1, false},
      {true, "b", Kind::kFloats, 2, false},
  };
  return made;
}

std::vector<Request> only(std::size_t number) { return {requests()[number]}; }

std::size_t total(const Buffer<std::int64_t>& lengths) {
  std::size_t sum = 0;
  for (std::size_t i = 0; i < lengths.size(); ++i)
    if (lengths[i] > 0) sum += static_cast<std::size_t>(lengths[i]);
  return sum;
}

template <class T>
bool same(const Buffer<T>& a, const Buffer<T>& b) {
  return a.size() == b.size() &&
         (a.size() == 0 || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

bool same(const Column& a, const Column& b) {
  return same(a.values.int64s, b.values.int64s) && same(a.values.floats, b.values.floats) &&
         same(a.values.bytes, b.values.bytes) && same(a.values.ends, b.values.ends) &&
         same(a.lengths, b.lengths) && same(a.step_lengths, b.step_lengths);
}

template <class T>
void check_block(const Buffer<T>& values, const Buffer<std::int64_t>& lengths,
                 std::size_t step_size) {
  const std::size_t num_steps = varlen::features::longest(lengths);
  const auto block = varlen::features::padded(values, lengths, num_steps, step_size);
  check(block.size() == lengths.size() * num_steps * step_size);
}

void check_column(const Column& column, const Request& request, std::size_t num_messages) {
  check(column.lengths.size() == num_messages);
  const std::size_t num_items = total(column.lengths);
  const std::size_t num_values = column.values.size();
  if (!request.is_list) {
    check(num_values == num_items);
  } else if (request.size < 0) {
    check(column.step_lengths.size() == num_items && total(column.step_lengths) == num_values);
  } else {
    check(num_values == num_items * static_cast<std::size_t>(request.size));
    const auto step_size = static_cast<std::size_t>(request.size);
    if (request.kind == Kind::kInt64s) check_block(column.values.int64s, column.lengths, step_size);
    if (request.kind == Kind::kFloats) check_block(column.values.floats, column.lengths, step_size);
  }
}

std::vector<Bytes> spans(const std::vector<Message>& messages) {
  std::vector<Bytes> made;
  for (const Message& message : messages)
    made.push_back({message.data(), message.data() + message.size()});
  return made;
}

void check_profile(const Profile& profile, std::size_t num_messages) {
  const auto& num_of_kind = profile.extents.num_of_kind;
  std::size_t num_with_kind = 0;
  for (std::size_t kind = 0; kind < num_of_kind.size(); ++kind) {
    check((num_of_kind[kind] > 0) == (profile.first[kind] >= 0));
    check(profile.first[kind] < static_cast<std::int64_t>(num_messages));
    if (kind > 0) num_with_kind += static_cast<std::size_t>(num_of_kind[kind]);
  }
  check(profile.lengths.size() <= num_messages);
  if (profile.is_list)
    check(total(profile.lengths) == num_with_kind + static_cast<std::size_t>(num_of_kind[0]));
  else
    check(profile.lengths.size() == num_with_kind);
  check(profile.extents.sizes.empty() || profile.extents.sizes.least >= 0);
}

// The same messages are refused, whether they are decoded or profiled.
void profile(const std::vector<Bytes>& serialized) {
  Profiler profiler;
  std::size_t num_refused = 0;
  for (std::size_t m = 0; m < serialized.size(); ++m) {
    const bool sound = profiler.read(serialized[m]);
    check(sound ==
          (varlen::features::decode_run({}, true, serialized, m, m + 1).failure == kNoFailure));
    num_refused += !sound;
  }
  check(profiler.take_refused().size() == num_refused);
  for (const Profile& found : profiler.take_profiles()) check_profile(found, serialized.size());
}

void decode(const std::vector<Message>& messages, bool has_lists) {
  const std::vector<Bytes> serialized = spans(messages);
  profile(serialized);
  for (std::size_t i = 0; i < requests().size(); ++i) {
    const std::vector<Request> request = only(i);
    const Decoded whole = varlen::features::decode_batch(request, has_lists, serialized, 1);
    std::vector<Decoded> runs;
    for (std::size_t m = 0; m < serialized.size(); ++m)
      runs.push_back(varlen::features::decode_run(request, has_lists, serialized, m, m + 1));
    if (runs.empty()) continue;
    const Decoded joined = varlen::features::join(std::move(runs));
    check(joined.failure == whole.failure);
    if (whole.failure != kNoFailure) continue;
    check(same(joined.columns[0], whole.columns[0]));
    check_column(whole.columns[0], request[0], serialized.size());
  }
  varlen::features::decode_batch(requests(), has_lists, serialized, 1);
}

// More messages than a few are only slow.
constexpr std::size_t kMostMessages = 5;

std::vector<Message> cut(const std::uint8_t* data, std::size_t size) {
  std::vector<Message> messages;
  const std::uint8_t* const end = data + size;
  while (data != end) {
    const bool is_last = messages.size() + 1 == kMostMessages;
    const std::uint8_t* const stop = is_last ? end : std::find(data, end, 0xFE);
    messages.emplace_back(data, stop);
    data = stop == end ? end : stop + 1;
  }
  return messages;
}

// Columns as the bytes say, for one message, for each request of a name and any size.
class Columns {
 public:
  Columns(const std::uint8_t* data, std::size_t size) : data_(data), end_(data + size) {
    for (std::size_t i : {0, 2, 3, 4, 5, 6, 7}) add(requests()[i]);
  }

  Message encoded() const {
    std::vector<WrittenColumn> columns;
    for (const Filled& filled : filled_)
      columns.push_back({filled.request->is_list, filled.request->name, filled.request->kind,
                         filled.int64s.data(), filled.floats.data(), filled.bytes.data(),
                         &filled.length, filled.step_lengths.data()});
    const auto encoded = varlen::features::encode_batch(columns, 1);
    return Message(encoded.bytes.data(), encoded.bytes.data() + encoded.bytes.size());
  }

  void check_comes_back(const Message& message) const {
    const Bytes span{message.data(), message.data() + message.size()};
    for (const Filled& filled : filled_) {
      const std::vector<Request> request{*filled.request};
      const Decoded decoded =
          varlen::features::decode_batch(request, true, {span}, 1);
      if (request[0].size >= 0) continue;
      check(decoded.failure == kNoFailure);
      const Column& column = decoded.columns[0];
      check(column.lengths[0] == filled.length);
      check(column.values.size() ==
            std::max({filled.int64s.size(), filled.floats.size(), filled.bytes.size()}));
      for (std::size_t i = 0; i < filled.int64s.size(); ++i)
        check(column.values.int64s[i] == filled.int64s[i]);
      check(filled.floats.empty() || std::memcmp(column.values.floats.data(), filled.floats.data(),
                                                 filled.floats.size() * sizeof(float)) == 0);
      std::size_t begin = 0;
      for (std::size_t i = 0; i < filled.bytes.size(); ++i) {
        const auto size = static_cast<std::size_t>(column.values.ends[i]) - begin;
        check(size == filled.bytes[i].size());
        begin += size;
      }
    }
  }

 private:
  struct Filled {
    const Request* request;
    std::int64_t length;
    std::vector<std::int64_t> step_lengths;
    std::vector<std::int64_t> int64s;
    std::vector<float> floats;
    std::vector<Bytes> bytes;
  };

  std::uint8_t next() { return data_ == end_ ? 0 : *data_++; }

  std::int64_t next_count() { return static_cast<std::int64_t>(next() % 9) - 1; }

  void add(const Request& request) {
    Filled& filled = filled_.emplace_back();
    filled.request = &request;
    filled.length = next_count();
    if (!request.is_list) return add_values(filled, filled.length);
    filled.length = std::max<std::int64_t>(filled.length, 0);
    for (std::int64_t step = 0; step < filled.length; ++step) {
      filled.step_lengths.push_back(next_count());
      add_values(filled, filled.step_lengths.back());
    }
  }

  void add_values(Filled& filled, std::int64_t count) {
    for (; count > 0; --count) {
      const std::uint8_t first = next();
      if (filled.request->kind == Kind::kInt64s) {
        const std::uint64_t wide = static_cast<std::uint64_t>(first) << (first % 64) | next();
        filled.int64s.push_back(static_cast<std::int64_t>(wide));
      } else if (filled.request->kind == Kind::kFloats) {
        filled.floats.push_back(static_cast<float>(first) / 7);
      } else {
        const std::size_t size = std::min<std::size_t>(first, static_cast<std::size_t>(end_ - data_));
        filled.bytes.push_back({data_, data_ + size});
        data_ += size;
      }
    }
  }

  const std::uint8_t* data_;
  const std::uint8_t* end_;
  std::vector<Filled> filled_;
};

void damage(Message& message, const std::uint8_t* edits, std::size_t count) {
  for (; count >= 3 && !message.empty(); edits += 3, count -= 3) {
    const std::size_t at = (edits[0] | edits[1] << 8) % message.size();
    if (edits[2] == 0)
      message.resize(at);
    else if (edits[2] < 8)
      message.erase(message.begin() + static_cast<std::ptrdiff_t>(at));
    else
      message[at] ^= edits[2];
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const bool has_lists = data[0] & 1;
  const std::size_t num_edit_bytes = std::min<std::size_t>((data[0] >> 1) % 4 * 3, size - 1);
  const std::uint8_t* const edits = data + 1;
  const std::uint8_t* const rest = edits + num_edit_bytes;
  const auto rest_size = static_cast<std::size_t>(data + size - rest);

  decode(cut(rest, rest_size), has_lists);

  const Columns columns(rest, rest_size);
  Message message = columns.encoded();
  columns.check_comes_back(message);
  damage(message, edits, num_edit_bytes);
  decode({Message(message.begin(), message.end())}, has_lists);
  return 0;
}
