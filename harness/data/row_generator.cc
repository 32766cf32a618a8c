#include "harness/data/row_generator.h"

#include <algorithm>
#include <optional>

#include "harness/data/check_expression.h"
#include "harness/data/dataset_references.h"
#include "harness/data/definition_text.h"
#include "harness/data/existing_rows.h"
#include "harness/data/fill_order.h"
#include "harness/data/row_drawer.h"
#include "harness/data/table_model.h"
#include "harness/data/unfillable.h"

namespace migproof {

namespace {

using NameSet = std::set<std::string>;
using FillGroups = std::vector<std::vector<const TableModel*>>;
using Columns = std::vector<std::size_t>;

// In one case of so many a table's columns are left to their defaults, all that can be: so there are few forms of
// INSERT, which the server plans once.
constexpr std::uint64_t kDefaultsEvery = 4;
constexpr std::uint64_t kSequenceEvery = 16;
constexpr std::uint64_t kReferringEvery = 2;
constexpr std::uint64_t kTargetEvery = 2;
constexpr std::size_t kOthers = 3;  // tables beside the focus
constexpr std::size_t kBroadRows = 4;
// A long chain of references would fill the whole catalog for the sake of one table.
constexpr int kReachOfFocus = 3;
constexpr int kReachOfOthers = 1;

// Defaults that differ from row to row, so that a key may be left to them.
bool IsUniqueByItself(const ColumnModel& column) {
  if (column.serial) return true;
  const std::string& text = column.default_text;
  return text.find("gen_random_uuid(") != std::string::npos || text.find("uuid_generate_v") != std::string::npos ||
         text.find("uuidv") != std::string::npos;
}

// Whether the table's own CHECKs refuse what a column holds where an INSERT does not name it.
bool RefusesDefault(const TableModel& table, const ColumnModel& column) {
  if (!table.checks || column.default_text.empty() || !table.checks->columns().contains(column.name)) return false;
  const CheckExpression parsed = ParseCheck("CHECK (" + column.default_text + ")");
  const CheckExpression* value = &parsed;
  while (value->kind == CheckExpression::Kind::kCast) value = &value->parts[0];
  return value->kind == CheckExpression::Kind::kLiteral &&
         table.checks->Judge(table.check_columns, {{column.name, value->text}}) == CheckVerdict::kFails;
}

// Where a table and some of its columns stand in a dataset.
struct Places {
  std::size_t table = 0;
  std::vector<std::size_t> columns;
};

std::optional<Places> FindPlaces(const Dataset& dataset, const std::string& table,
                                 const std::vector<std::string>& columns) {
  Places places;
  while (places.table < dataset.tables.size() && dataset.tables[places.table].table != table) ++places.table;
  if (places.table == dataset.tables.size()) return std::nullopt;
  const auto& names = dataset.tables[places.table].columns;
  for (const std::string& column : columns) {
    const auto at = std::find(names.begin(), names.end(), column);
    if (at == names.end()) return std::nullopt;
    places.columns.push_back(static_cast<std::size_t>(at - names.begin()));
  }
  return places;
}

std::set<std::string> RootsOf(const TableModels& models, const auto& names) {
  std::set<std::string> roots;
  for (const std::string& name : names) roots.insert(models.Root(name));
  return roots;
}

}  // namespace

class RowGenerator::Impl {
 public:
  Impl(const Catalog& catalog, const RowSnapshot& existing, RowGeneratorOptions options, Targets targets)
      : models_(catalog, options.numbered),
        existing_(models_, existing, options.unsteady),
        options_(std::move(options)),
        targets_(std::move(targets)),
        unfillable_(Unfillable(models_, existing_, RootsOf(models_, options_.leave_out))) {
    const NameSet left_out = RootsOf(models_, options_.leave_out);
    for (const auto& [name, table] : models_.all()) {
      if (!left_out.contains(name) && !unfillable_.contains(name)) fillable_.push_back(name);
      for (const ForeignKeyModel& key : table.foreign_keys) {
        referring_[key.table].insert(name);
        referenced_[key.table].insert(key.other_positions.begin(), key.other_positions.end());
      }
    }
    for (const auto& [name, table] : models_.all()) settled_[name] = Settled(table);
    order_ = FillOrder(models_, {fillable_.begin(), fillable_.end()});
  }

