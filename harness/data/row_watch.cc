#include "harness/data/row_watch.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <utility>

#include "harness/data/definition_text.h"

namespace migproof {

namespace {

// The catalogs that say what schemas are called, how the values of enums are written, and what relations and columns
// there are: pg_enum, pg_namespace, pg_class, pg_attribute, whose oids are the same everywhere.
constexpr const char* kCatalogOids = "3501,2615,1259,1249";
constexpr std::size_t kEnumCatalog = 0;  // its place among them
constexpr std::size_t kNamespaceCatalog = 1;
constexpr std::size_t kClassCatalog = 2;
constexpr std::size_t kAttributeCatalog = 3;
constexpr int kCatalogs = 4;

// A table (or sequence) whole: kind, name, storage, counters, columns and their versions.
constexpr const char* kDescribed = R"sql(
       c.relkind, concat_ws('.', quote_ident(n.nspname), quote_ident(c.relname)), c.relfilenode,
       pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) + pg_catalog.pg_stat_get_xact_tuples_updated(c.oid)
       + pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid) AS counters,
       (SELECT coalesce(string_agg(quote_ident(a.attname), ', ' ORDER BY quote_ident(a.attname) COLLATE "C"), '')
          FROM pg_catalog.pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
       (SELECT coalesce(string_agg(concat_ws(':', a.attnum, a.atttypid, a.atttypmod, a.attcollation), ' '
                                   ORDER BY quote_ident(a.attname) COLLATE "C"), '')
          FROM pg_catalog.pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS versions,
       NOT c.relhasrules AND NOT c.relrowsecurity AS returns, pg_catalog.pg_relation_size(c.oid) = 0 AS empty
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relpersistence <> 't' AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_')sql";

constexpr const char* kAllTables = "SELECT c.oid, {} AND c.oid >= 16384 AND c.relkind = 'r'";

// What the transaction holds such a lock on; without a description what is gone, and what is neither table nor
// sequence. LIMIT keeps the planner from reading all of pg_class for it.
constexpr const char* kTouched = R"sql(
SELECT l.relation, t.*
  FROM (SELECT DISTINCT k.relation
          FROM pg_catalog.pg_locks k
         WHERE k.pid = pg_catalog.pg_backend_pid() AND k.locktype = 'relation'
           AND CASE WHEN k.relation >= 16384
                    THEN k.mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
                    ELSE k.relation IN (1247, 1249, 1259, 2615) AND k.mode <> 'AccessShareLock'
               END) l
  LEFT JOIN LATERAL (SELECT {} AND c.oid = l.relation AND c.relkind IN ('r', 'S') LIMIT 1) t ON true)sql";
constexpr std::int64_t kFirstUserOid = 16384;

const Session::Prepared& BeginQuery() {
  static const Session::Prepared begin{"", "BEGIN", {}};
  return begin;
}

// The counters of the relations in $1, in their order, then the values of the sequences in $2, of those that are still
// there: the function fails for others.
constexpr const char* kRowCounters = R"sql(
SELECT NULL::oid, pg_catalog.pg_stat_get_xact_tuples_inserted(c) + pg_catalog.pg_stat_get_xact_tuples_updated(c)
                  + pg_catalog.pg_stat_get_xact_tuples_deleted(c)
  FROM unnest($1::oid[]) AS c
UNION ALL
SELECT c.oid, pg_catalog.pg_sequence_last_value(c.oid)
  FROM pg_catalog.pg_class c
 WHERE c.oid = ANY ($2::oid[]))sql";

// Sets the sequences in $1 to the values in $2, where they stand at another; NULL: no value was taken, and $3 comes
// next.
constexpr const char* kSetBack = R"sql(
SELECT pg_catalog.setval(s.oid::regclass, coalesce(s.taken, s.next), s.taken IS NOT NULL)
  FROM unnest($1::oid[], $2::bigint[], $3::bigint[]) AS s(oid, taken, next)
 WHERE pg_catalog.pg_sequence_last_value(s.oid) IS DISTINCT FROM s.taken)sql";

Session::Prepared AllTablesQuery() {
  static const std::string sql = fmt::format(fmt::runtime(kAllTables), kDescribed);
  return {"migproof_all_tables", sql, {}};
}

// Of "1:23:-1:0 2:25:-1:100" the parts before the first and before the second colon.
struct ColumnVersions {
  std::vector<std::string> numbers;
  std::vector<std::string> types;
};

