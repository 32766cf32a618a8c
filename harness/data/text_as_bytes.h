// Text that has become bytes (bytea): by its own encoding, or because it was bytes written as text.
#pragma once

#include <string>
#include <vector>

#include "harness/data/rows.h"

namespace migproof {

// Whether every value of the column is, in its row, what one of these makes of the text that it was: its bytes in
// UTF-8, or decode() of it as 'hex', 'base64' or 'escape' (the manual, "Binary String Functions"). Rows are told by the
// columns of `others`. False for large tables.
bool IsTextAsBytes(const TableRows& was, const TableRows& is, const std::string& column,
                   const std::vector<std::string>& others);

}  // namespace migproof
