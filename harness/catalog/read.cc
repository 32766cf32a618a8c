#include "harness/catalog/read.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "harness/catalog/catalog_tables.h"
#include "harness/catalog/queries.h"
#include "harness/catalog/read_scope.h"
#include "harness/catalog/text_array.h"
#include "migrations/error.h"

namespace migproof {

namespace {

using Oid = std::uint32_t;
using Hashes = std::map<Oid, std::string>;

struct TableToken {
  std::string count;
  std::string sum;

  bool operator==(const TableToken&) const = default;
};

struct LiveRelation {
  std::string name;
  char relkind = 'r';
  Oid table = 0;  // for an index: its table
  std::string hash;

  bool is_index() const { return relkind == 'i' || relkind == 'I'; }
};

using Relations = std::map<Oid, LiveRelation>;

Oid ToOid(std::string_view text) {
  Oid oid = 0;
  std::from_chars(text.data(), text.data() + text.size(), oid);
  return oid;
}

std::string OidArray(const std::set<Oid>& oids) { return fmt::format("{{{}}}", fmt::join(oids, ",")); }

// The oids whose text differs between the two, those in one only too.
void AddDifferent(const Hashes& was, const Hashes& is, std::set<Oid>& different) {
  for (const auto& [oid, hash] : was) {
    const auto found = is.find(oid);
    if (found == is.end() || found->second != hash) different.insert(oid);
  }
  for (const auto& [oid, unused] : is) {
    if (!was.contains(oid)) different.insert(oid);
  }
}

// True where an oid in both has another text.
bool AnyRenamed(const Hashes& was, const Hashes& is) {
  return std::any_of(was.begin(), was.end(), [&](const auto& entry) {
    const auto found = is.find(entry.first);
    return found != is.end() && found->second != entry.second;
  });
}

Hashes ToHashes(const Rows& rows) {
  Hashes hashes;
  for (int i = 0; i < rows.size(); ++i) hashes.emplace(ToOid(rows.Get(i, 0)), rows.Get(i, 1));
  return hashes;
}

Relations ToRelations(const Rows& rows) {
  Relations relations;
  for (int i = 0; i < rows.size(); ++i) {
    relations.emplace(ToOid(rows.Get(i, 0)),
                      LiveRelation{std::string(rows.Get(i, 2)), rows.Get(i, 1).front(), ToOid(rows.Get(i, 3)),
                                   fmt::format("{}/{}", rows.Get(i, 4), rows.Get(i, 5))});
  }
  return relations;
}

// A query, and which objects came from it.
struct Source {
  CatalogQuery query;
  // By relation; under "" where the query reads all at once.
  std::map<std::string, std::vector<ObjectMap::Entry>> objects;
};

}  // namespace

class CatalogReader::Impl {
 public:
  Impl(Session& session, ReadOptions options) : session_(session), options_(std::move(options)) {}

  const Catalog& Read() {
    try {
      return TryRead();
    } catch (const Error& error) {
      Forget();
      // A migration's DISCARD ALL or DEALLOCATE took our prepared queries away, or only some of them.
      if (error.sqlstate() != "26000" && error.sqlstate() != "42P05") throw;
      ++generation_;
    }
    try {
      return TryRead();
    } catch (const Error&) {
      Forget();
      throw;
    }
  }

  std::uint64_t version() const { return version_; }

  void Forget() {
    ++version_;
    read_ = false;
    catalog_ = Catalog();
    gone_.clear();
    fresh_.clear();
    for (Source& source : sources_) source.objects.clear();
  }

 private:
  // What a look at the tokens found.
  struct Change {
    std::set<std::string> tables;  // catalogs whose rows changed
    std::set<Oid> touched;         // relations to read again
    std::set<std::string> gone;    // names of relations that are there no more
    bool everything = false;
    bool functions = false;  // a function's body names a relation whose columns changed
  };

  const Catalog& TryRead() {
    const ReadScope scope(session_);
    Prepare();
    const std::vector<TableToken> tokens = ReadTokens();
    if (!read_) return ReadEverything(tokens);
    if (tokens == tokens_) return catalog_;
    const Change change = FindChange(tokens);
    if (change.everything) {
      Forget();
      return ReadEverything(tokens);
    }
    tokens_ = tokens;
    ++version_;
    ReadChanged(change);
    return catalog_;
  }

