// How a dataset gets into a database: all at once where nothing is refused, else in ever smaller parts.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <utility>

#include "harness/data/row_generator.h"

namespace migproof {

namespace {

constexpr const char* kRowsSavepoint = "migproof_rows";
constexpr std::size_t kRowsOfASmallCycle = 100;
constexpr int kRoundsOfACycle = 8;

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
  Inserter(Session& session, std::shared_ptr<const Dataset> dataset, const InsertOptions& options)
      : session_(session), given_(std::move(dataset)), dataset_(*given_), options_(options) {}

  InsertResult Run() {
    for (const DatasetTable& table : dataset_.tables) result_.tables[table.table];
    const auto is_empty = [](const DatasetTable& table) { return table.rows.empty(); };
    result_.at_once = TryAll();
    if (result_.at_once && std::ranges::none_of(dataset_.tables, is_empty)) {
      result_.inserted = given_;
    } else {
      inserted_ = dataset_;
      if (!result_.at_once) InsertInParts();
      std::erase_if(inserted_.tables, is_empty);
      result_.inserted = std::make_shared<const Dataset>(std::move(inserted_));
    }
    if (!deferred_.empty()) session_.Execute("SET CONSTRAINTS " + deferred_ + " DEFERRED");
    for (const DatasetTable& table : result_.inserted->tables) {
      result_.tables[table.table].inserted += static_cast<std::int64_t>(table.rows.size());
    }
    return std::move(result_);
  }

 private:
  // Statements in the order in which they are sent, with those that nobody else owns.
  class Batch {
   public:
    void Add(Session::Prepared statement) {
      own_.push_back(std::move(statement));
      AddCall(own_.back());
    }
    void Add(const std::vector<Session::Prepared>& statements) {
      for (const Session::Prepared& statement : statements) AddCall(statement);
    }
    void Add(Session::Call call) { calls_.push_back(std::move(call)); }
    void AddCall(const Session::Prepared& statement) {
      calls_.push_back({&statement, {}});
      for (const auto& value : statement.parameters) {
        calls_.back().parameters.push_back(value ? value->c_str() : nullptr);
      }
    }
    std::size_t size() const { return calls_.size(); }
    const std::vector<Session::Call>& calls() const { return calls_; }

   private:
    std::deque<Session::Prepared> own_;
    std::vector<Session::Call> calls_;
  };

