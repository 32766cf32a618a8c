#include "harness/data/key_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace migproof {

namespace {

bool IsOneOf(const std::string& text, std::initializer_list<const char*> names) {
  return std::any_of(names.begin(), names.end(), [&](const char* name) { return text == name; });
}

std::string Day(std::uint64_t n) {
  const std::chrono::year_month_day day{std::chrono::sys_days{std::chrono::year{2000} / 1 / 1} +
                                        std::chrono::days{static_cast<int>(n % 700'000)}};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                     static_cast<unsigned>(day.day()));
}

}  // namespace

CheckRow KnownCells(const TableModel& table, const CheckSolver& solver, const std::vector<Cell>& cells,
                    const std::vector<bool>& known) {
  CheckRow row;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (known[i] && solver.columns().contains(table.columns[i].name)) row.emplace(table.columns[i].name, cells[i]);
  }
  return row;
}

std::optional<std::string> KeyText(const TableModel& table, const KeyModel& key, const std::vector<Cell>& cells,
                                   const std::vector<bool>& known) {
  std::string text;
  for (const std::size_t column : key.columns) {
    if (!known[column]) return std::nullopt;
    const Cell& cell = cells[column];
    const bool expressed = std::find(key.expressed.begin(), key.expressed.end(), column) != key.expressed.end();
    if (!cell && key.nulls_distinct && !expressed) return std::nullopt;
    if (!cell) {
      text += "NULL,";
      continue;
    }
    std::string part = EqualityText(table.columns[column].equality, *cell);
    if (expressed) part = EqualityText(Equality::kCaseless, part);
    text += std::to_string(part.size());
    text += ':';
    text += part;
    text += ',';
  }
  if (key.predicate && key.predicate->Judge(table.check_columns, KnownCells(table, *key.predicate, cells, known)) ==
                           CheckVerdict::kFails) {
    return std::nullopt;
  }
  return text;
}

std::string DisjointRange(const ColumnType& range, std::uint64_t n) {
  const std::string base = range.element ? BelowDomains(*range.element).base : "";
  if (IsOneOf(base, {"integer", "bigint", "numeric", "double precision"})) {
    return fmt::format("[{},{})", 10 * n, 10 * n + 5);
  }
  if (base == "date" || base.starts_with("timestamp")) return fmt::format("[{},{})", Day(2 * n), Day(2 * n + 1));
  return "empty";
}

}  // namespace migproof
