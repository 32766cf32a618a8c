#include "harness/verify/stale.h"

#include <algorithm>
#include <regex>
#include <set>
#include <vector>

#include "harness/verify/trial.h"
#include "harness/verify/written_tables.h"

namespace migproof {

namespace {

std::string Lowered(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

// A part of the history in lower case: statement by statement, the strings of code among them.
struct StepTexts {
  std::vector<std::string> statements;
  bool hidden = false;  // there is more, which can't be read: a tool's own code, psql's meta-commands

  bool Name(const std::string& table) const {
    return std::any_of(statements.begin(), statements.end(),
                       [&](const std::string& statement) { return HoldsWord(statement, table); });
  }
};

void AddStatements(const Script& script, StepTexts& texts) {
  for (const Statement& statement : script.statements()) {
    if (statement.kind == StatementKind::kMetaCommand) texts.hidden = true;
    if (statement.kind == StatementKind::kSql) texts.statements.push_back(Lowered(script.Text(statement)));
  }
}

StepTexts StepTextsOf(const Section& written) {
  const Section& section = written.AsSql();
  StepTexts texts;
  AddStatements(section.script, texts);
  for (const std::string& literal : written.literals) texts.statements.push_back(Lowered(literal));
  texts.hidden = texts.hidden || written.execution == Execution::kTool;
  return texts;
}

// "create table settings (...)", for the table's bare name.
bool Creates(const std::string& statement, const std::string& table) {
  static const std::regex kCreated(
      R"re(^\s*create\s+(?:unlogged\s+|temporary\s+|temp\s+)?table\s+(?:if\s+not\s+exists\s+)?)re"
      R"re(((?:"[^"]+"|[\w$]+)(?:\s*\.\s*(?:"[^"]+"|[\w$]+))?))re");
  std::smatch match;
  if (!std::regex_search(statement, match, kCreated)) return false;
  std::string name = match[1];
  std::erase_if(name, [](unsigned char c) { return std::isspace(c) != 0; });
  return BareName(name) == table;
}

bool Creates(const StepTexts& texts, const std::string& table) {
  return std::any_of(texts.statements.begin(), texts.statements.end(),
                     [&](const std::string& statement) { return Creates(statement, table); });
}

// Whether rows in the table could do nothing to the statement, nor the statement to them; `down` in a downgrade.
bool IsIndifferentToRows(const std::string& statement, const std::string& table, bool down) {
  static const std::regex kQuery(R"(\bas\b|\binto\b)");
  if (Creates(statement, table)) return !std::regex_search(statement, kQuery);
  const std::string first = Lowered(LeadingWords(statement, 1));
  if (first == "comment" || first == "grant" || first == "revoke") return true;
  if (first != "alter" || Lowered(LeadingWords(statement, 2)) != "alter table") return false;
  static const std::regex kMeetsRows(
      R"(\b(?:not\s+null|unique|primary|check|exclude|references|type|using|partition|inherit|validate|constraint)"
      R"(|rename|generated|identity|schema|trigger|rule)\b)");
  static const std::regex kDrops(R"(\bdrop\b)");
  return !std::regex_search(statement, kMeetsRows) && (down || !std::regex_search(statement, kDrops));
}

// Names that are made while it runs, and so can't be read.
bool MakesStatements(const std::string& statement) {
  static const std::regex kExecute(R"(\bexecute\b(?!\s+(?:function|procedure|on)\b))");
  return std::regex_search(statement, kExecute);
}

// Whether it may meet the rows of tables that it does not name.
bool ReachesUnnamed(const std::string& statement) {
  static const std::regex kReaches(R"(^\s*alter\s+(?:domain|type)\b|\bcascade\b)");
  static const std::regex kAction(R"(\bon\s+(?:delete|update)\s+cascade\b)");
  return MakesStatements(statement) || std::regex_search(std::regex_replace(statement, kAction, ""), kReaches);
}

// What writes to another name may write to the table by: a view, a parent it inherits from, a foreign key that acts.
bool MayBeWrittenThroughOthers(const Catalog& catalog, const std::string& table, const std::set<std::string>& written) {
  if (written.empty()) return false;
  if (!catalog.Attribute("table", table, "inherits").empty()) return true;
  for (const std::string& name : catalog.Names("view")) {
    if (written.contains(BareName(name))) return true;
  }
  for (const std::string& name : catalog.Names("foreign key")) {
    const CatalogObject& key = *catalog.Find("foreign key", name);
    if (key.relation == table && catalog.Attribute("foreign key", name, "definition").find(" ON ") != std::string::npos)
      return true;
  }
  return catalog.Count("rule") > 0;
}

}  // namespace

bool MayMatterBefore(const Subject& subject, const Revision& revision, const std::string& table) {
  const std::string name = BareName(table);
  for (const Revision* earlier : subject.order()) {
    if (earlier == &revision) return false;
    const StepTexts up = StepTextsOf(earlier->upgrade);
    const StepTexts down = earlier->downgrade ? StepTextsOf(*earlier->downgrade) : StepTexts();
    if (up.hidden || down.hidden || std::any_of(up.statements.begin(), up.statements.end(), ReachesUnnamed))
      return true;
    if (!Creates(up, name) && (up.Name(name) || down.Name(name))) return true;
  }
  return true;
}

bool OwnsNothing(const Subject& subject, const Revision& revision, const std::string& table, const Catalog& before,
                 const Catalog& after) {
  const std::string name = BareName(table);
  std::set<std::string> written;
  bool indifferent = true;
  bool made = false;
  bool named_from_here = false;
  bool here = false;
  const auto read = [&](const StepTexts& texts, bool made_here, bool down) {
    for (const std::string& statement : texts.statements) {
      if (down ? MakesStatements(statement) : ReachesUnnamed(statement)) return false;
      made = made || (!down && Creates(statement, name));
      for (const std::string& target : WrittenIn(statement)) written.insert(target);
      if (!HoldsWord(statement, name)) continue;
      named_from_here = named_from_here || here;
      const bool taken_away_again = down && made_here;
      indifferent = indifferent && (taken_away_again || IsIndifferentToRows(statement, name, down));
    }
    return !texts.hidden;
  };
  for (const Script& script : subject.before()) {
    StepTexts texts;
    AddStatements(script, texts);
    if (!read(texts, false, false)) return false;
  }
  for (const Revision* other : subject.order()) {
    here = here || other == &revision;
    const StepTexts up = StepTextsOf(other->upgrade);
    if (!read(up, false, false)) return false;
    if (other->downgrade && !read(StepTextsOf(*other->downgrade), Creates(up, name), true)) return false;
  }
  if (written.contains(name)) return false;
  const std::string there_before = TableNamed(before, table);
  const std::string there_after = TableNamed(after, table);
  if (there_before.empty() && there_after.empty() && !named_from_here) return true;
  for (const auto& [catalog, there] : {std::pair(&before, there_before), std::pair(&after, there_after)}) {
    if (!there.empty() && MayBeWrittenThroughOthers(*catalog, there, written)) return false;
  }
  // What makes a table that no statement makes (an extension) may do more to it.
  return indifferent && made;
}

bool RequiresNothing(const Declaration& declaration) {
  Revision revision;
  revision.declarations = {declaration};
  for (const int major : {13, 14, 15, 16, 17, 18}) {
    if (revision.UnmetBy(major) != nullptr) return false;
  }
  return declaration.kind == "requires";
}

}  // namespace migproof
