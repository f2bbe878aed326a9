// Hostile bytes for the framing of records and the counting of steps, under the sanitizers.
//
// `make fuzz` runs it for a short time. Random bytes never have a right checksum, so the input is
// also cut into records, framed, and then damaged where it says.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "records/frames.h"
#include "records/steps.h"

namespace {

using Bytes = std::vector<std::uint8_t>;
using varlen::records::kFooterSize;
using varlen::records::kHeaderSize;

void check(bool holds) {
  if (!holds) std::abort();
}

std::string_view text(const Bytes& bytes, std::int64_t start, std::int64_t length) {
  return {reinterpret_cast<const char*>(bytes.data()) + start, static_cast<std::size_t>(length)};
}

// A copy in memory of its own, so that the sanitizer sees a step beyond its end.
Bytes tight(const Bytes& bytes) { return Bytes(bytes.begin(), bytes.end()); }

void scan(const Bytes& file, std::size_t begin) {
  std::vector<std::int64_t> starts, lengths;
  varlen::records::scan_frames(file.data(), file.size(), begin, starts, lengths);
  check(starts.size() == lengths.size());
  std::size_t end = begin;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    check(static_cast<std::size_t>(starts[i]) == end + kHeaderSize);
    const auto length = static_cast<std::size_t>(lengths[i]);
    Bytes frame(kHeaderSize + length + kFooterSize);
    varlen::records::write_frame(file.data() + starts[i], length, frame.data());
    check(end + frame.size() <= file.size());
    check(std::equal(frame.begin(), frame.end(), file.begin() + static_cast<std::ptrdiff_t>(end)));
    end += frame.size();
    varlen::records::count_steps(text(file, starts[i], lengths[i]), "a");
  }
  check(varlen::records::frame_length(file.data() + end, file.size() - end) < 0);
}

void search(const Bytes& file, std::size_t begin) {
  const std::int64_t found = varlen::records::find_header(file.data(), file.size(), begin);
  if (found < 0) return;
  const auto at = static_cast<std::size_t>(found);
  check(at >= begin && at + kHeaderSize <= file.size());
  check(varlen::records::header_length(file.data() + at, file.size() - at) >= 0);
}

// The bytes cut into records where a 0xFE stands, framed one after the other.
Bytes framed(const std::uint8_t* data, std::size_t size) {
  Bytes file;
  const std::uint8_t* const end = data + size;
  while (data != end) {
    const std::uint8_t* const cut = std::find(data, end, 0xFE);
    const auto length = static_cast<std::size_t>(cut - data);
    const std::size_t before = file.size();
    file.resize(before + kHeaderSize + length + kFooterSize);
    varlen::records::write_frame(data, length, file.data() + before);
    data = cut == end ? end : cut + 1;
  }
  return file;
}

void damage(Bytes& file, const std::uint8_t* edits, std::size_t count) {
  for (; count >= 3 && !file.empty(); edits += 3, count -= 3) {
    const std::size_t at = (edits[0] | edits[1] << 8) % file.size();
    if (edits[2] == 0)
      file.resize(at);
    else if (edits[2] < 8)
      file.erase(file.begin() + static_cast<std::ptrdiff_t>(at));
    else
      file[at] ^= edits[2];
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t num_edit_bytes = std::min<std::size_t>(data[0] % 4 * 3, size - 2);
  const std::size_t position = data[1];
  const std::uint8_t* const edits = data + 2;
  const Bytes raw(edits + num_edit_bytes, data + size);

  Bytes file = framed(raw.data(), raw.size());
  damage(file, edits, num_edit_bytes);
  file = tight(file);
  for (const Bytes* bytes : {&raw, static_cast<const Bytes*>(&file)}) {
    const std::size_t begin = std::min(position, bytes->size());
    scan(*bytes, 0);
    scan(*bytes, begin);
    search(*bytes, begin);
    varlen::records::count_steps(text(*bytes, 0, static_cast<std::int64_t>(bytes->size())), "a");
  }
  return 0;
}
