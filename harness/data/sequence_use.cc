#include "harness/data/sequence_use.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

namespace migproof {

namespace {

std::string QuotedText(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted.append(c == '\'' ? 2 : 1, c);
  return quoted + "'";
}

// The sequence that a default takes the next value of as it is, or "".
std::string SequenceOf(const std::string& default_text) {
  static constexpr std::string_view kBegin = "nextval('";
  static constexpr std::string_view kEnd = "'::regclass)";
  if (!default_text.starts_with(kBegin) || !default_text.ends_with(kEnd)) return "";
  std::string name;
  for (std::size_t i = kBegin.size(); i < default_text.size() - kEnd.size(); ++i) {
    name += default_text[i];
    if (default_text[i] == '\'') ++i;  // doubled inside a literal
  }
  return name;
}

std::optional<std::int64_t> Number(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::int64_t NumberAttribute(const Catalog& catalog, const std::string& sequence, const std::string& attribute) {
  return Number(catalog.Attribute("sequence", sequence, attribute)).value_or(1);
}

bool IsWhole(const std::string& type) { return type == "smallint" || type == "integer" || type == "bigint"; }

std::string CatchUp(const Catalog& catalog, const SequenceUse& use) {
  const bool up = use.increment > 0;
  return fmt::format(
      "SELECT pg_catalog.setval({0}, pg_catalog.{1}({2})) FROM {3}\n"
      "HAVING pg_catalog.{1}({2}) BETWEEN {4} AND {5}\n"
      "   AND pg_catalog.{1}({2}) {6} (SELECT CASE WHEN is_called THEN last_value ELSE last_value - ({7}) END FROM "
      "{8});",
      QuotedText(use.sequence), up ? "max" : "min", use.column, use.table,
      NumberAttribute(catalog, use.sequence, "minimum"), NumberAttribute(catalog, use.sequence, "maximum"),
      up ? ">" : "<", use.increment, use.sequence);
}

// Some values further on, as far as it goes.
std::string TakeSome(const Catalog& catalog, const std::string& sequence) {
  constexpr std::int64_t kTaken = 4;
  constexpr std::int64_t kLargest = std::int64_t{1} << 32;
  const std::int64_t increment = NumberAttribute(catalog, sequence, "increment");
  const std::int64_t step = increment > kLargest || increment < -kLargest ? 0 : kTaken * increment;
  const std::string bound = catalog.Attribute("sequence", sequence, step < 0 ? "minimum" : "maximum");
  return fmt::format("SELECT pg_catalog.setval({}, {}(last_value, {} - ({})) + ({})) FROM {} WHERE NOT is_called;",
                     QuotedText(sequence), step < 0 ? "greatest" : "least", bound, step, step, sequence);
}

}  // namespace

std::vector<SequenceUse> SequenceUses(const Catalog& catalog) {
  const std::vector<std::string> sequences = catalog.Names("sequence");
  if (sequences.empty()) return {};
  std::map<std::string, std::string> owned;  // by column
  for (const std::string& sequence : sequences) {
    const std::string owner = catalog.Attribute("sequence", sequence, "owned_by");
    if (!owner.empty()) owned.emplace(owner, sequence);
  }
  std::vector<SequenceUse> uses;
  const auto& objects = catalog.objects();
  for (auto at = objects.lower_bound({"column", ""}); at != objects.end() && at->first.kind == "column"; ++at) {
    const auto& [key, object] = *at;
    const auto type = object.attributes.find("type");
    if (type == object.attributes.end() || !IsWhole(type->second)) continue;
    std::string sequence;
    if (const auto text = object.attributes.find("default"); text != object.attributes.end()) {
      sequence = SequenceOf(text->second);
    }
    const auto own = owned.find(key.name);
    if (object.attributes.contains("identity") && own != owned.end()) sequence = own->second;
    if (sequence.empty() || catalog.Find("sequence", sequence) == nullptr) continue;
    uses.push_back({sequence, object.relation, key.name.substr(object.relation.size() + 1),
                    NumberAttribute(catalog, sequence, "increment")});
  }
  return uses;
}

std::set<std::string> NoLongerNumbered(const Catalog& was, const Catalog& is) {
  std::set<std::string> columns;
  for (const SequenceUse& use : SequenceUses(was)) {
    const std::string column = use.table + "." + use.column;
    if (IsWhole(is.Attribute("column", column, "type"))) columns.insert(column);
  }
  for (const SequenceUse& use : SequenceUses(is)) columns.erase(use.table + "." + use.column);
  return columns;
}

std::optional<std::int64_t> LargestKeyBeyond(const SequenceUse& use, const RowSnapshot& rows) {
  const auto table = rows.tables.find(use.table);
  const auto sequence = rows.sequences.find(use.sequence);
  if (table == rows.tables.end() || sequence == rows.sequences.end()) return std::nullopt;
  const auto& columns = table->second->columns;
  const auto column = std::find(columns.begin(), columns.end(), use.column);
  if (column == columns.end()) return std::nullopt;
  const SequenceState& state = sequence->second;
  const bool up = state.increment > 0;
  const std::int64_t stands = state.is_called ? state.last_value : state.last_value - state.increment;
  std::optional<std::int64_t> largest;
  for (const auto& row : table->second->rows) {
    const Cell& cell = row[static_cast<std::size_t>(column - columns.begin())];
    const auto key = cell ? Number(*cell) : std::nullopt;
    if (!key || (up ? *key <= stands : *key >= stands)) continue;
    if (!largest || (up ? *key > *largest : *key < *largest)) largest = key;
  }
  return largest;
}

SequenceStatements::SequenceStatements(const Catalog& catalog) {
  std::set<std::string> used;
  for (const SequenceUse& use : SequenceUses(catalog)) {
    used.insert(use.sequence);
    by_table_.emplace_back(use.table, CatchUp(catalog, use));
  }
  for (const std::string& sequence : catalog.Names("sequence")) {
    const bool belongs = used.contains(sequence) || !catalog.Attribute("sequence", sequence, "owned_by").empty();
    if (!belongs) always_.push_back(TakeSome(catalog, sequence));
  }
}

std::vector<std::string> SequenceStatements::For(const Dataset& dataset) const {
  std::vector<std::string> statements;
  for (const auto& [name, statement] : by_table_) {
    const bool filled = std::any_of(dataset.tables.begin(), dataset.tables.end(),
                                    [&name = name](const DatasetTable& table) { return table.table == name; });
    if (filled) statements.push_back(statement);
  }
  statements.insert(statements.end(), always_.begin(), always_.end());
  return statements;
}

std::vector<std::string> UseSequences(const Catalog& catalog, const Dataset& dataset) {
  return SequenceStatements(catalog).For(dataset);
}

}  // namespace migproof
