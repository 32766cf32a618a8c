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

constexpr const char* kTables = R"sql(
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.oid, a.columns, c.relfilenode || ' ' || a.versions,
       pg_catalog.pg_stat_get_xact_tuples_inserted(c.oid) + pg_catalog.pg_stat_get_xact_tuples_updated(c.oid)
       + pg_catalog.pg_stat_get_xact_tuples_deleted(c.oid)
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN (SELECT attrelid, string_agg(quote_ident(attname), ', ' ORDER BY attname COLLATE "C") AS columns,
               string_agg(attnum || ':' || atttypid || ':' || atttypmod, ' ' ORDER BY attname COLLATE "C") AS versions
          FROM pg_catalog.pg_attribute
         WHERE attrelid >= 16384 AND attnum > 0 AND NOT attisdropped GROUP BY attrelid) AS a ON a.attrelid = c.oid
 WHERE c.oid >= 16384 AND c.relkind = 'r' AND c.relpersistence <> 't'
   AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_')sql";

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
  catalogs_at_start_ = CatalogCounters();
  tables_at_start_.clear();
  for (auto& [name, known] : Listed({})) tables_at_start_[known.oid] = known.count;
  ReadInto(now_);
  session_.Execute("ROLLBACK");
  base_ = now_;
}

void RowWatch::Start() {
  catalogs_at_start_ = CatalogCounters();
  tables_at_start_.clear();
  now_ = base_;
  for (auto& [name, known] : Counted(base_)) tables_at_start_[known.oid] = known.count;
}

std::shared_ptr<const RowSnapshot> RowWatch::Look() {
  ReadInto(now_);
  return now_.snapshot;
}

void RowWatch::Rewind() {
  std::string back;
  const auto sequences = ReadSequenceStates(session_);
  for (const auto& [name, state] : base_.snapshot->sequences) {
    const auto found = sequences.find(name);
    if (found == sequences.end() || found->second == state) continue;
    back += fmt::format("SELECT pg_catalog.setval({}, {}, {});", session_.QuoteLiteral(name), state.last_value,
                        state.is_called);
  }
  if (!back.empty()) session_.Execute(back);
  now_ = base_;
}

std::vector<std::int64_t> RowWatch::CatalogCounters() {
  std::vector<std::int64_t> counters;
  const Rows rows = session_.QueryPrepared("migproof_catalog_counters", kCatalogCounters);
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

// The tables there are, from the catalogs.
std::map<std::string, RowWatch::Known> RowWatch::Listed(const State& state) {
  std::map<std::string, Known> tables;
  const Rows listed = session_.QueryPrepared("migproof_watched_tables", kTables);
  for (int i = 0; i < listed.size(); ++i) {
    const std::string name(listed.Get(i, 0));
    if (std::find(leave_out_.begin(), leave_out_.end(), name) != leave_out_.end()) continue;
    Known known{std::string(listed.Get(i, 1)), std::string(listed.Get(i, 2)), std::string(listed.Get(i, 3)), 0,
                nullptr};
    known.count = SinceStart(known.oid, listed.GetInt(i, 4));
    // Another label of an enum is another text of values that nobody touched.
    if (!state.catalogs.empty()) known.signature += fmt::format(" {}", state.catalogs[kEnumCatalog]);
    tables.emplace(name, std::move(known));
  }
  return tables;
}

// The tables of `state`, which are still those there are, with their counters now.
std::map<std::string, RowWatch::Known> RowWatch::Counted(const State& state) {
  std::map<std::string, Known> tables = state.tables;
  std::string oids;
  for (const auto& [name, known] : tables) oids += (oids.empty() ? "{" : ",") + known.oid;
  if (oids.empty()) return tables;
  const Rows counted = session_.QueryPrepared("migproof_table_counters", kTableCounters, {oids + "}"});
  int row = 0;
  for (auto& [name, known] : tables) {
    known.count = SinceStart(known.oid, counted.GetInt(row++, 0));
    known.rows = nullptr;
  }
  return tables;
}

void RowWatch::ReadInto(State& state) {
  State next;
  next.catalogs = CatalogCounters();
  next.tables = next.catalogs == state.catalogs ? Counted(state) : Listed(next);
  std::vector<std::pair<std::string, std::string>> wanted;
  for (auto& [name, known] : next.tables) {
    const auto before = state.tables.find(name);
    const bool same = before != state.tables.end() && before->second.oid == known.oid &&
                      before->second.columns == known.columns && before->second.signature == known.signature &&
                      before->second.count == known.count;
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
  snapshot->sequences = ReadSequenceStates(session_);
  next.snapshot = std::move(snapshot);
  state = std::move(next);
}

}  // namespace migproof
