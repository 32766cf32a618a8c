#include "migrations/utf8.h"

#include <cstdint>
#include <cstring>

namespace migproof {

namespace {

constexpr std::uint64_t kHighBits = 0x8080808080808080u;

struct Utf8Lead {
  std::size_t length = 0;  // 0: never the first byte of a character
  unsigned char second_low = 0x80;
  unsigned char second_high = 0xBF;
};

Utf8Lead ReadUtf8Lead(unsigned char byte) {
  if (byte >= 0xC2 && byte <= 0xDF) return {2};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte >= 0xE1 && byte <= 0xEF) return {3};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte >= 0xF1 && byte <= 0xF3) return {4};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {};
}

bool IsCharacterAt(std::string_view text, std::size_t at, const Utf8Lead& lead) {
  if (lead.length == 0 || text.size() - at < lead.length) return false;
  const auto second = static_cast<unsigned char>(text[at + 1]);
  if (second < lead.second_low || second > lead.second_high) return false;
  for (std::size_t i = 2; i < lead.length; ++i) {
    if ((static_cast<unsigned char>(text[at + i]) & 0xC0) != 0x80) return false;
  }
  return true;
}

}  // namespace

std::optional<std::size_t> FindInvalidUtf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::uint64_t eight = 0;
    if (text.size() - at >= sizeof eight) {
      std::memcpy(&eight, text.data() + at, sizeof eight);
      if ((eight & kHighBits) == 0) {
        at += sizeof eight;
        continue;
      }
    }
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x80) {
      ++at;
      continue;
    }
    const Utf8Lead lead = ReadUtf8Lead(byte);
    if (!IsCharacterAt(text, at, lead)) return at;
    at += lead.length;
  }
  return std::nullopt;
}

}  // namespace migproof
