// The frame around a record of a TFRecord file: length, its masked checksum, data, their checksum.
//
// Every function takes hostile bytes: it looks at no byte outside `size`, believes no length beyond
// it, and asks for memory only for frames that are there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "records/crc32c.h"

namespace varlen::records {

constexpr std::size_t kHeaderSize = 12;
constexpr std::size_t kFooterSize = 4;
// The messages in records cannot be larger either.
constexpr std::uint64_t kMostData = 0x7FFFFFFF;

inline std::uint64_t load_little(const std::uint8_t* data, int size) {
  std::uint64_t value = 0;
  for (int i = 0; i < size; ++i) value |= static_cast<std::uint64_t>(data[i]) << (8 * i);
  return value;
}

inline void store_little(std::uint8_t* data, int size, std::uint64_t value) {
  for (int i = 0; i < size; ++i) data[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

inline std::uint32_t masked_crc32c(const std::uint8_t* data, std::size_t size) {
  const std::uint32_t crc = crc32c(0, data, size);
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
}

// The length of data that a sound header at the beginning of `data` tells; -1 if there is none.
inline std::int64_t header_length(const std::uint8_t* data, std::size_t size) {
  if (size < kHeaderSize) return -1;
  const std::uint64_t length = load_little(data, 8);
  // First the test that nearly all wrong positions fail, since `find_header` asks at every byte.
  if (length > kMostData) return -1;
  if (load_little(data + 8, 4) != masked_crc32c(data, 8)) return -1;
  return static_cast<std::int64_t>(length);
}

// The length of data in the whole and sound frame at the beginning of `data`; -1 if there is none.
inline std::int64_t frame_length(const std::uint8_t* data, std::size_t size) {
  const std::int64_t signed_length = header_length(data, size);
  if (signed_length < 0) return -1;
  const auto length = static_cast<std::size_t>(signed_length);
  if (size - kHeaderSize < length || size - kHeaderSize - length < kFooterSize) return -1;
  const std::uint8_t* body = data + kHeaderSize;
  if (load_little(body + length, 4) != masked_crc32c(body, length)) return -1;
  return signed_length;
}

// Appends, for each of the sound frames that follow each other from `begin` on, where its data
// start and how long they are. The first frame that is cut or damaged ends the walk.
inline void scan_frames(const std::uint8_t* data, std::size_t size, std::size_t begin,
                        std::vector<std::int64_t>& starts, std::vector<std::int64_t>& lengths) {
  while (begin < size) {
    const std::int64_t length = frame_length(data + begin, size - begin);
    if (length < 0) return;
    starts.push_back(static_cast<std::int64_t>(begin + kHeaderSize));
    lengths.push_back(length);
    begin += kHeaderSize + static_cast<std::size_t>(length) + kFooterSize;
  }
}

// The first position from `begin` on at which a sound header stands; -1 if there is none.
inline std::int64_t find_header(const std::uint8_t* data, std::size_t size, std::size_t begin) {
  for (; begin < size && size - begin >= kHeaderSize; ++begin)
    if (header_length(data + begin, size - begin) >= 0) return static_cast<std::int64_t>(begin);
  return -1;
}

// Writes the frame of `data` to `frame`, which has room for it, and returns where it ends.
inline std::uint8_t* write_frame(const std::uint8_t* data, std::size_t size, std::uint8_t* frame) {
  store_little(frame, 8, size);
  store_little(frame + 8, 4, masked_crc32c(frame, 8));
  if (size > 0) std::memcpy(frame + kHeaderSize, data, size);
  store_little(frame + kHeaderSize + size, 4, masked_crc32c(data, size));
  return frame + kHeaderSize + size + kFooterSize;
}

}  // namespace varlen::records