ColumnVersions VersionsIn(const std::string& versions) {
  ColumnVersions columns;
  for (std::size_t at = 0; at < versions.size();) {
    const std::size_t end = std::min(versions.find(' ', at), versions.size());
    const std::size_t type = versions.find(':', at) + 1;
    columns.numbers.push_back(versions.substr(at, type - 1 - at));
    columns.types.push_back(versions.substr(type, versions.find(':', type) - type));
    at = end + 1;
  }
  return columns;
}

// Of the same the types and collations that are not the server's own.
std::set<std::string> TypesIn(const std::string& versions) {
  std::set<std::string> types;
  std::istringstream columns(versions);
  for (std::string column; columns >> column;) {
    const std::size_t type = column.find(':') + 1;
    const std::size_t collation = column.rfind(':') + 1;
    for (const std::string& oid : {column.substr(type, column.find(':', type) - type), column.substr(collation)}) {
      if (std::stoll(oid) >= kFirstUserOid) types.insert(oid);
    }
  }
  return types;
}

Session::Prepared TouchedQuery() {
  static const std::string sql = fmt::format(fmt::runtime(kTouched), kDescribed);
  return {"migproof_touched", sql, {}};
}

}  // namespace

RowWatch::RowWatch(Session& session, std::vector<std::string> leave_out)
    : session_(session), leave_out_(std::move(leave_out)) {}

void RowWatch::Begin() {
  traces_.clear();
  session_.Execute("BEGIN");
  catalogs_at_start_.clear();
  tables_at_start_.clear();
  base_ = {};
  NoteQuestion();
  catalogs_at_start_ = CatalogCounters(Ask());
  base_ = ListAll(std::vector<std::int64_t>(catalogs_at_start_.size(), 0));
  for (auto& [name, known] : base_.tables) {
    tables_at_start_.push_back(known.count);
    known.count = 0;
  }
  ReadChanged(base_, {});
  for (auto& [name, known] : base_.tables) known.empty = false;  // it may not stay so
  session_.Execute("ROLLBACK");
  if (session_.major_version() >= 15) session_.Execute("SELECT pg_catalog.pg_stat_force_next_flush()");
  wanted_.clear();
  returning_.clear();
  NoteQuestion();
  NoteSequences();
  now_ = base_;
}

void RowWatch::NoteQuestion() {
  std::string tables = kCatalogOids;
  for (const auto& [name, known] : base_.tables) tables += "," + known.oid;
  std::string sequences;
  for (const auto& [oid, sequence] : base_.sequences) sequences += (sequences.empty() ? "" : ",") + oid;
  question_ = {"migproof_row_counters", kRowCounters, {"{" + tables + "}", "{" + sequences + "}"}};
}

void RowWatch::NoteSequences() {
  std::vector<std::string> oids;
  std::vector<std::string> taken;
  std::vector<std::string> next;
  for (const auto& [oid, sequence] : base_.sequences) {
    const SequenceState& state = base_.snapshot->sequences.at(sequence.name);
    oids.push_back(oid);
    taken.push_back(state.is_called ? std::to_string(state.last_value) : "NULL");
    next.push_back(std::to_string(state.last_value));
  }
  const auto array = [](const auto& parts) { return fmt::format("{{{}}}", fmt::join(parts, ",")); };
  set_back_ = {"migproof_set_back", kSetBack, {array(oids), array(taken), array(next)}};
}

void RowWatch::Start() {
  catalogs_at_start_.clear();
  tables_at_start_.clear();
  now_ = base_;
  const Rows counters = session_.QueryAll({BeginQuery(), question_})[1];
  catalogs_at_start_ = CatalogCounters(counters);
  for (int i = 0; i < static_cast<int>(base_.tables.size()); ++i) {
    tables_at_start_.push_back(counters.GetInt(kCatalogs + i, 1));
  }
}

std::vector<Session::Prepared> RowWatch::Opening() {
  if (session_.requests() != at_zero_) {
    Start();
    return {};
  }
  catalogs_at_start_.assign(kCatalogs, 0);
  tables_at_start_.assign(base_.tables.size(), 0);
  now_ = base_;
  return {BeginQuery()};
}

void RowWatch::Told(Rows counters) {
  told_ = std::move(counters);
  told_at_ = session_.requests();
}

Rows RowWatch::Ask() {
  const std::optional<Rows> told = std::exchange(told_, std::nullopt);
  return told && told_at_ == session_.requests() ? *told : session_.QueryAll({question_}).front();
}

