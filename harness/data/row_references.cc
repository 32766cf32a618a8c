// How drawn rows come to refer to others: the part of RowDrawer that knows foreign keys.
#include <algorithm>

#include "harness/data/key_text.h"
#include "harness/data/row_drawer.h"

namespace migproof {

namespace {

constexpr std::uint64_t kNullReferenceEvery = 4;
constexpr std::uint64_t kExistingFirstEvery = 4;
constexpr int kReferenceTries = 8;

// Whether `cells` (of the table referred to) fit what `row` already holds of the key.
bool Fits(const ForeignKeyModel& key, const TableModel& other, const std::vector<Cell>& row,
          const std::vector<bool>& row_known, const std::vector<Cell>& cells, const std::vector<bool>* known) {
  for (std::size_t i = 0; i < key.columns.size(); ++i) {
    const std::size_t theirs = key.other_positions[i];
    if ((known != nullptr && !(*known)[theirs]) || !cells[theirs]) return false;
    if (!row_known[key.columns[i]]) continue;
    const Cell& ours = row[key.columns[i]];
    const Equality equality = other.columns[theirs].equality;
    if (!ours || EqualityText(equality, *ours) != EqualityText(equality, *cells[theirs])) return false;
  }
  return true;
}

}  // namespace

// Tables that refer to each other are resolved when all have rows.
void RowDrawer::FindLater(Table& table) const {
  const TableModel& model = *table.model;
  table.later.assign(model.columns.size(), false);
  for (const ForeignKeyModel& key : model.foreign_keys) {
    const auto other = by_name_.find(key.table);
    table.later_keys.push_back(other != by_name_.end() && other->second->group == table.group);
    if (!table.later_keys.back()) continue;
    const bool itself = key.table == model.name;
    for (const std::size_t column : key.columns) {
      const auto& theirs = key.other_positions;
      if (itself && std::find(theirs.begin(), theirs.end(), column) != theirs.end()) continue;
      table.later[column] = true;
    }
  }
}

bool RowDrawer::ReferToOthers(Table& table, Row& row) {
  for (const ForeignKeyModel& key : table.model->foreign_keys) {
    if (!DrawnLater(table, key) && !Refer(table, row, key, false)) return false;
  }
  return true;
}

bool RowDrawer::ReferToItself(Table& table, Row& row) {
  for (const ForeignKeyModel& key : table.model->foreign_keys) {
    if (key.table != table.model->name) continue;
    const Row before = row;
    bool found = false;
    for (int tried = 0; !found && tried < kReferenceTries; ++tried) {
      row = before;
      found = Refer(table, row, key, true) && FillBesideNull(table, key, row) && !Refuted(table, row) &&
              !IsTaken(table, row);
    }
    if (!found) return false;
  }
  return true;
}

bool RowDrawer::Refer(Table& table, Row& row, const ForeignKeyModel& key, bool itself) {
  const auto& columns = key.columns;
  const auto is_null = [&](std::size_t column) { return row.known[column] && !row.cells[column]; };
  const bool some_null = std::any_of(columns.begin(), columns.end(), is_null);
  const bool all_known = std::all_of(columns.begin(), columns.end(), [&](std::size_t c) { return row.known[c]; });
  if (some_null && !key.match_full) return true;
  if (some_null) {
    return LeaveNull(*table.model, key, row, true) && std::all_of(columns.begin(), columns.end(), is_null);
  }
  if (all_known) return ReferToRow(key, row, itself ? &row : nullptr);
  if (random_.OneIn(kNullReferenceEvery) && LeaveNull(*table.model, key, row, false)) return true;
  return ReferToRow(key, row, itself ? &row : nullptr) || LeaveNull(*table.model, key, row, true);
}

// Of a key over several columns some may hold values beside a NULL, unless it is MATCH FULL.
bool RowDrawer::LeaveNull(const TableModel& table, const ForeignKeyModel& key, Row& row, bool all) {
  std::vector<std::size_t> columns;
  for (const std::size_t column : key.columns) {
    if (!row.known[column] && table.columns[column].nullable) columns.push_back(column);
  }
  if (key.match_full) {
    const auto not_null = [&](std::size_t column) {
      return row.known[column] ? row.cells[column].has_value() : !table.columns[column].nullable;
    };
    if (std::any_of(key.columns.begin(), key.columns.end(), not_null)) return false;
  }
  if (columns.empty()) return false;
  if (!all && !key.match_full && random_.OneIn(2)) columns = {random_.Pick(columns)};
  for (const std::size_t column : columns) {
    row.cells[column] = std::nullopt;
    row.known[column] = true;
  }
  return true;
}

// What of a key is not known when it is settled stands beside a NULL, and may be anything.
bool RowDrawer::FillBesideNull(Table& table, const ForeignKeyModel& key, Row& row) {
  for (const std::size_t column : key.columns) {
    if (row.known[column]) continue;
    auto cell = table.cells.Draw(column, {}, false);
    if (!cell) return false;
    row.cells[column] = std::move(*cell);
    row.known[column] = true;
  }
  return true;
}

// Takes over the key of some row that fits: one drawn before, one there already, or the row itself.
bool RowDrawer::ReferToRow(const ForeignKeyModel& key, Row& row, const Row* itself) {
  const TableModel* other = models_.Find(key.table);
  if (other == nullptr || key.other_positions.size() != key.columns.size()) return false;
  const auto take = [&](const std::vector<Cell>& cells) {
    for (std::size_t i = 0; i < key.columns.size(); ++i) {
      if (row.known[key.columns[i]]) continue;
      row.cells[key.columns[i]] = cells[key.other_positions[i]];
      row.known[key.columns[i]] = true;
    }
    return true;
  };
  const auto from_drawn = [&] {
    const auto drawn = by_name_.find(key.table);
    const std::size_t count = drawn == by_name_.end() ? 0 : drawn->second->rows.size();
    const std::size_t total = count + (itself != nullptr ? 1 : 0);
    const std::size_t start = total == 0 ? 0 : random_.Below(total);
    for (std::size_t i = 0; i < total; ++i) {
      const std::size_t at = (start + i) % total;
      const auto& cells = at < count ? drawn->second->rows[at] : itself->cells;
      const auto& known = at < count ? drawn->second->known[at] : itself->known;
      if (Fits(key, *other, row.cells, row.known, cells, &known)) return take(std::vector<Cell>(cells));
    }
    return false;
  };
  const auto from_existing = [&] {
    const auto& rows = existing_.ReferredBy(key);
    const std::size_t start = rows.empty() ? 0 : random_.Below(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto& cells = rows[(start + i) % rows.size()];
      if (Fits(key, *other, row.cells, row.known, cells, nullptr)) return take(cells);
    }
    return false;
  };
  if (random_.OneIn(kExistingFirstEvery)) return from_existing() || from_drawn();
  return from_drawn() || from_existing();
}

bool RowDrawer::ResolveRow(Table& table, std::size_t at) {
  bool progress = false;
  for (const ForeignKeyModel& key : table.model->foreign_keys) {
    if (!DrawnLater(table, key)) continue;
    const Row before{table.rows[at], table.known[at]};
    const auto unknown = [&](std::size_t column) { return !before.known[column]; };
    if (std::none_of(key.columns.begin(), key.columns.end(), unknown)) continue;
    for (int tried = 0; tried < kReferenceTries; ++tried) {
      Row row = before;
      if (!Refer(table, row, key, false) || !FillBesideNull(table, key, row)) continue;
      if (Refuted(table, row) || IsTaken(table, row, &before)) continue;
      TakeKeys(table);
      table.rows[at] = std::move(row.cells);
      table.known[at] = std::move(row.known);
      progress = true;
      break;
    }
  }
  return progress;
}

// Rows of a cycle take their references in turns. Where all wait for each other, one that others want to refer to is
// given values of its own.
void RowDrawer::ResolveGroup(const std::vector<Table*>& group) {
  const auto resolve_all = [&] {
    bool progress = false;
    for (Table* table : group) {
      for (std::size_t row = 0; row < table->rows.size(); ++row) progress = ResolveRow(*table, row) || progress;
    }
    return progress;
  };
  const auto start_one = [&] {
    for (const Table* referring : group) {
      for (const ForeignKeyModel& key : referring->model->foreign_keys) {
        if (!DrawnLater(*referring, key)) continue;
        Table& table = *by_name_.at(key.table);
        for (std::size_t row = 0; row < table.rows.size(); ++row) {
          for (const std::size_t column : key.other_positions) {
            if (table.known[row][column] || table.to_default[column]) continue;
            auto cell = table.cells.Draw(column, {}, true);
            if (!cell || table.model->columns[column].generated) continue;
            table.rows[row][column] = std::move(*cell);
            table.known[row][column] = true;
            return true;
          }
        }
      }
    }
    return false;
  };
  while (resolve_all() || start_one()) {
  }
  DropUnresolved(group);
}

void RowDrawer::DropUnresolved(const std::vector<Table*>& group) {
  const auto bad = [&](Table& table, std::size_t at) {
    Row row{table.rows[at], table.known[at]};
    for (const ForeignKeyModel& key : table.model->foreign_keys) {
      if (!DrawnLater(table, key)) continue;
      const auto unknown = [&](std::size_t column) { return !row.known[column]; };
      if (std::any_of(key.columns.begin(), key.columns.end(), unknown)) return true;
      if (!Refer(table, row, key, false)) return true;
    }
    return false;
  };
  for (bool dropped = true; dropped;) {
    dropped = false;
    for (Table* table : group) {
      for (std::size_t at = table->rows.size(); at-- > 0;) {
        if (!bad(*table, at)) continue;
        table->rows.erase(table->rows.begin() + static_cast<std::ptrdiff_t>(at));
        table->known.erase(table->known.begin() + static_cast<std::ptrdiff_t>(at));
        dropped = true;
      }
    }
  }
}

}  // namespace migproof
