#include "harness/data/partition_bound.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "harness/data/definition_text.h"

namespace migproof {

namespace {

// The column of a part of the key, less its collation and operator class; "" for an expression.
std::string KeyColumn(const std::string& part) {
  if (part.empty() || part.front() == '(') return "";
  if (FindOutside(part, "(") != std::string::npos) return "";
  return part.substr(0, FindOutside(part, " "));
}

std::string ListCheck(const std::string& column, const std::string& bound) {
  std::vector<std::string> values;
  bool null = false;
  for (std::string& value : SplitAtCommas(Parenthesised(bound))) {
    if (value == "NULL") {
      null = true;
    } else {
      values.push_back(std::move(value));
    }
  }
  const std::string is_null = fmt::format("({} IS NULL)", column);
  if (values.empty()) return fmt::format("CHECK ({})", is_null);
  const std::string listed =
      fmt::format("(({} IS NOT NULL) AND ({} = ANY (ARRAY[{}])))", column, column, fmt::join(values, ", "));
  return null ? fmt::format("CHECK (({} OR {}))", is_null, listed) : fmt::format("CHECK ({})", listed);
}

bool IsFinite(const std::string& limit) { return limit != "MINVALUE" && limit != "MAXVALUE"; }

// Rows are compared column by column from the left: as long as both bounds agree the column is fixed; where they part,
// what begins like the lower bound has to stay above the rest of it, or anything between the two.
std::string RangeCheck(const std::vector<std::string>& columns, const std::vector<std::string>& low,
                       const std::vector<std::string>& high) {
  std::vector<std::string> terms;
  for (const std::string& column : columns) terms.push_back(fmt::format("({} IS NOT NULL)", column));
  bool below_high = false;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const bool last = i + 1 == columns.size();
    if (IsFinite(low[i])) {
      terms.push_back(fmt::format("({} {} {})", columns[i], last ? ">=" : "=", low[i]));
    }
    if (!below_high && IsFinite(high[i]) && high[i] != low[i]) {
      if (last || !IsFinite(low[i])) terms.push_back(fmt::format("({} < {})", columns[i], high[i]));
      below_high = true;
    }
    below_high = below_high || high[i] == "MAXVALUE";
    if (!IsFinite(low[i])) break;  // below it nothing is asked of the rest
  }
  return fmt::format("CHECK (({}))", fmt::join(terms, " AND "));
}

}  // namespace

std::optional<std::string> PartitionCheck(const std::string& key, const std::string& bound) {
  std::vector<std::string> columns;
  for (const std::string& part : SplitAtCommas(Parenthesised(key))) columns.push_back(KeyColumn(part));
  for (const std::string& column : columns) {
    if (column.empty()) return std::nullopt;
  }
  if (columns.size() == 1 && bound.starts_with("FOR VALUES IN")) return ListCheck(columns[0], bound);
  if (!bound.starts_with("FOR VALUES FROM")) return std::nullopt;
  std::size_t end = 0;
  const auto low = SplitAtCommas(Parenthesised(bound, 0, &end));
  const auto high = SplitAtCommas(Parenthesised(bound, end));
  if (low.size() != columns.size() || high.size() != columns.size()) return std::nullopt;
  return RangeCheck(columns, low, high);
}

}  // namespace migproof
