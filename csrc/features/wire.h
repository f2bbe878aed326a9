// The protobuf wire format: tags, varints and length-delimited pieces, read from bytes not trusted.
//
// What is read is a subset of what protobuf accepts: groups and varints of more than 64 bits are
// refused. A caller for whom they matter asks protobuf itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace varlen::features {

enum WireType : std::uint32_t { kVarint = 0, kFixed64 = 1, kDelimited = 2, kFixed32 = 5 };

// A cursor over bytes. Every read says whether the bytes were there; none goes beyond the end.
struct Bytes {
  const std::uint8_t* at = nullptr;
  const std::uint8_t* end = nullptr;

  std::size_t size() const { return static_cast<std::size_t>(end - at); }
  bool empty() const { return at == end; }
  std::string_view text() const { return {reinterpret_cast<const char*>(at), size()}; }

  // At most `max_bytes` bytes. The tenth has one bit left.
  bool read_varint(std::uint64_t& value, std::size_t max_bytes = 10) {
    if (at != end && *at < 0x80) {
      value = *at++;
      return true;
    }
    const std::size_t limit = size() < max_bytes ? size() : max_bytes;
    value = 0;
    for (std::size_t i = 0; i < limit; ++i) {
      const std::uint64_t byte = at[i];
      if (i == 9 && byte > 1) return false;
      value |= (byte & 0x7F) << (7 * i);
      if (byte < 0x80) {
        at += i + 1;
        return true;
      }
    }
    return false;
  }

  // Field numbers begin at 1, and a tag fits 32 bits.
  bool read_tag(std::uint32_t& field, std::uint32_t& wire_type) {
    std::uint64_t tag;
    if (!read_varint(tag, 5) || tag > UINT32_MAX || tag < 8) return false;
    field = static_cast<std::uint32_t>(tag >> 3);
    wire_type = static_cast<std::uint32_t>(tag & 7);
    return true;
  }

  bool read_delimited(Bytes& piece) {
    std::uint64_t length;
    if (!read_varint(length, 5) || length > INT32_MAX || length > size()) return false;
    piece = {at, at + length};
    at += length;
    return true;
  }

  bool skip(std::uint32_t wire_type) {
    std::uint64_t ignored;
    Bytes piece;
    switch (wire_type) {
      case kVarint:
        return read_varint(ignored);
      case kFixed64:
        return skip_bytes(8);
      case kDelimited:
        return read_delimited(piece);
      case kFixed32:
        return skip_bytes(4);
      default:
        return false;
    }
  }

 private:
  bool skip_bytes(std::size_t count) {
    if (size() < count) return false;
    at += count;
    return true;
  }
};

// UTF-8 as RFC 3629 has it: shortest forms only, no surrogates, nothing beyond U+10FFFF.
inline bool is_utf8(Bytes text) {
  while (!text.empty()) {
    const std::uint8_t lead = *text.at++;
    if (lead < 0x80) continue;
    if (lead < 0xC2 || lead > 0xF4) return false;
    const std::size_t following = lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    if (text.size() < following) return false;
    const std::uint8_t lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    const std::uint8_t highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (text.at[0] < lowest || text.at[0] > highest) return false;
    for (std::size_t i = 1; i < following; ++i)
      if ((text.at[i] & 0xC0) != 0x80) return false;
    text.at += following;
  }
  return true;
}

}  // namespace varlen::features
