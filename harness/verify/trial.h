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
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/catalog/catalog.h"
#include "harness/catalog/census.h"
#include "harness/catalog/drift.h"
#include "harness/data/rows.h"
#include "harness/data/sequence_use.h"
#include "harness/verify/finding.h"
#include "harness/verify/move.h"
#include "harness/verify/subject.h"

namespace migproof {

class Elsewhere;
struct Aftermath;      // see aftermath.h
struct ForbiddenRows;  // see assumptions.h

// A database as it was seen after some moves.
struct Observation {
  std::shared_ptr<const Catalog> catalog;  // null where a refusal left nothing to look at
  std::shared_ptr<const RowSnapshot> rows;
  std::shared_ptr<const Census> census;  // the kinds of objects there are, asked another way; null where nobody asked
  std::vector<Error> refusals;           // what the server refused in the last move, in order

  Path path;  // how it was reached

  bool refused() const { return !refusals.empty(); }
};

// What a law last saw that speaks against the revision: enough to tell the same fault from another one.
struct Suspicion {
  Path was;
  Path is;
  bool refused = false;
  std::string signature;
  std::set<std::string> tables;              // whose rows differ; a sequence is "sequence public.s"
  std::vector<SequenceUse> behind;           // of those sequences, the ones that keys have outrun
  UnstableColumns unstable;                  // columns that are not compared
  std::map<std::string, std::string> casts;  // by "public.orders.note", the type its values were compared as
  // By table, the columns that tell rows apart where only those that both sides have are compared.
  std::map<std::string, std::vector<std::string>> keys;

  // Whether `other` may be the same fault with other rows.
  bool Matches(const Suspicion& other) const;
};

// One step of the descent from the heads to the bases, run for real: what it adds to the drift of the steps before it.
struct DescentStep {
  const Revision* revision = nullptr;
  std::vector<Error> refusals;          // of its downgrade; the state before it is rebuilt then and the descent goes on
  std::vector<Difference> differences;  // against the catalog before its upgrade, notes included
  std::vector<std::string> rows;        // likewise of rows
  std::int64_t objects = 0;             // how many were compared
};

struct OrdersResult;   // see orders.h
struct RamblesResult;  // see rambles.h

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
  // The history along its legal orders, where it has more than one; Error(internal) where single rows are on trial.
  virtual const OrdersResult& Orders();
  // Random walks over the history; likewise.
  virtual const RamblesResult& Rambles();
  // What the heads are held against; asked for only where the subject has a model.
  virtual const Catalog& Model() = 0;
  // The columns that hold other values each time the revision is moved along `path` (clock, chance): found by doing so
  // on two databases.
  virtual const UnstableColumns& Unstable(const Path& path) = 0;
  // Ancestors that did not upgrade without refusals.
  virtual std::vector<std::string> ReachedPast() const = 0;
  // What must be done to the catalog of `was` to make it that of `is`, notes included.
  virtual std::vector<Difference> Compare(const Observation& was, const Observation& is);
  // Whether upgrade and downgrade have led back to the very database they began with, where the same upgrade can only
  // do what it did before; never true before that was seen to be so a few times at this revision.
  virtual bool KnowsUpgradeAgain() { return false; }
  virtual bool HasRows() const { return false; }
  // Whether Move::kInsert is one of its moves.
  virtual bool HasNewRows() const { return false; }
  // Whether some of the rows may break what the revision assumes.
  virtual bool HasForbiddenRows() const { return false; }
  // Those of the rows before the upgrade that do; Error(internal) where HasForbiddenRows is false.
  virtual const ForbiddenRows& Forbidden();
  // What the refused upgrade has left of itself; null where it was not refused, and inside a transaction, where that
  // can't be seen.
  virtual const Aftermath* Left() { return nullptr; }
  // What the upgrade was seen to do to rows that keep to what is assumed (see Trial::Rewrites).
  virtual const std::set<std::string>& Rewritten() const;
  // Databases beside the one that is moved.
  virtual Elsewhere& elsewhere();
  // The rows of a table after `path`, columns cast to other types on the way ("public.t", {{"a", "integer"}}); null
  // where a cast is refused.
  virtual std::shared_ptr<const TableRows> ReadCast(const Path& path, const std::string& table,
                                                    const std::map<std::string, std::string>& casts);
};

// Says that nothing bore a declaration out.
std::string StaleLine(const Revision& revision, const Declaration& declaration);

class Trial {
 public:
  // `revision` is null for the history as a whole.
  Trial(const Subject& subject, const Revision* revision, Mover& mover);

  const Subject& subject() const { return subject_; }
  bool whole_history() const { return revision_ == nullptr; }
  const Revision& revision() const { return *revision_; }

  // True where the database holds generated rows.
  bool has_rows() const { return mover_.HasRows(); }
  // See Mover.
  bool KnowsUpgradeAgain() { return mover_.KnowsUpgradeAgain(); }
  // True where generated rows of the new shape go in after the upgrade, by Move::kInsert; Before() has none then.
  bool has_new_rows() const { return mover_.HasNewRows(); }

  // True where some of the generated rows may break what the revision assumes; Forbidden() tells which.
  bool has_forbidden_rows() const { return mover_.HasForbiddenRows(); }
  const ForbiddenRows& Forbidden() { return mover_.Forbidden(); }
  const Aftermath* Left() { return mover_.Left(); }
  // The columns ("public.orders.note") and tables ("public.orders") whose values or rows the upgrade changes or takes
  // whatever they are: told by a law that saw it do so to rows that keep to what is assumed, known to later trials.
  void Rewrites(std::set<std::string> names) { rewrites_.merge(std::move(names)); }
  const std::set<std::string>& rewrites() const { return rewrites_; }
  const std::set<std::string>& Rewritten() const { return mover_.Rewritten(); }

