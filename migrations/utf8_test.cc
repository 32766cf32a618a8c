#include "migrations/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace migproof {
namespace {

TEST(Utf8, AcceptsEveryCharacterAndNothingElse) {
  for (unsigned code = 0; code <= 0x110000; ++code) {
    std::string text;
    if (code < 0x80) {
      text = {static_cast<char>(code)};
    } else if (code < 0x800) {
      text = {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
    } else if (code < 0x10000) {
      text = {static_cast<char>(0xE0 | (code >> 12)), static_cast<char>(0x80 | ((code >> 6) & 0x3F)),
              static_cast<char>(0x80 | (code & 0x3F))};
    } else {
      text = {static_cast<char>(0xF0 | (code >> 18)), static_cast<char>(0x80 | ((code >> 12) & 0x3F)),
              static_cast<char>(0x80 | ((code >> 6) & 0x3F)), static_cast<char>(0x80 | (code & 0x3F))};
    }
    const bool valid = code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
    ASSERT_EQ(!FindInvalidUtf8(text), valid) << std::hex << code;
    text.pop_back();
    ASSERT_EQ(FindInvalidUtf8(text), text.empty() ? std::nullopt : std::optional<std::size_t>(0)) << std::hex << code;
  }
}

TEST(Utf8, GivesThePlaceOfTheFirstBadByte) {
  EXPECT_EQ(FindInvalidUtf8(""), std::nullopt);
  for (std::size_t length = 0; length < 40; ++length) {
    const std::string good = std::string(length, 'a') + "\xC3\xA4";
    EXPECT_EQ(FindInvalidUtf8(good), std::nullopt);
    // A lone continuation byte, overlong forms, bytes that never occur, a character cut short by another.
    for (const char* bad : {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xF5\x80\x80\x80",
                            "\xFF", "\xE2\x82z", "\xC3\xC3"}) {
      EXPECT_EQ(FindInvalidUtf8(good + bad + "and more than eight bytes"), good.size()) << length;
    }
  }
}

}  // namespace
}  // namespace migproof