  void InsertInParts() {
    for (DatasetTable& table : inserted_.tables) table.rows.clear();
    for (std::size_t begin = 0; begin < dataset_.tables.size();) begin = InsertFrom(begin);
    if (options_.deferrable) deferred_ = std::string(session_.Execute(kInitiallyDeferred).Get(0, 0));
  }

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
    const std::vector<InsertGroup> groups = InsertGroups(dataset_);
    std::vector<std::optional<Session::Call>> inserts = KeptOf(groups);
    if (inserts.empty()) return TryAsText(groups);
    static const Session::Prepared kImmediate{"migproof_immediate", "SET CONSTRAINTS ALL IMMEDIATE", {}};
    static const Session::Prepared kSavepoint{"migproof_savepoint", fmt::format("SAVEPOINT {}", kRowsSavepoint), {}};
    static const Session::Prepared kRelease{
        "migproof_release", fmt::format("RELEASE SAVEPOINT {}", kRowsSavepoint), {}};
    static const Session::Prepared kDeferred{"migproof_deferred", kInitiallyDeferred, {}};
    Batch batch;
    batch.Add(options_.before);
    if (options_.deferrable) batch.AddCall(kImmediate);
    batch.AddCall(kSavepoint);
    batch.AddCall(options_.kept->before());
    const std::size_t first = batch.size();
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (inserts[i]) {
        batch.Add(std::move(*inserts[i]));
      } else {
        batch.Add({"", InsertStatement(groups[i], Returning(groups[i])), {}});
      }
    }
    batch.AddCall(options_.kept->after());
    const std::size_t after = batch.size();
    batch.Add(options_.after);
    batch.AddCall(kRelease);
    if (options_.deferrable) batch.AddCall(kDeferred);
    std::vector<Rows> told;
    try {
      told = session_.CallAll(batch.calls());
    } catch (const Error& error) {
      TakeBack(error);
      return false;
    }
    if (options_.deferrable) deferred_ = std::string(told.back().Get(0, 0));
    if (told.size() != batch.size()) return true;
    for (std::size_t i = 0; i < groups.size(); ++i) TakeStored(groups[i], told[first + i]);
    result_.told.assign(told.begin() + static_cast<std::ptrdiff_t>(after),
                        told.begin() + static_cast<std::ptrdiff_t>(after + options_.after.size()));
    return true;
  }

  // The inserts as they are kept, nothing for those that are not. None at all where most are not: one by one, those
  // come dearer than in one text.
  std::vector<std::optional<Session::Call>> KeptOf(const std::vector<InsertGroup>& groups) {
    if (options_.kept == nullptr) return {};
    std::vector<std::optional<Session::Call>> inserts;
    inserts.reserve(groups.size());
    for (const InsertGroup& group : groups) {
      inserts.push_back(group.size() == 1 ? options_.kept->For(*group[0], Returning(group)) : std::nullopt);
    }
    const auto kept = std::ranges::count_if(inserts, [](const auto& insert) { return insert.has_value(); });
    if (2 * static_cast<std::size_t>(kept) <= groups.size()) inserts.clear();
    return inserts;
  }

  bool TryAsText(const std::vector<InsertGroup>& groups) {
    if (!options_.before.empty()) session_.QueryAll(options_.before);
    std::string sql = options_.deferrable ? "SET CONSTRAINTS ALL IMMEDIATE;\n" : "";
    const std::size_t first = options_.deferrable ? 2 : 1;
    sql += fmt::format("SAVEPOINT {};\n", kRowsSavepoint);
    for (const InsertGroup& group : groups) sql += InsertStatement(group, Returning(group)) + ";\n";
    sql += fmt::format("RELEASE SAVEPOINT {};\n", kRowsSavepoint);
    if (options_.deferrable) sql += kInitiallyDeferred;
    std::vector<Rows> told;
    try {
      told = session_.ExecuteEach(sql);
    } catch (const Error& error) {
      TakeBack(error);
      return false;
    }
    if (options_.deferrable) deferred_ = std::string(told.back().Get(0, 0));
    // A rule may have made several results of an INSERT.
    if (told.size() != first + groups.size() + (options_.deferrable ? 2 : 1)) return true;
    for (std::size_t i = 0; i < groups.size(); ++i) TakeStored(groups[i], told[first + i]);
    return true;
  }

  // The columns that the INSERT of a group gives back; "": none.
  std::string Returning(const InsertGroup& group) const {
    if (options_.returning == nullptr || group.size() != 1) return "";
    const auto found = options_.returning->find(group[0]->table);
    return found == options_.returning->end() ? "" : found->second;
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
      auto& rows = inserted_.tables[begin + i].rows;
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
    DatasetTable waiting = dataset_.tables[at];
    for (const Error& refusal : InsertWaiting(at, waiting)) Refuse(waiting.table, refusal);
  }

  // Rows of a cycle may need each other: first all but one of them, then one by one, then the first few of each table.
  void InsertPartOfCycle(std::size_t begin, const Dataset& group, const Error& refusal) {
    if (InsertAllButOne(begin, group, refusal) || InsertRoundByRound(begin, group)) return;
    std::size_t count = 0;
    for (const DatasetTable& table : group.tables) count = std::max(count, table.rows.size());
    for (; count > 1; count -= 1 + count / 16) {
      Dataset part = group;
      for (DatasetTable& table : part.tables) table.rows.resize(std::min(table.rows.size(), count - 1));
      if (AcceptPart(begin, group, part, refusal)) return;
    }
    for (const DatasetTable& table : group.tables) Refuse(table.table, refusal, table.rows.size());
  }

  // Of many rows more than one is refused as a rule, and each try sends nearly all of them again.
  bool InsertAllButOne(std::size_t begin, const Dataset& group, const Error& refusal) {
    std::size_t rows = 0;
    for (const DatasetTable& table : group.tables) rows += table.rows.size();
    if (rows > kRowsOfASmallCycle) return false;
    for (std::size_t table = 0; table < group.tables.size(); ++table) {
      for (std::size_t row = 0; row < group.tables[table].rows.size(); ++row) {
        Dataset part = group;
        part.tables[table].rows.erase(part.tables[table].rows.begin() + static_cast<std::ptrdiff_t>(row));
        if (AcceptPart(begin, group, part, refusal)) return true;
      }
    }
    return false;
  }

  // False where the server refuses it.
  bool AcceptPart(std::size_t begin, const Dataset& group, const Dataset& part, const Error& refusal) {
    if (Refusal(part)) return false;
    Accept(begin, part);
    for (std::size_t i = 0; i < group.tables.size(); ++i) {
      Refuse(group.tables[i].table, refusal, group.tables[i].rows.size() - part.tables[i].rows.size());
    }
    return true;
  }

  // A row that is refused may refer to one that comes later: it is tried again for as long as others go in. False where
  // none does.
  bool InsertRoundByRound(std::size_t begin, const Dataset& group) {
    Dataset waiting = group;
    std::vector<std::vector<Error>> refusals(group.tables.size());
    bool any = false;
    bool progress = true;
    for (int round = 0; progress && round < kRoundsOfACycle; ++round) {
      progress = false;
      for (std::size_t i = 0; i < waiting.tables.size(); ++i) {
        const std::size_t before = waiting.tables[i].rows.size();
        refusals[i] = InsertWaiting(begin + i, waiting.tables[i]);
        progress = progress || waiting.tables[i].rows.size() < before;
      }
      any = any || progress;
    }
    for (std::size_t i = 0; any && i < refusals.size(); ++i) {
      for (const Error& refusal : refusals[i]) Refuse(group.tables[i].table, refusal);
    }
    return any;
  }

  // Leaves in `waiting` the rows that are refused; why, in their order.
  std::vector<Error> InsertWaiting(std::size_t at, DatasetTable& waiting) {
    std::vector<Error> refusals;
    std::vector<std::vector<Cell>> rows;
    rows.swap(waiting.rows);
    Dataset one;
    one.tables.push_back(waiting);
    for (std::vector<Cell>& row : rows) {
      one.tables[0].rows = {row};
      if (const std::optional<Error> refusal = Refusal(one)) {
        refusals.push_back(*refusal);
        waiting.rows.push_back(std::move(row));
      } else {
        Accept(at, one);
      }
    }
    return refusals;
  }

  Session& session_;
  std::shared_ptr<const Dataset> given_;
  const Dataset& dataset_;
  const InsertOptions& options_;
  InsertResult result_;
  Dataset inserted_;      // where it is not all of it
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

InsertResult Insert(Session& session, std::shared_ptr<const Dataset> dataset, const InsertOptions& options) {
  return Inserter(session, std::move(dataset), options).Run();
}

InsertResult Insert(Session& session, Dataset dataset, const InsertOptions& options) {
  return Insert(session, std::make_shared<const Dataset>(std::move(dataset)), options);
}

}  // namespace migproof
