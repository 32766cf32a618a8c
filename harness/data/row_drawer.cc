#include "harness/data/row_drawer.h"

#include "harness/data/key_text.h"

namespace migproof {

namespace {

constexpr int kRowTries = 24;
// From this try on, keys are counted up rather than drawn.
constexpr int kDistinctFrom = 3;
// How often values come from the solver even where others would pass: it likes boundaries.
constexpr std::uint64_t kSolveEvery = 3;

bool IsInserted(const ColumnModel& column) { return !column.generated; }

}  // namespace

RowDrawer::RowDrawer(const TableModels& models, const ExistingRows& existing, Random& random)
    : models_(models), existing_(existing), random_(random) {}

void RowDrawer::Fill(const std::vector<const TableModel*>& group, const std::vector<FillPlan>& plans) {
  ++group_;
  std::vector<Table*> filled;
  for (std::size_t i = 0; i < group.size(); ++i) {
    const TableModel* model = group[i];
    const ExistingTable& existing = existing_.Of(model->name);
    tables_.push_back({model,
                       &existing,
                       group_,
                       CellDrawer(*model, existing.unseen, random_),
                       plans[i].to_default,
                       {},
                       {},
                       std::vector<std::unordered_set<std::string>>(model->keys.size()),
                       {},
                       {}});
    filled.push_back(&tables_.back());
    by_name_[model->name] = filled.back();
  }
  for (Table* table : filled) FindLater(*table);
  for (std::size_t i = 0; i < filled.size(); ++i) AddRows(*filled[i], plans[i]);
  if (group.size() > 1) ResolveGroup(filled);
}

void RowDrawer::AddRows(Table& table, const FillPlan& plan) {
  for (const Wish& wish : plan.wishes) AddRow(table, wish);
  for (const TwinWish& twins : plan.twins) {
    if (!AddRow(table, twins.first)) continue;
    Wish wish = twins.second;
    const std::size_t like = table.rows.size() - 1;
    for (const std::size_t column : twins.agree) {
      if (table.known[like][column]) wish.emplace(column, table.rows[like][column]);
    }
    AddRow(table, wish);
  }
  for (const auto& columns : plan.remote) {
    Wish wish;
    for (const std::size_t column : columns) {
      if (auto value = table.cells.Remote(column)) wish.emplace(column, std::move(value));
    }
    if (wish.size() == columns.size()) AddRow(table, wish);
  }
  for (int failed = 0; table.rows.size() < plan.rows && failed < 2;) {
    if (!AddRow(table, {})) ++failed;
  }
  for (const auto& columns : plan.agree) {
    if (table.rows.empty()) return;
    const std::size_t like = random_.Below(table.rows.size());
    Wish wish;
    for (const std::size_t column : columns) {
      if (table.known[like][column]) wish.emplace(column, table.rows[like][column]);
    }
    AddRow(table, wish);
  }
}

bool RowDrawer::AddRow(Table& table, const Wish& wish) {
  for (int attempt = 0; attempt < kRowTries; ++attempt) {
    if (auto row = TryRow(table, wish, attempt)) {
      Keep(table, std::move(*row));
      return true;
    }
  }
  return false;
}

std::optional<RowDrawer::Row> RowDrawer::TryRow(Table& table, const Wish& wish, int attempt) {
  const TableModel& model = *table.model;
  Row row{std::vector<Cell>(model.columns.size()), std::vector<bool>(model.columns.size())};
  for (const auto& [column, cell] : wish) {
    if (!IsInserted(model.columns[column]) || table.to_default[column]) continue;
    row.cells[column] = cell;
    row.known[column] = true;
  }
  if (!ReferToOthers(table, row)) return std::nullopt;
  const std::vector<bool> fixed = row.known;
  if (!DrawFreeCells(table, row, attempt)) return std::nullopt;
  const CheckSolver* checks =
      model.partitions.empty() ? model.checks.get() : random_.Pick(model.partitions).checks.get();
  if (checks != nullptr && !SatisfyChecks(table, row, checks, fixed)) return std::nullopt;
  if (!ReferToItself(table, row)) return std::nullopt;
  if (Refuted(table, row) || IsTaken(table, row)) return std::nullopt;
  return row;
}

bool RowDrawer::DrawFreeCells(Table& table, Row& row, int attempt) {
  for (std::size_t i = 0; i < row.cells.size(); ++i) {
    if (row.known[i] || table.later[i] || table.to_default[i]) continue;
    if (!IsInserted(table.model->columns[i])) continue;
    auto cell = table.cells.Draw(i, table.rows, attempt >= kDistinctFrom);
    if (!cell) return false;
    row.cells[i] = std::move(*cell);
    row.known[i] = true;
  }
  return true;
}

// Cells that are not `fixed` are changed where the CHECKs ask for it.
bool RowDrawer::SatisfyChecks(const Table& table, Row& row, const CheckSolver* checks, const std::vector<bool>& fixed) {
  const TableModel& model = *table.model;
  const CheckRow drawn = KnownCells(model, *checks, row.cells, row.known);
  if (!random_.OneIn(kSolveEvery) && checks->Judge(model.check_columns, drawn) != CheckVerdict::kFails) return true;
  CheckColumns wanted;
  CheckRow given;
  for (const auto& [name, cell] : drawn) {
    wanted.emplace(name, model.check_columns.at(name));
    if (fixed[*model.Position(name)]) given.emplace(name, cell);
  }
  const auto solved = checks->Solve(wanted, given, random_);
  if (!solved) return checks->Judge(model.check_columns, drawn) != CheckVerdict::kFails;
  for (const auto& [name, cell] : *solved) {
    const std::size_t column = *model.Position(name);
    if (!fixed[column]) row.cells[column] = cell;
  }
  return true;
}

bool RowDrawer::Refuted(const Table& table, const Row& row) const {
  const CheckSolver* checks = table.model->checks.get();
  return checks != nullptr && checks->Judge(table.model->check_columns, KnownCells(*table.model, *checks, row.cells,
                                                                                   row.known)) == CheckVerdict::kFails;
}

// `before`: the same row as it was kept, with fewer cells known; what it held then is its own.
bool RowDrawer::IsTaken(const Table& table, const Row& row, const Row* before) {
  const std::vector<KeyModel>& keys = table.model->keys;
  key_texts_.clear();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto& text = key_texts_.emplace_back(KeyText(*table.model, keys[i], row.cells, row.known));
    if (!text) continue;
    if (before != nullptr && text == KeyText(*table.model, keys[i], before->cells, before->known)) continue;
    if (table.taken[i].contains(*text)) return true;
    if (!table.existing->taken.empty() && table.existing->taken[i].contains(*text)) return true;
  }
  return false;
}

