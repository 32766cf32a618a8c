#include "harness/verify/dataset_shrink.h"

#include <rapidcheck/seq/Create.h>
#include <rapidcheck/seq/Transform.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <utility>

#include "harness/data/dataset_references.h"
#include "harness/data/existing_rows.h"
#include "harness/data/table_model.h"

namespace migproof {

namespace {

using Distance = std::ptrdiff_t;

// Candidates with simpler cells: enough for datasets of the size that is left once rows were taken out.
constexpr std::size_t kMostCells = 300;

// Of a dataset with so many rows, first all tables keep but one row of so many.
constexpr std::size_t kLarge = 100;
constexpr std::array<std::size_t, 3> kParts = {1000, 30, 2};

using Candidate = rc::Maybe<Dataset>;
using Candidates = rc::Seq<Dataset>;

// Each candidate is made when it is asked for: a dataset may be so large that a copy of it for each row is too much.
class Shrinker : public std::enable_shared_from_this<Shrinker> {
 public:
  Shrinker(const RowGenerator& generator, const Dataset& dataset)
      : models_(generator.models()), references_(generator.models(), generator.existing()), dataset_(dataset) {}

  Candidates All() const {
    return rc::seq::concat(
        PartsOfAll(), HalvesOfTables(), WithoutEachTable(), OfTables(&Shrinker::HalvesOfRows),
        OfTables(&Shrinker::WithoutEachRow), Some([](const Shrinker& self) { return self.WithoutNullColumns(); }),
        Some([](const Shrinker& self) { return self.Plain(0, self.Tables()); }), WithEachTablePlain(),
        rc::seq::take(kMostCells, rc::seq::concat(OfTables(&Shrinker::SimplerTogether), OfCells(&Shrinker::WithNull),
                                                  OfCells(&Shrinker::WithSimplest), OfCells(&Shrinker::WithSimpler))),
        OfTables(&Shrinker::LeftToDefault));
  }

 private:
  using Numbers = rc::Seq<std::size_t>;
  using Ways = std::vector<Cell> (Shrinker::*)(const ColumnModel&, const Cell&) const;

  std::size_t Tables() const { return dataset_.tables.size(); }

  static Numbers Upwards(std::size_t count) { return rc::seq::range<std::size_t>(0, count); }
  static Numbers Downwards(std::size_t count) {
    return rc::seq::map(Upwards(count), [count](std::size_t i) { return count - 1 - i; });
  }

  // The candidate that `make` gives of each number, where it gives one; and of the shrinker alone.
  template <typename Make>
  Candidates Each(Numbers numbers, Make make) const {
    return rc::seq::mapMaybe(std::move(numbers),
                             [self = shared_from_this(), make](std::size_t number) { return make(*self, number); });
  }
  template <typename Make>
  Candidates Some(Make make) const {
    return Each(Upwards(1), [make](const Shrinker& self, std::size_t) { return make(self); });
  }

  // Children come after parents, so the last table is the first that nothing hangs on.
  Candidates OfTables(Candidates (Shrinker::*of_table)(std::size_t) const) const {
    return rc::seq::mapcat(Downwards(Tables()),
                           [self = shared_from_this(), of_table](std::size_t t) { return (*self.*of_table)(t); });
  }

  // Nothing where it is the dataset itself.
  Candidate Whole(Dataset candidate) const {
    std::erase_if(candidate.tables, [](const DatasetTable& table) { return table.rows.empty(); });
    references_.DropDangling(candidate);
    return candidate == dataset_ ? Candidate() : Candidate(std::move(candidate));
  }

  // Of a large dataset: some rows of every table, with what they refer to.
  Candidates PartsOfAll() const {
    if (dataset_.Rows() < kLarge) return {};
    return Each(Upwards(2 * kParts.size()),
                [](const Shrinker& self, std::size_t i) { return self.PartOfAll(kParts[i / 2], i % 2 == 1); });
  }

