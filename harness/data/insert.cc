// How a dataset gets into a database: all at once where nothing is refused, else in ever smaller parts.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "harness/data/row_generator.h"

namespace migproof {

namespace {

constexpr const char* kRowsSavepoint = "migproof_rows";

// The constraints that a transaction begins with as deferred. SET CONSTRAINTS goes by name within a namespace and
// refuses a name that one of its bearers can't be deferred under.
constexpr const char* kInitiallyDeferred = R"sql(
SELECT string_agg(DISTINCT quote_ident(n.nspname) || '.' || quote_ident(k.conname), ', ')
  FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace
 WHERE k.condeferred
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint o
                    WHERE o.connamespace = k.connamespace AND o.conname = k.conname AND NOT o.condeferrable))sql";

std::string Reason(const Error& error) {
  const SqlFailure& failure = *error.sql();
  return failure.constraint.empty() ? failure.sqlstate : failure.sqlstate + " " + failure.constraint;
}

// One of the messages that came with a reason, whichever comes first: the smallest.
void Keep(std::map<std::string, std::string>& messages, const std::string& reason, const std::string& message) {
  const auto [at, added] = messages.emplace(reason, message);
  if (!added && message < at->second) at->second = message;
}

class Inserter {
 public:
  Inserter(Session& session, const Dataset& dataset, bool deferrable,
           const std::map<std::string, std::string>& returning, KeptInserts* kept)
      : session_(session), dataset_(dataset), deferrable_(deferrable), returning_(returning), kept_(kept) {}

  InsertResult Run() {
    for (const DatasetTable& table : dataset_.tables) result_.tables[table.table];
    if (!TryAll()) {
      result_.inserted = dataset_;
      for (DatasetTable& table : result_.inserted.tables) table.rows.clear();
      for (std::size_t begin = 0; begin < dataset_.tables.size();) begin = InsertFrom(begin);
      if (deferrable_) deferred_ = std::string(session_.Execute(kInitiallyDeferred).Get(0, 0));
    }
    if (!deferred_.empty()) session_.Execute("SET CONSTRAINTS " + deferred_ + " DEFERRED");
    Count();
    return std::move(result_);
  }

 private:
  // Nothing where the server took it, else its refusal, rolled back.
  std::optional<Error> Refusal(const Dataset& part) {
    std::string sql = fmt::format("SAVEPOINT {};\n", kRowsSavepoint);
    for (const std::string& statement : InsertStatements(part)) sql += statement;
    sql += fmt::format("RELEASE SAVEPOINT {}", kRowsSavepoint);
    return RefusalOf(sql);
  }

  std::optional<Error> RefusalOf(const std::string& sql) {
    try {
      session_.Execute(sql);
      return std::nullopt;
    } catch (const Error& error) {
      TakeBack(error);
      return error;
    }
  }

  // What is no refusal of rows goes on.
  void TakeBack(const Error& error) {
    if (error.kind() != ErrorKind::kMigration || !error.sql() || error.sql()->IsEnvironmental()) throw error;
    session_.Execute(fmt::format("ROLLBACK TO SAVEPOINT {0}; RELEASE SAVEPOINT {0}", kRowsSavepoint));
  }

  // One round trip, where nothing is deferred and nothing refused.
  bool TryAll() {
    std::vector<Session::Prepared> parts;
    if (deferrable_) parts.push_back({"migproof_immediate", "SET CONSTRAINTS ALL IMMEDIATE", {}});
    parts.push_back({"migproof_savepoint", fmt::format("SAVEPOINT {}", kRowsSavepoint), {}});
    const std::vector<InsertGroup> groups = InsertGroups(dataset_);
    const bool kept = AddKept(groups, parts);
    if (!kept) {
      for (const InsertGroup& group : groups) parts.push_back({"", InsertStatement(group, Returning(group)), {}});
    }
    const std::size_t end = parts.size() - (kept ? 1 : 0);
    parts.push_back({"migproof_release", fmt::format("RELEASE SAVEPOINT {}", kRowsSavepoint), {}});
    if (deferrable_) parts.push_back({"migproof_deferred", kInitiallyDeferred, {}});
    std::vector<Rows> told;
    try {
      told = kept ? session_.QueryAll(parts) : session_.ExecuteEach(Joined(parts));
    } catch (const Error& error) {
      TakeBack(error);
      return false;
    }
    if (deferrable_) deferred_ = std::string(told.back().Get(0, 0));
    result_.inserted = dataset_;
    result_.at_once = true;
    if (told.size() != parts.size()) return true;
    for (std::size_t i = 0; i < groups.size(); ++i) TakeStored(groups[i], told[end - groups.size() + i]);
    return true;
  }

