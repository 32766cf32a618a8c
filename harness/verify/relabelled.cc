#include "harness/verify/relabelled.h"

#include <strings.h>

#include <algorithm>

#include "harness/data/column_type.h"
#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

using Labels = std::vector<std::string>;

bool Holds(const Labels& labels, const std::string& label) {
  return std::find(labels.begin(), labels.end(), label) != labels.end();
}

// The labels that only `labels` has, by the number of shared ones that stand before them.
std::vector<Labels> Between(const Labels& labels, const Labels& others) {
  std::vector<Labels> places(1);
  for (const std::string& label : labels) {
    if (Holds(others, label)) {
      places.emplace_back();
    } else {
      places.back().push_back(label);
    }
  }
  return places;
}

Labels Shared(const Labels& labels, const Labels& others) {
  Labels shared;
  std::ranges::copy_if(labels, std::back_inserter(shared), [&](const auto& label) { return Holds(others, label); });
  return shared;
}

OldLabels LabelsOf(const ColumnType& before, const ColumnType& after) {
  const ColumnType& was = BelowDomains(before);
  const ColumnType& is = BelowDomains(after);
  if (was.form != is.form) return {};
  if (was.form == ColumnType::Form::kEnum) return {RenamedLabels(was.labels, is.labels), false};
  if (was.form != ColumnType::Form::kArray || !was.element || !is.element) return {};
  OldLabels labels = LabelsOf(*was.element, *is.element);
  labels.in_array = true;
  return labels;
}

// An element of an array as the server writes it: in quotes only what would be misread without (manual, "Array Input
// and Output Syntax").
std::string Element(const std::string& label) {
  const bool bare = !label.empty() && label.find_first_of("{},\"\\ \t\n\r\v\f") == std::string::npos &&
                    strcasecmp(label.c_str(), "null") != 0;
  return bare ? label : InDoubleQuotes(label);
}

// The array, of however many dimensions, with its labels replaced.
std::string ArrayUnderOldLabels(const std::map<std::string, std::string>& names, const std::string& array) {
  const std::size_t first = array.find('{');
  std::string text = array.substr(0, first);
  for (std::size_t at = first; at < array.size();) {
    const std::size_t start = at;
    std::string label;
    const bool quoted = array[at] == '"';
    if (quoted) {
      for (++at; at < array.size() && array[at] != '"'; ++at) {
        if (array[at] == '\\') ++at;
        label += array[at];
      }
      ++at;
    } else {
      at = std::min(array.find_first_of("{},", at), array.size());
      label = array.substr(start, at - start);
    }
    const bool value = quoted || (!label.empty() && label != "NULL");
    const auto found = value ? names.find(label) : names.end();
    text += found != names.end() ? Element(found->second) : array.substr(start, at - start);
    if (at < array.size()) text += array[at++];
  }
  return text;
}

void GiveOldLabels(const OldLabels& labels, Cell& cell) {
  if (!cell) return;
  if (labels.in_array) {
    cell = ArrayUnderOldLabels(labels.names, *cell);
  } else if (const auto found = labels.names.find(*cell); found != labels.names.end()) {
    cell = found->second;
  }
}

TableRows UnderOldLabels(const std::map<std::string, OldLabels>& columns, TableRows table) {
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const auto found = columns.find(table.columns[i]);
    if (found == columns.end()) continue;
    for (std::vector<Cell>& row : table.rows) GiveOldLabels(found->second, row[i]);
  }
  std::sort(table.rows.begin(), table.rows.end());
  return table;
}

}  // namespace

std::map<std::string, std::string> RenamedLabels(const Labels& before, const Labels& after) {
  std::map<std::string, std::string> renamed;
  if (before == after || Shared(before, after) != Shared(after, before)) return renamed;
  const std::vector<Labels> gone = Between(before, after);
  const std::vector<Labels> come = Between(after, before);
  for (std::size_t place = 0; place < gone.size(); ++place) {
    // At the end, ADD VALUE may have put more.
    const bool last = place + 1 == gone.size();
    if (last ? gone[place].size() > come[place].size() : gone[place].size() != come[place].size()) continue;
    for (std::size_t i = 0; i < gone[place].size(); ++i) renamed.emplace(come[place][i], gone[place][i]);
  }
  return renamed;
}

OldLabelsByTable Relabelled(const Catalog& before, const Catalog& after, const std::set<std::string>& tables) {
  OldLabelsByTable relabelled;
  const bool changed = std::ranges::any_of(before.Names("enum"), [&](const std::string& name) {
    return before.Attribute("enum", name, "labels") != after.Attribute("enum", name, "labels");
  });
  if (!changed) return relabelled;
  for (const auto& [key, object] : before.objects()) {
    if (key.kind != "column" || !tables.contains(object.relation)) continue;
    const std::string is = after.Attribute("column", key.name, "type");
    if (is.empty()) continue;
    OldLabels labels = LabelsOf(ResolveType(before, object.attributes.at("type")), ResolveType(after, is));
    if (labels.names.empty()) continue;
    relabelled[object.relation][key.name.substr(object.relation.size() + 1)] = std::move(labels);
  }
  return relabelled;
}

Observation UnderOldLabels(const OldLabelsByTable& relabelled, const Observation& upgraded) {
  if (relabelled.empty()) return upgraded;
  Observation seen = upgraded;
  auto rows = std::make_shared<RowSnapshot>(*upgraded.rows);
  for (const auto& [table, columns] : relabelled) {
    const auto found = rows->tables.find(table);
    if (found != rows->tables.end()) found->second = UnderOldLabels(columns, *found->second);
  }
  seen.rows = std::move(rows);
  return seen;
}

}  // namespace migproof
