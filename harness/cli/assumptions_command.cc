#include "harness/cli/assumptions_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "harness/verify/trial.h"
#include "migrations/session.h"

namespace migproof {

namespace {

constexpr std::string_view kUndefinedColumn = "42703";

std::vector<std::string> TablesIn(Session& session) {
  const Rows rows = session.Query(
      "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class AS c "
      "JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace "
      "WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1");
  std::vector<std::string> tables;
  for (int i = 0; i < rows.size(); ++i) tables.emplace_back(rows.Get(i, 0));
  return tables;
}

// "3,400".
std::string Grouped(std::int64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

struct BreakingCount {
  std::int64_t rows = 0;
  std::int64_t breaking = 0;
};

// Nothing where the table has not the columns that the condition is about.
std::optional<BreakingCount> CountBreaking(Session& session, const std::string& table, const std::string& condition,
                                           const Declaration& declaration) {
  session.Execute("SAVEPOINT migproof_assumption");
  try {
    // One statement by the protocol: nothing can follow the condition.
    const Rows rows = session.Query(
        fmt::format("SELECT count(*), count(*) FILTER (WHERE ({}\n) IS FALSE) FROM {}", condition, table));
    session.Execute("RELEASE migproof_assumption");
    return BreakingCount{rows.GetInt(0, 0), rows.GetInt(0, 1)};
  } catch (Error& refusal) {
    if (refusal.sqlstate() != kUndefinedColumn) {
      refusal.AddContext(fmt::format("while counting what breaks '{}: {}'", table, condition));
      refusal.WithLocation(declaration.where);
      throw;
    }
    session.Execute("ROLLBACK TO migproof_assumption");
    return std::nullopt;
  }
}

struct Line {
  std::string assumption;
  std::string outcome;
  std::string source;
};

class Assumptions {
 public:
  explicit Assumptions(Session& session) : session_(session), tables_(TablesIn(session)) {}

  void Add(const Revision& revision, const Declaration& declaration) {
    const std::size_t colon = declaration.object.find(": ");
    const std::string named = declaration.object.substr(0, colon);
    const auto table =
        std::find_if(tables_.begin(), tables_.end(), [&](const std::string& name) { return IsNamed(named, name); });
    std::string outcome = "not checked: there is no such table";
    if (table != tables_.end() && colon != std::string::npos) {
      const auto count = CountBreaking(session_, *table, declaration.object.substr(colon + 2), declaration);
      outcome = "not checked: the table has no such column";
      if (count) {
        outcome = fmt::format("{} of {} {} it", Grouped(count->breaking), Grouped(count->rows),
                              count->rows == 1 ? "row breaks" : "rows break");
        broken_ = broken_ || count->breaking > 0;
      }
    }
    lines_.push_back({declaration.object, outcome, fmt::format("({}, {})", revision.id, declaration.where.ToString())});
  }

  int Write(std::ostream& out) const {
    if (lines_.empty()) out << "no revision declares an assumption\n";
    std::size_t assumption = 0;
    std::size_t outcome = 0;
    for (const Line& line : lines_) {
      assumption = std::max(assumption, line.assumption.size());
      outcome = std::max(outcome, line.outcome.size());
    }
    for (const Line& line : lines_) {
      out << fmt::format("{:<{}}   {:<{}}   {}\n", line.assumption, assumption, line.outcome, outcome, line.source);
    }
    return broken_ ? 1 : 0;
  }

 private:
  Session& session_;
  std::vector<std::string> tables_;
  std::vector<Line> lines_;
  bool broken_ = false;
};

}  // namespace

int AssumptionsCommand(const DatabaseCommand& command, std::ostream& out) {
  const History history = LoadHistory(command.config);
  Session session(DatabaseUrl(command.config, command.database_url));
  // One state of the database for all of them; a policy that hides rows is an error, not a smaller count.
  session.Execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY");
  session.Execute("SET LOCAL row_security = off");
  Assumptions assumptions(session);
  for (const Revision* revision : history.Linear()) {
    for (const Declaration& declaration : revision->declarations) {
      if (declaration.kind == "assumes") assumptions.Add(*revision, declaration);
    }
  }
  session.Execute("ROLLBACK");
  return assumptions.Write(out);
}

}  // namespace migproof
