#include "harness/data/dataset_shrink.h"

#include <algorithm>
#include <map>

#include "harness/data/dataset_references.h"

namespace migproof {

namespace {

using Difference = std::ptrdiff_t;

// Candidates with one simpler cell: enough for datasets of the size that is left once rows were taken out.
constexpr std::size_t kMostCells = 300;

// Of a large dataset, rows are taken out several at a time: no more cells than about so many stand in all the
// candidates that this gives, and half as many again in all of them (40 bytes each).
constexpr std::size_t kMostCopied = 4'000'000;

class Shrinker {
 public:
  Shrinker(const TableModels& models, const ExistingRows& existing, const Dataset& dataset)
      : models_(models), references_(models, existing), dataset_(dataset) {
    for (const DatasetTable& table : dataset.tables) size_ += table.rows.size() * table.columns.size();
  }

  std::vector<Dataset> All() {
    HalveTables();
    const std::size_t tables = dataset_.tables.size();
    for (std::size_t t = tables; tables > 2 && t-- > 0;) WithoutTables(t, t + 1);
    for (std::size_t t = 0; t < tables; ++t) HalveRows(t);
    for (std::size_t t = tables; t-- > 0;) WithoutEachRow(t);
    WithoutNullColumns();
    PlainCells(0, tables);
    for (std::size_t t = tables; tables > 1 && t-- > 0;) PlainCells(t, t + 1);
    for (std::size_t t = tables; t-- > 0;) SimplerTogether(t);
    for (std::size_t t = tables; t-- > 0;) SimplerCells(t, &Shrinker::WithNull);
    for (std::size_t t = tables; t-- > 0;) SimplerCells(t, &Shrinker::WithSimplest);
    for (std::size_t t = tables; t-- > 0;) SimplerCells(t, &Shrinker::WithSimpler);
    for (std::size_t t = tables; t-- > 0;) LeaveToDefault(t);
    return std::move(candidates_);
  }

 private:
  // Those that come first promise most.
  bool IsFull() const { return candidates_.size() * size_ > kMostCopied + kMostCopied / 2; }

  void Add(Dataset candidate) {
    if (IsFull()) return;
    std::erase_if(candidate.tables, [](const DatasetTable& table) { return table.rows.empty(); });
    references_.DropDangling(candidate);
    if (candidate != dataset_) candidates_.push_back(std::move(candidate));
  }

  void WithoutTables(std::size_t begin, std::size_t end) {
    Dataset candidate = dataset_;
    candidate.tables.erase(candidate.tables.begin() + static_cast<Difference>(begin),
                           candidate.tables.begin() + static_cast<Difference>(end));
    Add(std::move(candidate));
  }

  void HalveTables() {
    const std::size_t tables = dataset_.tables.size();
    if (tables < 2) return;
    WithoutTables(tables / 2, tables);
    WithoutTables(0, tables / 2);
  }

  void WithoutRows(std::size_t table, std::size_t begin, std::size_t end) {
    Dataset candidate = dataset_;
    auto& rows = candidate.tables[table].rows;
    rows.erase(rows.begin() + static_cast<Difference>(begin), rows.begin() + static_cast<Difference>(end));
    Add(std::move(candidate));
  }

  void HalveRows(std::size_t table) {
    const std::size_t rows = dataset_.tables[table].rows.size();
    if (rows < 3) return;
    WithoutRows(table, rows / 2, rows);
    WithoutRows(table, 0, rows / 2);
  }

  void WithoutEachRow(std::size_t table) {
    const std::size_t at_a_time = 1 + dataset_.Rows() * size_ / kMostCopied;
    for (std::size_t end = dataset_.tables[table].rows.size(); end > 0;) {
      const std::size_t begin = end - std::min(end, at_a_time);
      WithoutRows(table, begin, end);
      end = begin;
    }
  }

  // Columns of NULLs alone that have no default say nothing.
  void WithoutNullColumns() {
    Dataset candidate = dataset_;
    for (DatasetTable& table : candidate.tables) {
      for (std::size_t column = table.columns.size(); column-- > 0;) {
        const ColumnModel* model = Column(table, column);
        const auto is_null = [&](const auto& row) { return !row[column]; };
        if (model == nullptr || !model->default_text.empty() || model->identity) continue;
        if (table.columns.size() > 1 && std::all_of(table.rows.begin(), table.rows.end(), is_null))
          Leave(table, column);
      }
    }
    Add(std::move(candidate));
  }

  static void Leave(DatasetTable& table, std::size_t column) {
    table.columns.erase(table.columns.begin() + static_cast<Difference>(column));
    for (auto& row : table.rows) row.erase(row.begin() + static_cast<Difference>(column));
  }

  const ColumnModel* Column(const DatasetTable& table, std::size_t column) const {
    const TableModel* model = models_.Find(table.table);
    if (model == nullptr) return nullptr;
    const auto position = model->Position(table.columns[column]);
    return position ? &model->columns[*position] : nullptr;
  }

