#include "harness/data/aim_tools.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "harness/data/check_values.h"
#include "harness/data/definition_text.h"
#include "harness/data/sequence_use.h"
#include "harness/data/statement_words.h"

namespace migproof {

namespace {

std::string BareTable(const std::string& qualified) {
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < qualified.size(); ++i) {
    if (qualified[i] == '"') quoted = !quoted;
    if (qualified[i] == '.' && !quoted) begin = i + 1;
  }
  return Unquoted(std::string_view(qualified).substr(begin));
}

bool IsNew(const Difference& difference, std::string_view kind) {
  return difference.object.kind == kind && difference.change == Difference::Change::kExtra && !difference.note;
}

bool Moves(const StatementWords& words) { return words.Has("select") || words.Has("rename"); }

// The tables there before that a statement which also names `table` may fill it from.
std::set<std::string> SourcesOf(const AimInput& input, const std::vector<StatementWords>& statements,
                                const std::string& table) {
  std::set<std::string> sources;
  const std::string name = BareTable(table);
  for (const StatementWords& statement : statements) {
    if (!statement.Has(name) || !Moves(statement)) continue;
    for (const std::string& other : input.before.Names("table")) {
      if (statement.Has(BareTable(other))) sources.insert(other);
    }
  }
  return sources;
}

// New tables with the tables that they are filled from.
std::vector<std::pair<std::string, std::set<std::string>>> FilledTables(const AimInput& input) {
  std::vector<std::pair<std::string, std::set<std::string>>> filled;
  std::vector<StatementWords> statements;
  for (const Difference& difference : input.drift) {
    if (!IsNew(difference, "table") || input.before.Names("table").empty()) continue;
    if (statements.empty()) statements = WordsOfStatements(input.statements);
    std::set<std::string> sources = SourcesOf(input, statements, difference.object.name);
    if (!sources.empty()) filled.emplace_back(difference.object.name, std::move(sources));
  }
  return filled;
}

}  // namespace

std::string AttributeOf(const CatalogObject& object, const std::string& name) {
  const auto found = object.attributes.find(name);
  return found == object.attributes.end() ? "" : found->second;
}

const CatalogObject* FindColumn(const Catalog& catalog, const std::string& table, const std::string& column) {
  return catalog.Find("column", fmt::format("{}.{}", table, column));
}

std::string ColumnName(const ObjectKey& key, const CatalogObject& object) {
  return key.name.substr(object.relation.size() + 1);
}

std::vector<std::string> ColumnsOf(const Catalog& catalog, const std::string& table) {
  std::vector<std::string> columns;
  const std::string prefix = table + ".";
  const auto& objects = catalog.objects();
  for (auto at = objects.lower_bound({"column", prefix}); at != objects.end(); ++at) {
    if (at->first.kind != "column" || !at->first.name.starts_with(prefix)) break;
    if (at->second.relation == table) columns.push_back(at->first.name.substr(prefix.size()));
  }
  return columns;
}

CheckColumns CheckColumnsOf(const Catalog& catalog, const std::string& table) {
  CheckColumns columns;
  for (const std::string& name : ColumnsOf(catalog, table)) {
    const CatalogObject& object = *FindColumn(catalog, table, name);
    columns[name] = {ResolveType(catalog, AttributeOf(object, "type")), AttributeOf(object, "not_null") == "false"};
  }
  return columns;
}

bool IsText(const ColumnType& type) {
  const ValueFamily family = FamilyOf(type);
  return family == ValueFamily::kText || family == ValueFamily::kPadded || family == ValueFamily::kCaseless;
}

bool IsNumber(const ColumnType& type) {
  return FamilyOf(type) == ValueFamily::kNumber || FamilyOf(type) == ValueFamily::kFloat;
}

std::vector<ColumnChange> ChangedTypes(const AimInput& input) {
  std::vector<ColumnChange> changes;
  const auto add = [&](const std::string& table, const std::string& column, const CatalogObject& becomes,
                       bool retyped) {
    const CatalogObject* object = FindColumn(input.before, table, column);
    if (object == nullptr || object->attributes.contains("generated")) return;
    const std::string was = AttributeOf(*object, "type");
    const std::string is = AttributeOf(becomes, "type");
    if (was == is && input.before.Attribute("enum", was, "labels") == input.after.Attribute("enum", is, "labels")) {
      return;
    }
    changes.push_back({table, column, ResolveType(input.before, was), ResolveType(input.after, is), retyped});
  };
  std::vector<NamedColumns> named;
  for (const Difference& difference : input.drift) {
    if (difference.object.kind != "column" || difference.note) continue;
    const CatalogObject* is = input.after.Find("column", difference.object.name);
    if (is == nullptr || input.before.Find("table", is->relation) == nullptr) continue;
    const std::string column = ColumnName(difference.object, *is);
    if (difference.attribute == "type") add(is->relation, column, *is, true);
    if (!IsNew(difference, "column")) continue;
    if (named.empty()) named = NamedInStatements(input);
    for (const NamedColumns& statement : named) {
      if (statement.table != is->relation || !statement.words.contains(Unquoted(column))) continue;
      for (const std::string& source : statement.columns) add(statement.table, source, *is, false);
    }
  }
  for (const auto& [table, sources] : FilledTables(input)) {
    for (const std::string& column : ColumnsOf(input.after, table)) {
      for (const std::string& source : sources) add(source, column, *FindColumn(input.after, table, column), false);
    }
  }
  return changes;
}

