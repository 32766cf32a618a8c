#include "harness/catalog/watch.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "harness/catalog/text_array.h"

namespace migproof {

namespace {

// Counters of a session are at hand at once from 15 on; before, a process of its own gathers them when it comes to it.
constexpr int kCountersSince = 15;

constexpr const char* kCounting = " counting";

constexpr const char* kAttributes = "pg_attribute";

// In the same order as the array of oids, rows changed in any way and rows deleted; then when they were last reset, and
// the oldest transaction that may not have ended.
constexpr const char* kCounters = R"sql(
SELECT (pg_stat_get_tuples_inserted(o) + pg_stat_get_tuples_updated(o) + pg_stat_get_xact_tuples_inserted(o)
        + pg_stat_get_xact_tuples_updated(o) + d)::text, d::text
  FROM (SELECT o, pg_stat_get_tuples_deleted(o) + pg_stat_get_xact_tuples_deleted(o) AS d
          FROM unnest('{}'::oid[]) AS o OFFSET 0) AS o
UNION ALL
SELECT coalesce(pg_stat_get_db_stat_reset_time((SELECT d.oid FROM pg_database AS d
                                                 WHERE d.datname = current_database()))::text, '')
       || CASE current_setting('track_counts') WHEN 'on' THEN ' counting' ELSE '' END,
       pg_snapshot_xmin(pg_current_snapshot())::xid::text)sql";

// Sessions beside this one.
constexpr const char* kOtherSessions = R"sql(
SELECT FROM pg_stat_get_activity(NULL) AS s
 WHERE s.datid = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
   AND s.pid <> pg_backend_pid())sql";

// The oids of which the two say different things, those in one only too.
template <typename Part>
std::set<Oid> Different(const std::map<Oid, Part>& was, const std::map<Oid, Part>& is) {
  std::set<Oid> different;
  auto before = was.begin();
  auto after = is.begin();
  while (before != was.end() || after != is.end()) {
    if (after == is.end() || (before != was.end() && before->first < after->first)) {
      different.insert(different.end(), (before++)->first);
    } else if (before == was.end() || after->first < before->first) {
      different.insert(different.end(), (after++)->first);
    } else {
      if (before->second != after->second) different.insert(different.end(), before->first);
      ++before;
      ++after;
    }
  }
  return different;
}

