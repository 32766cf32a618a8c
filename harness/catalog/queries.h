// The queries in queries/*.sql, made ready for one server.
//
// A file is one kind ("foreign_key.sql": "foreign key") or a part of one ("comment.relation.sql"). It selects `name`,
// `relation` and one column per attribute; NULL is an attribute that does not apply. Its header names the system
// catalogs it reads, a "*" before those without whose rows there is nothing to read; "*pg_constraint:check" needs rows
// with that mark, and "index:pg_class" are the rows of a relation's indexes (of the relation itself: "pg_class"). A
// line that ends in "-- since 15", "-- until 14", "-- superuser" or "-- plain" (several of them: all must hold) is
// there for such servers and roles only. A query with the parameter $1 (oid[]) reads the relations given, one without
// reads all there is; a line "-- relkinds: r p" says which relations it has anything to say of.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace migproof {

struct CatalogQuery {
  std::string name;  // of the file, without ".sql"
  std::string kind;
  std::string sql;                    // "" where the server has no such thing
  std::vector<std::string> catalogs;  // names in CatalogTables(), of rows of indexes behind "index:"
  std::vector<std::string> needs;     // those of them without which there is nothing to read, with their marks; none:
                                      // always read
  bool by_relation = false;
  std::string relkinds;  // pg_class.relkind of those relations; "": any
};

// All queries, sorted by file name. Error(internal) for a header or gate that can't be read.
std::vector<CatalogQuery> CatalogQueries(int major_version, bool superuser);

// One file's text. Exposed for its test.
CatalogQuery ParseCatalogQuery(std::string_view file, std::string_view text, int major_version, bool superuser);

}  // namespace migproof
