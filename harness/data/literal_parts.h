// The text forms of what is made of parts: arrays "{a,b}", composites "(a,b)".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/data/rows.h"

namespace migproof {

// The parts between the brackets of a literal of one dimension, unquoted, NULL where it is written or (in a composite)
// where nothing stands; nothing for an array of more dimensions or with bounds of its own.
std::optional<std::vector<Cell>> PartsOfArray(const std::string& literal, char delimiter);
std::optional<std::vector<Cell>> PartsOfComposite(const std::string& literal);

std::string ArrayOf(const std::vector<Cell>& parts, char delimiter);
std::string CompositeOf(const std::vector<Cell>& parts);

}  // namespace migproof