// The names of system catalogs and views in SQL text.
std::set<std::string> CatalogsNamed(std::string_view sql) {
  std::set<std::string> names;
  const auto is_word = [](char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  for (std::size_t at = 0; at < sql.size();) {
    if (!is_word(sql[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < sql.size() && is_word(sql[end])) ++end;
    const std::string_view word = sql.substr(at, end - at);
    if (word.starts_with("pg_") && word.size() > 3 && (end == sql.size() || sql[end] != '(')) names.emplace(word);
    at = end;
  }
  return names;
}

}  // namespace

Oid ToOid(std::string_view text) {
  Oid oid = 0;
  std::from_chars(text.data(), text.data() + text.size(), oid);
  return oid;
}

std::uint64_t ToNumber(std::string_view digits) {
  const bool negative = digits.starts_with('-');
  if (negative) digits.remove_prefix(1);
  std::uint64_t number = 0;
  for (const char digit : digits) number = number * 10 + static_cast<std::uint64_t>(digit - '0');
  return negative ? 0 - number : number;
}

std::string OidArray(const std::set<Oid>& oids) { return fmt::format("{{{}}}", fmt::join(oids, ",")); }

void CatalogWatch::Prepare() {
  if (!layout_.tables.empty()) return;
  const Rows rows = session_.Query("SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user");
  layout_.superuser = !rows.empty() && rows.GetBool(0, 0);
  layout_.tables = CatalogTables(session_.major_version(), layout_.superuser);
  seen_.parts.resize(layout_.tables.size());
  layout_.counted.resize(layout_.tables.size());
  for (std::size_t i = 0; i < layout_.tables.size(); ++i) {
    layout_.numbers.emplace(layout_.tables[i].name, i);
    layout_.all.insert(i);
    if (!ByRelation(i)) layout_.small.insert(i);
  }
  if (options_.alone && session_.major_version() >= kCountersSince) PrepareCounters();
}

// Views are not counted.
void CatalogWatch::PrepareCounters() {
  std::map<std::string, std::size_t> counters;
  std::set<Oid> oids;
  std::set<std::size_t> of_server;
  const Rows plain = session_.Query(
      "SELECT oid, relname, relisshared FROM pg_catalog.pg_class WHERE relnamespace = 'pg_catalog'::regnamespace "
      "AND relkind = 'r' ORDER BY oid");
  std::set<std::string> wanted;
  for (const CatalogTable& table : layout_.tables) wanted.merge(CatalogsNamed(table.rows));
  for (int i = 0; i < plain.size(); ++i) {
    const std::string name(plain.Get(i, 1));
    if (!wanted.contains(name)) continue;
    if (plain.GetBool(i, 2)) of_server.insert(counters.size());
    counters.emplace(name, counters.size());
    oids.insert(ToOid(plain.Get(i, 0)));
  }
  for (std::size_t i = 0; i < layout_.tables.size(); ++i) {
    for (const std::string& name : CatalogsNamed(layout_.tables[i].rows)) {
      const auto counter = counters.find(name);
      if (counter == counters.end()) {
        layout_.uncounted.insert(i);
        continue;
      }
      layout_.counted[i].insert(counter->second);
      if (of_server.contains(counter->second)) layout_.shared.insert(i);
    }
    if (layout_.uncounted.contains(i)) layout_.counted[i].clear();
  }
  layout_.shared.insert(layout_.uncounted.begin(), layout_.uncounted.end());
  layout_.counters_sql = fmt::format(kCounters, OidArray(oids));
}

Session::Prepared CatalogWatch::Named(const std::string& name, std::string sql,
                                      std::vector<std::optional<std::string>> parameters) const {
  return {fmt::format("migproof_{}_{}", generation_, name), std::move(sql), std::move(parameters)};
}

Session::Prepared CatalogWatch::HashesQuery(std::size_t table) const {
  return Named("hashes_" + layout_.tables[table].name,
               RelationTokenSql(layout_.tables[table], session_.major_version()));
}

Session::Prepared CatalogWatch::HashesSinceQuery(std::size_t table) const {
  return Named("hashes_since_" + layout_.tables[table].name,
               RelationTokenSinceSql(layout_.tables[table], session_.major_version()), {horizon_});
}

Session::Prepared CatalogWatch::TokenQuery(const std::string& name, const std::set<std::size_t>& of) const {
  return Named("token_" + name, TokenSql(layout_.tables, of, session_.major_version()));
}

std::vector<Session::Prepared> CatalogWatch::FirstQueries() const {
  std::vector<Session::Prepared> queries{Named("counters", layout_.counters_sql)};
  if (!layout_.uncounted.empty()) queries.push_back(TokenQuery("uncounted", layout_.uncounted));
  return queries;
}

// Queries are prepared inside the scope, where names mean what they should: the first time they come later.
ReadScope CatalogWatch::Open() {
  if (layout_.counters_sql.empty() || opened_ != generation_) return ReadScope(session_);
  return ReadScope(session_, generation_, FirstQueries());
}

void CatalogWatch::Close() { undone_ = session_.undone(); }

std::optional<CatalogWatch::Memory> CatalogWatch::Remember() const {
  if (!known_ || inside_ || layout_.counters_sql.empty()) return std::nullopt;
  return Memory{layout_, seen_};
}

void CatalogWatch::Begin(const Memory& memory) {
  layout_ = memory.layout;
  seen_ = memory.seen;
  begins_ = true;
}

// The first look of a watch that has begun with what another one saw.
CatalogChange CatalogWatch::LookBeyond(const Counters& now) {
  CatalogChange change;
  known_ = true;
  TakeTokens(session_.QueryAll({TokenQuery("shared", layout_.shared)}).front(), layout_.shared, change);
  std::vector<std::size_t> suspects = Suspects(now, Counters(now.size(), "0"));
  std::erase_if(suspects, [&](std::size_t table) { return layout_.shared.contains(table); });
  LookAtTables(suspects, {}, change);
  return change;
}

void CatalogWatch::Forget() {
  known_ = false;
  begins_ = false;
  counters_.clear();
  deletions_.clear();
  horizon_.clear();
  floor_.clear();
}

CatalogChange CatalogWatch::Look(const ReadScope& scope) {
  Prepare();
  // Before the counters are asked: what another session did they tell when it has ended.
  const bool begins =
      std::exchange(begins_, false) && session_.QueryAll({Named("others", kOtherSessions)}).front().empty();
  std::vector<Rows> first = scope.results();
  if (first.empty() && !layout_.counters_sql.empty()) {
    first = session_.QueryAll(FirstQueries());
    opened_ = generation_;
  }
  Counters now;
  Counters deletions;
  for (int i = 0; !first.empty() && i < first[0].size(); ++i) {
    now.emplace_back(first[0].Get(i, 0));
    deletions.emplace_back(first[0].Get(i, 1));
  }
  CatalogChange change;
  const Counters* base = TrustedCounters(now);
  if (begins && now.back() == kCounting) {
    change = LookBeyond(now);
  } else if (!known_) {
    change.everything = true;
  } else if (base != nullptr) {
    if (!layout_.uncounted.empty()) TakeTokens(first[1], layout_.uncounted, change);
    const std::vector<std::size_t> suspects = Suspects(now, *base);
    // Rows whose deletion was undone are old ones.
    const bool undone = base != &counters_;
    LookAtTables(suspects, undone ? std::set<std::size_t>() : OnlyWritten(suspects, deletions), change);
  } else {
    TakeTokens(session_.QueryAll({TokenQuery("all", layout_.all)}).front(), layout_.all, change);
    std::vector<std::size_t> changed;
    for (const std::string& table : change.tables) {
      if (ByRelation(layout_.numbers.at(table))) changed.push_back(layout_.numbers.at(table));
    }
    LookAtTables(changed, {}, change);
  }
  if (change.everything) change = LookAtAll();
  counters_ = std::move(now);
  horizon_ = deletions.empty() ? "" : deletions.back();
  deletions_ = std::move(deletions);
  inside_ = scope.inside();
  if (!inside_) floor_ = counters_;
  return change;
}

// What the counters now must be compared with: only where one has risen since then can something have changed since the
// last look. Null: they tell nothing.
const CatalogWatch::Counters* CatalogWatch::TrustedCounters(const Counters& now) const {
  if (now.empty() || !now.back().ends_with(kCounting)) return nullptr;
  // What the last look saw may have been undone since, and no counter says so; those from before its transaction do:
  // both what it saw and what is there now can differ from what there was then only where they rose.
  const Counters& base = inside_ && undone_ != session_.undone() ? floor_ : counters_;
  return base.empty() || base.back() != now.back() ? nullptr : &base;
}

std::vector<std::size_t> CatalogWatch::Suspects(const Counters& now, const Counters& base) const {
  std::vector<std::size_t> suspects;
  for (std::size_t i = 0; i < layout_.tables.size(); ++i) {
    const bool rose = std::any_of(layout_.counted[i].begin(), layout_.counted[i].end(),
                                  [&](std::size_t counter) { return now[counter] != base[counter]; });
    if (rose) suspects.push_back(i);
  }
  return suspects;
}

// Those of `tables` in which rows were only inserted or updated since the last look.
std::set<std::size_t> CatalogWatch::OnlyWritten(const std::vector<std::size_t>& tables,
                                                const Counters& deletions) const {
  std::set<std::size_t> only_written;
  if (horizon_.empty()) return only_written;
  for (const std::size_t table : tables) {
    const auto& counters = layout_.counted[table];
    const bool deleted = std::any_of(counters.begin(), counters.end(),
                                     [&](std::size_t counter) { return deletions[counter] != deletions_[counter]; });
    const bool tells = ByRelation(table) && !HashesSinceQuery(table).sql.empty();
    if (!deleted && tells) only_written.insert(table);
  }
  return only_written;
}

CatalogChange CatalogWatch::LookAtAll() {
  const std::size_t attributes = layout_.numbers.at(kAttributes);
  std::vector<Session::Prepared> queries{
      Named("relations", RelationsSql(), {TextArray(options_.leave_out_tables)}), Named("names", NamesSql()),
      TokenQuery("small", layout_.small),
      Named("all_columns", AllColumnHashesSql(layout_.tables[attributes], session_.major_version()))};
  const std::size_t fixed = queries.size();
  std::vector<std::size_t> hashed;
  for (const std::size_t table : layout_.all) {
    if (!ByRelation(table) || table == attributes) continue;
    hashed.push_back(table);
    queries.push_back(HashesQuery(table));
  }
  const std::vector<Rows> results = session_.QueryAll(queries);
  CatalogChange change;
  seen_.relations.clear();
  seen_.owners.clear();
  seen_.tokens.assign(layout_.tables.size(), Token());
  seen_.parts.assign(layout_.tables.size(), Parts());
  NoteRelations(ToRelations(results[0]), {}, change);
  seen_.names = ToNames(results[1]);
  TakeTokens(results[2], layout_.small, change);
  TakeAllColumns(results[3], change);
  for (std::size_t i = 0; i < hashed.size(); ++i) TakeHashes(hashed[i], results[fixed + i], change);
  for (const CatalogTable& table : layout_.tables) change.tables.insert(table.name);
  for (const auto& [oid, relation] : seen_.relations) {
    if (!relation.is_index()) change.touched.insert(oid);
  }
  change.everything = true;
  known_ = true;
  return change;
}

// Finds out whether and where these have changed.
void CatalogWatch::LookAtTables(const std::vector<std::size_t>& tables, const std::set<std::size_t>& only_written,
                                CatalogChange& change) {
  if (change.everything) return;
  std::vector<std::size_t> asked;
  std::copy_if(tables.begin(), tables.end(), std::back_inserter(asked), [&](std::size_t table) {
    const std::string& ground = layout_.tables[table].stands_on;
    return ground.empty() || HasRows(ground) ||
           std::find(tables.begin(), tables.end(), layout_.numbers.at(ground)) != tables.end();
  });
  std::vector<Session::Prepared> queries;
  for (const std::size_t table : asked) {
    if (only_written.contains(table)) {
      queries.push_back(HashesSinceQuery(table));
    } else {
      queries.push_back(ByRelation(table) ? HashesQuery(table) : TokenQuery(layout_.tables[table].name, {table}));
    }
  }
  const std::vector<Rows> results = queries.empty() ? std::vector<Rows>() : session_.QueryAll(queries);
  std::map<std::size_t, std::set<Oid>> rows_of;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (ByRelation(asked[i])) {
      rows_of.emplace(asked[i], only_written.contains(asked[i]) ? TakeHashesOfSome(asked[i], results[i], change)
                                                                : TakeHashes(asked[i], results[i], change));
    } else {
      TakeTokens(results[i], {asked[i]}, change);
    }
  }
  if (!change.everything) LookAtRelations(rows_of, change);
}

void CatalogWatch::SetToken(std::size_t table, const Token& token, CatalogChange& change) {
  if (seen_.tokens[table] == token) return;
  seen_.tokens[table] = token;
  change.tables.insert(layout_.tables[table].name);
  change.everything = change.everything || layout_.tables[table].names;
}

// `rows`: number, count and sum of the tables in `of`; those without rows may be missing.
void CatalogWatch::TakeTokens(const Rows& rows, const std::set<std::size_t>& of, CatalogChange& change) {
  std::map<std::size_t, Token> tokens;
  for (const std::size_t table : of) tokens[table];
  for (int i = 0; i < rows.size(); ++i) {
    tokens[static_cast<std::size_t>(rows.GetInt(i, 0))] = {ToNumber(rows.Get(i, 1)), ToNumber(rows.Get(i, 2))};
  }
  for (const auto& [table, token] : tokens) SetToken(table, token, change);
}

// Returns whose rows differ. The token of the whole is the sum of those of its parts.
std::set<Oid> CatalogWatch::TakeHashes(std::size_t table, const Rows& rows, CatalogChange& change) {
  Parts now;
  for (int i = 0; i < rows.size(); ++i) now.emplace(ToOid(rows.Get(i, 0)), ToPart(rows, i));
  return TakeParts(table, std::move(now), change);
}

// `rows`: all columns there are, and were. They tell of pg_attribute what a query of its parts would.
void CatalogWatch::TakeAllColumns(const Rows& rows, CatalogChange& change) {
  Parts now;
  seen_.columns.clear();
  for (int i = 0; i < rows.size(); ++i) {
    const Oid oid = ToOid(rows.Get(i, 0));
    const std::uint64_t hash = ToNumber(rows.Get(i, 2));
    Part& part = now[oid];
    ++part.count;
    part.hash += hash;
    part.marks |= static_cast<std::uint32_t>(rows.GetInt(i, 3));
    if (!rows.GetBool(i, 4)) seen_.columns[oid].emplace(rows.GetInt(i, 1), hash);
  }
  TakeParts(layout_.numbers.at(kAttributes), std::move(now), change);
}

std::set<Oid> CatalogWatch::TakeParts(std::size_t table, Parts now, CatalogChange& change) {
  Token token;
  for (const auto& [oid, part] : now) {
    token.count += part.count;
    token.sum += part.hash;
  }
  SetToken(table, token, change);
  std::set<Oid> different = Different(seen_.parts[table], now);
  seen_.parts[table] = std::move(now);
  return different;
}

// The same where nothing is said of relations whose rows are the same.
std::set<Oid> CatalogWatch::TakeHashesOfSome(std::size_t table, const Rows& rows, CatalogChange& change) {
  Token token = seen_.tokens[table];
  std::set<Oid> different;
  for (int i = 0; i < rows.size(); ++i) {
    const Oid oid = ToOid(rows.Get(i, 0));
    const Part is = ToPart(rows, i);
    Part& was = seen_.parts[table][oid];
    if (was == is) continue;
    token.count += is.count - was.count;
    token.sum += is.hash - was.hash;
    was = is;
    different.insert(oid);
  }
  SetToken(table, token, change);
  return different;
}

CatalogWatch::Part CatalogWatch::ToPart(const Rows& rows, int row) const {
  const bool marked = rows.columns() > 3;
  return {ToNumber(rows.Get(row, 1)), ToNumber(rows.Get(row, 2)),
          marked ? static_cast<std::uint32_t>(rows.GetInt(row, 3)) : 0};
}

// "pg_constraint", or "pg_constraint:check" of rows that make that mark.
CatalogWatch::Need CatalogWatch::Resolve(const std::string& need) const {
  const std::size_t colon = need.find(':');
  const auto number = layout_.numbers.find(need.substr(0, colon));
  if (number == layout_.numbers.end()) return {};
  if (colon == std::string::npos) return {number->second, 0};
  const auto& marks = layout_.tables[number->second].marks;
  const auto mark =
      std::find_if(marks.begin(), marks.end(), [&](const auto& m) { return m.first == need.substr(colon + 1); });
  return mark == marks.end() ? Need() : Need{number->second, 1U << (mark - marks.begin())};
}

// Or may have them, where it can't be told.
bool CatalogWatch::HasRows(const std::string& need_text) const {
  const Need need = Resolve(need_text);
  if (!need.table) return true;
  if (need.mark == 0) return seen_.tokens[*need.table].count != 0;
  const Parts& parts = seen_.parts[*need.table];
  return std::any_of(parts.begin(), parts.end(), [&](const auto& part) { return need.IsIn(part.second.marks); });
}

bool CatalogWatch::MayHaveRows(const CatalogQuery& query) const {
  return query.needs.empty() ||
         std::any_of(query.needs.begin(), query.needs.end(), [&](const std::string& need) { return HasRows(need); });
}

std::set<Oid> CatalogWatch::MayHaveRowsOf(const CatalogQuery& query, const std::set<Oid>& relations) const {
  std::set<Oid> may;
  for (const std::string& name : query.needs) {
    const Need need = Resolve(name);
    if (!need.table || !ByRelation(*need.table)) return relations;
    const Parts& parts = seen_.parts[*need.table];
    for (const Oid oid : relations) {
      const auto part = parts.find(oid);
      if (part != parts.end() && need.IsIn(part->second.marks)) may.insert(oid);
    }
    for (const auto& [oid, part] : parts) {  // rows of an index are its table's
      const auto relation = seen_.relations.find(oid);
      if (relation == seen_.relations.end() || !relation->second.is_index() || !need.IsIn(part.marks)) continue;
      if (relations.contains(relation->second.table)) may.insert(relation->second.table);
    }
  }
  return query.needs.empty() ? relations : may;
}

}  // namespace migproof
