// When two rows are one to a unique key, and ranges that never meet.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/data/rows.h"
#include "harness/data/table_model.h"

namespace migproof {

// What `key` holds of a row, the same text for rows that it would not allow together. Nothing where it lets the row
// pass: a NULL that is distinct from others, a predicate that does not hold, a cell that `known` says is not known yet.
std::optional<std::string> KeyText(const TableModel& table, const KeyModel& key, const std::vector<Cell>& cells,
                                   const std::vector<bool>& known);

// The cells of a row as CheckSolver takes them: those of `solver`'s columns that are known.
CheckRow KnownCells(const TableModel& table, const CheckSolver& solver, const std::vector<Cell>& cells,
                    const std::vector<bool>& known);

// The n-th of ranges that do not overlap; of a subtype that can't be counted up: empty ranges, which never do.
std::string DisjointRange(const ColumnType& range, std::uint64_t n);

}  // namespace migproof