std::vector<NewRule> NewRules(const AimInput& input, std::string_view kind) {
  std::vector<NewRule> rules;
  for (const Difference& difference : input.drift) {
    const bool defines =
        difference.change == Difference::Change::kExtra || (difference.attribute == "definition" && !difference.note);
    if (difference.object.kind != kind || !defines) continue;
    const CatalogObject* object = input.after.Find(difference.object.kind, difference.object.name);
    if (object == nullptr || input.before.Find("table", object->relation) == nullptr) continue;
    rules.push_back({object->relation, difference.object.name, AttributeOf(*object, "definition")});
  }
  const auto filled = FilledTables(input);
  if (filled.empty()) return rules;
  for (const auto& [key, object] : input.after.objects()) {
    if (key.kind != kind) continue;
    for (const auto& [table, sources] : filled) {
      if (object.relation != table) continue;
      for (const std::string& source : sources) rules.push_back({source, key.name, AttributeOf(object, "definition")});
    }
  }
  return rules;
}

std::vector<NewNotNull> ColumnsNowNotNull(const AimInput& input) {
  std::vector<NewNotNull> columns;
  const auto add = [&](const std::string& table, const std::string& column) {
    const CatalogObject* was = FindColumn(input.before, table, column);
    if (was != nullptr && AttributeOf(*was, "not_null") == "false") columns.push_back({table, column});
  };
  for (const Difference& difference : input.drift) {
    if (difference.object.kind != "column" || difference.attribute != "not_null" || difference.is == "false") continue;
    const CatalogObject* is = input.after.Find("column", difference.object.name);
    if (is != nullptr) add(is->relation, ColumnName(difference.object, *is));
  }
  for (const auto& [table, sources] : FilledTables(input)) {
    for (const std::string& column : ColumnsOf(input.after, table)) {
      if (AttributeOf(*FindColumn(input.after, table, column), "not_null") == "false") continue;
      for (const std::string& source : sources) add(source, column);
    }
  }
  return columns;
}

std::vector<NamedColumns> NamedInStatements(const AimInput& input) {
  std::vector<NamedColumns> all;
  const std::vector<StatementWords> statements = WordsOfStatements(input.statements);
  for (const std::string& table : input.before.Names("table")) {
    const std::string bare = BareTable(table);
    std::vector<std::string> columns;
    for (std::size_t i = 0; i < statements.size(); ++i) {
      const StatementWords& statement = statements[i];
      if (!statement.Has(bare)) continue;
      if (columns.empty()) columns = ColumnsOf(input.before, table);
      NamedColumns named{
          table, {}, statement.literals, statement.numbers, statement.words, statement.calculates, input.statements[i]};
      for (const std::string& column : columns) {
        if (statement.Has(Unquoted(column))) named.columns.push_back(column);
      }
      if (!named.columns.empty()) all.push_back(std::move(named));
    }
  }
  return all;
}

std::set<std::string> NumberedColumns(const AimInput& input) {
  std::set<std::string> columns;
  for (const Catalog* catalog : {&input.before, &input.after}) {
    for (const SequenceUse& use : SequenceUses(*catalog)) columns.insert(use.table + "." + use.column);
  }
  return columns;
}

Targets::TableTargets* Proposal::Of(const std::string& table, const std::vector<std::string>& columns) {
  std::string root = table;
  while (before_.Find("table", root) != nullptr && !before_.Attribute("table", root, "partition_bound").empty()) {
    root = before_.Attribute("table", root, "inherits");
  }
  if (before_.Find("table", root) == nullptr) return nullptr;
  for (const std::string& column : columns) {
    const CatalogObject* object = FindColumn(before_, root, column);
    if (object == nullptr || object->attributes.contains("generated")) return nullptr;
  }
  return &targets_.tables[root];
}

namespace {

std::vector<std::string> ColumnsOfValues(const std::vector<Targets::Value>& values) {
  std::vector<std::string> columns;
  for (const Targets::Value& value : values) columns.push_back(value.column);
  return columns;
}

template <typename T>
void AddOnce(std::vector<T>& all, T one) {
  if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(std::move(one));
}

}  // namespace

void Proposal::Row(const std::string& table, std::vector<Targets::Value> values) {
  if (values.empty()) return;
  if (auto* targets = Of(table, ColumnsOfValues(values))) AddOnce(targets->rows, std::move(values));
}

void Proposal::Null(const std::string& table, const std::string& column) {
  if (auto* targets = Of(table, {column})) targets->nulls.insert(column);
}

void Proposal::TwoRows(const std::string& table) {
  if (auto* targets = Of(table, {})) AddOnce(targets->agree, {});
}

void Proposal::Agree(const std::string& table, const std::vector<std::string>& columns) {
  if (columns.empty()) return;
  if (auto* targets = Of(table, columns)) AddOnce(targets->agree, columns);
}

void Proposal::Twins(const std::string& table, Targets::TableTargets::Twins twins) {
  std::vector<std::string> columns = twins.agree;
  for (const auto* values : {&twins.first, &twins.second}) {
    for (const std::string& column : ColumnsOfValues(*values)) columns.push_back(column);
  }
  if (auto* targets = Of(table, columns)) AddOnce(targets->twins, std::move(twins));
}

void Proposal::Orphan(const std::string& table, Targets::TableTargets::Orphan orphan) {
  if (auto* targets = Of(table, orphan.columns)) AddOnce(targets->orphans, std::move(orphan));
}

void Proposal::Rows(const std::string& table, const std::vector<CheckRow>& rows) {
  for (const CheckRow& row : rows) {
    std::vector<Targets::Value> values;
    for (const auto& [column, cell] : row) values.push_back({column, cell});
    Row(table, std::move(values));
  }
}

}  // namespace migproof
