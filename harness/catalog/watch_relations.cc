// Which relations a change of the catalogs has to do with.
#include <algorithm>
#include <utility>

#include "harness/catalog/text_array.h"
#include "harness/catalog/watch.h"

namespace migproof {

namespace {

// True where an oid in both has another text.
bool AnyRenamed(const std::map<Oid, std::string>& was, const std::map<Oid, std::string>& is) {
  return std::any_of(was.begin(), was.end(), [&](const auto& entry) {
    const auto found = is.find(entry.first);
    return found != is.end() && found->second != entry.second;
  });
}

}  // namespace

std::map<Oid, std::string> CatalogWatch::ToNames(const Rows& rows) {
  std::map<Oid, std::string> names;
  for (int i = 0; i < rows.size(); ++i) names.emplace(ToOid(rows.Get(i, 0)), rows.Get(i, 1));
  return names;
}

std::map<Oid, CatalogWatch::Columns> CatalogWatch::ToColumns(const Rows& rows) {
  std::map<Oid, Columns> columns;
  for (int i = 0; i < rows.size(); ++i) {
    columns[ToOid(rows.Get(i, 0))].emplace(rows.GetInt(i, 1), ToNumber(rows.Get(i, 2)));
  }
  return columns;
}

std::map<Oid, LiveRelation> CatalogWatch::ToRelations(const Rows& rows) {
  std::map<Oid, LiveRelation> relations;
  for (int i = 0; i < rows.size(); ++i) {
    relations.emplace(ToOid(rows.Get(i, 0)), LiveRelation{std::string(rows.Get(i, 2)), rows.Get(i, 1).front(),
                                                          ToOid(rows.Get(i, 3)), ToOid(rows.Get(i, 4))});
  }
  return relations;
}

// Relations that were there before and have other columns; what is new has no dependents but new ones.
struct CatalogWatch::Reshaped {
  std::set<Oid> altered;  // a column that was there is another one
  std::set<Oid> resized;  // columns have come or gone, and that is all
};

// `rows_of`: by table, the relations, indexes and TOAST tables that have other rows there than before.
void CatalogWatch::LookAtRelations(const std::map<std::size_t, std::set<Oid>>& rows_of, CatalogChange& change) {
  std::set<Oid> all;
  std::set<Oid> reshaped;
  for (const auto& [table, oids] : rows_of) {
    all.insert(oids.begin(), oids.end());
    if (layout_.tables[table].name == "pg_attribute") reshaped = oids;
  }
  std::vector<Session::Prepared> queries;
  const bool names =
      change.tables.contains("pg_proc") || change.tables.contains("pg_type") || change.tables.contains("pg_enum");
  if (names) queries.push_back(Named("names", NamesSql()));
  if (!reshaped.empty()) {
    queries.push_back(Named("columns", ColumnHashesSql(session_.major_version()), {OidArray(reshaped)}));
  }
  if (!all.empty()) {
    queries.push_back(
        Named("some_relations", SomeRelationsSql(), {TextArray(options_.leave_out_tables), OidArray(all)}));
  }
  const std::set<Oid> known = KnownAmong(reshaped);
  if (!known.empty()) queries.push_back(Named("dependents", DependentsSql(), {OidArray(known)}));
  if (queries.empty()) return;
  const std::vector<Rows> results = session_.QueryAll(queries);
  auto result = results.begin();
  if (names) {
    std::map<Oid, std::string> now = ToNames(*result++);
    change.everything = AnyRenamed(seen_.names, now);
    seen_.names = std::move(now);
  }
  Reshaped shapes;
  if (!reshaped.empty()) shapes = NoteColumns(*result++, reshaped);
  if (!all.empty()) NoteRelations(ToRelations(*result++), all, change);
  if (!known.empty()) NoteDependents(*result, shapes, change);
  change.touched = change.whole;
  for (const auto& [table, oids] : rows_of) {
    std::set<Oid> of_indexes;
    std::set<Oid> others;
    for (const Oid oid : oids) (IsOfIndex(oid) ? of_indexes : others).insert(oid);
    of_indexes = OwnersOf(of_indexes);
    others = OwnersOf(others);
    change.touched.insert(of_indexes.begin(), of_indexes.end());
    change.touched.insert(others.begin(), others.end());
    const std::string& name = layout_.tables[table].name;
    change.touched_in.emplace("index:" + name, std::move(of_indexes));
    change.touched_in.emplace(name, std::move(others));
  }
}

// `rows`: what columns there are of the relations in `of`. Before NoteRelations: what those there are were is needed.
CatalogWatch::Reshaped CatalogWatch::NoteColumns(const Rows& rows, const std::set<Oid>& of) {
  std::map<Oid, Columns> now = ToColumns(rows);
  Reshaped reshaped;
  for (const Oid oid : of) {
    const auto relation = seen_.relations.find(oid);
    const auto was = seen_.columns.find(oid);
    if (relation != seen_.relations.end() && !relation->second.is_index()) {
      const bool same_where_both_are =
          was != seen_.columns.end() && std::all_of(was->second.begin(), was->second.end(), [&](const auto& column) {
            const auto found = now[oid].find(column.first);
            return found == now[oid].end() || found->second == column.second;
          });
      (same_where_both_are ? reshaped.resized : reshaped.altered).insert(oid);
    }
    seen_.columns.insert_or_assign(oid, std::move(now[oid]));
  }
  return reshaped;
}

// Those whose columns may matter to others: what is new has no dependents but new ones.
std::set<Oid> CatalogWatch::KnownAmong(const std::set<Oid>& reshaped) const {
  std::set<Oid> known;
  for (const Oid oid : reshaped) {
    const auto relation = seen_.relations.find(oid);
    if (relation != seen_.relations.end() && !relation->second.is_index()) known.insert(oid);
  }
  return known;
}

// Whom those columns matter to.
void CatalogWatch::NoteDependents(const Rows& dependents, const Reshaped& reshaped, CatalogChange& change) {
  std::set<Oid> whole = reshaped.altered;
  for (int i = 0; i < dependents.size(); ++i) {
    const Oid of = ToOid(dependents.Get(i, 1));
    const bool matters = reshaped.altered.contains(of) || (reshaped.resized.contains(of) && dependents.GetBool(i, 2));
    if (matters) whole.insert(ToOid(dependents.Get(i, 0)));
  }
  change.functions = whole.contains(0);
  change.whole = OwnersOf(whole);
}

// Of one that has gone too.
bool CatalogWatch::IsOfIndex(Oid oid) const {
  const auto relation = seen_.relations.find(oid);
  if (relation != seen_.relations.end()) return relation->second.is_index();
  const auto owner = seen_.owners.find(oid);
  if (owner == seen_.owners.end()) return false;
  const auto table = seen_.relations.find(owner->second);
  return table == seen_.relations.end() || table->second.toast != oid;
}

// `now` is what there is of those in `looked_at`.
void CatalogWatch::NoteRelations(const std::map<Oid, LiveRelation>& now, const std::set<Oid>& looked_at,
                                 CatalogChange& change) {
  for (const Oid oid : looked_at) {
    const auto was = seen_.relations.find(oid);
    if (was == seen_.relations.end() || now.contains(oid)) continue;
    if (!was->second.is_index()) change.gone.insert(was->second.name);
    seen_.columns.erase(oid);
    seen_.relations.erase(was);
  }
  for (const auto& [oid, relation] : now) {
    if (relation.is_index()) seen_.owners[oid] = relation.table;
    if (relation.toast != 0) seen_.owners[relation.toast] = oid;
    const auto was = seen_.relations.find(oid);
    if (was != seen_.relations.end() && was->second.name != relation.name) change.everything = true;
    seen_.relations.insert_or_assign(oid, relation);
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
  for (const std::string& name : query.catalogs) {
    const auto touched = change.touched_in.find(name);
    if (touched != change.touched_in.end()) {
      relations.insert(touched->second.begin(), touched->second.end());
      continue;
    }
    const std::string table = name.substr(name.find(':') + 1);
    if (!layout_.numbers.contains(table) || change.tables.contains(table)) return change.touched;
  }
  return relations;
}

bool CatalogWatch::MustAskAgain(const CatalogQuery& query, const CatalogChange& change) const {
  return std::any_of(query.catalogs.begin(), query.catalogs.end(), [&](const std::string& table) {
    return change.tables.contains(table) || !layout_.numbers.contains(table) ||
           (change.functions && table == "pg_proc");
  });
}

}  // namespace migproof
