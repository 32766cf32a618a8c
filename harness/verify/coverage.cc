#include "harness/verify/coverage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace migproof {

namespace {

void AddCounts(std::map<std::string, std::int64_t>& sums, const std::map<std::string, std::int64_t>& counts) {
  for (const auto& [name, count] : counts) sums[name] += count;
}

// Of two the smaller one: the same, whoever is asked first.
void KeepSmaller(std::string& text, const std::string& other) {
  if (text.empty() || (!other.empty() && other < text)) text = other;
}

void AddRefused(TableFill& sum, const TableFill& fill) {
  sum.refused += fill.refused;
  AddCounts(sum.refusals, fill.refusals);
  for (const auto& [reason, message] : fill.messages) KeepSmaller(sum.messages[reason], message);
}

// What the server said most often; "" where it refused nothing.
std::string MostOften(const TableFill& fill) {
  const auto most = std::max_element(fill.refusals.begin(), fill.refusals.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == fill.refusals.end()) return "";
  const auto message = fill.messages.find(most->first);
  return message == fill.messages.end() ? most->first : message->second;
}

}  // namespace

void Coverage::Add(const InsertResult& inserted, const Catalog& catalog, std::int64_t forbidden,
                   const RowSnapshot& present) {
  forbidden_ += forbidden;
  for (const auto& [name, fill] : inserted.tables) {
    TableFill& all = tables_[name].fill;
    all.inserted += fill.inserted;
    AddRefused(all, fill);
  }
  for (const DatasetTable& rows : inserted.inserted->tables) CountCells(rows, catalog, tables_[rows.table]);
  for (const auto& [name, rows] : present.tables) tables_[name].present = true;
}

void Coverage::CountCells(const DatasetTable& rows, const Catalog& catalog, Table& table) {
  for (std::size_t i = 0; i < rows.columns.size(); ++i) {
    const auto [at, added] = table.cells.try_emplace(rows.columns[i]);
    Cells& cells = at->second;
    if (added) {
      const std::string name = fmt::format("{}.{}", rows.table, rows.columns[i]);
      cells.nullable = catalog.Attribute("column", name, "not_null") == "false";
    }
    if (!cells.nullable) continue;
    const auto filled = std::ranges::count_if(rows.rows, [i](const auto& row) { return row[i].has_value(); });
    cells.filled += filled;
    cells.null += static_cast<std::int64_t>(rows.rows.size()) - filled;
  }
}

void Coverage::AddUnfillable(const std::map<std::string, std::string>& reasons) {
  for (const auto& [name, reason] : reasons) KeepSmaller(tables_[name].unfillable, reason);
}

void Coverage::AddRefusals(const std::string& table, const TableFill& fill) { AddRefused(tables_[table].fill, fill); }

void Coverage::Merge(const Coverage& other) {
  forbidden_ += other.forbidden_;
  for (const auto& [name, table] : other.tables_) {
    Table& all = tables_[name];
    all.present = all.present || table.present;
    all.fill.inserted += table.fill.inserted;
    KeepSmaller(all.unfillable, table.unfillable);
    AddRefused(all.fill, table.fill);
    for (const auto& [column, cells] : table.cells) {
      if (!cells.Count()) continue;
      Cells& sum = all.cells[column];
      sum.nullable = true;
      sum.null += cells.null;
      sum.filled += cells.filled;
    }
  }
}

std::int64_t Coverage::rows() const {
  std::int64_t rows = 0;
  for (const auto& [name, table] : tables_) rows += table.fill.inserted;
  return rows;
}

std::int64_t Coverage::refused() const {
  std::int64_t refused = 0;
  for (const auto& [name, table] : tables_) refused += table.fill.refused;
  return refused;
}

std::size_t Coverage::tables_filled() const {
  return static_cast<std::size_t>(std::count_if(tables_.begin(), tables_.end(), [](const auto& entry) {
    return entry.second.present || entry.second.fill.inserted > 0;
  }));
}

std::int64_t Coverage::nullable_columns() const {
  std::int64_t columns = 0;
  for (const auto& [name, table] : tables_) {
    columns += std::ranges::count_if(table.cells, [](const auto& entry) { return entry.second.Count(); });
  }
  return columns;
}

std::int64_t Coverage::nullable_columns_seen_both_ways() const {
  const auto both = [](const auto& entry) {
    return entry.second.nullable && entry.second.null > 0 && entry.second.filled > 0;
  };
  std::int64_t columns = 0;
  for (const auto& [name, table] : tables_) columns += std::ranges::count_if(table.cells, both);
  return columns;
}

std::vector<std::string> Coverage::Empty() const {
  std::set<std::string> all;
  for (const auto& [name, table] : tables_) all.insert(name);
  return Empty(all);
}

std::vector<std::string> Coverage::Empty(const std::set<std::string>& among) const {
  std::vector<std::string> empty;
  for (const std::string& name : among) {
    const auto found = tables_.find(name);
    if (found != tables_.end() && (found->second.present || found->second.fill.inserted > 0)) continue;
    std::vector<std::string> reasons;
    if (found != tables_.end()) {
      if (!found->second.unfillable.empty()) reasons.push_back(found->second.unfillable);
      const std::string said = MostOften(found->second.fill);
      if (!said.empty()) reasons.push_back((reasons.empty() ? "the server refused all its rows: " : "") + said);
    }
    if (reasons.empty()) reasons.emplace_back("no rows were drawn for it");
    empty.push_back(fmt::format("{} stayed empty: {}", name, fmt::join(reasons, ": ")));
  }
  return empty;
}

nlohmann::json ToJson(const Coverage& coverage) {
  nlohmann::json tables = nlohmann::json::object();
  for (const auto& [name, table] : coverage.tables_) {
    nlohmann::json nullable = nlohmann::json::object();
    for (const auto& [column, cells] : table.cells) {
      if (cells.Count()) nullable[column] = {cells.null, cells.filled};
    }
    tables[name] = {{"rows", table.fill.inserted},     {"present", table.present},
                    {"refused", table.fill.refused},   {"reasons", table.fill.refusals},
                    {"messages", table.fill.messages}, {"unfillable", table.unfillable},
                    {"nullable", std::move(nullable)}};
  }
  return {{"tables", std::move(tables)}, {"empty", coverage.Empty()}, {"forbidden", coverage.forbidden_}};
}

Coverage Coverage::FromJson(const nlohmann::json& json) {
  Coverage coverage;
  coverage.forbidden_ = json.at("forbidden");
  for (const auto& [name, entry] : json.at("tables").items()) {
    Table& table = coverage.tables_[name];
    table.present = entry.at("present");
    table.fill.inserted = entry.at("rows");
    table.fill.refused = entry.at("refused");
    table.fill.refusals = entry.at("reasons").get<std::map<std::string, std::int64_t>>();
    table.fill.messages = entry.at("messages").get<std::map<std::string, std::string>>();
    table.unfillable = entry.at("unfillable");
    for (const auto& [column, counts] : entry.at("nullable").items()) {
      table.cells[column] = {true, counts.at(0), counts.at(1)};
    }
  }
  return coverage;
}

}  // namespace migproof