  void Prepare() {
    if (!sources_.empty()) return;
    const Rows rows = session_.Query("SELECT rolsuper FROM pg_roles WHERE rolname = session_user");
    const bool superuser = !rows.empty() && rows.GetBool(0, 0);
    tables_ = CatalogTables(session_.major_version(), superuser);
    token_sql_ = TokenSql(tables_, session_.major_version());
    relation_hashes_.resize(tables_.size());
    for (std::size_t i = 0; i < tables_.size(); ++i) table_numbers_.emplace(tables_[i].name, i);
    for (CatalogQuery& query : CatalogQueries(session_.major_version(), superuser)) {
      if (!query.sql.empty()) sources_.push_back({std::move(query), {}});
    }
  }

  Session::Prepared Named(const std::string& name, std::string sql,
                          std::vector<std::optional<std::string>> parameters = {}) const {
    return {fmt::format("migproof_{}_{}", generation_, name), std::move(sql), std::move(parameters)};
  }

  std::vector<Rows> QueryAll(const std::vector<Session::Prepared>& queries) {
    return queries.empty() ? std::vector<Rows>() : session_.QueryAll(queries);
  }

  std::vector<TableToken> ReadTokens() {
    const Rows rows = session_.QueryAll({Named("token", token_sql_)}).front();
    std::vector<TableToken> tokens(tables_.size(), TableToken{"0", ""});
    for (int i = 0; i < rows.size(); ++i) {
      tokens[static_cast<std::size_t>(rows.GetInt(i, 0))] = {std::string(rows.Get(i, 1)), std::string(rows.Get(i, 2))};
    }
    return tokens;
  }

  Session::Prepared RelationsQuery() const {
    return Named("relations", RelationsSql(session_.major_version()), {TextArray(options_.leave_out_tables)});
  }

  Session::Prepared RelationHashesQuery(std::size_t table) const {
    return Named("hashes_" + tables_[table].name, RelationTokenSql(tables_[table], session_.major_version()));
  }

  bool HasRows(const std::string& table) const {
    const auto number = table_numbers_.find(table);
    return number == table_numbers_.end() || tokens_[number->second].count != "0";
  }

  bool MayHaveRows(const CatalogQuery& query) const {
    return query.needs.empty() || std::any_of(query.needs.begin(), query.needs.end(),
                                              [&](const std::string& table) { return HasRows(table); });
  }

  const Catalog& ReadEverything(const std::vector<TableToken>& tokens) {
    tokens_ = tokens;
    std::vector<Session::Prepared> queries{RelationsQuery(), Named("names", NamesSql())};
    std::vector<std::size_t> hashed;
    for (std::size_t i = 0; i < tables_.size(); ++i) {
      relation_hashes_[i].clear();
      if (!HashedByRelation(i) || tokens_[i].count == "0") continue;
      hashed.push_back(i);
      queries.push_back(RelationHashesQuery(i));
    }
    const std::vector<Rows> results = QueryAll(queries);
    relations_ = ToRelations(results[0]);
    names_ = ToHashes(results[1]);
    for (std::size_t i = 0; i < hashed.size(); ++i) relation_hashes_[hashed[i]] = ToHashes(results[i + 2]);
    std::set<Oid> all;
    for (const auto& [oid, relation] : relations_) {
      if (!relation.is_index()) all.insert(oid);
    }
    std::vector<Source*> sources;
    for (Source& source : sources_) {
      if (MayHaveRows(source.query)) sources.push_back(&source);
    }
    Fetch(sources, all);
    read_ = true;
    return catalog_;
  }

