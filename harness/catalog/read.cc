#include "harness/catalog/read.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "harness/catalog/queries.h"
#include "harness/catalog/read_scope.h"
#include "harness/catalog/watch.h"
#include "migrations/error.h"

namespace migproof {

namespace {

// A query, and which objects came from it.
struct Source {
  CatalogQuery query;
  // By relation; under "" where the query reads all at once.
  std::map<std::string, std::vector<ObjectMap::Entry>> objects;
};

// Whom to ask, and of which relations where it asks of some.
struct Wanted {
  Source* source;
  std::set<Oid> relations;
};

}  // namespace

class CatalogMemory {
 public:
  CatalogWatch::Memory watch;
  std::vector<Source> sources;
  Catalog catalog;
};

class CatalogReader::Impl {
 public:
  Impl(Session& session, ReadOptions options, const CatalogMemory* memory)
      : session_(session), options_(std::move(options)), watch_(session_, options_) {
    if (memory == nullptr) return;
    watch_.Begin(memory->watch);
    sources_ = memory->sources;
    catalog_ = memory->catalog;
  }

  std::shared_ptr<const CatalogMemory> Memory() const {
    std::optional<CatalogWatch::Memory> watch = watch_.Remember();
    if (!watch) return nullptr;
    return std::make_shared<const CatalogMemory>(CatalogMemory{std::move(*watch), sources_, catalog_});
  }

  const Catalog& Read() {
    try {
      return TryRead();
    } catch (const Error& error) {
      Forget();
      // A migration's DISCARD ALL or DEALLOCATE took our prepared queries away, or only some of them.
      if (error.sqlstate() != "26000" && error.sqlstate() != "42P05") throw;
      watch_.NewGeneration();
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
    watch_.Forget();
    Drop();
  }

 private:
  const Catalog& TryRead() {
    {
      const ReadScope scope = watch_.Open();
      const CatalogChange change = watch_.Look(scope);
      PrepareSources();
      if (change.everything) {
        ReadEverything(change);
      } else if (!change.tables.empty()) {
        ++version_;
        ReadChanged(change);
      }
    }
    watch_.Close();
    return catalog_;
  }

  void PrepareSources() {
    if (!sources_.empty()) return;
    for (CatalogQuery& query : CatalogQueries(session_.major_version(), watch_.superuser())) {
      if (!query.sql.empty()) sources_.push_back({std::move(query), {}});
    }
  }

  void ReadEverything(const CatalogChange& change) {
    Drop();
    std::vector<Wanted> wanted;
    for (Source& source : sources_) {
      if (watch_.MayHaveRows(source.query)) wanted.push_back({&source, change.touched});
    }
    Fetch(wanted);
  }

  void ReadChanged(const CatalogChange& change) {
    std::vector<Wanted> wanted;
    for (Source& source : sources_) {
      for (const std::string& name : change.gone) Drop(source, name);
      std::set<Oid> relations;
      if (source.query.by_relation) {
        relations = watch_.ToReadAgain(source.query, change);
        for (const Oid oid : relations) Drop(source, watch_.relations().at(oid).name);
      } else if (watch_.MustAskAgain(source.query, change)) {
        Drop(source, "");
      } else {
        continue;
      }
      if (watch_.MayHaveRows(source.query)) wanted.push_back({&source, std::move(relations)});
    }
    Fetch(wanted);
  }

  void Drop() {
    ++version_;
    catalog_ = Catalog();
    gone_.clear();
    fresh_.clear();
    for (Source& source : sources_) source.objects.clear();
  }

  void Drop(Source& source, const std::string& relation) {
    const auto found = source.objects.find(relation);
    if (found == source.objects.end()) return;
    std::move(found->second.begin(), found->second.end(), std::back_inserter(gone_));
    source.objects.erase(found);
  }

  void Fetch(const std::vector<Wanted>& wanted) {
    std::vector<Session::Prepared> queries;
    std::vector<Source*> asked;
    for (const auto& [source, relations] : wanted) {
      const CatalogQuery& query = source->query;
      std::vector<std::optional<std::string>> parameters;
      if (query.by_relation) {
        const std::set<Oid> of_kind = watch_.MayHaveRowsOf(query, OfKind(relations, query.relkinds));
        if (of_kind.empty()) continue;
        parameters.emplace_back(OidArray(of_kind));
      }
      asked.push_back(source);
      queries.push_back(watch_.Named(query.name, query.sql, std::move(parameters)));
    }
    std::set<std::string, std::less<>> live;
    for (const auto& [oid, relation] : watch_.relations()) live.insert(relation.name);
    const std::vector<Rows> results = queries.empty() ? std::vector<Rows>() : session_.QueryAll(queries);
    for (std::size_t i = 0; i < asked.size(); ++i) Take(*asked[i], results[i], live);
    catalog_.objects().Replace(std::exchange(gone_, {}), std::exchange(fresh_, {}));
  }

  std::set<Oid> OfKind(const std::set<Oid>& relations, const std::string& relkinds) const {
    if (relkinds.empty()) return relations;
    std::set<Oid> of_kind;
    for (const Oid oid : relations) {
      if (relkinds.find(watch_.relations().at(oid).relkind) != std::string::npos) of_kind.insert(oid);
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
  CatalogWatch watch_;
  std::uint64_t version_ = 0;
  std::vector<Source> sources_;
  Catalog catalog_;
  std::vector<ObjectMap::Entry> gone_;   // taken out of the catalog at the end of this read
  std::vector<ObjectMap::Entry> fresh_;  // put into it then
};

CatalogReader::CatalogReader(Session& session, ReadOptions options, const std::shared_ptr<const CatalogMemory>& memory)
    : impl_(std::make_unique<Impl>(session, std::move(options), memory.get())) {}

CatalogReader::~CatalogReader() = default;

const Catalog& CatalogReader::Read() { return impl_->Read(); }

std::shared_ptr<const CatalogMemory> CatalogReader::Memory() const { return impl_->Memory(); }

const Catalog& CatalogReader::ReadAll() {
  impl_->Forget();
  return impl_->Read();
}

std::uint64_t CatalogReader::version() const { return impl_->version(); }

void CatalogReader::Forget() { impl_->Forget(); }

}  // namespace migproof
