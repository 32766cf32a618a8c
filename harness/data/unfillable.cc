#include "harness/data/unfillable.h"

#include <fmt/format.h>

#include <algorithm>

namespace migproof {

namespace {

// Whether some row passes, as far as the solver understands.
bool IsSatisfiable(const TableModel& table, const CheckSolver& checks) {
  if (!checks.understood()) return true;
  Random random(1);
  constexpr int kTries = 3;
  for (int tried = 0; tried < kTries; ++tried) {
    if (checks.Solve(table.check_columns, {}, random)) return true;
  }
  return false;
}

std::string OwnReason(const TableModel& table) {
  if (table.partitioned && table.partitions.empty()) return "it has no partition";
  for (const ColumnModel& column : table.columns) {
    if (!column.valueless || column.nullable || column.generated || !column.default_text.empty()) continue;
    return fmt::format("no value of type {} is known for {}", column.type.name, column.name);
  }
  if (table.checks && !IsSatisfiable(table, *table.checks)) return "no value passes its CHECKs";
  return "";
}

// A key that has to refer to a row, and nothing is there.
std::string ReasonFromParents(const TableModel& table, const ExistingRows& existing,
                              const std::set<std::string>& leave_out,
                              const std::map<std::string, std::string>& unfillable, const TableModels& models) {
  for (const ForeignKeyModel& key : table.foreign_keys) {
    const bool fillable =
        models.Find(key.table) != nullptr && !leave_out.contains(key.table) && !unfillable.contains(key.table);
    if (fillable || !existing.ReferredBy(key).empty()) continue;
    const auto nullable = [&](std::size_t column) { return table.columns[column].nullable; };
    const bool may_be_null = key.match_full ? std::all_of(key.columns.begin(), key.columns.end(), nullable)
                                            : std::any_of(key.columns.begin(), key.columns.end(), nullable);
    if (!may_be_null) return fmt::format("nothing to refer to in {}", key.table);
  }
  return "";
}

}  // namespace

std::map<std::string, std::string> Unfillable(const TableModels& models, const ExistingRows& existing,
                                              const std::set<std::string>& leave_out) {
  std::map<std::string, std::string> reasons;
  const auto add = [&](const std::string& table, const std::string& reason) {
    if (reason.empty()) return false;
    reasons.emplace(table, fmt::format("{}: {}", table, reason));
    return true;
  };
  for (const auto& [name, table] : models.all()) {
    if (!leave_out.contains(name)) add(name, OwnReason(table));
  }
  for (bool more = true; more;) {
    more = false;
    for (const auto& [name, table] : models.all()) {
      if (leave_out.contains(name) || reasons.contains(name)) continue;
      more = add(name, ReasonFromParents(table, existing, leave_out, reasons, models)) || more;
    }
  }
  return reasons;
}

}  // namespace migproof
