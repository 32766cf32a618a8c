#include "harness/data/table_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "harness/data/definition_text.h"
#include "harness/data/document_fields.h"
#include "harness/data/partition_bound.h"
#include "harness/data/trigger_checks.h"

namespace migproof {

namespace {

std::string TableAttribute(const CatalogObject& object, const std::string& name) {
  const auto found = object.attributes.find(name);
  return found == object.attributes.end() ? "" : found->second;
}

std::shared_ptr<const CheckSolver> SolverFor(const std::vector<std::string>& checks) {
  return checks.empty() ? nullptr : std::make_shared<const CheckSolver>(checks);
}

// What the domains demand, outermost first, and whether one forbids NULL.
void CollectDomain(const ColumnType& type, std::vector<std::string>& checks, bool& not_null) {
  if (type.form != ColumnType::Form::kDomain) return;
  checks.insert(checks.end(), type.checks.begin(), type.checks.end());
  not_null = not_null || type.not_null;
  if (type.element) CollectDomain(*type.element, checks, not_null);
}

ColumnModel ReadColumn(const Catalog& catalog, const std::string& name, const CatalogObject& object) {
  ColumnModel column;
  column.name = name;
  column.type = ResolveType(catalog, TableAttribute(object, "type"));
  column.plain = BelowDomains(column.type);
  column.generator = &GeneratorFor(column.plain);
  column.source = column.generator->For(column.plain);
  column.equality = EqualityOf(column.plain);
  column.valueless = column.generator->Edges(column.plain).empty();
  column.generated = object.attributes.contains("generated");
  column.identity = object.attributes.contains("identity");
  column.default_text = TableAttribute(object, "default");
  column.serial = column.identity || column.default_text.find("nextval(") != std::string::npos;
  std::vector<std::string> checks;
  bool not_null = TableAttribute(object, "not_null") != "false";
  CollectDomain(column.type, checks, not_null);
  column.nullable = !not_null;
  column.domain_checks = SolverFor(checks);
  return column;
}

std::vector<std::size_t> Positions(const TableModel& table, const std::vector<std::string>& names) {
  std::vector<std::size_t> positions;
  for (const std::string& name : names) {
    if (const auto at = table.Position(name)) positions.push_back(*at);
  }
  return positions;
}

struct KeyPart {
  std::string text;       // "name", "lower(email)", "a COLLATE "C" text_ops DESC NULLS LAST"
  std::string operation;  // "=" or, in an exclusion constraint, another
  std::optional<std::size_t> column;
};

std::vector<KeyPart> KeyParts(const TableModel& table, std::string_view list) {
  std::vector<KeyPart> parts;
  for (const std::string& text : SplitAtCommas(list)) {
    const std::size_t with = FindOutside(text, " WITH ");
    const std::string part = text.substr(0, with);
    parts.push_back({part, with == std::string::npos ? "=" : text.substr(with + 6),
                     table.Position(part.substr(0, FindOutside(part, " ")))});
  }
  return parts;
}

void AddPart(TableModel& table, KeyModel& key, const KeyPart& part) {
  const bool plain = part.column && part.operation == "=";
  const auto mentioned =
      part.column ? std::vector<std::size_t>{*part.column} : MentionedColumns(part.text, table.ColumnNames());
  for (const std::size_t column : mentioned) {
    if (std::find(key.columns.begin(), key.columns.end(), column) == key.columns.end()) key.columns.push_back(column);
    if (plain) continue;
    table.columns[column].counted = true;
    key.expressed.push_back(column);
  }
}

// Ranges that never overlap satisfy an exclusion constraint whatever its other columns hold; else those that have to be
// equal are kept different.
bool ReduceExclusion(TableModel& table, std::vector<KeyPart>& parts) {
  for (const KeyPart& part : parts) {
    if (!part.column || part.operation != "&&") continue;
    if (table.columns[*part.column].type.form != ColumnType::Form::kRange) continue;
    table.columns[*part.column].disjoint = true;
    return false;
  }
  const auto differs = [](const KeyPart& part) { return part.operation != "="; };
  if (!std::all_of(parts.begin(), parts.end(), differs)) std::erase_if(parts, differs);
  return true;
}

// "UNIQUE NULLS NOT DISTINCT (a, b)", "EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (...)", and what follows
// the table in the definition of an index.
void AddKey(TableModel& table, const std::string& name, const std::string& definition) {
  KeyModel key;
  key.name = name;
  key.nulls_distinct = FindOutside(definition, "NULLS NOT DISTINCT") == std::string::npos;
  std::size_t end = 0;
  std::vector<KeyPart> parts = KeyParts(table, Parenthesised(definition, 0, &end));
  if (definition.starts_with("EXCLUDE") && !ReduceExclusion(table, parts)) return;
  for (const KeyPart& part : parts) AddPart(table, key, part);
  const std::size_t where = FindOutside(definition, " WHERE ", end);
  if (where != std::string::npos) {
    key.predicate = SolverFor({fmt::format("CHECK ({})", Trimmed(std::string_view(definition).substr(where + 7)))});
  }
  if (key.columns.empty()) return;
  if (definition.starts_with("PRIMARY KEY")) {
    for (const std::size_t column : key.columns) table.columns[column].nullable = false;
  }
  table.keys.push_back(std::move(key));
}

void AddForeignKey(TableModel& table, const std::string& name, const std::string& definition) {
  ForeignKeyModel key;
  key.name = name;
  std::size_t end = 0;
  key.columns = Positions(table, SplitAtCommas(Parenthesised(definition, 0, &end)));
  const std::size_t references = definition.find("REFERENCES ", end) + 11;
  const std::size_t open = FindOutside(definition, "(", references);
  if (open == std::string::npos) return;
  key.table = definition.substr(references, open - references);
  key.other_columns = SplitAtCommas(Parenthesised(definition, open, &end));
  key.match_full = definition.find(" MATCH FULL", end) != std::string::npos;
  if (key.columns.size() == key.other_columns.size()) table.foreign_keys.push_back(std::move(key));
}

// "CREATE UNIQUE INDEX i ON public.t USING btree (a, lower(b)) WHERE (c)"
void AddIndex(TableModel& table, const std::string& name, const CatalogObject& object) {
  const std::string definition = TableAttribute(object, "definition");
  const std::size_t method = FindOutside(definition, " USING ");
  if (method == std::string::npos) return;
  for (const std::size_t column : MentionedColumns(definition.substr(method), table.ColumnNames())) {
    table.columns[column].indexed = true;
  }
  if (!definition.starts_with("CREATE UNIQUE INDEX") || object.attributes.contains("constraint")) return;
  AddKey(table, name, definition.substr(method));
}

using ObjectsByTable = std::map<std::string, std::vector<std::pair<const ObjectKey*, const CatalogObject*>>>;

// The objects that say something of a table, by the table, in the order of kind and name.
ObjectsByTable Sorted(const Catalog& catalog) {
  ObjectsByTable sorted;
  for (const auto& [key, object] : catalog.objects()) {
    if (!object.relation.empty()) sorted[object.relation].emplace_back(&key, &object);
  }
  return sorted;
}

void ReadColumns(const Catalog& catalog, const ObjectsByTable::mapped_type& objects, TableModel& table) {
  std::map<int, ColumnModel> columns;
  for (const auto& [key, object] : objects) {
    if (key->kind != "column") continue;
    columns.emplace(std::stoi(TableAttribute(*object, "position")),
                    ReadColumn(catalog, key->name.substr(table.name.size() + 1), *object));
  }
  for (auto& [position, column] : columns) table.columns.push_back(std::move(column));
}

// Whether a function is called in it, or a type has a modifier.
bool HoldsCall(const std::string& expression) {
  for (std::size_t at = expression.find('('); at != std::string::npos; at = expression.find('(', at + 1)) {
    if (at > 0 && std::isalnum(static_cast<unsigned char>(expression[at - 1])) != 0) return true;
  }
  return false;
}

// `alone`: the generated column at `taker` is made of this field and no other.
void AddField(TableModel& table, const TakenField& taken, std::size_t taker, bool alone, bool through_function) {
  const auto at = table.Position(taken.column);
  if (!at || !table.columns[*at].type.name.starts_with("json") || table.columns[taker].valueless) return;
  std::vector<DocumentField>& fields = table.columns[*at].fields;
  const bool required = !table.columns[taker].nullable;
  const auto same = std::ranges::find(fields, taken.path, &DocumentField::path);
  if (same != fields.end()) {
    same->required = same->required || required;
    return;
  }
  static const ColumnType text = ResolveType(Catalog(), "text");
  const bool own = alone && table.columns[taker].plain.base != "tsvector";
  fields.push_back({taken.path, taker, own ? table.columns[taker].source : GeneratorFor(text).For(text),
                    through_function, required});
}

// Those that are taken alone come first: of what is joined with others only the text is known.
void ReadFields(const ObjectsByTable::mapped_type& objects, TableModel& table) {
  for (const bool alone : {true, false}) {
    for (const auto& [key, object] : objects) {
      if (key->kind != "column" || !object->attributes.contains("generated")) continue;
      const std::string expression = TableAttribute(*object, "generated");
      const auto taker = table.Position(key->name.substr(table.name.size() + 1));
      const std::vector<TakenField> taken = TakenFields(expression);
      if (!taker || (taken.size() == 1) != alone) continue;
      for (const TakenField& field : taken) AddField(table, field, *taker, alone, HoldsCall(expression));
    }
  }
}

RowTrigger ReadTrigger(const Catalog& catalog, const CatalogObject& object) {
  RowTrigger trigger{.definition = TableAttribute(object, "definition"), .body = ""};
  constexpr std::string_view kCalls = " EXECUTE FUNCTION ";
  const std::size_t at = FindOutside(trigger.definition, kCalls);
  if (at == std::string::npos) return trigger;
  const std::size_t name = at + kCalls.size();
  const std::size_t end = FindOutside(trigger.definition, "(", name);
  const CatalogObject* function = catalog.Find("function", trigger.definition.substr(name, end - name) + "()");
  if (function != nullptr && TableAttribute(*function, "language") == "plpgsql") {
    trigger.body = TableAttribute(*function, "body");
  }
  return trigger;
}

// Returns the CHECKs, and what triggers ask for like CHECKs.
std::vector<std::string> ReadConstraints(const Catalog& catalog, const ObjectsByTable::mapped_type& objects,
                                         TableModel& table) {
  std::vector<RowTrigger> triggers;
  std::vector<std::string> checks;
  for (const auto& [key, object] : objects) {
    const std::string definition = TableAttribute(*object, "definition");
    if (key->kind == "check constraint") checks.push_back(definition);
    const std::string enabled = TableAttribute(*object, "enabled");
    if (key->kind == "trigger" && (enabled == "origin" || enabled == "always")) {
      triggers.push_back(ReadTrigger(catalog, *object));
    }
    if (key->kind == "primary key" || key->kind == "unique constraint" || key->kind == "exclusion constraint") {
      AddKey(table, key->name, definition);
    }
    if (key->kind == "index") AddIndex(table, key->name, *object);
    // A key that is only inherited stands for one part of a partitioned table that the key itself refers to.
    if (key->kind == "foreign key" && TableAttribute(*object, "inherited") != "only") {
      AddForeignKey(table, key->name, definition);
    }
  }
  for (const ColumnModel& column : table.columns) table.check_columns[column.name] = {column.type, column.nullable};
  for (std::string& check : TriggerChecks(triggers, table.ColumnNames())) checks.push_back(std::move(check));
  table.checks = SolverFor(checks);
  return checks;
}

// The leaves below `parent`, each with what is demanded on the way: the CHECKs and the bounds.
void ReadPartitions(const Catalog& catalog, const std::multimap<std::string, std::string>& partitions,
                    const std::string& parent, const std::vector<std::string>& demanded, TableModel& root) {
  const std::string key = catalog.Attribute("table", parent, "partition_key");
  const auto [begin, end] = partitions.equal_range(parent);
  for (auto at = begin; at != end; ++at) {
    std::vector<std::string> checks = demanded;
    if (auto check = PartitionCheck(key, catalog.Attribute("table", at->second, "partition_bound"))) {
      checks.push_back(std::move(*check));
    }
    if (catalog.Attribute("table", at->second, "partition_key").empty()) {
      root.partitions.push_back({at->second, SolverFor(checks)});
    } else {
      ReadPartitions(catalog, partitions, at->second, checks, root);
    }
  }
}

}  // namespace

std::vector<std::string> TableModel::ColumnNames() const {
  std::vector<std::string> names;
  names.reserve(columns.size());
  for (const ColumnModel& column : columns) names.push_back(column.name);
  return names;
}

std::optional<std::size_t> TableModel::Position(const std::string& column) const {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == column) return i;
  }
  return std::nullopt;
}