  Change FindChange(const std::vector<TableToken>& tokens) {
    Change change;
    std::vector<std::size_t> hashed;
    for (std::size_t i = 0; i < tables_.size(); ++i) {
      if (tokens[i] == tokens_[i]) continue;
      change.tables.insert(tables_[i].name);
      change.everything = change.everything || tables_[i].names;
      if (HashedByRelation(i)) hashed.push_back(i);
    }
    if (change.everything) return change;
    const std::set<Oid> rows_of = FindChangedRows(hashed, change);
    if (change.everything) return change;
    AddTouched(rows_of, change);
    if (change.tables.contains("pg_attribute")) AddDependents(change);
    return change;
  }

  bool HashedByRelation(std::size_t table) const {
    return !tables_[table].relation.empty() && tables_[table].name != "pg_class";
  }

  // The relations and indexes whose rows differ from those remembered; what is remembered is brought up to date. Sets
  // change.everything where something has another name.
  std::set<Oid> FindChangedRows(const std::vector<std::size_t>& hashed, Change& change) {
    std::vector<Session::Prepared> queries;
    for (const std::size_t table : hashed) queries.push_back(RelationHashesQuery(table));
    const bool relations = change.tables.contains("pg_class");
    const bool names =
        change.tables.contains("pg_proc") || change.tables.contains("pg_type") || change.tables.contains("pg_enum");
    if (relations) queries.push_back(RelationsQuery());
    if (names) queries.push_back(Named("names", NamesSql()));
    std::vector<Rows> results = QueryAll(queries);
    if (names) {
      Hashes now = ToHashes(results.back());
      results.pop_back();
      change.everything = AnyRenamed(names_, now);
      names_ = std::move(now);
    }
    std::set<Oid> rows_of;
    if (relations) NoteRelations(ToRelations(results.back()), change, rows_of);
    for (std::size_t i = 0; i < hashed.size(); ++i) {
      Hashes now = ToHashes(results[i]);
      AddDifferent(relation_hashes_[hashed[i]], now, rows_of);
      relation_hashes_[hashed[i]] = std::move(now);
    }
    return rows_of;
  }

  void NoteRelations(Relations now, Change& change, std::set<Oid>& rows_of) {
    for (const auto& [oid, was] : relations_) {
      const auto is = now.find(oid);
      if (is == now.end()) {
        if (!was.is_index()) change.gone.insert(was.name);
        rows_of.insert(was.is_index() ? was.table : oid);
        continue;
      }
      if (is->second.name != was.name) change.everything = true;
      if (is->second.hash != was.hash) rows_of.insert(oid);
    }
    for (const auto& [oid, relation] : now) {
      if (!relations_.contains(oid)) rows_of.insert(oid);
    }
    relations_ = std::move(now);
  }

  // Rows may belong to indexes (then their table is touched) and to relations that are not compared.
  void AddTouched(const std::set<Oid>& rows_of, Change& change) const {
    for (const Oid oid : rows_of) {
      auto relation = relations_.find(oid);
      if (relation != relations_.end() && relation->second.is_index())
        relation = relations_.find(relation->second.table);
      if (relation != relations_.end()) change.touched.insert(relation->first);
    }
  }

  void AddDependents(Change& change) {
    if (change.touched.empty()) return;
    const Rows rows = session_.QueryAll({Named("dependents", DependentsSql(), {OidArray(change.touched)})}).front();
    std::set<Oid> dependents;
    for (int i = 0; i < rows.size(); ++i) dependents.insert(ToOid(rows.Get(i, 0)));
    change.functions = dependents.contains(0);
    AddTouched(dependents, change);
  }

  void ReadChanged(const Change& change) {
    const bool columns = change.tables.contains("pg_attribute");
    std::vector<Source*> sources;
    for (Source& source : sources_) {
      for (const std::string& name : change.gone) Drop(source, name);
      const auto& catalogs = source.query.catalogs;
      const bool changed = std::any_of(catalogs.begin(), catalogs.end(), [&](const std::string& table) {
        return change.tables.contains(table) || !table_numbers_.contains(table) ||
               (change.functions && table == "pg_proc");
      });
      if (source.query.by_relation ? !(changed || columns) || change.touched.empty() : !changed) continue;
      if (source.query.by_relation) {
        for (const Oid oid : change.touched) Drop(source, relations_.at(oid).name);
      } else {
        Drop(source, "");
      }
      if (MayHaveRows(source.query)) sources.push_back(&source);
    }
    Fetch(sources, change.touched);
  }

