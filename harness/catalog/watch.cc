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

// In the same order as the array of oids; then when they were last reset.
constexpr const char* kCounters = R"sql(
SELECT (pg_stat_get_tuples_inserted(o) + pg_stat_get_tuples_updated(o) + pg_stat_get_tuples_deleted(o)
        + pg_stat_get_xact_tuples_inserted(o) + pg_stat_get_xact_tuples_updated(o)
        + pg_stat_get_xact_tuples_deleted(o))::text
  FROM unnest('{}'::oid[]) AS o
UNION ALL
SELECT coalesce(pg_stat_get_db_stat_reset_time((SELECT d.oid FROM pg_database AS d
                                                 WHERE d.datname = current_database()))::text, '')
       || CASE current_setting('track_counts') WHEN 'on' THEN ' counting' ELSE '' END)sql";

// Sessions beside this one.
constexpr const char* kOtherSessions = R"sql(
SELECT FROM pg_stat_get_activity(NULL) AS s
 WHERE s.datid = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
   AND s.pid <> pg_backend_pid())sql";

Oid ToOid(std::string_view text) {
  Oid oid = 0;
  std::from_chars(text.data(), text.data() + text.size(), oid);
  return oid;
}

std::map<Oid, std::string> ToNames(const Rows& rows) {
  std::map<Oid, std::string> names;
  for (int i = 0; i < rows.size(); ++i) names.emplace(ToOid(rows.Get(i, 0)), rows.Get(i, 1));
  return names;
}

std::map<Oid, LiveRelation> ToRelations(const Rows& rows) {
  std::map<Oid, LiveRelation> relations;
  for (int i = 0; i < rows.size(); ++i) {
    relations.emplace(ToOid(rows.Get(i, 0)), LiveRelation{std::string(rows.Get(i, 2)), rows.Get(i, 1).front(),
                                                          ToOid(rows.Get(i, 3)), ToOid(rows.Get(i, 4))});
  }
  return relations;
}