  Dataset Draw(Random& random, bool broad) const {
    RowDrawer drawer(models_, existing_, random);
    const bool orphans = random.OneIn(kTargetEvery);
    const bool all = broad || options_.focus.empty();
    const auto chosen = all ? FillGroups() : FillOrder(models_, Choose(random));
    for (const auto& group : all ? order_ : chosen) {
      std::vector<FillPlan> plans;
      for (const TableModel* table : group) plans.push_back(Plan(*table, orphans, broad, random));
      drawer.Fill(group, plans);
    }
    Dataset dataset = std::move(drawer).Take();
    if (!orphans) Adopt(random, dataset);
    return dataset;
  }

  const TableModels& models() const { return models_; }
  const ExistingRows& existing() const { return existing_; }

  const std::map<std::string, std::string>& unfillable() const { return unfillable_; }

 private:
  bool IsFillable(const std::string& table) const {
    return std::binary_search(fillable_.begin(), fillable_.end(), table);
  }

  // By how many references a table is followed on where it could do without: what it must refer to, it always takes.
  using Chosen = std::map<std::string, int>;

  static bool MustRefer(const TableModel& table, const ForeignKeyModel& key) {
    return std::all_of(key.columns.begin(), key.columns.end(),
                       [&](std::size_t column) { return !table.columns[column].nullable; });
  }

  void AddWithParents(const std::string& name, int reach, Chosen& chosen) const {
    if (!IsFillable(name)) return;
    const auto [at, added] = chosen.try_emplace(name, reach);
    if (!added && at->second >= reach) return;
    at->second = reach;
    const TableModel& table = *models_.Find(name);
    for (const ForeignKeyModel& key : table.foreign_keys) {
      if (reach > 0 || MustRefer(table, key)) AddWithParents(key.table, std::max(reach - 1, 0), chosen);
    }
    const auto targets = targets_.tables.find(name);
    if (targets == targets_.tables.end()) return;
    for (const auto& orphan : targets->second.orphans) {
      AddWithParents(models_.Root(orphan.other_table), std::max(reach - 1, 0), chosen);
    }
  }

  // Plain rows leave tables empty: the upgrade may refuse every row of one, and take those of the others.
  NameSet Focus(Random& random) const {
    const NameSet all = RootsOf(models_, options_.focus);
    if (!options_.plain || all.size() < 2) return all;
    NameSet some = {random.Pick(std::vector<std::string>(all.begin(), all.end()))};
    for (const std::string& name : all) {
      if (random.OneIn(2)) some.insert(name);
    }
    return some;
  }

  // The number of tables does not grow with the catalog.
  NameSet Choose(Random& random) const {
    Chosen chosen;
    const bool with_referring = random.OneIn(kReferringEvery);
    for (const std::string& focus : Focus(random)) {
      AddWithParents(focus, kReachOfFocus, chosen);
      const auto referring = referring_.find(focus);
      if (!with_referring || referring == referring_.end()) continue;
      for (const std::string& table : referring->second) AddWithParents(table, kReachOfOthers, chosen);
    }
    for (std::size_t i = 0; i < kOthers && !fillable_.empty() && !options_.plain; ++i) {
      AddWithParents(random.Pick(fillable_), kReachOfOthers, chosen);
    }
    NameSet names;
    for (const auto& [name, reach] : chosen) names.insert(name);
    return names;
  }

  // Columns whose values matter: what is referred to, what refers, what a CHECK holds against another column or whose
  // default it refuses, what decides over a partition.
  std::set<std::size_t> Settled(const TableModel& table) const {
    std::set<std::size_t> columns;
    const auto referenced = referenced_.find(table.name);
    if (referenced != referenced_.end()) columns = referenced->second;
    for (const ForeignKeyModel& key : table.foreign_keys) columns.insert(key.columns.begin(), key.columns.end());
    for (const KeyModel& key : table.keys) {
      for (const std::size_t column : key.columns) {
        if (!IsUniqueByItself(table.columns[column])) columns.insert(column);
      }
    }
    for (const std::string& name : table.checks ? table.checks->Related() : std::set<std::string>()) {
      if (const auto column = table.Position(name)) columns.insert(*column);
    }
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const auto decides = [&](const PartitionModel& partition) {
        return partition.checks && partition.checks->columns().contains(table.columns[i].name);
      };
      const bool decided = std::any_of(table.partitions.begin(), table.partitions.end(), decides);
      if (table.columns[i].disjoint || decided || RefusesDefault(table, table.columns[i])) columns.insert(i);
    }
    return columns;
  }

