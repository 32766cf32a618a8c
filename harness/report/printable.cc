#include "harness/report/printable.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace migproof {

namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// How many bytes the character at `at` has; 0 where it is not UTF-8 (overlong forms, surrogates and what is beyond
// U+10FFFF included: RFC 3629).
std::size_t CharacterAt(std::string_view text, std::size_t at, std::uint32_t& code) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) {
    code = lead;
    return 1;
  }
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || at + length > text.size()) return 0;
  code = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80U) return 0;
    code = (code << 6U) | (byte(at + i) & 0x3FU);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return 0;
  return length;
}

// C0, DEL and C1.
bool IsControl(std::uint32_t code) { return code < 0x20 || (code >= 0x7F && code < 0xA0); }

// The embeddings, overrides and isolates of the Unicode bidirectional algorithm, and the non-characters U+FFFE, U+FFFF,
// which XML has no place for.
bool IsTreacherous(std::uint32_t code) {
  return (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) || code == 0xFFFE || code == 0xFFFF;
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    std::uint32_t code = 0;
    const std::size_t length = CharacterAt(text, at, code);
    if (length == 0) {
      shown += kReplacement;
    } else if (IsTreacherous(code)) {
      shown += fmt::format("\\u{:04x}", code);
    } else if (IsControl(code) && code != '\n' && code != '\t') {
      shown += fmt::format("\\x{:02x}", code);
    } else {
      shown += text.substr(at, length);
    }
    at += std::max<std::size_t>(length, 1);
  }
  return shown;
}

std::string PrintableLine(std::string_view text) {
  std::string shown;
  for (const char c : Printable(text)) {
    if (c == '\n') {
      shown += "\\n";
    } else if (c == '\t') {
      shown += "\\t";
    } else {
      shown += c;
    }
  }
  return shown;
}

std::string ShellWord(std::string_view word) {
  const bool plain = !word.empty() && word[0] != '#' &&
                     word.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                         "_-./:=,@%+#") == std::string_view::npos;
  if (plain) return std::string(word);
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::size_t CharacterCount(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace migproof
