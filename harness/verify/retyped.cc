#include "harness/verify/retyped.h"

#include <fmt/format.h>

namespace migproof {

TypesByTable Retyped(const Trial& trial, const Catalog& before, const Catalog& after,
                     const std::set<std::string>& tables) {
  TypesByTable by_table;
  const auto exempt = trial.Exempt(before);
  for (const auto& [key, object] : before.objects()) {
    if (key.kind != "column" || !tables.contains(object.relation)) continue;
    const std::string was = object.attributes.at("type");
    const std::string is = after.Attribute("column", key.name, "type");
    if (is.empty() || is == was || exempt.contains(key.name) || exempt.contains(object.relation)) continue;
    by_table[object.relation][key.name.substr(object.relation.size() + 1)] = was;
  }
  return by_table;
}

Observation CastBack(Trial& trial, const TypesByTable& by_table, const Observation& upgraded,
                     std::map<std::string, std::string>& casts) {
  if (by_table.empty()) return upgraded;
  Observation seen = upgraded;
  auto rows = std::make_shared<RowSnapshot>(*upgraded.rows);
  for (const auto& [table, columns] : by_table) {
    const auto read = trial.ReadCast({Move::kUpgrade}, table, columns);
    if (read == nullptr) continue;
    for (const auto& [column, type] : columns) casts[fmt::format("{}.{}", table, column)] = type;
    if (read->count > 0) rows->tables[table] = read;
  }
  seen.rows = std::move(rows);
  return seen;
}

}  // namespace migproof
