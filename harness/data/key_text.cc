#include "harness/data/key_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <chrono>

namespace migproof {

namespace {

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// "-0012.500" and "-12.5" are one; so are 0 and -0. Exponents are left alone.
std::string PlainNumber(std::string text) {
  const bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (negative || text[0] == '+')) text.erase(0, 1);
  if (text.find_first_not_of("0123456789.") != std::string::npos) return Lower((negative ? "-" : "") + text);
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
  }
  text.erase(0, std::min(text.find_first_not_of('0'), text.size()));
  if (text.empty() || text[0] == '.') text = "0" + text;
  return (negative && text != "0" ? "-" : "") + text;
}

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

std::string EqualityText(const ColumnType& type, const std::string& value) {
  const ColumnType& plain = BelowDomains(type);
  if (plain.form != ColumnType::Form::kBase) return value;
  const std::string& base = plain.base;
  if (IsOneOf(base, {"smallint", "integer", "bigint", "numeric", "real", "double precision", "oid"})) {
    return PlainNumber(value);
  }
  if (base == "boolean") return std::string(1, value.empty() ? 'f' : static_cast<char>(std::tolower(value[0])));
  if (IsOneOf(base, {"character", "bpchar"})) return value.substr(0, value.find_last_not_of(' ') + 1);
  if (base.find("citext") != std::string::npos) return Lower(value);
  if (base == "uuid") {
    std::string text = Lower(value);
    std::erase_if(text, [](char c) { return c == '-' || c == '{' || c == '}'; });
    return text;
  }
  return value;
}

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
    if (!cell && key.nulls_distinct && !key.by_expression) return std::nullopt;
    std::string part = cell ? EqualityText(table.columns[column].type, *cell) : "";
    if (key.by_expression) part = Lower(std::move(part));
    text += cell ? fmt::format("{}:{},", part.size(), part) : "NULL,";
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
