#include <algorithm>
#include <set>

#include "harness/data/aim_tools.h"
#include "harness/data/check_values.h"
#include "harness/data/definition_text.h"
#include "harness/data/statement_words.h"

namespace migproof {

namespace {

using Twins = Targets::TableTargets::Twins;

struct Key {
  std::vector<std::string> plain;      // columns that stand for themselves
  std::vector<std::string> expressed;  // columns that expressions mention
  std::set<std::string> words;         // of the expressions
  bool collated = false;               // something else than bytes may decide
  bool nulls_meet = false;
  std::string predicate;
};

Key KeyOf(const std::string& definition, const std::vector<std::string>& columns) {
  Key key;
  const std::size_t method = FindOutside(definition, " USING ");
  std::size_t end = 0;
  const std::string_view list = Parenthesised(definition, method == std::string::npos ? 0 : method, &end);
  for (const std::string& part : SplitAtCommas(list)) {
    const std::string name = part.substr(0, FindOutside(part, " "));
    key.collated = key.collated || part.find("COLLATE") != std::string::npos;
    if (std::find(columns.begin(), columns.end(), name) != columns.end()) {
      key.plain.push_back(name);
      continue;
    }
    for (const std::size_t at : MentionedColumns(part, columns)) key.expressed.push_back(columns[at]);
    const StatementWords words = WordsOf(part);
    key.words.insert(words.words.begin(), words.words.end());
  }
  key.nulls_meet = FindOutside(definition, "NULLS NOT DISTINCT") != std::string::npos;
  const std::size_t where = FindOutside(definition, " WHERE ", end);
  if (where != std::string::npos) key.predicate = definition.substr(where + 7);
  return key;
}

std::vector<std::string> AllOf(const Key& key, const std::vector<std::string>& columns) {
  std::vector<std::string> all = key.plain;
  all.insert(all.end(), key.expressed.begin(), key.expressed.end());
  for (const std::size_t at : MentionedColumns(key.predicate, columns)) all.push_back(columns[at]);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

// Pairs of texts that fold, trimming or a short beginning makes the same.
std::vector<std::pair<Cell, Cell>> MeetingTexts() {
  return {
      {"a", "A"}, {"ab", "Ab"}, {"a", " a "}, {"", std::nullopt}, {"abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnop"}};
}

// Pairs of values that a narrower type, or the day or hour they are cut to, makes the same.
std::vector<std::pair<Cell, Cell>> MeetingValues(const ColumnType& type) {
  if (IsText(type)) return MeetingTexts();
  if (FamilyOf(type) == ValueFamily::kTimestamp) {
    return {{"2024-02-29 12:00:00", "2024-02-29 12:00:00.4"}, {"2024-02-29 01:00:00", "2024-02-29 02:00:00"}};
  }
  if (FamilyOf(type) == ValueFamily::kDate) return {{"2024-02-01", "2024-02-29"}};
  if (type.base == "numeric" || FamilyOf(type) == ValueFamily::kFloat) return {{"1.2", "1.24"}, {"1", "1.4"}};
  if (IsNumber(type)) return {{"1", "-1"}, {"0", std::nullopt}};
  return {};
}

class NewUnique : public Aim {
 public:
  std::string_view Summary() const override {
    return "a new unique key meets rows that agree in its columns, or would but for case, spaces, NULL";
  }

  void Propose(const AimInput& input, Targets& targets) const override {
    Proposal proposal(input, targets);
    for (const char* kind : {"unique constraint", "primary key", "index"}) {
      for (const NewRule& rule : NewRules(input, kind)) {
        const bool unique = std::string_view(kind) != "index" || rule.definition.starts_with("CREATE UNIQUE INDEX");
        if (unique) Put(input, rule, proposal);
      }
    }
    PutRetyped(input, proposal);
  }

 private:
  static void Put(const AimInput& input, const NewRule& rule, Proposal& proposal) {
    const CheckColumns types = CheckColumnsOf(input.before, rule.table);
    const std::vector<std::string> columns = ColumnsOf(input.before, rule.table);
    const Key key = KeyOf(rule.definition, columns);
    const std::vector<std::string> all = AllOf(key, columns);
    if (all.empty() || IsKeptAlready(input, rule.table, key)) return;
    proposal.Agree(rule.table, all);
    PutPredicate(rule.table, key, all, types, proposal);
    if (key.nulls_meet) {
      Twins twins;
      for (const std::string& column : key.plain) {
        if (types.at(column).nullable) twins.first.push_back({column, std::nullopt});
      }
      twins.second = twins.first;
      twins.agree = all;
      if (!twins.first.empty()) proposal.Twins(rule.table, std::move(twins));
    }
    for (const std::string& column : key.expressed) PutPairs(rule.table, column, types.at(column), all, proposal);
    for (const std::string& column : key.plain) {
      const CatalogObject* after = FindColumn(input.after, rule.table, column);
      const bool folds = after != nullptr &&
                         (after->attributes.contains("collation") || AttributeOf(*after, "type").ends_with("citext"));
      if (folds || key.collated) PutPairs(rule.table, column, types.at(column), all, proposal);
    }
  }

  // Where the key holds for some rows only: two of those.
  static void PutPredicate(const std::string& table, const Key& key, const std::vector<std::string>& all,
                           const CheckColumns& types, Proposal& proposal) {
    if (key.predicate.empty()) return;
    constexpr int kDraws = 3;
    Random random = AimRandom("new_unique");
    const CheckSolver solver({"CHECK (" + key.predicate + ")"});
    for (int i = 0; i < kDraws; ++i) {
      const auto row = solver.Solve(types, {}, random);
      if (!row) return;
      Twins twins;
      for (const auto& [column, cell] : *row) twins.first.push_back({column, cell});
      twins.agree = all;
      proposal.Twins(table, std::move(twins));
    }
  }

  // The columns have to differ already: by another key over some of them.
  static bool IsKeptAlready(const AimInput& input, const std::string& table, const Key& key) {
    if (!key.expressed.empty() || key.collated || key.nulls_meet) return false;
    const std::vector<std::string> columns = ColumnsOf(input.before, table);
    for (const char* kind : {"primary key", "unique constraint"}) {
      for (const auto& [name, object] : input.before.objects()) {
        if (name.kind != kind || object.relation != table) continue;
        const auto kept = SplitAtCommas(Parenthesised(AttributeOf(object, "definition")));
        const bool inside = std::all_of(kept.begin(), kept.end(), [&](const std::string& column) {
          return std::find(key.plain.begin(), key.plain.end(), column) != key.plain.end();
        });
        const bool nullable = std::any_of(kept.begin(), kept.end(), [&](const std::string& column) {
          const CatalogObject* found = FindColumn(input.before, table, column);
          return found == nullptr || AttributeOf(*found, "not_null") == "false";
        });
        const bool folds = std::any_of(kept.begin(), kept.end(), [&](const std::string& column) {
          const CatalogObject* was = FindColumn(input.before, table, column);
          const CatalogObject* is = FindColumn(input.after, table, column);
          return was == nullptr || is == nullptr || AttributeOf(*was, "type") != AttributeOf(*is, "type") ||
                 AttributeOf(*was, "collation") != AttributeOf(*is, "collation");
        });
        if (inside && !nullable && !folds) return true;
      }
    }
    return false;
  }

  static void PutPairs(const std::string& table, const std::string& column, const CheckColumn& type,
                       const std::vector<std::string>& all, Proposal& proposal) {
    for (const auto& [one, other] : MeetingValues(type.type)) {
      if ((one && !Fits(type.type, *one)) || (other && !Fits(type.type, *other))) continue;
      if (!other && !type.nullable) continue;
      Twins twins{{{column, one}}, {{column, other}}, {}};
      std::copy_if(all.begin(), all.end(), std::back_inserter(twins.agree), [&](const auto& c) { return c != column; });
      proposal.Twins(table, std::move(twins));
    }
  }

  // A column of a key that stays, but whose values become others.
  static void PutRetyped(const AimInput& input, Proposal& proposal) {
    std::set<std::pair<std::string, std::string>> retyped;
    for (const ColumnChange& change : ChangedTypes(input)) {
      if (change.retyped) retyped.emplace(change.table, change.column);
    }
    for (const Difference& difference : input.drift) {
      if (difference.object.kind != "column" || difference.attribute != "collation") continue;
      const CatalogObject* is = input.after.Find("column", difference.object.name);
      if (is != nullptr) retyped.emplace(is->relation, ColumnName(difference.object, *is));
    }
    for (const NamedColumns& named : NamedInStatements(input)) {
      if (!named.words.contains("update")) continue;
      for (const std::string& column : named.columns) retyped.emplace(named.table, column);
    }
    if (retyped.empty()) return;
    for (const auto& [name, object] : input.after.objects()) {
      if (name.kind != "index" || !AttributeOf(object, "definition").starts_with("CREATE UNIQUE INDEX")) continue;
      const bool touched = std::any_of(retyped.begin(), retyped.end(),
                                       [&](const auto& column) { return column.first == object.relation; });
      if (!touched) continue;
      const CheckColumns types = CheckColumnsOf(input.before, object.relation);
      const std::vector<std::string> columns = ColumnsOf(input.before, object.relation);
      const Key key = KeyOf(AttributeOf(object, "definition"), columns);
      const std::vector<std::string> all = AllOf(key, columns);
      for (const std::string& column : all) {
        if (retyped.contains({object.relation, column})) {
          PutPairs(object.relation, column, types.at(column), all, proposal);
        }
      }
    }
  }
};

const Registered<Aim, NewUnique> kNewUnique("new_unique");

}  // namespace

}  // namespace migproof