bool RowWatch::Want(const std::set<std::string>& tables) {
  bool more = false;
  for (const std::string& name : tables) {
    const auto found = base_.tables.find(name);
    if (found == base_.tables.end() || !wanted_.insert(name).second) continue;
    more = true;
    if (found->second.shape->returns) returning_[name] = found->second.shape->columns;
  }
  return more;
}

KeptInserts::Types RowWatch::InsertTypes() const {
  KeptInserts::Types types;
  for (const auto& [name, known] : base_.tables) {
    if (!known.shape->returns) continue;
    const std::vector<std::string> of_columns = VersionsIn(known.shape->versions).types;
    for (std::size_t i = 0; i < of_columns.size(); ++i) types[name][known.rows->columns.at(i)] = of_columns[i];
  }
  return types;
}

void RowWatch::Inserted(const Dataset& rows, std::map<std::string, std::vector<std::vector<Cell>>> stored) {
  std::map<std::string, std::int64_t> counts;
  for (const DatasetTable& table : rows.tables) counts[table.table] += static_cast<std::int64_t>(table.rows.size());
  for (const auto& [name, count] : counts) {
    const auto found = now_.tables.find(name);
    const auto told = stored.find(name);
    if (found == now_.tables.end() || (wanted_.contains(name) && told == stored.end())) continue;
    Known& known = found->second;
    TableRows all = *known.rows;
    all.count += count;
    if (told == stored.end()) {
      all.rows.clear();
      all.checksum.clear();
      all.unread = name;
    } else if (!all.checksum.empty() || all.count > kMaximumRows) {
      continue;
    } else {
      std::move(told->second.begin(), told->second.end(), std::back_inserter(all.rows));
      std::sort(all.rows.begin(), all.rows.end());
    }
    known.count = told == stored.end() ? count : static_cast<std::int64_t>(told->second.size());
    known.rows = std::make_shared<const TableRows>(std::move(all));
  }
  fresh_ = true;
}

std::shared_ptr<const RowSnapshot> RowWatch::Look(const std::string& way) {
  State now = Now(way);
  ReadChanged(now, now_);
  now_ = std::move(now);
  fresh_ = false;
  return now_.snapshot;
}

void RowWatch::Rewind() {
  std::vector<Session::Prepared> queries = {{"", "ROLLBACK", {}}};
  if (!base_.sequences.empty()) queries.push_back(set_back_);
  // Counters still pending when a transaction begins may be flushed within it, on a slow machine: counts begin at zero.
  if (session_.major_version() >= 15) {
    queries.push_back({"migproof_flush_counters", "SELECT pg_catalog.pg_stat_force_next_flush()", {}});
  }
  session_.QueryAll(queries);
  if (session_.major_version() >= 15) at_zero_ = session_.requests();
  now_ = base_;
  fresh_ = false;
}

bool RowWatch::saw_ddl() const {
  return std::any_of(now_.catalogs.begin(), now_.catalogs.end(), [](std::int64_t changed) { return changed != 0; });
}

std::vector<std::int64_t> RowWatch::CatalogCounters(const Rows& told) const {
  std::vector<std::int64_t> counters;
  for (int i = 0; i < kCatalogs; ++i) {
    const auto at = static_cast<std::size_t>(i);
    counters.push_back(told.GetInt(i, 1) - (at < catalogs_at_start_.size() ? catalogs_at_start_[at] : 0));
  }
  return counters;
}

// Of any table that there is now.
std::int64_t RowWatch::SinceStart(const std::string& oid, std::int64_t count) const {
  const auto found = std::ranges::find_if(base_.tables, [&](const auto& table) { return table.second.oid == oid; });
  const auto at = static_cast<std::size_t>(std::distance(base_.tables.begin(), found));
  return at < tables_at_start_.size() ? count - tables_at_start_[at] : count;
}

// Adds the table that a row of kDescribed speaks of, behind its oid.
void RowWatch::Take(State& state, const Rows& described, int row) const {
  const std::string name(described.Get(row, 2));
  if (std::find(leave_out_.begin(), leave_out_.end(), name) != leave_out_.end()) return;
  Known known;
  known.oid = described.Get(row, 0);
  // Another label of an enum is another text of values that nobody touched.
  known.signature = fmt::format("{} {}", described.Get(row, 3), state.catalogs[kEnumCatalog]);
  known.count = SinceStart(known.oid, described.GetInt(row, 4));
  known.empty = described.GetBool(row, 8);
  known.shape = std::make_shared<const Shape>(
      Shape{std::string(described.Get(row, 5)), std::string(described.Get(row, 6)), described.GetBool(row, 7)});
  if (!known.shape->columns.empty()) state.tables[name] = std::move(known);
}

