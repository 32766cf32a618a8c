#include "harness/data/dataset_references.h"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include "harness/data/key_text.h"

namespace migproof {

namespace {

// Where the columns of a key stand in a dataset's table; nothing where one of them is left to its default.
std::optional<std::vector<std::size_t>> PlacesOf(const DatasetTable& table, const TableModel& model,
                                                 const std::vector<std::size_t>& columns) {
  std::vector<std::size_t> places;
  for (const std::size_t column : columns) {
    const auto at = std::find(table.columns.begin(), table.columns.end(), model.columns[column].name);
    if (at == table.columns.end()) return std::nullopt;
    places.push_back(static_cast<std::size_t>(at - table.columns.begin()));
  }
  return places;
}

// What tells whether a row refers to another: the cells of a foreign key's columns, as text that is the same where they
// are equal. Nothing where one of them is NULL.
std::optional<std::string> Reference(const TableModel& other, const ForeignKeyModel& key, const std::vector<Cell>& row,
                                     const std::vector<std::size_t>& places) {
  std::string text;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const Cell& cell = row[places[i]];
    if (!cell) return std::nullopt;
    const std::string part = EqualityText(other.columns[key.other_positions[i]].equality, *cell);
    text += std::to_string(part.size()) + ":" + part;
  }
  return text;
}

}  // namespace

DatasetReferences::DatasetReferences(const TableModels& models, const ExistingRows& existing)
    : models_(models), existing_(existing) {
  for (const auto& [name, table] : models.all()) {
    std::set<std::size_t>& columns = mattering_[&table];
    for (const KeyModel& key : table.keys) columns.insert(key.columns.begin(), key.columns.end());
    for (const ForeignKeyModel& key : table.foreign_keys) {
      columns.insert(key.columns.begin(), key.columns.end());
      if (const TableModel* other = models.Find(key.table)) {
        mattering_[other].insert(key.other_positions.begin(), key.other_positions.end());
      }
    }
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const ColumnModel& column = table.columns[i];
      const auto looks = [&](const std::shared_ptr<const CheckSolver>& checks) {
        return checks && checks->columns().contains(column.name);
      };
      bool looked_at = looks(table.checks) || column.disjoint || column.counted || column.domain_checks;
      for (const PartitionModel& partition : table.partitions) looked_at = looked_at || looks(partition.checks);
      if (looked_at) columns.insert(i);
    }
  }
}

bool DatasetReferences::Matters(const TableModel& table, std::size_t column) const {
  return mattering_.at(&table).contains(column);
}

// By row of a table, whether it refers to what is neither there already nor in the dataset.
std::vector<bool> DatasetReferences::Dangling(const Dataset& dataset, const DatasetTable& table) const {
  std::vector<bool> dangling(table.rows.size(), false);
  const TableModel* model = models_.Find(table.table);
  if (model == nullptr) return dangling;
  for (const ForeignKeyModel& key : model->foreign_keys) {
    const TableModel* other = models_.Find(key.table);
    const auto ours = PlacesOf(table, *model, key.columns);
    if (!ours || other == nullptr || key.other_positions.size() != key.columns.size()) continue;
    std::unordered_set<std::string> there;
    bool may_be_any = false;  // what is left to its default
    const auto add = [&](const std::vector<std::vector<Cell>>& rows, const std::vector<std::size_t>& places) {
      for (const auto& row : rows) {
        if (auto text = Reference(*other, key, row, places)) there.insert(std::move(*text));
      }
    };
    for (const DatasetTable& parents : dataset.tables) {
      if (parents.table != key.table) continue;
      const auto theirs = PlacesOf(parents, *other, key.other_positions);
      may_be_any = may_be_any || !theirs;
      if (theirs) add(parents.rows, *theirs);
    }
    if (may_be_any) continue;
    bool has_existing = false;  // there may be many, and few rows refer to them
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
      const auto text = Reference(*other, key, table.rows[row], *ours);
      if (!text || there.contains(*text)) continue;
      if (!std::exchange(has_existing, true)) add(existing_.ReferredBy(key), key.other_positions);
      if (!there.contains(*text)) dangling[row] = true;
    }
  }
  return dangling;
}

bool DatasetReferences::DropDangling(Dataset& dataset) const {
  bool any = false;
  for (bool more = true; more;) {
    more = false;
    for (DatasetTable& table : dataset.tables) {
      std::vector<std::vector<Cell>> kept;
      const std::vector<bool> dangling = Dangling(dataset, table);
      if (std::find(dangling.begin(), dangling.end(), true) == dangling.end()) continue;
      for (std::size_t row = 0; row < table.rows.size(); ++row) {
        if (!dangling[row]) kept.push_back(std::move(table.rows[row]));
      }
      table.rows = std::move(kept);
      more = any = true;
    }
  }
  std::erase_if(dataset.tables, [](const DatasetTable& table) { return table.rows.empty(); });
  return any;
}