  void Drop(Source& source, const std::string& relation) {
    const auto found = source.objects.find(relation);
    if (found == source.objects.end()) return;
    std::move(found->second.begin(), found->second.end(), std::back_inserter(gone_));
    source.objects.erase(found);
  }

  void Fetch(const std::vector<Source*>& sources, const std::set<Oid>& relations) {
    std::vector<Session::Prepared> queries;
    std::vector<Source*> asked;
    for (Source* source : sources) {
      const CatalogQuery& query = source->query;
      std::vector<std::optional<std::string>> parameters;
      if (query.by_relation) {
        const std::set<Oid> of_kind = OfKind(relations, query.relkinds);
        if (of_kind.empty()) continue;
        parameters.emplace_back(OidArray(of_kind));
      }
      asked.push_back(source);
      queries.push_back(Named(query.name, query.sql, std::move(parameters)));
    }
    std::set<std::string, std::less<>> live;
    for (const auto& [oid, relation] : relations_) live.insert(relation.name);
    const std::vector<Rows> results = QueryAll(queries);
    for (std::size_t i = 0; i < asked.size(); ++i) Take(*asked[i], results[i], live);
    catalog_.objects().Replace(std::exchange(gone_, {}), std::exchange(fresh_, {}));
  }

  std::set<Oid> OfKind(const std::set<Oid>& relations, const std::string& relkinds) const {
    if (relkinds.empty()) return relations;
    std::set<Oid> of_kind;
    for (const Oid oid : relations) {
      if (relkinds.find(relations_.at(oid).relkind) != std::string::npos) of_kind.insert(oid);
    }
    return of_kind;
  }

  void Take(Source& source, const Rows& rows, const std::set<std::string, std::less<>>& live) {
    std::vector<std::pair<std::string, int>> attributes;
    for (int column = 2; column < rows.columns(); ++column) attributes.emplace_back(rows.ColumnName(column), column);
    std::sort(attributes.begin(), attributes.end());
    for (int row = 0; row < rows.size(); ++row) {
      const std::string relation(rows.Get(row, 1));
      // What is left out takes with it what queries that read all at once find on it.
      if (!source.query.by_relation && !relation.empty() && !live.contains(relation)) continue;
      ObjectKey key{source.query.kind, std::string(rows.Get(row, 0))};
      CatalogObject object{relation, {}};
      for (const auto& [name, column] : attributes) {
        if (rows.IsNull(row, column)) continue;
        object.attributes.emplace_hint(object.attributes.end(), name, rows.Get(row, column));
      }
      auto entry = std::make_shared<ObjectMap::value_type>(std::move(key), std::move(object));
      source.objects[source.query.by_relation ? relation : std::string()].push_back(entry);
      fresh_.push_back(std::move(entry));
    }
  }

  Session& session_;
  const ReadOptions options_;
  int generation_ = 0;
  std::uint64_t version_ = 0;

  std::vector<CatalogTable> tables_;
  std::string token_sql_;
  std::map<std::string, std::size_t> table_numbers_;
  std::vector<Source> sources_;

  // What is remembered of the last read.
  bool read_ = false;
  Catalog catalog_;
  std::vector<ObjectMap::Entry> gone_;   // taken out of the catalog at the end of this read
  std::vector<ObjectMap::Entry> fresh_;  // put into it then
  std::vector<TableToken> tokens_;
  std::vector<Hashes> relation_hashes_;  // per table
  Relations relations_;
  Hashes names_;
};

CatalogReader::CatalogReader(Session& session, ReadOptions options)
    : impl_(std::make_unique<Impl>(session, std::move(options))) {}

CatalogReader::~CatalogReader() = default;

const Catalog& CatalogReader::Read() { return impl_->Read(); }

const Catalog& CatalogReader::ReadAll() {
  impl_->Forget();
  return impl_->Read();
}

std::uint64_t CatalogReader::version() const { return impl_->version(); }

void CatalogReader::Forget() { impl_->Forget(); }

}  // namespace migproof
