// All that a law may do: move along the history, look, and compare.
//
//   const Observation& before = trial.Before();
//   const Observation& after = trial.After({Move::kUpgrade, Move::kDowngrade});
//   trial.Compare(before.catalog, after.catalog);
//
// Moves are remembered: laws that ask for the same path look at the same execution. Nothing a law does changes what the
// next one sees.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/catalog/catalog.h"
#include "harness/catalog/census.h"
#include "harness/catalog/drift.h"
#include "harness/data/rows.h"
#include "harness/verify/finding.h"
#include "harness/verify/subject.h"

namespace migproof {

// What can be done at a revision whose ancestors are applied.
enum class Move {
  kUpgrade,    // the revision's upgrade
  kDowngrade,  // its downgrade
  kRerun,      // its upgrade's script once more
  kAdopt,      // its ledger entry is forgotten, then the revision is upgraded as if the database had never been stamped
};

// A database as it was seen after some moves.
struct Observation {
  std::shared_ptr<const Catalog> catalog;  // null where a refusal left nothing to look at
  std::shared_ptr<const RowSnapshot> rows;
  std::shared_ptr<const Census> census;  // the kinds of objects there are, asked another way; null where nobody asked
  std::vector<Error> refusals;           // what the server refused in the last move, in order

  bool refused() const { return !refusals.empty(); }
};

// One step of the descent from the heads to the bases, run for real: what it adds to the drift of the steps before it.
struct DescentStep {
  const Revision* revision = nullptr;
  std::vector<Error> refusals;          // of its downgrade; the state before it is rebuilt then and the descent goes on
  std::vector<Difference> differences;  // against the catalog before its upgrade, notes included
  std::vector<std::string> rows;        // likewise of rows
  std::int64_t objects = 0;             // how many were compared
};

struct DescentResult {
  std::vector<DescentStep> steps;
  std::string stopped;  // why it ended above the bases ("r3 gives no downgrade"), or ""
};

// What moves databases for a Trial: a Walk, or its CommittedMoves.
class Mover {
 public:
  virtual ~Mover() = default;
  // The database before the revision.
  virtual const Observation& Before() = 0;
  virtual const Observation& After(const std::vector<Move>& path) = 0;
  // At the heads: as it stands, and after "upgrade heads" was asked for once more.
  virtual const Observation& AtHeads() = 0;
  virtual const Observation& AfterUpgradeAtHeads() = 0;
  virtual const DescentResult& Descent() = 0;
  // What the heads are held against; asked for only where the subject has a model.
  virtual const Catalog& Model() = 0;
  // The columns that the revision's upgrade fills with other values each time it runs (clock, chance): found by running
  // it on two databases.
  virtual const UnstableColumns& Unstable() = 0;
  // Ancestors that did not upgrade without refusals.
  virtual std::vector<std::string> ReachedPast() const = 0;
};

class Trial {
 public:
  // `revision` is null for the history as a whole.
  Trial(const Subject& subject, const Revision* revision, Mover& mover);

  const Subject& subject() const { return subject_; }
  bool whole_history() const { return revision_ == nullptr; }
  const Revision& revision() const { return *revision_; }

  const Observation& Before() { return mover_.Before(); }
  const Observation& After(const std::vector<Move>& path) { return mover_.After(path); }
  const Observation& AtHeads() { return mover_.AtHeads(); }
  const Observation& AfterUpgradeAtHeads() { return mover_.AfterUpgradeAtHeads(); }
  const DescentResult& Descent() { return mover_.Descent(); }
  const Catalog& Model() { return mover_.Model(); }

  // The drift that counts, less what the revision declares to leave; what does not count becomes a note.
  std::vector<Difference> Compare(const Observation& was, const Observation& is);
  // The part of `differences` that counts against `revision`; the rest becomes notes.
  std::vector<Difference> Counting(const Revision* revision, std::vector<Difference> differences);
  // The differences of rows that count, as evidence lines. Tables and columns that only one side has are left to the
  // catalog. Cells that the clock, a sequence or chance fills compare by NULL or not.
  std::vector<std::string> CompareRows(const Observation& was, const Observation& is);

  // What the law looked at; counts add up.
  void Exercised(const std::string& what, std::int64_t count = 1) { exercised_[what] += count; }
  void Note(std::string note);
  // Says of each declaration of the revision of this kind ("leaves") that it is stale where no comparison has needed
  // it: to be called when everything it could excuse was compared.
  void NoteStale(std::string_view kind);

  const std::map<std::string, std::int64_t>& exercised() const { return exercised_; }
  const std::vector<std::string>& notes() const { return notes_; }
  const std::vector<std::string>& stale() const { return stale_; }

 private:
  const Subject& subject_;
  const Revision* revision_;
  Mover& mover_;
  std::map<std::string, std::int64_t> exercised_;
  std::vector<std::string> notes_;
  std::vector<std::string> stale_;
  std::set<const Declaration*> needed_;
};

// "db/3.sql:12: relation "t" already exists (SQLSTATE 42P07) in: CREATE TABLE t ...", shortened.
std::string EvidenceLine(const Error& refusal);

// Differences of rows in the tables that both catalogs have, sequences included. Cells under volatile defaults compare
// by NULL or not.
std::vector<std::string> CompareRowsOfSharedTables(const Observation& was, const Observation& is,
                                                   const UnstableColumns& unstable = {});

// The refusals that `known` does not have (same statement and SQLSTATE).
std::vector<Error> NewRefusals(const std::vector<Error>& refusals, const std::vector<Error>& known);

}  // namespace migproof