  // One of so many rows, the first or the last.
  Candidate PartOfAll(std::size_t divisor, bool last) const {
    DatasetReferences::Kept kept;
    for (const DatasetTable& table : dataset_.tables) {
      const std::size_t rows = table.rows.size();
      const std::size_t some = (rows + divisor - 1) / divisor;
      std::vector<bool>& here = kept.emplace_back(rows, false);
      std::fill_n(here.begin() + static_cast<Distance>(last ? rows - some : 0), some, true);
    }
    references_.KeepReferred(dataset_, kept);
    Dataset candidate = dataset_;
    for (std::size_t t = 0; t < Tables(); ++t) {
      std::size_t row = 0;
      std::erase_if(candidate.tables[t].rows, [&](const auto&) { return !kept[t][row++]; });
    }
    return Whole(std::move(candidate));
  }

  Candidate WithoutTables(std::size_t begin, std::size_t end) const {
    Dataset candidate = dataset_;
    candidate.tables.erase(candidate.tables.begin() + static_cast<Distance>(begin),
                           candidate.tables.begin() + static_cast<Distance>(end));
    return Whole(std::move(candidate));
  }

  Candidates HalvesOfTables() const {
    if (Tables() < 2) return {};
    return Each(Upwards(2), [](const Shrinker& self, std::size_t half) {
      const std::size_t middle = self.Tables() / 2;
      return half == 0 ? self.WithoutTables(middle, self.Tables()) : self.WithoutTables(0, middle);
    });
  }

  Candidates WithoutEachTable() const {
    if (Tables() <= 2) return {};
    return Each(Downwards(Tables()), [](const Shrinker& self, std::size_t t) { return self.WithoutTables(t, t + 1); });
  }

  Candidate WithoutRows(std::size_t t, std::size_t begin, std::size_t end) const {
    Dataset candidate = dataset_;
    auto& rows = candidate.tables[t].rows;
    rows.erase(rows.begin() + static_cast<Distance>(begin), rows.begin() + static_cast<Distance>(end));
    return Whole(std::move(candidate));
  }

  Candidates HalvesOfRows(std::size_t t) const {
    const std::size_t rows = dataset_.tables[t].rows.size();
    if (rows < 3) return {};
    return Each(Upwards(2), [t, rows](const Shrinker& self, std::size_t half) {
      return half == 0 ? self.WithoutRows(t, rows / 2, rows) : self.WithoutRows(t, 0, rows / 2);
    });
  }

  Candidates WithoutEachRow(std::size_t t) const {
    return Each(Downwards(dataset_.tables[t].rows.size()),
                [t](const Shrinker& self, std::size_t row) { return self.WithoutRows(t, row, row + 1); });
  }

  // Columns of NULLs alone that have no default say nothing.
  Candidate WithoutNullColumns() const {
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
    return Whole(std::move(candidate));
  }