  // Adds the inserts as they are kept, where most of them are: one by one, those that are not come dearer than in one
  // text.
  bool AddKept(const std::vector<InsertGroup>& groups, std::vector<Session::Prepared>& parts) {
    if (kept_ == nullptr) return false;
    std::vector<std::optional<Session::Prepared>> inserts;
    for (const InsertGroup& group : groups) {
      inserts.push_back(group.size() == 1 ? kept_->For(*group[0], Returning(group)) : std::nullopt);
    }
    const auto kept = std::ranges::count_if(inserts, [](const auto& insert) { return insert.has_value(); });
    if (2 * static_cast<std::size_t>(kept) <= groups.size()) return false;
    parts.push_back(kept_->before());
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (!inserts[i]) inserts[i] = {"", InsertStatement(groups[i], Returning(groups[i])), {}};
      parts.push_back(std::move(*inserts[i]));
    }
    parts.push_back(kept_->after());
    return true;
  }

  static std::string Joined(const std::vector<Session::Prepared>& parts) {
    std::string sql;
    for (const Session::Prepared& part : parts) sql += part.sql + ";\n";
    return sql;
  }

  // The columns that the INSERT of a group gives back; "": none.
  std::string Returning(const InsertGroup& group) const {
    const auto found = group.size() == 1 ? returning_.find(group[0]->table) : returning_.end();
    return found == returning_.end() ? "" : found->second;
  }

  // What the INSERT of a group gave back.
  void TakeStored(const InsertGroup& group, const Rows& told) {
    if (Returning(group).empty()) return;
    std::vector<std::vector<Cell>>& stored = result_.stored[group[0]->table];
    for (int row = 0; row < told.size(); ++row) stored.push_back(CellsOf(told, row));
  }

  // Inserts the group that begins at table `begin`; returns where the next one begins.
  std::size_t InsertFrom(std::size_t begin) {
    std::size_t end = begin + 1;
    while (end < dataset_.tables.size() && dataset_.tables[end].group == dataset_.tables[begin].group) ++end;
    Dataset group;
    group.tables.assign(dataset_.tables.begin() + static_cast<std::ptrdiff_t>(begin),
                        dataset_.tables.begin() + static_cast<std::ptrdiff_t>(end));
    const std::optional<Error> refusal = Refusal(group);
    if (!refusal) {
      Accept(begin, group);
    } else if (group.tables.size() == 1) {
      InsertRowByRow(begin);
    } else {
      InsertPartOfCycle(begin, group, *refusal);
    }
    return end;
  }

  void Accept(std::size_t begin, const Dataset& part) {
    for (std::size_t i = 0; i < part.tables.size(); ++i) {
      auto& rows = result_.inserted.tables[begin + i].rows;
      rows.insert(rows.end(), part.tables[i].rows.begin(), part.tables[i].rows.end());
    }
  }

  void Refuse(const std::string& table, const Error& refusal, std::size_t rows = 1) {
    if (rows == 0) return;
    TableFill& fill = result_.tables[table];
    const std::string reason = Reason(refusal);
    fill.refused += static_cast<std::int64_t>(rows);
    fill.refusals[reason] += static_cast<std::int64_t>(rows);
    Keep(fill.messages, reason, refusal.message());
  }

  void InsertRowByRow(std::size_t at) {
    Dataset one;
    one.tables.push_back(dataset_.tables[at]);
    for (const auto& row : dataset_.tables[at].rows) {
      one.tables[0].rows = {row};
      if (const std::optional<Error> refusal = Refusal(one)) {
        Refuse(one.tables[0].table, *refusal);
      } else {
        Accept(at, one);
      }
    }
  }

  // Rows of a cycle may need each other: first without one of them, then the first few of each table.
  void InsertPartOfCycle(std::size_t begin, const Dataset& group, const Error& refusal) {
    for (const Dataset& part : SmallerCycles(group)) {
      if (Refusal(part)) continue;
      Accept(begin, part);
      for (std::size_t i = 0; i < group.tables.size(); ++i) {
        Refuse(group.tables[i].table, refusal, group.tables[i].rows.size() - part.tables[i].rows.size());
      }
      return;
    }
    for (std::size_t i = 0; i < group.tables.size(); ++i) InsertRowByRow(begin + i);
  }

  static std::vector<Dataset> SmallerCycles(const Dataset& group) {
    std::vector<Dataset> parts;
    std::size_t longest = 0;
    for (std::size_t table = 0; table < group.tables.size(); ++table) {
      longest = std::max(longest, group.tables[table].rows.size());
      for (std::size_t row = 0; row < group.tables[table].rows.size(); ++row) {
        parts.push_back(group);
        auto& rows = parts.back().tables[table].rows;
        rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(row));
      }
    }
    for (std::size_t count = longest; count-- > 1;) {
      parts.push_back(group);
      for (DatasetTable& table : parts.back().tables) table.rows.resize(std::min(table.rows.size(), count));
    }
    return parts;
  }

  void Count() {
    for (const DatasetTable& table : result_.inserted.tables) {
      TableFill& fill = result_.tables[table.table];
      fill.inserted += static_cast<std::int64_t>(table.rows.size());
      for (std::size_t i = 0; i < table.columns.size() && !table.rows.empty(); ++i) {
        const auto filled = std::ranges::count_if(table.rows, [i](const auto& row) { return row[i].has_value(); });
        const auto rows = static_cast<std::ptrdiff_t>(table.rows.size());
        if (filled != 0) fill.filled_cells[table.columns[i]] += filled;
        if (filled != rows) fill.null_cells[table.columns[i]] += rows - filled;
      }
    }
    auto& tables = result_.inserted.tables;
    std::erase_if(tables, [](const DatasetTable& table) { return table.rows.empty(); });
  }

  Session& session_;
  const Dataset& dataset_;
  const bool deferrable_;
  const std::map<std::string, std::string>& returning_;
  KeptInserts* const kept_;
  InsertResult result_;
  std::string deferred_;  // names, as SET CONSTRAINTS takes them
};

}  // namespace

bool HasDeferrable(const Catalog& catalog) {
  for (const char* kind : kDeferrableKinds) {
    for (const std::string& name : catalog.Names(kind)) {
      if (catalog.Attribute(kind, name, "definition").find("DEFERRABLE") != std::string::npos) return true;
    }
  }
  return false;
}

InsertResult Insert(Session& session, const Dataset& dataset, bool deferrable,
                    const std::map<std::string, std::string>& returning, KeptInserts* kept) {
  return Inserter(session, dataset, deferrable, returning, kept).Run();
}

}  // namespace migproof
