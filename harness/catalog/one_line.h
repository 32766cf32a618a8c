// Texts of any length and number of lines, shown on one line.
#pragma once

#include <string>
#include <string_view>

namespace migproof {

// Every run of white space as one space, none at the ends.
std::string OnOneLine(std::string_view text);

// At most about `length` bytes of OnOneLine(text) that hold its byte `at`; "..." stands for what was cut. Never cuts
// inside a UTF-8 character.
std::string Excerpt(std::string_view text, std::size_t at, std::size_t length);

}  // namespace migproof
