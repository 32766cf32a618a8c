#include "harness/data/row_watch.h"

#include <fmt/format.h>

#include <algorithm>

namespace migproof {

namespace {

// The catalogs that say which tables there are, how they look and how their values are written.
constexpr const char* kCatalogCounters = R"sql(
SELECT pg_catalog.pg_stat_get_xact_tuples_inserted(c) + pg_catalog.pg_stat_get_xact_tuples_updated(c)
       + pg_catalog.pg_stat_get_xact_tuples_deleted(c)
  FROM unnest('{pg_enum,pg_class,pg_attribute,pg_type,pg_namespace}'::regclass[]) AS c)sql";
constexpr std::size_t kEnumCatalog = 0;  // its place among them

constexpr std::size_t kAttributeCatalog = 2;

constexpr const char* kTables = R"sql(
SELECT concat_ws('.', quote_ident(n.nspname), quote_ident(c.relname)), c.oid, c.relfilenode,
       pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) + pg_catalog.pg_stat_get_xact_tuples_updated(c.oid)
       + pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid >= 16384 AND c.relkind = 'r' AND c.relpersistence <> 't'
   AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_')sql";

constexpr const char* kColumns = R"sql(
SELECT attrelid, quote_ident(attname), attnum || ':' || atttypid || ':' || atttypmod
  FROM pg_catalog.pg_attribute
 WHERE attrelid = ANY ($1::oid[]) AND attnum > 0 AND NOT attisdropped)sql";

constexpr const char* kTableCounters = R"sql(
SELECT pg_catalog.pg_stat_get_xact_tuples_inserted(c) + pg_catalog.pg_stat_get_xact_tuples_updated(c)
       + pg_catalog.pg_stat_get_xact_tuples_deleted(c)
  FROM unnest($1::oid[]) AS c)sql";

}  // namespace

RowWatch::RowWatch(Session& session, std::vector<std::string> leave_out)
    : session_(session), leave_out_(std::move(leave_out)) {}

void RowWatch::Begin() {
  now_ = {};
  session_.Execute("BEGIN");
  catalogs_at_start_.clear();
  tables_at_start_.clear();
  catalogs_at_start_ = CatalogCounters(session_.QueryPrepared("migproof_catalog_counters", kCatalogCounters));
  for (auto& [name, known] : Listed({}, catalogs_at_start_)) tables_at_start_[known.oid] = known.count;
  ReadInto(now_);
  session_.Execute("ROLLBACK");
  if (session_.major_version() >= 15) session_.Execute("SELECT pg_catalog.pg_stat_force_next_flush()");
  base_ = now_;
}

void RowWatch::Start() {
  catalogs_at_start_.clear();
  tables_at_start_.clear();
  now_ = base_;
  const std::vector<Rows> counters = session_.QueryAll({{"migproof_catalog_counters", kCatalogCounters, {}},
                                                        {"migproof_table_counters", kTableCounters, {OidsOf(base_)}}});
  catalogs_at_start_ = CatalogCounters(counters[0]);
  for (auto& [name, known] : Counted(base_, counters[1])) tables_at_start_[known.oid] = known.count;
}

std::shared_ptr<const RowSnapshot> RowWatch::Look() {
  ReadInto(now_);
  return now_.snapshot;
}

