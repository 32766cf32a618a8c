#include "harness/data/text_as_bytes.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>

namespace migproof {

namespace {

using Decoder = std::optional<std::string> (*)(std::string_view text);

bool IsSkipped(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

std::optional<std::string> Same(std::string_view text) { return std::string(text); }

std::optional<std::string> OfHex(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (!IsSkipped(c)) digits += c;
  }
  if (digits.size() % 2 != 0 || digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) return {};
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

std::optional<std::string> OfBase64(std::string_view text) {
  static constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t held = 0;
  int bits = 0;
  for (const char c : text) {
    if (IsSkipped(c) || c == '=') continue;
    const std::size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return {};
    held = (held << 6U | static_cast<std::uint32_t>(digit)) & 0xFFFFU;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(held >> static_cast<unsigned>(bits) & 0xFFU);
  }
  return bytes;
}

// A backslash is written twice, any other byte may be as a backslash and three octal digits.
std::optional<std::string> OfEscape(std::string_view text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '\\') {
      bytes += text[++i];
    } else {
      const std::string octal(text.substr(i + 1, 3));
      if (octal.size() != 3 || octal.find_first_not_of("01234567") != std::string::npos) return {};
      bytes += static_cast<char>(std::stoi(octal, nullptr, 8));
      i += 3;
    }
  }
  return bytes;
}

// As the server writes them (bytea_output = hex).
std::string Written(const std::string& bytes) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text = "\\x";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 0xFU];
  }
  return text;
}

using TextRows = std::vector<std::vector<Cell>>;

// The rows with the column last, which `decode` has changed; nothing where it takes a value for no text of its kind.
std::optional<TextRows> With(const TableRows& table, const std::string& column, const std::vector<std::string>& others,
                             Decoder decode) {
  const auto position = [&](const std::string& name) {
    return static_cast<std::size_t>(std::find(table.columns.begin(), table.columns.end(), name) -
                                    table.columns.begin());
  };
  TextRows rows;
  for (const auto& row : table.rows) {
    std::vector<Cell> made;
    for (const std::string& other : others) made.push_back(row.at(position(other)));
    Cell cell = row.at(position(column));
    if (cell && decode != nullptr) {
      const std::optional<std::string> bytes = decode(*cell);
      if (!bytes) return {};
      cell = Written(*bytes);
    }
    made.push_back(std::move(cell));
    rows.push_back(std::move(made));
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

}  // namespace

bool IsTextAsBytes(const TableRows& was, const TableRows& is, const std::string& column,
                   const std::vector<std::string>& others) {
  if (!was.checksum.empty() || !is.checksum.empty() || was.count != is.count) return false;
  const std::optional<TextRows> now = With(is, column, others, nullptr);
  static constexpr Decoder kDecoders[] = {Same, OfHex, OfBase64, OfEscape};
  return std::any_of(std::begin(kDecoders), std::end(kDecoders), [&](Decoder decode) {
    const std::optional<TextRows> expected = With(was, column, others, decode);
    return expected && expected == now;
  });
}

}  // namespace migproof
