#include "harness/data/dataset.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "migrations/error.h"

namespace migproof {

namespace {

using Json = nlohmann::json;

// For standard_conforming_strings = on: backslashes are plain.
std::string Literal(const Cell& cell) {
  if (!cell) return "NULL";
  std::string text = "'";
  for (const char c : *cell) {
    if (c == '\'') text += '\'';
    text += c;
  }
  return text + "'";
}

std::string Joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

std::string RowText(const std::vector<Cell>& row) {
  std::string text = "(";
  for (std::size_t i = 0; i < row.size(); ++i) text += (i == 0 ? "" : ", ") + Literal(row[i]);
  return text + ")";
}

// Literals of unknown type take the type of the column, in every row and also inside a CTE. A row without any column
// can't be written with VALUES; a SELECT without columns takes its place.
std::string InsertText(const DatasetTable& table, const std::string& indent) {
  if (table.columns.empty()) {
    return fmt::format("INSERT INTO {} SELECT FROM generate_series(1, {})", table.table, table.rows.size());
  }
  std::string text =
      fmt::format("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES", table.table, Joined(table.columns));
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    text += fmt::format("{}\n{}  {}", i == 0 ? "" : ",", indent, RowText(table.rows[i]));
  }
  return text;
}

Json ToJson(const DatasetTable& table) {
  Json rows = Json::array();
  for (const auto& row : table.rows) {
    Json cells = Json::array();
    for (const Cell& cell : row) cells.push_back(cell ? Json(*cell) : Json(nullptr));
    rows.push_back(std::move(cells));
  }
  return {{"table", table.table}, {"columns", table.columns}, {"rows", std::move(rows)}, {"group", table.group}};
}

DatasetTable TableFromJson(const Json& json) {
  DatasetTable table;
  table.table = json.at("table").get<std::string>();
  table.columns = json.at("columns").get<std::vector<std::string>>();
  table.group = json.value("group", 0);
  for (const Json& cells : json.at("rows")) {
    std::vector<Cell> row;
    for (const Json& cell : cells) row.push_back(cell.is_null() ? Cell() : Cell(cell.get<std::string>()));
    if (row.size() != table.columns.size()) {
      throw Error(ErrorKind::kUsage, fmt::format("a row of '{}' has {} cells, and there are {} columns", table.table,
                                                 row.size(), table.columns.size()));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

std::size_t Dataset::Rows() const {
  std::size_t rows = 0;
  for (const DatasetTable& table : tables) rows += table.rows.size();
  return rows;
}

nlohmann::json ToJson(const Dataset& dataset) {
  Json tables = Json::array();
  for (const DatasetTable& table : dataset.tables) tables.push_back(ToJson(table));
  Json json = {{"tables", std::move(tables)}};
  if (dataset.new_shape) json["new_shape"] = true;
  if (dataset.forbidden) json["forbidden"] = true;
  return json;
}

Dataset DatasetFromJson(const nlohmann::json& json) {
  Dataset dataset;
  try {
    for (const Json& table : json.at("tables")) dataset.tables.push_back(TableFromJson(table));
    dataset.new_shape = json.value("new_shape", false);
    dataset.forbidden = json.value("forbidden", false);
  } catch (const Json::exception& e) {
    throw Error(ErrorKind::kUsage, fmt::format("not a dataset: {}", e.what()));
  }
  return dataset;
}

std::vector<InsertGroup> InsertGroups(const Dataset& dataset) {
  std::vector<InsertGroup> groups;
  for (const DatasetTable& table : dataset.tables) {
    if (table.rows.empty()) continue;
    if (groups.empty() || groups.back().back()->group != table.group) groups.emplace_back();
    groups.back().push_back(&table);
  }
  return groups;
}

std::string InsertStatement(const InsertGroup& group, const std::string& returning) {
  std::string text;
  for (std::size_t i = 0; i + 1 < group.size(); ++i) {
    text += fmt::format("{}filled_{} AS (\n  {}\n)", i == 0 ? "WITH " : ", ", i + 1, InsertText(*group[i], "  "));
  }
  if (!text.empty()) text += "\n";
  text += InsertText(*group.back(), "");
  return returning.empty() ? text : fmt::format("{}\nRETURNING {}", text, returning);
}

std::vector<std::string> InsertStatements(const Dataset& dataset) {
  std::vector<std::string> statements;
  for (const InsertGroup& group : InsertGroups(dataset)) statements.push_back(InsertStatement(group) + ";\n");
  return statements;
}

}  // namespace migproof