void DatasetReferences::KeepReferred(const Dataset& dataset, Kept& kept) const {
  for (bool more = true; more;) {
    more = false;
    for (std::size_t t = dataset.tables.size(); t-- > 0;) more = KeepReferred(dataset, t, kept) || more;
  }
}

// Those that kept rows of one table refer to. True where there were such that had not been kept.
bool DatasetReferences::KeepReferred(const Dataset& dataset, std::size_t t, Kept& kept) const {
  bool any = false;
  const DatasetTable& table = dataset.tables[t];
  const TableModel* model = models_.Find(table.table);
  if (model == nullptr) return false;
  for (const ForeignKeyModel& key : model->foreign_keys) {
    const TableModel* other = models_.Find(key.table);
    const auto ours = PlacesOf(table, *model, key.columns);
    if (!ours || other == nullptr || key.other_positions.size() != key.columns.size()) continue;
    std::unordered_set<std::string> wanted;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
      if (!kept[t][row]) continue;
      if (auto text = Reference(*other, key, table.rows[row], *ours)) wanted.insert(std::move(*text));
    }
    for (std::size_t p = 0; p < dataset.tables.size(); ++p) {
      const DatasetTable& parents = dataset.tables[p];
      if (parents.table != key.table) continue;
      const auto theirs = PlacesOf(parents, *other, key.other_positions);
      if (!theirs) continue;
      for (std::size_t row = 0; row < parents.rows.size(); ++row) {
        if (kept[p][row]) continue;
        const auto text = Reference(*other, key, parents.rows[row], *theirs);
        if (text && wanted.contains(*text)) kept[p][row] = any = true;
      }
    }
  }
  return any;
}

void DatasetReferences::Change(Dataset& dataset, std::size_t table, std::size_t row, std::size_t column,
                               const Cell& value) const {
  const std::string name = dataset.tables[table].table;
  const TableModel* model = models_.Find(name);
  const std::vector<Cell> before = dataset.tables[table].rows[row];
  if (before[column] == value) return;
  dataset.tables[table].rows[row][column] = value;
  if (model == nullptr) return;
  for (std::size_t t = 0; t < dataset.tables.size(); ++t) {
    const TableModel* child = models_.Find(dataset.tables[t].table);
    if (child == nullptr) continue;
    for (const ForeignKeyModel& key : child->foreign_keys) {
      if (key.table != name || key.other_positions.size() != key.columns.size()) continue;
      const auto theirs = PlacesOf(dataset.tables[table], *model, key.other_positions);
      const auto ours = PlacesOf(dataset.tables[t], *child, key.columns);
      if (!theirs || !ours) continue;
      const auto at = std::find(theirs->begin(), theirs->end(), column);
      if (at == theirs->end()) continue;
      const std::size_t referring = (*ours)[static_cast<std::size_t>(at - theirs->begin())];
      const auto was = Reference(*model, key, before, *theirs);
      for (std::size_t r = 0; r < dataset.tables[t].rows.size(); ++r) {
        if (was && Reference(*model, key, dataset.tables[t].rows[r], *ours) == was) {
          Change(dataset, t, r, referring, value);
        }
      }
    }
  }
}

bool DatasetReferences::IsPlausible(const Dataset& dataset, const std::string& table) const {
  const TableModel* model = models_.Find(table);
  if (model == nullptr) return true;
  std::vector<std::set<std::string>> taken = existing_.Of(table).taken;
  taken.resize(model->keys.size());
  for (const DatasetTable& part : dataset.tables) {
    if (part.table != table) continue;
    for (const auto& row : part.rows) {
      std::vector<Cell> cells(model->columns.size());
      std::vector<bool> known(model->columns.size());
      for (std::size_t i = 0; i < part.columns.size(); ++i) {
        const auto column = model->Position(part.columns[i]);
        if (!column) continue;
        cells[*column] = row[i];
        known[*column] = true;
      }
      for (std::size_t key = 0; key < model->keys.size(); ++key) {
        const auto text = KeyText(*model, model->keys[key], cells, known);
        if (text && !taken[key].insert(*text).second) return false;
      }
      if (model->checks && model->checks->Judge(model->check_columns, KnownCells(*model, *model->checks, cells,
                                                                                 known)) == CheckVerdict::kFails) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace migproof
