#include "harness/data/row_watch.h"

#include <fmt/format.h>

#include <algorithm>

namespace migproof {

namespace {

// The catalogs that say what schemas are called, how the values of enums are written, and what relations and columns
// there are.
constexpr const char* kCatalogCounters = R"sql(
SELECT pg_catalog.pg_stat_get_xact_tuples_inserted(c) + pg_catalog.pg_stat_get_xact_tuples_updated(c)
       + pg_catalog.pg_stat_get_xact_tuples_deleted(c)
  FROM unnest('{pg_enum,pg_namespace,pg_class,pg_attribute}'::regclass[]) AS c)sql";
constexpr std::size_t kEnumCatalog = 0;  // its place among them
constexpr std::size_t kNamespaceCatalog = 1;
constexpr std::size_t kClassCatalog = 2;
constexpr std::size_t kAttributeCatalog = 3;

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
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS versions
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

constexpr const char* kTableCounters = R"sql(
SELECT pg_catalog.pg_stat_get_xact_tuples_inserted(c) + pg_catalog.pg_stat_get_xact_tuples_updated(c)
       + pg_catalog.pg_stat_get_xact_tuples_deleted(c)
  FROM unnest($1::oid[]) AS c)sql";

// Of those that are still there: the function fails for others.
constexpr const char* kSequenceValues = R"sql(
SELECT c.oid, pg_catalog.pg_sequence_last_value(c.oid)
  FROM pg_catalog.pg_class c
 WHERE c.oid = ANY ($1::oid[]))sql";

Session::Prepared AllTablesQuery() {
  static const std::string sql = fmt::format(fmt::runtime(kAllTables), kDescribed);
  return {"migproof_all_tables", sql, {}};
}

// Of "1:23:-1:0 2:25:-1:100" the numbers.
std::vector<std::string> NumbersIn(const std::string& versions) {
  std::vector<std::string> numbers;
  for (std::size_t at = 0; at < versions.size();) {
    const std::size_t end = std::min(versions.find(' ', at), versions.size());
    numbers.push_back(versions.substr(at, versions.find(':', at) - at));
    at = end + 1;
  }
  return numbers;
}

Session::Prepared TouchedQuery() {
  static const std::string sql = fmt::format(fmt::runtime(kTouched), kDescribed);
  return {"migproof_touched", sql, {}};
}

}  // namespace

RowWatch::RowWatch(Session& session, std::vector<std::string> leave_out)
    : session_(session), leave_out_(std::move(leave_out)) {}

void RowWatch::Begin() {
  session_.Execute("BEGIN");
  catalogs_at_start_.clear();
  tables_at_start_.clear();
  catalogs_at_start_ = CatalogCounters(session_.QueryPrepared("migproof_catalog_counters", kCatalogCounters));
  base_ = ListAll(std::vector<std::int64_t>(catalogs_at_start_.size(), 0));
  for (auto& [name, known] : base_.tables) {
    tables_at_start_[known.oid] = known.count;
    known.count = 0;
  }
  ReadChanged(base_, {});
  session_.Execute("ROLLBACK");
  if (session_.major_version() >= 15) session_.Execute("SELECT pg_catalog.pg_stat_force_next_flush()");
  table_oids_ = "{";
  for (const auto& [name, known] : base_.tables) table_oids_ += (table_oids_.size() == 1 ? "" : ",") + known.oid;
  table_oids_ += "}";
  sequence_oids_ = "{";
  for (const auto& [oid, sequence] : base_.sequences) sequence_oids_ += (sequence_oids_.size() == 1 ? "" : ",") + oid;
  sequence_oids_ += "}";
  now_ = base_;
}

void RowWatch::Start() {
  catalogs_at_start_.clear();
  tables_at_start_.clear();
  now_ = base_;
  const std::vector<Rows> counters =
      session_.QueryAll({{"migproof_catalog_counters", kCatalogCounters, {}}, CountersQuery()});
  catalogs_at_start_ = CatalogCounters(counters[0]);
  int row = 0;
  for (const auto& [name, known] : base_.tables) tables_at_start_[known.oid] = counters[1].GetInt(row++, 0);
}

std::shared_ptr<const RowSnapshot> RowWatch::Look() {
  State now = Now();
  ReadChanged(now, now_);
  now_ = std::move(now);
  return now_.snapshot;
}