  std::vector<bool> ToDefault(const TableModel& table, Random& random) const {
    const std::set<std::size_t>& settled = settled_.at(table.name);
    const bool defaults = random.OneIn(kDefaultsEvery);
    std::vector<bool> columns(table.columns.size());
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      const ColumnModel& column = table.columns[i];
      if (column.generated || (column.default_text.empty() && !column.identity)) continue;
      const bool wanted = column.serial ? random.OneIn(kSequenceEvery) : defaults;
      const bool has_to = column.valueless && !column.nullable;
      columns[i] = has_to || (wanted && !settled.contains(i) && !AsksWhatWasDrawn(column.default_text));
    }
    return columns;
  }

  FillPlan Plan(const TableModel& table, bool orphans, bool broad, Random& random) const {
    FillPlan plan;
    plan.rows = 1 + random.Below(options_.rows_per_table + 1);
    plan.to_default = ToDefault(table, random);
    if (broad) {
      plan.rows = kBroadRows;
      plan.wishes.push_back(AllNull(table, plan));
    }
    const auto targets = targets_.tables.find(table.name);
    if (targets != targets_.tables.end()) {
      if (options_.few_draws || options_.plain || random.OneIn(kTargetEvery))
        AddTargets(table, targets->second, random, plan);
      for (const auto& orphan : targets->second.orphans) {
        if (orphans) AddGroup(table, orphan.columns, plan, plan.remote);
      }
    }
    if (options_.plain) MakePlain(table, random, plan);
    return plan;
  }

  static void MakePlain(const TableModel& table, Random& random, FillPlan& plan) {
    constexpr std::uint64_t kValueEvery = 4;
    FillPlan plain;
    plain.to_default = std::move(plan.to_default);
    Wish wish = plan.wishes.empty() ? Wish() : random.Pick(plan.wishes);
    for (const auto& [column, value] : AllNull(table, plain)) {
      if (!random.OneIn(kValueEvery)) wish.emplace(column, value);
    }
    plain.wishes.push_back(std::move(wish));
    plan = std::move(plain);
  }

  // A row that holds nothing where it may.
  static Wish AllNull(const TableModel& table, FillPlan& plan) {
    Wish wish;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
      if (!table.columns[i].nullable || table.columns[i].generated) continue;
      plan.to_default[i] = false;
      wish.emplace(i, std::nullopt);
    }
    return wish;
  }

  void AddTargets(const TableModel& table, const Targets::TableTargets& targets, Random& random, FillPlan& plan) const {
    const auto add_wish = [&](const std::vector<Targets::Value>& values) {
      if (auto wish = WishFor(table, values, plan)) plan.wishes.push_back(std::move(*wish));
    };
    for (const auto& row : Some(targets.rows, random)) add_wish(row);
    for (const std::string& column : targets.nulls) {
      if (random.OneIn(kTargetEvery)) add_wish({{column, std::nullopt}});
    }
    for (const auto& twins : Some(targets.twins, random)) {
      std::vector<std::vector<std::size_t>> agree;
      auto first = WishFor(table, twins.first, plan);
      auto second = WishFor(table, twins.second, plan);
      AddGroup(table, twins.agree, plan, agree);
      if (!first || !second || agree.empty() != twins.agree.empty()) continue;
      plan.twins.push_back({std::move(*first), std::move(*second), agree.empty() ? Columns() : std::move(agree[0])});
    }
    for (const auto& columns : Some(targets.agree, random)) AddGroup(table, columns, plan, plan.agree);
  }

  // Nothing where the table can't hold such a row.
  static std::optional<Wish> WishFor(const TableModel& table, const std::vector<Targets::Value>& values,
                                     FillPlan& plan) {
    Wish wish;
    for (const Targets::Value& value : values) {
      const auto column = table.Position(value.column);
      if (!column || (!value.value && !table.columns[*column].nullable)) return std::nullopt;
      plan.to_default[*column] = false;
      wish.emplace(*column, value.value);
    }
    return wish;
  }

  // An empty group asks for two rows at least.
  static void AddGroup(const TableModel& table, const std::vector<std::string>& names, FillPlan& plan,
                       std::vector<std::vector<std::size_t>>& groups) {
    std::vector<std::size_t> columns;
    for (const std::string& name : names) {
      const auto column = table.Position(name);
      if (!column) return;
      plan.to_default[*column] = false;
      columns.push_back(*column);
    }
    if (columns.empty()) plan.rows = std::max<std::size_t>(plan.rows, 2);
    if (!columns.empty()) groups.push_back(std::move(columns));
  }

  // Where there are no orphans, the columns that could hold some refer to rows of the other table instead: rows that a
  // foreign key still to come would take.
  void Adopt(Random& random, Dataset& dataset) const {
    const DatasetReferences references(models_, existing_);
    for (const auto& [name, targets] : targets_.tables) {
      for (const auto& orphan : targets.orphans) {
        const auto ours = FindPlaces(dataset, name, orphan.columns);
        const auto theirs = FindPlaces(dataset, models_.Root(orphan.other_table), orphan.other_columns);
        if (!ours || !theirs || ours->columns.size() != theirs->columns.size()) continue;
        const TableModel& model = *models_.Find(name);
        const auto matters = [&](const std::string& column) {
          return references.Matters(model, *model.Position(column));
        };
        if (std::any_of(orphan.columns.begin(), orphan.columns.end(), matters)) continue;
        const auto& parents = dataset.tables[theirs->table].rows;
        for (auto& row : dataset.tables[ours->table].rows) {
          const std::vector<Cell> parent = random.Pick(parents);
          for (std::size_t i = 0; i < ours->columns.size(); ++i) {
            if (row[ours->columns[i]] && parent[theirs->columns[i]]) row[ours->columns[i]] = parent[theirs->columns[i]];
          }
        }
      }
    }
  }

  // About half of them, one at least; of many no more than a case can carry, but so many that each comes in one case
  // of ten.
  template <typename T>
  static std::vector<T> Some(const std::vector<T>& all, Random& random) {
    constexpr std::size_t kFew = 6;
    constexpr std::size_t kShare = 10;
    const std::size_t most = std::max(kFew, all.size() / kShare);
    std::vector<T> some;
    if (all.empty()) return some;
    const std::size_t start = random.Below(all.size());
    for (std::size_t i = 0; i < all.size() && some.size() < most; ++i) {
      if (i == 0 || random.OneIn(2)) some.push_back(all[(start + i) % all.size()]);
    }
    return some;
  }

  TableModels models_;
  ExistingRows existing_;
  RowGeneratorOptions options_;
  Targets targets_;
  std::map<std::string, std::string> unfillable_;
  std::vector<std::string> fillable_;                        // sorted
  std::map<std::string, NameSet> referring_;                 // by the table referred to
  std::map<std::string, std::set<std::size_t>> referenced_;  // columns, likewise
  std::map<std::string, std::set<std::size_t>> settled_;     // by table
  FillGroups order_;                                         // of all that can be filled
};

RowGenerator::RowGenerator(const Catalog& catalog, const RowSnapshot& existing, RowGeneratorOptions options,
                           Targets targets)
    : impl_(std::make_unique<Impl>(catalog, existing, std::move(options), std::move(targets))) {}

RowGenerator::~RowGenerator() = default;

Dataset RowGenerator::Draw(Random& random, bool broad) const { return impl_->Draw(random, broad); }

const TableModels& RowGenerator::models() const { return impl_->models(); }

const ExistingRows& RowGenerator::existing() const { return impl_->existing(); }

const std::map<std::string, std::string>& RowGenerator::unfillable() const { return impl_->unfillable(); }

}  // namespace migproof
