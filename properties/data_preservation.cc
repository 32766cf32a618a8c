// data_preservation: an upgrade leaves alone the rows that it does not say it changes.
#include <fmt/format.h>

#include <algorithm>
#include <regex>

#include "harness/verify/property.h"
#include "harness/verify/trial.h"

namespace migproof {

namespace {

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string LastName(const std::string& qualified) {
  std::string name = qualified.substr(qualified.rfind('.') + 1);
  std::erase(name, '"');
  return Lower(name);
}

// The names (without namespace, lower case) that stand where a statement names what it writes to. Code in DO blocks and
// functions is text to us: a name too many only means that a table is not looked at.
std::set<std::string> WrittenIn(const std::string& text) {
  static const std::regex kTarget(
      R"re(\b(?:insert\s+into|update|delete\s+from|truncate(?:\s+table)?|merge\s+into|copy)\s+(?:only\s+)?)re"
      R"re(((?:"[^"]+"|[\w$]+)(?:\s*\.\s*(?:"[^"]+"|[\w$]+))?(?:\s*,\s*(?:"[^"]+"|[\w$.]+))*))re",
      std::regex::icase);
  std::set<std::string> names;
  for (std::sregex_iterator match(text.begin(), text.end(), kTarget), end; match != end; ++match) {
    std::string list = (*match)[1];
    for (std::size_t at = 0; at != std::string::npos;) {
      const std::size_t comma = list.find(',', at);
      std::string name = list.substr(at, comma == std::string::npos ? comma : comma - at);
      name.erase(std::remove_if(name.begin(), name.end(), [](unsigned char c) { return std::isspace(c) != 0; }),
                 name.end());
      names.insert(LastName(name));
      at = comma == std::string::npos ? comma : comma + 1;
    }
  }
  return names;
}

bool HoldsWord(const std::string& text, const std::string& word) {
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const auto is_word = [&](std::size_t i) {
      return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) != 0 || text[i] == '_');
    };
    if ((at == 0 || !is_word(at - 1)) && !is_word(at + word.size())) return true;
  }
  return false;
}

// What the upgrade writes to: by its statements, and by the functions that they name, and so on.
std::set<std::string> Written(const Revision& revision, const Catalog& before, const Catalog& after) {
  std::vector<std::string> texts;
  const Script& script = revision.upgrade.AsSql().script;
  for (const Statement& statement : script.statements()) {
    texts.emplace_back(script.Text(statement));
  }
  std::map<std::string, std::string> functions;  // bare name, definition
  for (const Catalog* catalog : {&before, &after}) {
    for (const char* kind : {"function", "procedure"}) {
      for (const std::string& name : catalog->Names(kind)) {
        const std::string definition = catalog->Attribute(kind, name, "definition");
        functions[LastName(name.substr(0, name.find('(')))] += definition + "\n";
      }
    }
  }
  std::set<std::string> written;
  std::set<std::string> followed;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string text = Lower(texts[i]);
    for (const std::string& name : WrittenIn(text)) written.insert(name);
    for (const auto& [name, definition] : functions) {
      if (!followed.contains(name) && HoldsWord(text, name)) {
        followed.insert(name);
        texts.push_back(definition);
      }
    }
  }
  return written;
}

class DataPreservation : public Property {
 public:
  std::string_view Sentence() const override {
    return "an upgrade keeps every row and every value, except in tables that it writes to by name";
  }
  bool ChecksRevisions() const override { return true; }
  bool ChecksHistory() const override { return false; }
  bool ChecksRows() const override { return true; }
  bool NeedsRows() const override { return true; }
  std::vector<std::string> Excuses() const override { return {"loses", "changes"}; }
  std::string WhyNotApplicable(const Subject&, const Revision*) const override { return ""; }
  int Rank() const override { return 15; }

  std::optional<Finding> Check(Trial& trial) const override {
    const Observation& before = trial.Before();
    const Observation& upgraded = trial.After({Move::kUpgrade});
    if (upgraded.catalog == nullptr) return std::nullopt;  // the upgrade's refusal is another law's finding
    const std::set<std::string> tables = Kept(trial, *before.catalog, *upgraded.catalog);
    if (!trial.has_rows() && tables.empty()) {
      trial.NotApplicable("no table is there before and after that it does not write to");
      return std::nullopt;
    }
    std::map<std::string, std::string> casts;
    const Observation seen = trial.has_rows() ? CastBack(trial, before, upgraded, tables, casts) : upgraded;
    const std::vector<std::string> lines = trial.CompareRows(before, seen, tables, true);
    trial.SuspectCasts(casts);
    if (lines.empty()) return std::nullopt;
    Finding finding;
    finding.message = "the upgrade does not keep the rows that it does not write to";
    finding.location = trial.revision().where;
    finding.evidence = lines;
    finding.hint = trial.LossHint("changes");
    return finding;
  }

 private:
  // The tables there are before and after, and that the upgrade does not write to; what stands in an inheritance tree
  // is written to with its parent.
  static std::set<std::string> Kept(const Trial& trial, const Catalog& before, const Catalog& after) {
    const std::set<std::string> written = Written(trial.revision(), before, after);
    std::set<std::string> kept;
    for (const std::string& table : before.Names("table")) {
      if (after.Find("table", table) == nullptr) continue;
      bool touched = false;
      for (std::string name = table; !name.empty(); name = before.Attribute("table", name, "inherits")) {
        touched = touched || written.contains(LastName(name));
      }
      if (!touched) kept.insert(table);
    }
    return kept;
  }

  // `upgraded` with the values of retyped columns cast back to what they were.
  static Observation CastBack(Trial& trial, const Observation& before, const Observation& upgraded,
                              const std::set<std::string>& tables, std::map<std::string, std::string>& casts) {
    std::map<std::string, std::map<std::string, std::string>> by_table;
    const auto exempt = trial.Exempt(*before.catalog);
    for (const auto& [key, object] : before.catalog->objects()) {
      if (key.kind != "column" || !tables.contains(object.relation)) continue;
      const std::string was = object.attributes.at("type");
      const std::string is = upgraded.catalog->Attribute("column", key.name, "type");
      if (is.empty() || is == was || exempt.contains(key.name) || exempt.contains(object.relation)) continue;
      by_table[object.relation][key.name.substr(object.relation.size() + 1)] = was;
    }
    if (by_table.empty()) return upgraded;
    Observation seen = upgraded;
    auto rows = std::make_shared<RowSnapshot>(*upgraded.rows);
    for (const auto& [table, columns] : by_table) {
      const auto read = trial.ReadCast({Move::kUpgrade}, table, columns);
      if (read == nullptr) continue;  // there is no way back: the values count as the text they are now
      for (const auto& [column, type] : columns) casts[fmt::format("{}.{}", table, column)] = type;
      if (read->count > 0) rows->tables[table] = read;
    }
    seen.rows = std::move(rows);
    return seen;
  }
};

const Registered<Property, DataPreservation> kDataPreservation("data_preservation");

}  // namespace

}  // namespace migproof
