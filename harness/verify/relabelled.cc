#include "harness/verify/relabelled.h"

#include <strings.h>

#include <algorithm>
#include <regex>

#include "harness/data/column_type.h"
#include "harness/data/definition_text.h"
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

OldLabels LabelsOf(const ColumnType& before, const ColumnType& after, const Renamings& said) {
  const ColumnType& was = BelowDomains(before);
  const ColumnType& is = BelowDomains(after);
  if (was.form != is.form) return {};
  if (was.form == ColumnType::Form::kEnum) return {RenamedLabels(was.labels, is.labels, said), false};
  if (was.form != ColumnType::Form::kArray || !was.element || !is.element) return {};
  OldLabels labels = LabelsOf(*was.element, *is.element, said);
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

std::map<std::string, std::string> RenamedByPlace(const Labels& before, const Labels& after) {
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

}  // namespace

Renamings SaidRenamings(const std::string& script) {
  static const std::regex kSaid(
      R"re(\brename\s+value\s+(?:'((?:[^']|'')*)'\s+to\s+'((?:[^']|'')*)'|''([^']*)''\s+to\s+''([^']*)''))re",
      std::regex::icase);
  Renamings said;
  for (std::sregex_iterator match(script.begin(), script.end(), kSaid), end; match != end; ++match) {
    const bool plain = (*match)[1].matched;
    const auto label = [&](int group) { return LiteralValue("'" + (*match)[plain ? group : group + 2].str() + "'"); };
    said.emplace_back(label(1), label(2));
  }
  return said;
}

std::map<std::string, std::string> RenamedLabels(const Labels& before, const Labels& after, const Renamings& said) {
  Labels named = before;
  for (const auto& [old_name, new_name] : said) {
    const auto found = std::ranges::find(named, old_name);
    if (found != named.end() && !Holds(named, new_name)) *found = new_name;
  }
  for (std::size_t i = 0; i < named.size(); ++i) {
    if (!Holds(after, named[i])) named[i] = before[i];  // what is not there in the end was said of another type
  }
  const std::map<std::string, std::string> by_place = RenamedByPlace(named, after);
  std::map<std::string, std::string> renamed;
  for (std::size_t i = 0; i < named.size(); ++i) {
    const auto placed = std::ranges::find_if(by_place, [&](const auto& entry) { return entry.second == named[i]; });
    const std::string& now = placed == by_place.end() ? named[i] : placed->first;
    if (now != before[i]) renamed.emplace(now, before[i]);
  }
  return renamed;
}

OldLabelsByTable Relabelled(const Catalog& before, const Catalog& after, const std::set<std::string>& tables,
                            const Renamings& said) {
  OldLabelsByTable relabelled;
  const bool changed = std::ranges::any_of(before.Names("enum"), [&](const std::string& name) {
    return before.Attribute("enum", name, "labels") != after.Attribute("enum", name, "labels");
  });
  if (!changed) return relabelled;
  for (const auto& [key, object] : before.objects()) {
    if (key.kind != "column" || !tables.contains(object.relation)) continue;
    const std::string is = after.Attribute("column", key.name, "type");
    if (is.empty()) continue;
    OldLabels labels = LabelsOf(ResolveType(before, object.attributes.at("type")), ResolveType(after, is), said);
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
