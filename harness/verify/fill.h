// Generated rows for a database wherever it stands, not only before a revision (that is what Case is for).
//
//   Fill fill(stand.session(), subject, {*before, *after, drift, statements}, 3);
//   const Dataset rows = fill.Draw(random, false);
//   PutIn(stand.session(), subject, *before, rows);
//
// Nothing goes into the ledger's tables, nor into those that a revision declares to own; rows that break what any
// revision assumes are taken out again.
#pragma once

#include <rapidcheck/Seq.h>

#include <memory>
#include <string>
#include <vector>

#include "harness/data/aim.h"
#include "harness/data/random.h"
#include "harness/data/row_generator.h"
#include "harness/verify/dataset_shrink.h"
#include "harness/verify/subject.h"
#include "migrations/session.h"

namespace migproof {

// Tables that get no generated rows: the ledger's, and those that a revision declares to own.
std::vector<std::string> NotToBeFilled(const Subject& subject, const Catalog& catalog);

class Fill {
 public:
  // The database holds what `input.before` says. Rows go above all into the tables that differ in `input.after` or that
  // its statements name, and aim at what changes there. A set has about `rows_per_table` rows for a table, at most.
  Fill(Session& session, const Subject& subject, const AimInput& input, std::size_t rows_per_table);

  // False where there is no table to fill.
  bool possible() const { return generator_ != nullptr; }
  Dataset Draw(Random& random, bool broad) const { return generator_->Draw(random, broad); }
  // Simpler datasets, most promising first.
  rc::Seq<Dataset> Shrinks(const Dataset& rows) const { return ShrinksOf(*generator_, rows); }

 private:
  std::unique_ptr<RowGenerator> generator_;
};

// What follows finds nothing of what the connection has come by (kForgetPlans and its kin), as on a connection of
// somebody else's: rows come by others than migrations do.
void Reconnect(Session& session);

// Inserts what the server takes, with real commits, and brings the sequences level with the keys. Returns what stayed.
Dataset PutIn(Session& session, const Subject& subject, const Catalog& catalog, const Dataset& rows);

// The texts of the statements of sections, bodies included.
std::vector<std::string> StatementsOf(const std::vector<const Section*>& sections);

}  // namespace migproof
