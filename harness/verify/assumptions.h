// What revisions assume of rows that are there before them (`assumes` declarations), and rows that break it.
//
//   const AssumptionsHere here = ReadAssumptions(session, subject, index, catalog);
//   const Catalog assumed = WithAssumptions(catalog, here.all);    // what generated rows keep to
//   ForbiddenDraws draws(catalog, base, here, options, targets);   // rows that do not
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "harness/data/check_solver.h"
#include "harness/data/random.h"
#include "harness/data/row_generator.h"
#include "harness/data/rows.h"
#include "harness/verify/subject.h"
#include "migrations/session.h"

namespace migproof {

struct Assumption {
  std::string table;      // qualified and quoted
  std::string condition;  // an SQL expression; a row breaks it where it is false
  const Declaration* declaration = nullptr;
  std::string definition = "";  // "CHECK (...)", in the server's words
};

// "orders" of "orders: note IS NOT NULL".
std::string AssumedTable(const Declaration& declaration);

struct AssumptionsHere {
  std::vector<Assumption> all;  // that hold before the revision: its own, and those of later ones
  // Declarations of the revision itself that can't be held against any row before it, and why: "there is no table
  // 'orders'", or what the server says.
  std::map<const Declaration*, std::string> impossible;
};

// Those before order()[index], where `before` is the catalog of the session's database. Outside of any transaction.
AssumptionsHere ReadAssumptions(Session& session, const Subject& subject, std::size_t index, const Catalog& before);

// The assumptions that `revision` declares itself.
std::vector<Assumption> OwnAssumptions(const Revision& revision, const std::vector<Assumption>& all);

// `catalog` with `assumptions` as CHECKs.
Catalog WithAssumptions(const Catalog& catalog, const std::vector<Assumption>& assumptions);

// Takes out the rows that break an assumption, with whatever refers to them; where `allowed` is not empty, those stay
// that break one of `allowed`. Returns how many broke one.
std::int64_t TakeOut(Session& session, const std::vector<Assumption>& assumptions,
                     const std::vector<Assumption>& allowed);

// The rows of a database that break what a revision assumes.
struct ForbiddenRows {
  std::set<const Declaration*> broken;  // by some row
  RowSnapshot rows;                     // without sequences
};

ForbiddenRows FindForbidden(Session& session, const Catalog& catalog, const std::vector<Assumption>& own);

// `catalog`'s tables that the revision assumes something of, with their partitions and whatever else inherits from
// them.
std::set<std::string> AssumedTables(const Revision& revision, const Catalog& catalog);

// The forbidden rows, without the columns and tables in `leave_out` ("public.orders.note", "public.orders").
RowSnapshot OnlyForbidden(const ForbiddenRows& forbidden, const std::set<std::string>& leave_out);

// What of `is` they may have become: of the same tables every row but those that the other rows of `was` still are, as
// far as can be told by the columns that both have and that `uncompared` does not name. Likewise without
// what is in `leave_out`.
RowSnapshot LessOtherRows(const RowSnapshot& was, const RowSnapshot& is, const ForbiddenRows& forbidden,
                          const std::set<std::string>& leave_out, const std::set<std::string>& uncompared);

// Draws sets of rows among which some break an assumption, as far as that can be told without a server.
class ForbiddenDraws {
 public:
  // `before` are the rows that are there, `options` name the tables to leave out and those that matter beside the ones
  // assumptions are about; `targets` is what the revision's own change is aimed at with.
  ForbiddenDraws(const Catalog& catalog, const RowSnapshot& before, const std::vector<Assumption>& own,
                 const std::vector<Assumption>& all, RowGeneratorOptions options, const Targets& targets);

  Dataset Draw(const Random& random) const;
  const RowGenerator& generator() const { return *generator_; }

 private:
  bool Breaks(const Dataset& rows) const;

  struct Rule {
    std::string table;
    CheckSolver solver;
    CheckColumns columns;
  };
  std::vector<Rule> rules_;
  std::unique_ptr<RowGenerator> generator_;
};

}  // namespace migproof