void RowWatch::Rewind() {
  std::string back;
  std::vector<Session::Prepared> queries = {SequencesQuery()};
  // Counters still pending when a transaction begins may be flushed within it, on a slow machine: counts begin at zero.
  if (session_.major_version() >= 15) {
    queries.push_back({"migproof_flush_counters", "SELECT pg_catalog.pg_stat_force_next_flush()", {}});
  }
  const auto sequences = TakeSequences(session_.QueryAll(queries).front());
  for (const auto& [name, state] : base_.snapshot->sequences) {
    const auto found = sequences.find(name);
    if (found == sequences.end() || found->second == state) continue;
    back += fmt::format("SELECT pg_catalog.setval({}, {}, {});", session_.QuoteLiteral(name), state.last_value,
                        state.is_called);
  }
  if (!back.empty()) session_.Execute(back);
  now_ = base_;
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

// The tables there are, from the catalogs. Where no column was touched since `state`, its columns are those still.
std::map<std::string, RowWatch::Known> RowWatch::Listed(const State& state, const std::vector<std::int64_t>& catalogs) {
  std::map<std::string, Known> tables;
  const Rows listed = session_.QueryPrepared("migproof_watched_tables", kTables);
  const bool same_columns = !state.catalogs.empty() && state.catalogs[kAttributeCatalog] == catalogs[kAttributeCatalog];
  std::map<std::string, const Known*> known_columns;
  if (same_columns) {
    for (const auto& [name, known] : state.tables) known_columns[known.oid] = &known;
  }
  std::map<std::string, Known*> wanted;
  for (int i = 0; i < listed.size(); ++i) {
    const std::string name(listed.Get(i, 0));
    if (std::find(leave_out_.begin(), leave_out_.end(), name) != leave_out_.end()) continue;
    Known& known = tables[name];
    known.oid = listed.Get(i, 1);
    // Another label of an enum is another text of values that nobody touched.
    known.signature = fmt::format("{} {}", listed.Get(i, 2), catalogs[kEnumCatalog]);
    known.count = SinceStart(known.oid, listed.GetInt(i, 3));
    const auto found = known_columns.find(known.oid);
    if (found == known_columns.end()) {
      wanted[known.oid] = &known;
    } else {
      known.columns = found->second->columns;
      known.versions = found->second->versions;
    }
  }
  ReadColumns(wanted);
  std::erase_if(tables, [](const auto& entry) { return entry.second.columns.empty(); });  // a table without columns
  return tables;
}

// Fills in columns and their versions, by oid.
void RowWatch::ReadColumns(const std::map<std::string, Known*>& wanted) {
  if (wanted.empty()) return;
  std::string oids;
  for (const auto& [oid, known] : wanted) oids += (oids.empty() ? "{" : ",") + oid;
  const Rows rows = session_.QueryPrepared("migproof_watched_columns", kColumns, {oids + "}"});
  std::map<std::string_view, std::map<std::string_view, std::string_view>> by_table;  // by oid, then by name
  for (int i = 0; i < rows.size(); ++i) by_table[rows.Get(i, 0)][rows.Get(i, 1)] = rows.Get(i, 2);
  for (const auto& [oid, known] : wanted) {
    for (const auto& [column, version] : by_table[oid]) {
      known->columns += fmt::format("{}{}", known->columns.empty() ? "" : ", ", column);
      known->versions += fmt::format("{} ", version);
    }
  }
}

// The oids of the tables of `state`, in the order of their names, as an array.
std::string RowWatch::OidsOf(const State& state) {
  std::string oids = "{";
  for (const auto& [name, known] : state.tables) oids += (oids.size() == 1 ? "" : ",") + known.oid;
  return oids + "}";
}

// The tables of `state`, which are still those there are, with their counters now.
std::map<std::string, RowWatch::Known> RowWatch::Counted(const State& state, const Rows& counters) const {
  std::map<std::string, Known> tables = state.tables;
  int row = 0;
  for (auto& [name, known] : tables) {
    known.count = SinceStart(known.oid, counters.GetInt(row++, 0));
    known.rows = nullptr;
  }
  return tables;
}

void RowWatch::ReadInto(State& state) {
  State next;
  const std::vector<Rows> told = session_.QueryAll({{"migproof_catalog_counters", kCatalogCounters, {}},
                                                    {"migproof_table_counters", kTableCounters, {OidsOf(state)}},
                                                    SequencesQuery()});
  next.catalogs = CatalogCounters(told[0]);
  next.tables = next.catalogs == state.catalogs ? Counted(state, told[1]) : Listed(state, next.catalogs);
  std::vector<std::pair<std::string, std::string>> wanted;
  for (auto& [name, known] : next.tables) {
    const auto before = state.tables.find(name);
    const bool same = before != state.tables.end() && before->second.oid == known.oid &&
                      before->second.columns == known.columns && before->second.versions == known.versions &&
                      before->second.signature == known.signature && before->second.count == known.count;
    if (same) {
      known.rows = before->second.rows;
    } else {
      wanted.emplace_back(name, known.columns);
    }
  }
  std::vector<TableRows> read = ReadTables(session_, wanted);
  for (std::size_t i = 0; i < read.size(); ++i) {
    next.tables.at(wanted[i].first).rows = std::make_shared<const TableRows>(std::move(read[i]));
  }
  auto snapshot = std::make_shared<RowSnapshot>();
  for (const auto& [name, known] : next.tables) {
    if (known.rows->count > 0) snapshot->tables.emplace(name, *known.rows);
  }
  snapshot->sequences = TakeSequences(told[2]);
  next.snapshot = std::move(snapshot);
  state = std::move(next);
}

}  // namespace migproof