// The oids whose hash differs between the two, those in one only too.
std::set<Oid> Different(const std::map<Oid, std::uint64_t>& was, const std::map<Oid, std::uint64_t>& is) {
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

// True where an oid in both has another text.
bool AnyRenamed(const std::map<Oid, std::string>& was, const std::map<Oid, std::string>& is) {
  return std::any_of(was.begin(), was.end(), [&](const auto& entry) {
    const auto found = is.find(entry.first);
    return found != is.end() && found->second != entry.second;
  });
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

// An integer of any length, modulo 2^64.
std::uint64_t ToNumber(std::string_view digits) {
  const bool negative = digits.starts_with('-');
  if (negative) digits.remove_prefix(1);
  std::uint64_t number = 0;
  for (const char digit : digits) number = number * 10 + static_cast<std::uint64_t>(digit - '0');
  return negative ? 0 - number : number;
}

}  // namespace

std::string OidArray(const std::set<Oid>& oids) { return fmt::format("{{{}}}", fmt::join(oids, ",")); }

void CatalogWatch::Prepare() {
  if (!layout_.tables.empty()) return;
  const Rows rows = session_.Query("SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user");
  layout_.superuser = !rows.empty() && rows.GetBool(0, 0);
  layout_.tables = CatalogTables(session_.major_version(), layout_.superuser);
  seen_.hashes.resize(layout_.tables.size());
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
  LookAtTables(suspects, change);
  return change;
}

void CatalogWatch::Forget() {
  known_ = false;
  begins_ = false;
  counters_.clear();
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
  for (int i = 0; !first.empty() && i < first[0].size(); ++i) now.emplace_back(first[0].Get(i, 0));
  CatalogChange change;
  const Counters* base = TrustedCounters(now);
  if (begins && now.back() == kCounting) {
    change = LookBeyond(now);
  } else if (!known_) {
    change.everything = true;
  } else if (base != nullptr) {
    if (!layout_.uncounted.empty()) TakeTokens(first[1], layout_.uncounted, change);
    LookAtTables(Suspects(now, *base), change);
  } else {
    TakeTokens(session_.QueryAll({TokenQuery("all", layout_.all)}).front(), layout_.all, change);
    std::vector<std::size_t> changed;
    for (const std::string& table : change.tables) {
      if (ByRelation(layout_.numbers.at(table))) changed.push_back(layout_.numbers.at(table));
    }
    LookAtTables(changed, change);
  }
  if (change.everything) change = LookAtAll();
  counters_ = std::move(now);
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

CatalogChange CatalogWatch::LookAtAll() {
  std::vector<Session::Prepared> queries{Named("relations", RelationsSql(), {TextArray(options_.leave_out_tables)}),
                                         Named("names", NamesSql()), TokenQuery("small", layout_.small)};
  const std::size_t fixed = queries.size();
  std::vector<std::size_t> hashed;
  for (const std::size_t table : layout_.all) {
    if (!ByRelation(table)) continue;
    hashed.push_back(table);
    queries.push_back(HashesQuery(table));
  }
  const std::vector<Rows> results = session_.QueryAll(queries);
  CatalogChange change;
  seen_.relations.clear();
  seen_.owners.clear();
  seen_.tokens.assign(layout_.tables.size(), Token());
  seen_.hashes.assign(layout_.tables.size(), Hashes());
  NoteRelations(ToRelations(results[0]), {}, change);
  seen_.names = ToNames(results[1]);
  TakeTokens(results[2], layout_.small, change);
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
void CatalogWatch::LookAtTables(const std::vector<std::size_t>& tables, CatalogChange& change) {
  if (change.everything) return;
  std::vector<Session::Prepared> queries;
  for (const std::size_t table : tables) {
    queries.push_back(ByRelation(table) ? HashesQuery(table) : TokenQuery(layout_.tables[table].name, {table}));
  }
  const std::vector<Rows> results = queries.empty() ? std::vector<Rows>() : session_.QueryAll(queries);
  std::map<std::size_t, std::set<Oid>> rows_of;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    if (ByRelation(tables[i])) {
      rows_of.emplace(tables[i], TakeHashes(tables[i], results[i], change));
    } else {
      TakeTokens(results[i], {tables[i]}, change);
    }
  }
  if (!change.everything) LookAtRelations(rows_of, change);
}

// `rows_of`: by table, the relations, indexes and TOAST tables that have other rows there than before.
void CatalogWatch::LookAtRelations(const std::map<std::size_t, std::set<Oid>>& rows_of, CatalogChange& change) {
  std::set<Oid> all;
  std::set<Oid>
      altered;  // relations that were there and have other columns; what is new has no dependents but new ones
  for (const auto& [table, oids] : rows_of) {
    all.insert(oids.begin(), oids.end());
    if (layout_.tables[table].name != "pg_attribute") continue;
    for (const Oid oid : oids) {
      const auto known = seen_.relations.find(oid);
      if (known != seen_.relations.end() && !known->second.is_index()) altered.insert(oid);
    }
  }
  std::vector<Session::Prepared> queries;
  const bool names =
      change.tables.contains("pg_proc") || change.tables.contains("pg_type") || change.tables.contains("pg_enum");
  if (names) queries.push_back(Named("names", NamesSql()));
  if (!altered.empty()) queries.push_back(Named("dependents", DependentsSql(), {OidArray(altered)}));
  if (!all.empty()) {
    queries.push_back(
        Named("some_relations", SomeRelationsSql(), {TextArray(options_.leave_out_tables), OidArray(all)}));
  }
  if (queries.empty()) return;
  const std::vector<Rows> results = session_.QueryAll(queries);
  if (names) {
    std::map<Oid, std::string> now = ToNames(results.front());
    change.everything = AnyRenamed(seen_.names, now);
    seen_.names = std::move(now);
  }
  if (!all.empty()) NoteRelations(ToRelations(results.back()), all, change);
  if (!altered.empty()) {
    const Rows& dependents = results[names ? 1 : 0];
    for (int i = 0; i < dependents.size(); ++i) altered.insert(ToOid(dependents.Get(i, 0)));
    change.functions = altered.contains(0);
    change.whole = OwnersOf(altered);
  }
  change.touched = change.whole;
  for (const auto& [table, oids] : rows_of) {
    const std::set<Oid> owners = OwnersOf(oids);
    change.touched.insert(owners.begin(), owners.end());
    change.touched_in.emplace(layout_.tables[table].name, owners);
  }
}

// `now` is what there is of those in `looked_at`.
void CatalogWatch::NoteRelations(std::map<Oid, LiveRelation> now, const std::set<Oid>& looked_at,
                                 CatalogChange& change) {
  for (const Oid oid : looked_at) {
    const auto was = seen_.relations.find(oid);
    if (was == seen_.relations.end() || now.contains(oid)) continue;
    if (!was->second.is_index()) change.gone.insert(was->second.name);
    seen_.relations.erase(was);
  }
  for (auto& [oid, relation] : now) {
    if (relation.is_index()) seen_.owners[oid] = relation.table;
    if (relation.toast != 0) seen_.owners[relation.toast] = oid;
    const auto was = seen_.relations.find(oid);
    if (was != seen_.relations.end() && was->second.name != relation.name) change.everything = true;
    seen_.relations.insert_or_assign(oid, std::move(relation));
  }
}

// The relations that are compared and have the rows: those of indexes and TOAST tables belong to their tables.
std::set<Oid> CatalogWatch::OwnersOf(const std::set<Oid>& rows_of) const {
  std::set<Oid> owners;
  for (const Oid oid : rows_of) {
    const auto owner = seen_.owners.find(oid);
    const Oid relation = owner == seen_.owners.end() ? oid : owner->second;
    if (seen_.relations.contains(relation)) owners.insert(relation);
  }
  return owners;
}

std::set<Oid> CatalogWatch::ToReadAgain(const CatalogQuery& query, const CatalogChange& change) const {
  std::set<Oid> relations = change.whole;
  for (const std::string& table : query.catalogs) {
    const auto touched = change.touched_in.find(table);
    if (touched != change.touched_in.end()) {
      relations.insert(touched->second.begin(), touched->second.end());
    } else if (!layout_.numbers.contains(table) || change.tables.contains(table)) {
      return change.touched;
    }
  }
  return relations;
}

bool CatalogWatch::MustAskAgain(const CatalogQuery& query, const CatalogChange& change) const {
  return std::any_of(query.catalogs.begin(), query.catalogs.end(), [&](const std::string& table) {
    return change.tables.contains(table) || !layout_.numbers.contains(table) ||
           (change.functions && table == "pg_proc");
  });
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
  Token token;
  Hashes now;
  for (int i = 0; i < rows.size(); ++i) {
    const std::uint64_t hash = ToNumber(rows.Get(i, 2));
    token.count += ToNumber(rows.Get(i, 1));
    token.sum += hash;
    now.emplace(ToOid(rows.Get(i, 0)), hash);
  }
  SetToken(table, token, change);
  std::set<Oid> different = Different(seen_.hashes[table], now);
  seen_.hashes[table] = std::move(now);
  return different;
}

bool CatalogWatch::MayHaveRows(const CatalogQuery& query) const {
  return query.needs.empty() || std::any_of(query.needs.begin(), query.needs.end(), [&](const std::string& table) {
           const auto number = layout_.numbers.find(table);
           return number == layout_.numbers.end() || seen_.tokens[number->second].count != 0;
         });
}

std::set<Oid> CatalogWatch::MayHaveRowsOf(const CatalogQuery& query, const std::set<Oid>& relations) const {
  std::set<Oid> may;
  for (const std::string& table : query.needs) {
    const auto number = layout_.numbers.find(table);
    if (number == layout_.numbers.end() || !ByRelation(number->second)) return relations;
    const Hashes& hashes = seen_.hashes[number->second];
    for (const Oid oid : relations) {
      if (hashes.contains(oid)) may.insert(oid);
    }
    for (const auto& [oid, hash] : hashes) {  // rows of an index are its table's
      const auto relation = seen_.relations.find(oid);
      if (relation == seen_.relations.end() || !relation->second.is_index()) continue;
      if (relations.contains(relation->second.table)) may.insert(relation->second.table);
    }
  }
  return query.needs.empty() ? relations : may;
}

}  // namespace migproof
