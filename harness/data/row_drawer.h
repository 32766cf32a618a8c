// Draws the rows of one case, group by group: what is drawn may be referred to by what comes behind.
//
//   RowDrawer drawer(models, existing, random);
//   for (const auto& group : FillOrder(models, chosen)) drawer.Fill(group, plans);
//   Dataset dataset = std::move(drawer).Take();
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "harness/data/cell_drawer.h"
#include "harness/data/dataset.h"
#include "harness/data/existing_rows.h"
#include "harness/data/table_model.h"

namespace migproof {

// What some row is to hold, by position of the column.
using Wish = std::map<std::size_t, Cell>;

// Two rows: the second as the first in `agree`.
struct TwinWish {
  Wish first;
  Wish second;
  std::vector<std::size_t> agree;
};

// How one table is to be filled.
struct FillPlan {
  std::size_t rows = 1;
  std::vector<bool> to_default;                  // columns left to their defaults
  std::vector<Wish> wishes;                      // rows of their own, where they can be had
  std::vector<TwinWish> twins;                   // likewise, two by two
  std::vector<std::vector<std::size_t>> agree;   // columns in which one row more is to be like one before
  std::vector<std::vector<std::size_t>> remote;  // columns that hold, in a row of its own, what nothing else does
};

class RowDrawer {
 public:
  RowDrawer(const TableModels& models, const ExistingRows& existing, Random& random);

  // Fills the tables of a group of FillOrder; `plans` has one for each of them, in the same order.
  void Fill(const std::vector<const TableModel*>& group, const std::vector<FillPlan>& plans);

  // The rows drawn, which the drawer then has no more; those of one call to Fill have the same group.
  Dataset Take() &&;

 private:
  struct Row {
    std::vector<Cell> cells;
    std::vector<bool> known;  // a cell that is not known yet refers to a row that is not drawn yet
  };
  struct Table {
    const TableModel* model;
    const ExistingTable* existing;
    int group;
    CellDrawer cells;
    std::vector<bool> to_default;
    std::vector<std::vector<Cell>> rows;  // of the same length as `known`
    std::vector<std::vector<bool>> known;
    std::vector<std::unordered_set<std::string>> taken;  // by key
    std::vector<bool> later_keys;                        // foreign keys that are resolved when the group has rows
    std::vector<bool> later;                             // columns that are drawn then
  };

  void AddRows(Table& table, const FillPlan& plan);
  bool AddRow(Table& table, const Wish& wish);
  std::optional<Row> TryRow(Table& table, const Wish& wish, int attempt);
  bool DrawFreeCells(Table& table, Row& row, int attempt);
  bool SatisfyChecks(const Table& table, Row& row, const CheckSolver* checks, const std::vector<bool>& fixed);
  void Keep(Table& table, Row row);
  void TakeKeys(Table& table);
  bool IsTaken(const Table& table, const Row& row, const Row* before = nullptr);
  bool Refuted(const Table& table, const Row& row) const;

  // Foreign keys: see row_references.cc.
  bool ReferToOthers(Table& table, Row& row);
  bool ReferToItself(Table& table, Row& row);
  bool Refer(Table& table, Row& row, const ForeignKeyModel& key, bool itself);
  bool ReferToRow(const ForeignKeyModel& key, Row& row, const Row* itself);
  bool LeaveNull(const TableModel& table, const ForeignKeyModel& key, Row& row, bool all);
  bool FillBesideNull(Table& table, const ForeignKeyModel& key, Row& row);
  void FindLater(Table& table) const;
  // `key`: one of the table's own.
  static bool DrawnLater(const Table& table, const ForeignKeyModel& key) {
    return table.later_keys[static_cast<std::size_t>(&key - table.model->foreign_keys.data())];
  }
  void ResolveGroup(const std::vector<Table*>& group);
  bool ResolveRow(Table& table, std::size_t at);
  void DropUnresolved(const std::vector<Table*>& group);

  const TableModels& models_;
  const ExistingRows& existing_;
  Random& random_;
  std::list<Table> tables_;  // in the order of filling; CellDrawers stay where they are
  std::map<std::string_view, Table*> by_name_;
  std::vector<std::optional<std::string>> key_texts_;  // of the row that IsTaken saw last, where it was not taken
  int group_ = -1;
};

}  // namespace migproof