TableModels::TableModels(const Catalog& catalog, const std::set<std::string>& numbered) {
  std::multimap<std::string, std::string> partitions;  // by parent
  for (const std::string& name : catalog.Names("table")) {
    if (catalog.Attribute("table", name, "partition_bound").empty()) continue;
    const std::string parent = catalog.Attribute("table", name, "inherits");
    partitions.emplace(parent, name);
    roots_[name] = parent;
  }
  for (auto& [name, root] : roots_) {
    for (auto up = roots_.find(root); up != roots_.end(); up = roots_.find(root)) root = up->second;
  }
  const ObjectsByTable sorted = Sorted(catalog);
  for (const std::string& name : catalog.Names("table")) {
    if (roots_.contains(name)) continue;
    TableModel& table = tables_[name];
    table.name = name;
    table.partitioned = !catalog.Attribute("table", name, "partition_key").empty();
    const auto objects = sorted.find(name);
    if (objects == sorted.end()) continue;
    ReadColumns(catalog, objects->second, table);
    ReadFields(objects->second, table);
    for (ColumnModel& column : table.columns) column.numbered = numbered.contains(name + "." + column.name);
    ReadPartitions(catalog, partitions, name, ReadConstraints(catalog, objects->second, table), table);
  }
  for (auto& [name, table] : tables_) {
    for (ForeignKeyModel& key : table.foreign_keys) {
      key.table = Root(key.table);
      if (const TableModel* other = Find(key.table)) key.other_positions = Positions(*other, key.other_columns);
    }
  }
}

const TableModel* TableModels::Find(const std::string& table) const {
  const auto found = tables_.find(table);
  return found == tables_.end() ? nullptr : &found->second;
}

const std::string& TableModels::Root(const std::string& table) const {
  const auto found = roots_.find(table);
  return found == roots_.end() ? table : found->second;
}

}  // namespace migproof
