// Revisions for which many rows are another matter than few: they number rows, or gather them into one value.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace migproof {

// Three digits, a few letters, or a text of a page hold less than that.
inline constexpr std::size_t kManyRows = 1'100;

// Whether the words of the statements speak of numbering or gathering ("row_number", "string_agg").
bool CountsOnRows(const std::vector<std::string>& statements);

}  // namespace migproof
