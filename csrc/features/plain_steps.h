// Steps of one int64 as every writer writes them: twelve bytes or so, of which one to eight matter.
//
//     0A n       a step of n bytes
//     1A n-2     that is an int64_list of n-2 bytes
//     0A n-4     that is n-4 bytes of packed varints
//     ...        and here one varint, which has a bit that says so in every byte but the last
//
// Read as two words: one comparison for the frame, and no branch on the length of the varint, which
// no processor could foresee.
#pragma once

#include <cstdint>
#include <cstring>

#include "features/column.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "words are read as little endian, as the wire has them"
#endif

namespace varlen::features {

inline std::uint64_t load_word(const std::uint8_t* at) {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// Joins the low seven bits of the eight bytes.
inline std::uint64_t join_sevens(std::uint64_t word) {
  word = (word & 0x007F007F007F007F) | ((word & 0x7F007F007F007F00) >> 1);
  word = (word & 0x00003FFF00003FFF) | ((word & 0x3FFF00003FFF0000) >> 2);
  return (word & 0x000000000FFFFFFF) | ((word & 0x0FFFFFFF00000000) >> 4);
}

// Takes as many such steps as stand at the beginning of `steps`, except that the last one or two,
// after which no whole word can be read, are left. Returns how many were taken.
inline std::int64_t take_plain_steps(Bytes& steps, Buffer<std::int64_t>& values) {
  constexpr std::size_t kFrame = 6, kWord = 8;
  constexpr std::uint64_t kContinued = 0x8080808080808080;
  std::int64_t* const begin = values.room_for(steps.size() / (kFrame + 1));
  std::int64_t* next = begin;
  while (steps.size() >= kFrame + kWord) {
    const std::uint64_t n = steps.at[1];
    const std::uint64_t frame = 0x0A001A000A + (n << 8) + ((n - 2) << 24) + ((n - 4) << 40);
    if ((load_word(steps.at) & 0xFFFFFFFFFFFF) != frame || n < 5 || n > 4 + kWord) break;
    const std::uint64_t unused = 64 - 8 * (n - 4);
    const std::uint64_t word = load_word(steps.at + kFrame) << unused;
    if ((word & kContinued) != ((kContinued << unused) & ~(std::uint64_t{1} << 63))) break;
    *next++ = static_cast<std::int64_t>(join_sevens(word >> unused));
    steps.at += n + 2;
  }
  values.advance(static_cast<std::size_t>(next - begin));
  return next - begin;
}

}  // namespace varlen::features
