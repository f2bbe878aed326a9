// CRC-32C (Castagnoli): reflected polynomial 0x82F63B78, initial and final value 0xFFFFFFFF.
//
// Three versions of one function, chosen once per process: slice-by-8 tables everywhere, and the
// processor's own instruction where there is one (SSE 4.2, ARMv8 CRC).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace varlen::records {

using Crc32cTables = std::array<std::array<std::uint32_t, 256>, 8>;

// Table k advances a byte by k further zero bytes, so that eight bytes need eight look-ups and no loop.
constexpr Crc32cTables make_crc32c_tables() {
  Crc32cTables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0x82F63B78u : 0u);
    tables[0][byte] = crc;
  }
  for (std::uint32_t byte = 0; byte < 256; ++byte)
    for (int k = 1; k < 8; ++k) {
      const std::uint32_t previous = tables[k - 1][byte];
      tables[k][byte] = (previous >> 8) ^ tables[0][previous & 0xFF];
    }
  return tables;
}

inline std::uint32_t crc32c_portable(std::uint32_t crc, const std::uint8_t* data, std::size_t size) {
  static constexpr Crc32cTables tables = make_crc32c_tables();
  crc = ~crc;
  for (; size >= 8; data += 8, size -= 8) {
    const std::uint32_t low = crc ^ (data[0] | data[1] << 8 | data[2] << 16 |
                                     static_cast<std::uint32_t>(data[3]) << 24);
    crc = tables[7][low & 0xFF] ^ tables[6][low >> 8 & 0xFF] ^ tables[5][low >> 16 & 0xFF] ^
          tables[4][low >> 24] ^ tables[3][data[4]] ^ tables[2][data[5]] ^ tables[1][data[6]] ^
          tables[0][data[7]];
  }
  for (; size > 0; ++data, --size) crc = (crc >> 8) ^ tables[0][(crc ^ *data) & 0xFF];
  return ~crc;
}

#if defined(__x86_64__)

// The instruction has a result after three cycles, and may begin every cycle: so three stretches of
// bytes are read side by side, each from a state of its own, and then joined. A state is linear in
// what was before: read over a lane, it is what it was, advanced by a lane of zeros, exclusive-or
// what the lane alone gives from 0.
constexpr std::size_t kLane = 128;

constexpr std::array<std::array<std::uint32_t, 256>, 4> make_lane_of_zeros() {
  std::array<std::array<std::uint32_t, 256>, 4> table{};
  for (int byte = 0; byte < 4; ++byte)
    for (int bit = 0; bit < 8; ++bit) {
      std::uint32_t state = std::uint32_t{1} << (8 * byte + bit);
      for (std::size_t i = 0; i < 8 * kLane; ++i)
        state = (state >> 1) ^ ((state & 1) ? 0x82F63B78u : 0u);
      const std::size_t value = std::size_t{1} << bit;
      for (std::size_t lower = 0; lower < value; ++lower)
        table[byte][value + lower] = table[byte][lower] ^ state;
    }
  return table;
}

inline std::uint64_t after_lane_of_zeros(std::uint64_t state) {
  static constexpr auto table = make_lane_of_zeros();
  return table[0][state & 0xFF] ^ table[1][state >> 8 & 0xFF] ^ table[2][state >> 16 & 0xFF] ^
         table[3][state >> 24 & 0xFF];
}

inline std::uint64_t load_word(const std::uint8_t* data) {
  std::uint64_t word;
  std::memcpy(&word, data, sizeof word);
  return word;
}

__attribute__((target("sse4.2"))) inline std::uint32_t crc32c_instruction(
    std::uint32_t crc, const std::uint8_t* data, std::size_t size) {
  std::uint64_t state = static_cast<std::uint32_t>(~crc);
  for (; size >= 3 * kLane; data += 3 * kLane, size -= 3 * kLane) {
    std::uint64_t second = 0, third = 0;
    for (std::size_t i = 0; i < kLane; i += 8) {
      state = _mm_crc32_u64(state, load_word(data + i));
      second = _mm_crc32_u64(second, load_word(data + kLane + i));
      third = _mm_crc32_u64(third, load_word(data + 2 * kLane + i));
    }
    state = after_lane_of_zeros(after_lane_of_zeros(state) ^ second) ^ third;
  }
  for (; size >= 8; data += 8, size -= 8) state = _mm_crc32_u64(state, load_word(data));
  auto narrow = static_cast<std::uint32_t>(state);
  for (; size > 0; ++data, --size) narrow = _mm_crc32_u8(narrow, *data);
  return ~narrow;
}

inline bool has_crc32c_instruction() { return __builtin_cpu_supports("sse4.2"); }

#elif defined(__aarch64__) && defined(__linux__)

__attribute__((target("+crc"))) inline std::uint32_t crc32c_instruction(
    std::uint32_t crc, const std::uint8_t* data, std::size_t size) {
  crc = ~crc;
  for (; size >= 8; data += 8, size -= 8) {
    std::uint64_t word;
    std::memcpy(&word, data, 8);
    crc = __crc32cd(crc, word);
  }
  for (; size > 0; ++data, --size) crc = __crc32cb(crc, *data);
  return ~crc;
}

inline bool has_crc32c_instruction() { return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0; }

#else

inline std::uint32_t crc32c_instruction(std::uint32_t crc, const std::uint8_t* data,
                                        std::size_t size) {
  return crc32c_portable(crc, data, size);
}

inline bool has_crc32c_instruction() { return false; }

#endif

// Continues `crc` (0 to begin) over `size` bytes.
inline std::uint32_t crc32c(std::uint32_t crc, const std::uint8_t* data, std::size_t size) {
  static const auto chosen = has_crc32c_instruction() ? crc32c_instruction : crc32c_portable;
  return chosen(crc, data, size);
}

}  // namespace varlen::records