  const Observation& Before() { return mover_.Before(); }
  const Observation& After(const Path& path);
  const Observation& AtHeads() { return mover_.AtHeads(); }
  const Observation& AfterUpgradeAtHeads() { return mover_.AfterUpgradeAtHeads(); }
  const DescentResult& Descent() { return mover_.Descent(); }
  const OrdersResult& Orders() { return mover_.Orders(); }
  const RamblesResult& Rambles() { return mover_.Rambles(); }
  const Catalog& Model() { return mover_.Model(); }
  // What is tried on databases of its own: failures, races, other environments.
  Elsewhere& elsewhere() { return mover_.elsewhere(); }
  // Why a runner does not come to the heads ("the upgrade of 'r3' is refused"), or "" where it does.
  std::string WhyNotWhole() const;

  // The drift that counts, less what the revision declares to leave; what does not count becomes a note.
  std::vector<Difference> Compare(const Observation& was, const Observation& is);
  // The part of `differences` that counts against `revision`; the rest becomes notes.
  std::vector<Difference> Counting(const Revision* revision, std::vector<Difference> differences);
  // The differences of rows that count, as evidence lines. Tables and columns that only one side has are left to the
  // catalog. Cells that the clock, a sequence or chance fills compare by NULL or not.
  // With `only`, in these tables and no others; with `lost_only`, rows that came on top do not count. `leave_out` are
  // columns that are not compared ("public.orders.note").
  std::vector<std::string> CompareRows(const Observation& was, const Observation& is,
                                       const std::optional<std::set<std::string>>& only = std::nullopt,
                                       bool lost_only = false, const std::set<std::string>& leave_out = {});

  // Of the rows that both sides have, told by primary key (in tables without one: where there are as many rows as
  // before), those with other values in columns that the revision's both shapes have, as evidence lines. Tables that
  // the upgrade writes to by name are left out: what it does to old rows it does to these.
  std::vector<std::string> CompareSurvivors(const Observation& was, const Observation& is);

  // What a revision that means to lose the rows and values that all CompareRows so far have missed would declare, of
  // the kind `kind` ("loses", "changes") where values changed; "" where they missed none.
  std::string LossHint(const std::string& kind);

  // There is nothing to check by nature, which only looking could tell.
  void NotApplicable(std::string why) { not_applicable_ = std::move(why); }
  const std::string& not_applicable() const { return not_applicable_; }
  // The environment lacks what the law needs.
  void Skip(std::string why) { skipped_ = std::move(why); }
  const std::string& skipped() const { return skipped_; }
  // What the law looked at; counts add up.
  void Exercised(const std::string& what, std::int64_t count = 1) { exercised_[what] += count; }
  void Note(std::string note);
  // Says of each declaration of the revision of this kind ("leaves") that it is stale where no comparison has needed
  // it: to be called when everything it could excuse was compared.
  void NoteStale(std::string_view kind);
  void Stale(const Declaration& declaration) { stale_.push_back(StaleLine(*revision_, declaration)); }

  // The last refusal or difference that was seen; nothing where nothing was.
  const std::optional<Suspicion>& suspicion() const { return suspicion_; }
  // The declarations that excused something.
  const std::set<const Declaration*>& needed() const { return needed_; }
  // Values that were compared as another type differ: to be told by a law that read them with ReadCast.
  void Suspect(Suspicion suspicion) { suspicion_ = std::move(suspicion); }
  void SuspectCasts(std::map<std::string, std::string> casts) {
    if (suspicion_) suspicion_->casts = std::move(casts);
  }
  // The columns and tables ("public.orders.note", "public.orders") that the revision declares to lose or to change.
  std::map<std::string, const Declaration*> Exempt(const Catalog& catalog) const;
  std::shared_ptr<const TableRows> ReadCast(const Path& path, const std::string& table,
                                            const std::map<std::string, std::string>& casts) {
    return mover_.ReadCast(path, table, casts);
  }

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
  std::optional<Suspicion> suspicion_;
  std::set<std::string> lost_;
  std::set<std::string> rewrites_;
  std::string not_applicable_;
  std::string skipped_;
};

// "db/3.sql:12: relation "t" already exists (SQLSTATE 42P07) in: CREATE TABLE t ...", shortened.
std::string EvidenceLine(const Error& refusal);

// Differences of rows in the tables that both catalogs have, sequences included. Cells under volatile defaults compare
// by NULL or not, unless `exact`.
// `leave_out` are columns and tables that are not compared; `only`, where given, are the tables that are. `lost` gets
// what was lost: columns, tables, and sequences as "sequence public.s".
std::vector<std::string> CompareRowsOfSharedTables(const Observation& was, const Observation& is,
                                                   const UnstableColumns& unstable = {},
                                                   const std::set<std::string>& leave_out = {},
                                                   const std::optional<std::set<std::string>>& only = std::nullopt,
                                                   bool exact = false, std::set<std::string>* lost = nullptr);

// Whether what a declaration names ("orders.note") is the object called `name`; quotes and "public." are the writer's
// choice.
bool IsNamed(const std::string& declared, const std::string& object_name);

// The table of `catalog` that a declaration calls `name`, or "".
std::string TableNamed(const Catalog& catalog, const std::string& name);

// What lets `revision` leave the object ("leaves extension vector"), or null.
const Declaration* FindLeaves(const Revision& revision, const ObjectKey& object);

// The refusals that `known` does not have (same statement and SQLSTATE).
std::vector<Error> NewRefusals(const std::vector<Error>& refusals, const std::vector<Error>& known);

}  // namespace migproof
