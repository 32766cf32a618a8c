#include "harness/data/cell_drawer.h"

#include <nlohmann/json.hpp>

#include "harness/data/document_fields.h"
#include "harness/data/key_text.h"

namespace migproof {

namespace {

constexpr std::uint64_t kNullCellEvery = 4;
constexpr std::uint64_t kAgainEvery = 5;
constexpr int kCellTries = 4;

}  // namespace

CellDrawer::CellDrawer(const TableModel& table, std::uint64_t unseen, Random& random)
    : table_(table), random_(random), unseen_(unseen > 0), in_key_(table.columns.size()), next_(table.columns.size()) {
  for (const KeyModel& key : table.keys) {
    for (const std::size_t column : key.columns) in_key_[column] = true;
  }
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    for (const DocumentField& field : table.columns[i].fields) in_key_[i] = in_key_[i] || in_key_[field.taker];
  }
  constexpr std::uint64_t kFirst = 4;
  constexpr std::uint64_t kBeyond = 3;
  for (std::uint64_t& next : next_) next = kBeyond * unseen + random_.Below(kFirst);
}

std::optional<Cell> CellDrawer::Draw(std::size_t column, const std::vector<std::vector<Cell>>& rows, bool distinct) {
  const ColumnModel& model = table_.columns[column];
  if (model.nullable && (model.valueless || random_.OneIn(kNullCellEvery))) return Cell();
  if (model.valueless) return std::nullopt;
  const bool told_apart = in_key_[column] || model.disjoint;
  if (!told_apart && !rows.empty() && random_.OneIn(kAgainEvery)) {
    const Cell& again = random_.Pick(rows)[column];
    if (again) return again;
  }
  auto value = Value(column, (distinct || unseen_) && told_apart);
  if (value && !model.fields.empty()) return Cell(WithFields(model, std::move(*value)));
  if (value) return Cell(std::move(*value));
  if (model.nullable) return Cell();
  return std::nullopt;
}

bool CellDrawer::Passes(const ColumnModel& column, const std::string& value) const {
  constexpr std::size_t kIndexedBytes = 600;  // several columns of an index share a third of a page
  if (column.indexed && value.size() > kIndexedBytes) return false;
  if (!column.domain_checks) return true;
  const CheckColumns columns{{"VALUE", {column.plain, false}}};
  return column.domain_checks->Judge(columns, {{"VALUE", value}}) != CheckVerdict::kFails;
}

std::optional<std::string> CellDrawer::NextDistinct(std::size_t at) {
  const ColumnModel& column = table_.columns[at];
  if (column.disjoint) return DisjointRange(column.plain, next_[at]++);
  if (column.counts_up()) return std::to_string(1 + next_[at]++);
  for (int tried = 0; tried < kCellTries; ++tried) {
    auto value = column.source.nth(next_[at]++);
    if (!value || Passes(column, *value)) return value;
  }
  return std::nullopt;
}

std::optional<std::string> CellDrawer::Value(std::size_t at, bool distinct) {
  const ColumnModel& column = table_.columns[at];
  if (distinct || column.counted || column.disjoint || column.counts_up() || (in_key_[at] && random_.OneIn(2))) {
    if (auto value = NextDistinct(at)) return value;
  }
  for (int tried = 0; tried < kCellTries; ++tried) {
    std::string value = column.source.draw(random_);
    if (Passes(column, value)) return value;
  }
  if (!column.domain_checks) return column.generator->Simplest(column.plain);
  return column.domain_checks->SolveOne("VALUE", column.plain, random_);
}

// Fields that need not be there are left out or NULL now and then.
std::string CellDrawer::WithFields(const ColumnModel& column, std::string document) {
  constexpr std::uint64_t kNullFieldEvery = 8;
  for (const DocumentField& field : column.fields) {
    if (!field.required && random_.OneIn(kNullCellEvery)) continue;
    const bool null = !field.required && random_.OneIn(kNullFieldEvery);
    const auto value = null ? std::nullopt : FieldValue(field);
    // Numbers and truth values stand as such, all else as text.
    auto json = nlohmann::ordered_json::parse(value.value_or("null"), nullptr, false);
    const std::string& type = table_.columns[field.taker].plain.base;
    if (value && type == "boolean") json = value->starts_with("t");
    if (value && type != "boolean" && !json.is_number_integer()) json = *value;
    if (value || null) document = WithField(document, field.path, json);
  }
  return document;
}

// As the generated column takes it, whatever is done to it on the way there.
std::optional<std::string> CellDrawer::FieldValue(const DocumentField& field) {
  constexpr std::uint64_t kAnyValueEvery = 4;
  constexpr std::uint64_t kPlainValues = 40;
  if (in_key_[field.taker]) return field.source.nth(next_[field.taker]++);
  for (int tried = 0; tried < kCellTries && (!field.through_function || random_.OneIn(kAnyValueEvery)); ++tried) {
    std::string value = field.source.draw(random_);
    if (Passes(table_.columns[field.taker], value)) return value;
  }
  const auto plain = field.source.nth(random_.Below(kPlainValues));
  return plain ? plain : field.source.draw(random_);
}

std::optional<std::string> CellDrawer::Remote(std::size_t at) {
  constexpr std::uint64_t kNear = 500;
  constexpr std::uint64_t kFar = 1500;
  const ColumnModel& column = table_.columns[at];
  if (column.counts_up()) return std::to_string(kNear + random_.Below(kFar));
  return column.source.nth(kNear + random_.Below(kFar));
}

}  // namespace migproof
