#include "harness/verify/injection.h"

#include <fmt/format.h>

#include "migrations/step_sql.h"

namespace migproof {

namespace {

Section WithStatement(const Section& section, std::size_t at, const std::string& sql) {
  const std::size_t offset = SqlStatements(section.script).at(at)->begin;
  std::string text = section.script.text();
  text.insert(offset, sql + "; ");
  return {Script::Parse(std::move(text), {section.script.file(), section.script.first_line()}), section.execution};
}

}  // namespace

std::string StepPlace::ToString() const {
  if (behind_entry()) return "after the ledger entry";
  if (behind_script()) {
    return statements == 1 ? "after the only statement" : fmt::format("after the last of {} statements", statements);
  }
  return fmt::format("before statement {} of {}", statement + 1, statements);
}

std::vector<StepPlace> PlacesIn(const Section& section) {
  const int n = CountSqlStatements(section.script);
  const bool alone = section.execution == Execution::kOneQuery && n == 1 &&
                     RefusesTransaction(section.script.Text(*SqlStatements(section.script).front()));
  std::vector<StepPlace> places;
  for (int at = alone ? n : 0; at <= n + 1; ++at) places.push_back({at, n});
  return places;
}

SourceLocation WhereIs(const Section& section, const StepPlace& place) {
  const std::vector<const Statement*> statements = SqlStatements(section.script);
  if (statements.empty()) return {section.script.file(), section.script.first_line()};
  const auto at = static_cast<std::size_t>(place.statement);
  return section.script.At(at < statements.size() ? statements[at]->begin : statements.back()->begin);
}

std::vector<std::string> Interrupted::EntryWithStatement::AfterSql(const Step& step, const History& history) const {
  std::vector<std::string> sql = inner_.AfterSql(step, history);
  if (place_.behind_script()) sql.insert(place_.behind_entry() ? sql.end() : sql.begin(), sql_);
  return sql;
}

Interrupted::Interrupted(const Subject& subject, const Revision& revision, Direction direction, const StepPlace& place,
                         std::string sql)
    : revision_(revision), direction_(direction), ledger_(subject.ledger(), place, sql) {
  if (place.behind_script()) return;
  Section& section = direction == Direction::kUpgrade ? revision_.upgrade : *revision_.downgrade;
  section = WithStatement(section, static_cast<std::size_t>(place.statement), sql);
}

}  // namespace migproof