// Everything there is, from the catalogs, without the rows.
RowWatch::State RowWatch::ListAll(std::vector<std::int64_t> catalogs) {
  State state;
  state.catalogs = std::move(catalogs);
  const std::vector<Rows> listed = session_.QueryAll({AllTablesQuery(), SequencesQuery()});
  for (int row = 0; row < listed[0].size(); ++row) Take(state, listed[0], row);
  for (int row = 0; row < listed[1].size(); ++row) {
    state.sequences[std::string(listed[1].Get(row, 4))] = {std::string(listed[1].Get(row, 0)),
                                                           {listed[1].GetInt(row, 2), false, listed[1].GetInt(row, 3)}};
  }
  auto snapshot = std::make_shared<RowSnapshot>();
  snapshot->sequences = TakeSequences(listed[1]);
  state.snapshot = std::move(snapshot);
  return state;
}

// The states of the base's sequences, from what the server says behind the counters; where no value was taken, as at
// the last look.
std::map<std::string, SequenceState> RowWatch::Values(const Rows& told) const {
  std::map<std::string, SequenceState> states;
  for (int row = kCatalogs + static_cast<int>(base_.tables.size()); row < told.size(); ++row) {
    const auto found = base_.sequences.find(std::string(told.Get(row, 0)));
    if (found == base_.sequences.end()) continue;
    const auto known = now_.snapshot->sequences.find(found->second.name);
    SequenceState state = known == now_.snapshot->sequences.end() ? found->second.unused : known->second;
    if (!told.IsNull(row, 1)) {
      state.is_called = true;
      state.last_value = told.GetInt(row, 1);
    }
    states[found->second.name] = state;
  }
  return states;
}

// Whether a sequence of which a value was taken at the last look says that none was: setval() put it anywhere.
bool RowWatch::AnyCalledNoMore(const Rows& told) const {
  for (int row = kCatalogs + static_cast<int>(base_.tables.size()); row < told.size(); ++row) {
    if (!told.IsNull(row, 1)) continue;
    const auto found = base_.sequences.find(std::string(told.Get(row, 0)));
    if (found == base_.sequences.end()) continue;
    const auto known = now_.snapshot->sequences.find(found->second.name);
    if (known != now_.snapshot->sequences.end() && known->second.is_called) return true;
  }
  return false;
}

// What there is now, without the rows: the base, but for what this transaction touched.
RowWatch::State RowWatch::Now(const std::string& way) {
  const Rows told = Ask();
  State now;
  now.catalogs = CatalogCounters(told);
  if (now.catalogs[kNamespaceCatalog] != 0 || AnyCalledNoMore(told)) return ListAll(now.catalogs);
  now.tables = base_.tables;
  std::size_t at = 0;
  for (auto& [name, known] : now.tables) {
    known.count = told.GetInt(kCatalogs + static_cast<int>(at), 1) - tables_at_start_[at];
    ++at;
    if (now.catalogs[kEnumCatalog] != 0) {
      known.signature =
          known.signature.substr(0, known.signature.find(' ')) + fmt::format(" {}", now.catalogs[kEnumCatalog]);
    }
  }
  // Other columns, another name or storage, a relation that comes or goes: all stand there.
  const bool ddl = now.catalogs[kClassCatalog] != 0 || now.catalogs[kAttributeCatalog] != 0;
  if (ddl && !Recall(now, way)) {
    const Rows touched = session_.QueryAll({TouchedQuery()}).front();
    if (!Touch(now, touched)) return ListAll(now.catalogs);
    if (!way.empty()) Remember(now, way);
  }
  auto snapshot = std::make_shared<RowSnapshot>();
  snapshot->sequences = Values(told);
  now.snapshot = std::move(snapshot);
  return now;
}

