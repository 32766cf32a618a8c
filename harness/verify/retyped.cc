#include "harness/verify/retyped.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/data/text_as_bytes.h"

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

namespace {

// Whether values of the type are words. Types of the history's own count as such.
bool IsWords(const Catalog& catalog, const std::string& type) {
  static constexpr std::string_view kWords[] = {"text", "character", "name", "citext", "\"char\""};
  return catalog.Find("enum", type) != nullptr || catalog.Find("domain", type) != nullptr ||
         std::any_of(std::begin(kWords), std::end(kWords),
                     [&](std::string_view word) { return type.starts_with(word); });
}

// Bytes are written as digits, whatever text they were made of, and their cast to text gives the digits.
bool IsBytesNow(const Catalog& now, const std::string& column) {
  return now.Attribute("column", column, "type") == "bytea";
}

// The columns that can be cast alone, where not all can at once.
std::map<std::string, std::string> Castable(Trial& trial, const std::string& table,
                                            const std::map<std::string, std::string>& columns) {
  std::map<std::string, std::string> castable;
  for (const auto& [column, type] : columns) {
    if (columns.size() > 1 && trial.ReadCast({Move::kUpgrade}, table, {{column, type}}) != nullptr) {
      castable.emplace(column, type);
    }
  }
  return castable;
}

}  // namespace

Observation CastBack(Trial& trial, const TypesByTable& by_table, const Observation& upgraded,
                     std::map<std::string, std::string>& casts, std::set<std::string>& uncast) {
  if (by_table.empty()) return upgraded;
  Observation seen = upgraded;
  auto rows = std::make_shared<RowSnapshot>(*upgraded.rows);
  for (const auto& [table, columns] : by_table) {
    std::map<std::string, std::string> cast = columns;
    std::erase_if(cast, [&](const auto& column) { return IsBytesNow(*upgraded.catalog, table + "." + column.first); });
    auto read = cast.empty() ? nullptr : trial.ReadCast({Move::kUpgrade}, table, cast);
    if (read == nullptr && !cast.empty()) {
      cast = Castable(trial, table, cast);
      if (!cast.empty()) read = trial.ReadCast({Move::kUpgrade}, table, cast);
    }
    for (const auto& [column, type] : columns) {
      const std::string name = fmt::format("{}.{}", table, column);
      if (read != nullptr && cast.contains(column)) {
        casts[name] = type;
      } else {
        uncast.insert(name);
      }
    }
    if (read != nullptr && read->count > 0) rows->tables[table] = read;
  }
  seen.rows = std::move(rows);
  return seen;
}

std::set<std::string> Translated(const Observation& before, const Observation& upgraded,
                                 const std::set<std::string>& uncast) {
  std::set<std::string> translated;
  for (const auto& [table, was] : before.rows->tables) {
    const auto is = upgraded.rows->tables.find(table);
    if (uncast.empty() || is == upgraded.rows->tables.end() || is->second.IsSame(was)) continue;
    std::vector<std::string> others;
    for (const std::string& column : was->columns) {
      const bool shared =
          std::find(is->second->columns.begin(), is->second->columns.end(), column) != is->second->columns.end();
      if (shared && !uncast.contains(table + "." + column)) others.push_back(column);
    }
    for (const std::string& column : was->columns) {
      const std::string name = table + "." + column;
      if (!uncast.contains(name)) continue;
      const std::string type = before.catalog->Attribute("column", name, "type");
      // Of more values than a boolean has, two that become one are too seldom drawn together to go by.
      const bool same = type == "boolean" ? IsTranslated(*was, *is->second, column, others)
                                          : IsWords(*before.catalog, type) && IsBytesNow(*upgraded.catalog, name) &&
                                                IsTextAsBytes(*was, *is->second, column, others);
      if (same) translated.insert(name);
    }
  }
  return translated;
}

}  // namespace migproof
