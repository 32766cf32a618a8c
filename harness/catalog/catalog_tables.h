// The system catalogs whose rows say what a database defines, and how to tell cheaply that they changed.
//
// A row version never changes, and no two ever have the same place (ctid) and the same writing transaction (xmin): a
// place is only used again after the transaction that deleted the row there ended, and that one is another. So a
// catalog whose visible (ctid, xmin) pairs are the same holds the same rows, also across ROLLBACK, which brings the old
// pairs back. The change token is the count of the pairs and the sum of their 64-bit hashes. What the server overwrites
// in place (relpages, reltuples, relfrozenxid) is statistics.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace migproof {

struct CatalogTable {
  std::string name;      // the system catalog, or a name of our own for a part of one
  std::string rows;      // what stands behind FROM; the table is `x`
  std::string relation;  // the relation (or index) that a row belongs to; "": rows belong to none
  bool names = false;    // other objects print what stands here: a change makes everything be read again
  std::string hash;      // of a row, where (ctid, xmin) can't be seen; "" elsewhere
  // What a row may tell of its relation, and the condition under which it does: queries that look for nothing else need
  // not ask of the others.
  std::vector<std::pair<std::string, std::string>> marks;
  std::string stands_on;  // the table without whose rows this one has none; "": it stands by itself
};

std::vector<CatalogTable> CatalogTables(int major_version, bool superuser);

// Number, count and sum of hashes of the tables whose numbers are in `of`; one without rows may be missing.
std::string TokenSql(const std::vector<CatalogTable>& tables, const std::set<std::size_t>& of, int major_version);

// oid, count and sum of hashes per relation, for a table that has `relation`; where it has marks, those that its rows
// make, the n-th as 2^n.
std::string RelationTokenSql(const CatalogTable& table, int major_version);
// The same, of the relations that have a row there which $1 (xid) or a later transaction wrote. "" for a table whose
// rows say nothing of that.
std::string RelationTokenSinceSql(const CatalogTable& table, int major_version);

// The relations that are compared: oid, relkind, name (qualified, but for an index), table (for an index: of its table,
// else 0), oid of its TOAST table (which holds options) or 0. $1: text[], names of tables that are left out with their
// sequences.
std::string RelationsSql();
// As RelationsSql, of those in $2 (oid[]).
std::string SomeRelationsSql();

// oid and name of what other objects print by name and may be renamed without any sign in their own rows: functions,
// types, enum labels.
std::string NamesSql();

// The columns of the relations in $1 (oid[]): oid, number, hash.
std::string ColumnHashesSql(int major_version);

// The same of all relations, dropped columns too: oid, number, hash, marks, whether it is dropped. `attributes` is
// pg_attribute; what RelationTokenSql gives of it are sums of these.
std::string AllColumnHashesSql(const CatalogTable& attributes, int major_version);

// The relations whose definitions name one of $1 (oid[]) or its columns: oid, or 0 for a function's; which of $1; and
// whether the text may change with columns that come or go (names in a query's text are made unambiguous).
std::string DependentsSql();

}  // namespace migproof