  static void Leave(DatasetTable& table, std::size_t column) {
    table.columns.erase(table.columns.begin() + static_cast<Distance>(column));
    for (auto& row : table.rows) row.erase(row.begin() + static_cast<Distance>(column));
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
  Candidate Plain(std::size_t begin, std::size_t end) const {
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
    return Whole(std::move(candidate));
  }

  Candidates WithEachTablePlain() const {
    if (Tables() < 2) return {};
    return Each(Downwards(Tables()), [](const Shrinker& self, std::size_t t) { return self.Plain(t, t + 1); });
  }

  // Rows that have to agree in a column get simpler there only together.
  Candidates SimplerTogether(std::size_t t) const {
    const auto of_column = [self = shared_from_this(), t](std::size_t column) {
      return self->SimplerTogetherIn(t, column);
    };
    return rc::seq::mapcat(Upwards(dataset_.tables[t].columns.size()), of_column);
  }

  Candidates SimplerTogetherIn(std::size_t t, std::size_t column) const {
    const ColumnModel* model = Column(dataset_.tables[t], column);
    if (model == nullptr) return {};
    std::map<Cell, std::vector<std::size_t>> rows;
    for (std::size_t row = 0; row < dataset_.tables[t].rows.size(); ++row) {
      rows[dataset_.tables[t].rows[row][column]].push_back(row);
    }
    std::vector<std::pair<std::vector<std::size_t>, Cell>> changes;
    for (const auto& [cell, places] : rows) {
      if (!cell || places.size() < 2) continue;
      for (const Cell& simpler : WithSimplest(*model, cell)) changes.emplace_back(places, simpler);
      for (const Cell& simpler : WithSimpler(*model, cell)) changes.emplace_back(places, simpler);
      if (changes.size() >= kMostCells) break;
    }
    const auto changed = [self = shared_from_this(), t, column](const auto& change) {
      return self->WithCell(t, change.first, column, change.second);
    };
    return rc::seq::mapMaybe(rc::seq::fromContainer(std::move(changes)), changed);
  }

  // Every cell of every table, with each of the simpler values.
  Candidates OfCells(Ways simpler) const {
    return rc::seq::mapcat(Downwards(Tables()), [self = shared_from_this(), simpler](std::size_t t) {
      const auto of_row = [self, simpler, t](std::size_t row) { return self->OfRow(t, row, simpler); };
      return rc::seq::mapcat(Upwards(self->dataset_.tables[t].rows.size()), of_row);
    });
  }

  Candidates OfRow(std::size_t t, std::size_t row, Ways simpler) const {
    const DatasetTable& table = dataset_.tables[t];
    std::vector<std::pair<std::size_t, Cell>> changes;
    for (std::size_t column = 0; column < table.columns.size(); ++column) {
      const ColumnModel* model = Column(table, column);
      if (model == nullptr || !table.rows[row][column]) continue;
      for (Cell& cell : (this->*simpler)(*model, table.rows[row][column]))
        changes.emplace_back(column, std::move(cell));
    }
    const auto changed = [self = shared_from_this(), t, row](const auto& change) {
      return self->WithCell(t, {row}, change.first, change.second);
    };
    return rc::seq::mapMaybe(rc::seq::fromContainer(std::move(changes)), changed);
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

  // Another cell in some rows of a table, and in what refers to them. Nothing where a key or CHECK refuses it.
  Candidate WithCell(std::size_t t, const std::vector<std::size_t>& rows, std::size_t column, const Cell& cell) const {
    Dataset candidate = dataset_;
    if (IsFree(candidate.tables[t], column)) {
      for (const std::size_t row : rows) candidate.tables[t].rows[row][column] = cell;
      return candidate;
    }
    for (const std::size_t row : rows) references_.Change(candidate, t, row, column, cell);
    if (Dataset whole = candidate; references_.DropDangling(whole)) return {};
    for (std::size_t other = 0; other < Tables(); ++other) {
      if (candidate.tables[other] == dataset_.tables[other]) continue;
      if (!references_.IsPlausible(candidate, candidate.tables[other].table)) return {};
    }
    return candidate;
  }

  Candidates LeftToDefault(std::size_t t) const {
    return Each(Upwards(dataset_.tables[t].columns.size()), [t](const Shrinker& self, std::size_t column) {
      const DatasetTable& table = self.dataset_.tables[t];
      const ColumnModel* model = self.Column(table, column);
      if (model == nullptr || model->default_text.empty() || model->serial) return Candidate();
      if (table.columns.size() == 1) return Candidate();
      Dataset candidate = self.dataset_;
      Leave(candidate.tables[t], column);
      return Candidate(std::move(candidate));
    });
  }

  const TableModels& models_;
  DatasetReferences references_;
  Dataset dataset_;
};

}  // namespace

rc::Seq<Dataset> ShrinksOf(const RowGenerator& generator, const Dataset& dataset) {
  return std::make_shared<const Shrinker>(generator, dataset)->All();
}

}  // namespace migproof