// The keys of the row that was found not to be taken.
void RowDrawer::TakeKeys(Table& table) {
  for (std::size_t i = 0; i < key_texts_.size(); ++i) {
    if (key_texts_[i]) table.taken[i].insert(std::move(*key_texts_[i]));
  }
}

void RowDrawer::Keep(Table& table, Row row) {
  TakeKeys(table);
  table.rows.push_back(std::move(row.cells));
  table.known.push_back(std::move(row.known));
}

Dataset RowDrawer::Take() && {
  Dataset dataset;
  for (Table& table : tables_) {
    if (table.rows.empty()) continue;
    std::vector<std::size_t> inserted;
    for (std::size_t i = 0; i < table.model->columns.size(); ++i) {
      if (IsInserted(table.model->columns[i]) && !table.to_default[i]) inserted.push_back(i);
    }
    DatasetTable taken{table.model->name, {}, {}, table.group};
    taken.columns.reserve(inserted.size());
    for (const std::size_t i : inserted) taken.columns.push_back(table.model->columns[i].name);
    if (inserted.size() == table.model->columns.size()) {
      taken.rows = std::move(table.rows);
      dataset.tables.push_back(std::move(taken));
      continue;
    }
    taken.rows.resize(table.rows.size());
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
      taken.rows[row].reserve(inserted.size());
      for (const std::size_t i : inserted) taken.rows[row].push_back(std::move(table.rows[row][i]));
    }
    dataset.tables.push_back(std::move(taken));
  }
  return dataset;
}

}  // namespace migproof