void RowWatch::Rewind() {
  std::string back;
  std::vector<Session::Prepared> queries;
  if (!base_.sequences.empty()) queries.push_back(ValuesQuery());
  // Counters still pending when a transaction begins may be flushed within it, on a slow machine: counts begin at zero.
  if (session_.major_version() >= 15) {
    queries.push_back({"migproof_flush_counters", "SELECT pg_catalog.pg_stat_force_next_flush()", {}});
  }
  const std::vector<Rows> told = queries.empty() ? std::vector<Rows>() : session_.QueryAll(queries);
  const auto sequences =
      base_.sequences.empty() ? std::map<std::string, SequenceState>() : Values(base_.sequences, told.front());
  for (const auto& [name, state] : base_.snapshot->sequences) {
    const auto found = sequences.find(name);
    if (found == sequences.end() || found->second == state) continue;
    back += fmt::format("SELECT pg_catalog.setval({}, {}, {});", session_.QuoteLiteral(name), state.last_value,
                        state.is_called);
  }
  if (!back.empty()) session_.Execute(back);
  now_ = base_;
}

bool RowWatch::saw_ddl() const {
  return std::any_of(now_.catalogs.begin(), now_.catalogs.end(), [](std::int64_t changed) { return changed != 0; });
}

Session::Prepared RowWatch::CountersQuery() const { return {"migproof_table_counters", kTableCounters, {table_oids_}}; }

Session::Prepared RowWatch::ValuesQuery() const {
  return {"migproof_sequence_values", kSequenceValues, {sequence_oids_}};
}

std::vector<std::int64_t> RowWatch::CatalogCounters(const Rows& rows) const {
  std::vector<std::int64_t> counters;
  for (int i = 0; i < rows.size(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    counters.push_back(rows.GetInt(i, 0) - (at < catalogs_at_start_.size() ? catalogs_at_start_[at] : 0));
  }
  return counters;
}

std::int64_t RowWatch::SinceStart(const std::string& oid, std::int64_t count) const {
  const auto found = tables_at_start_.find(oid);
  return found == tables_at_start_.end() ? count : count - found->second;
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
  known.columns = described.Get(row, 5);
  known.versions = described.Get(row, 6);
  if (!known.columns.empty()) state.tables[name] = std::move(known);
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

std::map<std::string, SequenceState> RowWatch::Values(const Sequences& sequences, const Rows& values) const {
  std::map<std::string, SequenceState> states;
  for (int row = 0; row < values.size(); ++row) {
    const auto found = sequences.find(std::string(values.Get(row, 0)));
    if (found == sequences.end()) continue;
    SequenceState state = found->second.unused;
    if (!values.IsNull(row, 1)) {
      state.is_called = true;
      state.last_value = values.GetInt(row, 1);
    }
    states[found->second.name] = state;
  }
  return states;
}

// What there is now, without the rows: the base, but for what this transaction touched.
RowWatch::State RowWatch::Now() {
  std::vector<Session::Prepared> queries = {{"migproof_catalog_counters", kCatalogCounters, {}}, CountersQuery()};
  if (!base_.sequences.empty()) queries.push_back(ValuesQuery());
  const std::vector<Rows> told = session_.QueryAll(queries);
  State now;
  now.catalogs = CatalogCounters(told[0]);
  if (now.catalogs[kNamespaceCatalog] != 0) return ListAll(now.catalogs);
  now.tables = base_.tables;
  int row = 0;
  for (auto& [name, known] : now.tables) {
    known.count = SinceStart(known.oid, told[1].GetInt(row++, 0));
    if (now.catalogs[kEnumCatalog] != 0) {
      known.signature =
          known.signature.substr(0, known.signature.find(' ')) + fmt::format(" {}", now.catalogs[kEnumCatalog]);
    }
  }
  // Other columns, another name or storage, a relation that comes or goes: all stand there.
  const bool ddl = now.catalogs[kClassCatalog] != 0 || now.catalogs[kAttributeCatalog] != 0;
  if (ddl && !Touch(now, session_.QueryAll({TouchedQuery()}).front())) return ListAll(now.catalogs);
  auto snapshot = std::make_shared<RowSnapshot>();
  if (!base_.sequences.empty()) snapshot->sequences = Values(base_.sequences, told[2]);
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

// The same query text gives another result where a column has another type: each such query has a name of its own.
std::string RowWatch::QueryName(const std::string& name, const Known& known) {
  const auto number = queries_.size();
  return fmt::format("migproof_rows_{}",
                     queries_.try_emplace({name, known.columns, known.versions}, number).first->second);
}

// Fills in the rows: those of `before` where nothing was done to the table since, the rest from the database.
void RowWatch::ReadChanged(State& now, const State& before) {
  std::vector<TableRead> wanted;
  for (auto& [name, known] : now.tables) {
    const auto found = before.tables.find(name);
    const bool same = found != before.tables.end() && found->second.oid == known.oid &&
                      found->second.columns == known.columns && found->second.versions == known.versions &&
                      found->second.signature == known.signature && found->second.count == known.count;
    known.rows = same ? found->second.rows : nullptr;
    if (same) continue;
    wanted.push_back({.table = name,
                      .columns = known.columns,
                      .prepared_as = QueryName(name, known),
                      .oid = known.oid,
                      .numbers = NumbersIn(known.versions)});
  }
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
