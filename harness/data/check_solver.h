// What CHECK constraints demand of a row: told apart, solved for values that pass, and for values that just do not.
//
//   const CheckSolver checks({"CHECK (((price > (0)::numeric) AND (price <= (100)::numeric)))"});
//   checks.columns();                                          // {"price"}
//   checks.Literals();                                         // {{"price", {"0", "100"}}}
//   const CheckColumns columns = {{"price", {ResolveType(catalog, "numeric(10,2)")}}};
//   checks.Solve(columns, {}, random);                         // {{"price", "0.01"}}, {{"price", "100.00"}} ...
//   checks.Counters(columns, {}, random);                      // {{"price", "0.00"}}, {{"price", "100.01"}} ...
//
// The texts are what pg_get_constraintdef writes. Understood are comparisons (=, <>, <, <=, >, >=, IN, NOT IN, BETWEEN,
// IS DISTINCT FROM, LIKE, ILIKE, regular expressions of simple shape) of columns, literals, casts, + - * and the
// functions length, char_length, octet_length, lower, upper, btrim, ltrim, rtrim, trim, abs, coalesce, cardinality,
// array_length, num_nulls, num_nonnulls and jsonb_typeof; = ANY and <> ALL of a column that is an array; truth counted
// as an integer; IS [NOT] NULL; AND, OR, NOT. What else there is passes for all we know, and is left to the server. A
// domain's CHECKs speak of a column called "VALUE".
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/data/column_type.h"
#include "harness/data/random.h"
#include "harness/data/rows.h"

namespace migproof {

struct CheckColumn {
  ColumnType type;
  bool nullable = true;
};

using CheckColumns = std::map<std::string, CheckColumn>;  // by the column's name, quoted as in the catalog
using CheckRow = std::map<std::string, Cell>;             // likewise; NULL is a value here

enum class CheckVerdict { kPasses, kFails, kUnknown };  // unknown: the server decides

class CheckSolver {
 public:
  // All of the definitions at once: a row must pass each.
  explicit CheckSolver(const std::vector<std::string>& definitions);
  ~CheckSolver();
  CheckSolver(const CheckSolver&);
  CheckSolver& operator=(const CheckSolver&) = delete;

  // Whether every part was understood. If not, Solve still satisfies the parts that were.
  bool understood() const;
  // The columns that the CHECKs speak of.
  const std::set<std::string>& columns() const;
  // The literals that each column is compared with, in the order of their appearance, each once, less their casts: "0",
  // "open". A literal that is compared with the length of a column is not among them.
  std::map<std::string, std::vector<std::string>> Literals() const;
  // The columns that one part of a CHECK speaks of together with others.
  std::set<std::string> Related() const;

  // What the CHECKs say of a row. `columns` are the types of the columns in it (an absent one is unknown).
  CheckVerdict Judge(const CheckColumns& columns, const CheckRow& row) const;

  // `columns` holds the types of all columns that matter, `given` the values of those that are settled. Draws values
  // for the rest, as far as the CHECKs speak of them, such that the row passes. Boundary values come often: the literal
  // itself, the one beside it. A cell is NULL only where the CHECKs speak of NULL or nothing else was found. Values of
  // domains pass the domain's CHECKs too. Nothing where none was found.
  std::optional<CheckRow> Solve(const CheckColumns& columns, const CheckRow& given, Random& random) const;

  // Rows that the types accept and the CHECKs certainly do not: those just beyond a boundary first, at most `limit`.
  // `columns`, `given` and what is in a row are as above.
  std::vector<CheckRow> Counters(const CheckColumns& columns, const CheckRow& given, Random& random,
                                 std::size_t limit = 8) const;

  // The same for a single column. Nothing (or none) where NULL is the only answer.
  std::optional<std::string> SolveOne(const std::string& column, const ColumnType& type, Random& random) const;
  std::vector<std::string> CountersOne(const std::string& column, const ColumnType& type, Random& random) const;

 private:
  class Impl;
  std::shared_ptr<const Impl> impl_;
};

}  // namespace migproof