// Takes what is said of the relations touched into `state`; false where all must be listed.
bool RowWatch::Touch(State& state, const Rows& touched) const {
  std::map<std::string, std::string> names;  // of the base's tables, by oid
  for (const auto& [name, known] : base_.tables) names[known.oid] = name;
  for (int row = 0; row < touched.size(); ++row) {
    const std::string oid(touched.Get(row, 0));
    if (touched.GetInt(row, 0) < kFirstUserOid || base_.sequences.contains(oid)) return false;
    if (!touched.IsNull(row, 1) && touched.Get(row, 1) == "S") return false;
    if (const auto found = names.find(oid); found != names.end()) state.tables.erase(found->second);
  }
  for (int row = 0; row < touched.size(); ++row) {
    if (!touched.IsNull(row, 1)) Take(state, touched, row);
  }
  return true;
}

// Whether the way is known and the server counts the same changes: then its tables are as they were the first time.
bool RowWatch::Recall(State& state, const std::string& way) const {
  const auto trace = traces_.find(way);
  if (trace == traces_.end() || trace->second.catalogs != state.catalogs) return false;
  for (const auto& [name, altered] : trace->second.tables) {
    Known& known = state.tables.at(name);
    known.shape = altered.shape;
    // Which storage is not known, but not the base's, nor that of another way.
    if (altered.moved) known.signature = fmt::format("{} {}", way, state.catalogs[kEnumCatalog]);
  }
  return true;
}

// Keeps what the way did where it altered tables of the base and nothing else that is watched.
void RowWatch::Remember(const State& state, const std::string& way) {
  Trace trace;
  trace.catalogs = state.catalogs;
  std::set<std::string> types;
  for (const auto& [name, known] : base_.tables) types.merge(TypesIn(known.shape->versions));
  const auto storage = [](const Known& known) { return known.signature.substr(0, known.signature.find(' ')); };
  for (const auto& [name, known] : base_.tables) {
    const auto now = state.tables.find(name);
    if (now == state.tables.end() || now->second.oid != known.oid) return;
    const bool moved = storage(now->second) != storage(known);
    if (!moved && *now->second.shape == *known.shape) continue;
    for (const std::string& type : TypesIn(now->second.shape->versions)) {
      if (!types.contains(type)) return;  // it may have come on the way, with another oid each time
    }
    trace.tables[name] = {now->second.shape, moved};
  }
  if (state.tables.size() == base_.tables.size()) traces_[way] = std::move(trace);
}

// The same query text gives another result where a column has another type: each such query has a name of its own.
std::string RowWatch::QueryName(const std::string& name, const Known& known) {
  const auto number = queries_.size();
  return fmt::format("migproof_rows_{}",
                     queries_.try_emplace({name, known.shape->columns, known.shape->versions}, number).first->second);
}

// Fills in the rows: those of `before` where nothing was done to the table since, the rest from the database.
void RowWatch::ReadChanged(State& now, const State& before) {
  std::vector<TableRead> wanted;
  RowsWanted unread;  // what they were can't be known any more
  for (const auto& [name, known] : before.tables) {
    if (!known.rows->unread.empty() && !now.tables.contains(name)) unread.tables.insert(name);
  }
  for (auto& [name, known] : now.tables) {
    const auto found = before.tables.find(name);
    const bool same = found != before.tables.end() && found->second.oid == known.oid &&
                      (found->second.shape == known.shape || *found->second.shape == *known.shape) &&
                      found->second.signature == known.signature && found->second.count == known.count;
    known.rows = same ? found->second.rows : nullptr;
    if (same) continue;
    if (found != before.tables.end() && !fresh_ && !found->second.rows->unread.empty()) unread.tables.insert(name);
    if (known.empty) {
      TableRows none;
      none.columns = SplitAtCommas(known.shape->columns);
      none.oid = known.oid;
      none.numbers = VersionsIn(known.shape->versions).numbers;
      known.rows = std::make_shared<const TableRows>(std::move(none));
      continue;
    }
    wanted.push_back({.table = name,
                      .columns = known.shape->columns,
                      .prepared_as = QueryName(name, known),
                      .oid = known.oid,
                      .numbers = VersionsIn(known.shape->versions).numbers});
  }
  if (!unread.tables.empty()) throw unread;
  std::vector<TableRows> read = ReadTables(session_, wanted);
  for (std::size_t i = 0; i < read.size(); ++i) {
    now.tables.at(wanted[i].table).rows = std::make_shared<const TableRows>(std::move(read[i]));
  }
  auto snapshot = std::make_shared<RowSnapshot>(*now.snapshot);
  for (const auto& [name, known] : now.tables) {
    if (known.rows->count > 0) snapshot->tables.emplace(name, known.rows);
  }
  now.snapshot = std::move(snapshot);
}

}  // namespace migproof
