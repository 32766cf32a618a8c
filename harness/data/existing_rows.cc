#include "harness/data/existing_rows.h"

#include <algorithm>

#include "harness/data/key_text.h"

namespace migproof {

namespace {

// Where each column of the model stands in a snapshot; npos: nowhere.
std::vector<std::size_t> PlacesIn(const TableModel& table, const std::vector<std::string>& columns) {
  std::vector<std::size_t> places;
  for (const ColumnModel& column : table.columns) {
    const auto at = std::find(columns.begin(), columns.end(), column.name);
    places.push_back(at == columns.end() ? std::string::npos : static_cast<std::size_t>(at - columns.begin()));
  }
  return places;
}

}  // namespace

ExistingRows::ExistingRows(const TableModels& models, const RowSnapshot& snapshot, const UnstableColumns& unsteady) {
  for (const auto& [name, shared] : snapshot.tables) {
    const TableRows& rows = *shared;
    const TableModel* table = models.Find(models.Root(name));
    if (table == nullptr) continue;
    ExistingTable& existing = tables_[table->name];
    existing.taken.resize(table->keys.size());
    if (!rows.checksum.empty()) existing.unseen += static_cast<std::uint64_t>(rows.count);
    const std::vector<std::size_t> places = PlacesIn(*table, rows.columns);
    const std::vector<bool> known(table->columns.size(), true);
    for (std::size_t i = 0; i < table->columns.size(); ++i) {
      if (unsteady.contains(name + "." + table->columns[i].name)) existing.unsteady.insert(i);
    }
    for (const auto& row : rows.rows) {
      std::vector<Cell> cells;
      for (const std::size_t place : places) cells.push_back(place == std::string::npos ? Cell() : row[place]);
      for (std::size_t key = 0; key < table->keys.size(); ++key) {
        if (auto text = KeyText(*table, table->keys[key], cells, known)) existing.taken[key].insert(std::move(*text));
      }
      existing.rows.push_back(std::move(cells));
    }
  }
}

const ExistingTable& ExistingRows::Of(const std::string& table) const {
  const auto found = tables_.find(table);
  return found == tables_.end() ? none_ : found->second;
}

const std::vector<std::vector<Cell>>& ExistingRows::ReferredBy(const ForeignKeyModel& key) const {
  const ExistingTable& table = Of(key.table);
  const auto unsteady = [&](std::size_t column) { return table.unsteady.contains(column); };
  return std::any_of(key.other_positions.begin(), key.other_positions.end(), unsteady) ? none_.rows : table.rows;
}

}  // namespace migproof
