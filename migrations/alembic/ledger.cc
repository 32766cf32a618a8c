#include "migrations/alembic/ledger.h"

#include <fmt/format.h>

#include "migrations/session.h"

namespace migproof {

namespace {

std::string Literals(const std::vector<const Revision*>& revisions, const Revision* also = nullptr) {
  std::string list = also == nullptr ? "" : SqlLiteral(also->id);
  for (const Revision* revision : revisions) list += (list.empty() ? "" : ", ") + SqlLiteral(revision->id);
  return list;
}

}  // namespace

AlembicLedger::AlembicLedger(const std::string& table, const std::string& schema)
    : name_(table), schema_(schema), table_((schema.empty() ? "public" : schema) + "." + table) {}

std::vector<std::string> AlembicLedger::CreateSql() const {
  return {
      fmt::format("CREATE TABLE IF NOT EXISTS {} (version_num varchar(32) NOT NULL, "
                  "CONSTRAINT {}_pkc PRIMARY KEY (version_num))",
                  table_, name_)};
}

// What a revision stands on is no head any more: Alembic itself updates one row and deletes the others.
std::vector<std::string> AlembicLedger::AfterSql(const Step& step, const History& history) const {
  const Revision& revision = *step.revision;
  if (step.direction == Direction::kDowngrade) return ForgetSql(revision, history);
  std::vector<std::string> sql;
  const std::vector<const Revision*> below = history.Ancestors(revision);
  if (!below.empty()) sql.push_back(fmt::format("DELETE FROM {} WHERE version_num IN ({})", table_, Literals(below)));
  sql.push_back(
      fmt::format("INSERT INTO {0} (version_num) SELECT {1} WHERE NOT EXISTS (SELECT FROM {0} WHERE "
                  "version_num IN ({2}))",
                  table_, SqlLiteral(revision.id), Literals(history.Descendants(revision), &revision)));
  return sql;
}

// What it stood on is a head again, unless another head stands on it too.
std::vector<std::string> AlembicLedger::ForgetSql(const Revision& revision, const History& history) const {
  std::vector<std::string> sql = {
      fmt::format("DELETE FROM {} WHERE version_num = {}", table_, SqlLiteral(revision.id))};
  std::vector<std::string> below = revision.parents;
  below.insert(below.end(), revision.depends_on.begin(), revision.depends_on.end());
  for (const std::string& id : below) {
    const Revision* parent = history.Find(id);
    if (parent == nullptr) continue;
    sql.push_back(
        fmt::format("INSERT INTO {0} (version_num) SELECT {1} WHERE NOT EXISTS (SELECT FROM {0} WHERE "
                    "version_num IN ({2}))",
                    table_, SqlLiteral(id), Literals(history.Descendants(*parent), parent)));
  }
  return sql;
}

std::vector<LedgerEntry> AlembicLedger::Read(Session& session, const History& history) const {
  const Rows rows = ReadTableIfThere(session, table_, fmt::format("SELECT version_num FROM {} ORDER BY 1", table_));
  std::vector<LedgerEntry> entries;
  std::vector<const Revision*> heads;
  std::vector<LedgerEntry> unknown;
  for (int i = 0; i < rows.size(); ++i) {
    const Revision* head = history.Find(rows.Get(i, 0));
    if (head != nullptr) {
      heads.push_back(head);
    } else {
      unknown.push_back({std::string(rows.Get(i, 0)), "", false});
    }
  }
  const History::Applied applied = history.Closure(heads);
  for (const Revision* revision : history.Linear()) {
    if (applied.contains(revision->id)) entries.push_back({revision->id, "", false});
  }
  entries.insert(entries.end(), unknown.begin(), unknown.end());
  return entries;
}

}  // namespace migproof
