// Is this text UTF-8? The server would refuse it statement by statement; a reader of files wants the place at once.
//
//   if (const auto bad = FindInvalidUtf8(text)) throw ...;
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace migproof {

// The byte offset of the first byte that can't be part of well-formed UTF-8 (Unicode standard, table 3-7: no overlong
// forms, no surrogates, nothing above U+10FFFF), or nothing.
std::optional<std::size_t> FindInvalidUtf8(std::string_view text);

}  // namespace migproof