  // Whether rows may differ from others of the dataset by what stands in this column.
  bool IsFree(const DatasetTable& table, std::size_t column) const {
    const TableModel* model = models_.Find(table.table);
    const auto position = model == nullptr ? std::nullopt : model->Position(table.columns[column]);
    return position && !references_.Matters(*model, *position);
  }

  // All cells of some tables that nothing depends on, at once as simple as can be.
  void PlainCells(std::size_t begin, std::size_t end) {
    Dataset candidate = dataset_;
    for (std::size_t t = begin; t < end; ++t) {
      DatasetTable& table = candidate.tables[t];
      for (std::size_t column = 0; column < table.columns.size(); ++column) {
        if (!IsFree(table, column)) continue;
        const ColumnModel& model = *Column(table, column);
        const Cell plain = model.nullable ? Cell() : Cell(model.generator->Simplest(model.plain));
        for (auto& row : table.rows) row[column] = plain;
      }
    }
    Add(std::move(candidate));
  }

  // Rows that have to agree in a column get simpler there only together.
  void SimplerTogether(std::size_t t) {
    const DatasetTable& table = dataset_.tables[t];
    for (std::size_t column = 0; column < table.columns.size(); ++column) {
      if (!IsFree(table, column)) continue;
      std::map<Cell, int> times;
      for (const auto& row : table.rows) ++times[row[column]];
      for (const auto& [cell, count] : times) {
        if (!cell || count < 2) continue;
        const ColumnModel& model = *Column(table, column);
        for (const Cell& simpler : WithSimplest(model, cell)) WithCells(t, column, cell, simpler);
        for (const Cell& simpler : WithSimpler(model, cell)) WithCells(t, column, cell, simpler);
      }
    }
  }

  void WithCells(std::size_t t, std::size_t column, const Cell& was, const Cell& is) {
    if (cells_ == kMostCells || IsFull()) return;
    ++cells_;
    Dataset candidate = dataset_;
    for (auto& row : candidate.tables[t].rows) {
      if (row[column] == was) row[column] = is;
    }
    candidates_.push_back(std::move(candidate));
  }

  void SimplerCells(std::size_t t, std::vector<Cell> (Shrinker::*simpler)(const ColumnModel&, const Cell&) const) {
    const DatasetTable& table = dataset_.tables[t];
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
      for (std::size_t column = 0; column < table.columns.size(); ++column) {
        const ColumnModel* model = Column(table, column);
        if (model == nullptr || !table.rows[row][column]) continue;
        for (const Cell& cell : (this->*simpler)(*model, table.rows[row][column])) WithCell(t, row, column, cell);
      }
    }
  }

  std::vector<Cell> WithNull(const ColumnModel& column, const Cell&) const {
    return column.nullable ? std::vector<Cell>{std::nullopt} : std::vector<Cell>{};
  }

  std::vector<Cell> WithSimplest(const ColumnModel& column, const Cell& cell) const {
    std::string simplest = column.generator->Simplest(column.plain);
    return simplest == *cell || column.disjoint ? std::vector<Cell>{} : std::vector<Cell>{std::move(simplest)};
  }

  std::vector<Cell> WithSimpler(const ColumnModel& column, const Cell& cell) const {
    if (column.disjoint) return {};
    std::vector<Cell> cells;
    for (std::string& value : column.generator->Shrink(column.plain, *cell)) cells.emplace_back(std::move(value));
    return cells;
  }

  void WithCell(std::size_t table, std::size_t row, std::size_t column, const Cell& cell) {
    if (cells_ == kMostCells || IsFull()) return;
    Dataset candidate = dataset_;
    if (IsFree(candidate.tables[table], column)) {
      candidate.tables[table].rows[row][column] = cell;
    } else {
      references_.Change(candidate, table, row, column, cell);
      if (Dataset whole = candidate; references_.DropDangling(whole)) return;
      for (std::size_t t = 0; t < candidate.tables.size(); ++t) {
        if (candidate.tables[t] == dataset_.tables[t]) continue;
        if (!references_.IsPlausible(candidate, candidate.tables[t].table)) return;
      }
    }
    ++cells_;
    candidates_.push_back(std::move(candidate));
  }

  void LeaveToDefault(std::size_t t) {
    for (std::size_t column = 0; column < dataset_.tables[t].columns.size(); ++column) {
      const ColumnModel* model = Column(dataset_.tables[t], column);
      if (model == nullptr || model->default_text.empty() || model->serial()) continue;
      if (dataset_.tables[t].columns.size() == 1 || IsFull()) continue;
      Dataset candidate = dataset_;
      Leave(candidate.tables[t], column);
      candidates_.push_back(std::move(candidate));
    }
  }

  const TableModels& models_;
  DatasetReferences references_;
  const Dataset& dataset_;
  std::vector<Dataset> candidates_;
  std::size_t size_ = 0;   // in cells
  std::size_t cells_ = 0;  // candidates with one simpler cell
};

}  // namespace

std::vector<Dataset> ShrinkDataset(const TableModels& models, const ExistingRows& existing, const Dataset& dataset) {
  return Shrinker(models, existing, dataset).All();
}

}  // namespace migproof
