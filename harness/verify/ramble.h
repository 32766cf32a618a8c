// One random walk over a history, as data, and what happens when a database goes it.
//
//   Ramble ramble = {{LegKind::kUpgrade, r3}, {LegKind::kDowngrade, r2}};
//   Rambler rambler(bench, expected, {});
//   if (std::optional<Stumble> stumble = rambler.Go(ramble)) ...
//
// After each leg, and before the first, the ledger must hold what is applied. While only migrations have written rows,
// catalog and rows must be those that upgrades alone, in the order applied, would have made. Once rows of others are in
// it: the rows must be what they were when they were last written to, wherever the walk is back at the revisions of
// then and has gone no lower; and at any time those in tables that no script on the way has to do with. A refusal ends
// such a walk without a word: rows that no upgrade takes are upgrade_succeeds' finding.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/data/dataset.h"
#include "harness/verify/expected.h"

namespace migproof {

enum class LegKind {
  kUpgrade,    // to a revision, with all it needs
  kDowngrade,  // until a revision is undone, and with it all that stands on it
  kRunAgain,   // upgrade to where the database is
  kStamp,      // the ledger emptied and written again; with a revision, that one more (or less), where it does nothing
  kInsert,
  kUpdate,
  kDelete,
};

struct Leg {
  LegKind kind = LegKind::kUpgrade;
  const Revision* revision = nullptr;
  std::uint64_t seed = 0;                      // of what else is drawn when it is gone: rows
  std::optional<Dataset> rows = std::nullopt;  // of kInsert; filled in when it is first gone
};

using Ramble = std::vector<Leg>;

// "upgrade to r3", "downgrade below r2", "insert 3 rows".
std::string ToString(const Leg& leg);

struct Stumble {
  enum class Kind { kRefused, kCatalog, kRows, kLedger };
  Kind kind = Kind::kRefused;
  std::size_t leg = 0;                 // where in the ramble
  const Revision* revision = nullptr;  // whose script was refused; else null
  Direction direction = Direction::kUpgrade;
  std::vector<Error> refusals;
  Gap gap;             // from what should be to what is
  std::string ledger;  // what is wrong with it
  Expected::Sequence applied;

  // Whether it may be the same fault on another way.
  bool Matches(const Stumble& other) const;
};

struct RambleCounts {
  std::int64_t upgrades = 0;
  std::int64_t downgrades = 0;
  std::int64_t objects = 0;  // compared
  std::int64_t rows = 0;     // inserted
  std::int64_t rows_compared = 0;
  std::int64_t ended = 0;  // rambles that ended where rows were refused
};

class Rambler {
 public:
  // On a database of its own. `barred` are never walked down across, beside those that can't be.
  Rambler(const Bench& bench, Expected& expected, const std::set<const Revision*>& barred);

  // Goes it, and stops where it stumbles. What is drawn on the way is filled in.
  std::optional<Stumble> Go(Ramble& ramble);

  // As Go, but at every revision that is moved while rows of others are there its round trip is tried by itself: the
  // revisions that fail it, or whose upgrade reaches rows that it has nothing to do with. They explain a stumble over
  // rows, and are other laws' findings.
  std::set<const Revision*> Culprits(Ramble ramble);

  const RambleCounts& counts() const { return counts_; }
  // The migrations it has run, in order.
  const std::vector<Step>& steps() const { return steps_; }

 private:
  std::optional<Stumble> GoLeg(Leg& leg);
  std::optional<Stumble> GoUp(const Revision& target);
  std::optional<Stumble> GoDown(const Revision& lowest);
  std::optional<Stumble> StepUp(const Revision& revision);
  std::optional<Stumble> StepDown(const Revision& revision);
  std::optional<Stumble> RunAgain();
  std::optional<Stumble> Stamp(const Revision* more_or_less);
  void Insert(Leg& leg);
  void Change(const Leg& leg);
  void WatchUp(const Revision& revision);
  void WatchDown(const Revision& revision);

  Observation See();
  std::optional<Stumble> Look();
  std::optional<Stumble> LookAtAll();
  std::optional<Stumble> LookAtRows();
  std::optional<Stumble> LedgerIsWrong(const std::string& how);
  std::set<std::string> Untouched(const Observation& was, const Observation& is,
                                  const std::set<const Revision*>& scripts) const;
  bool CanGoDown(const Revision& revision) const;
  History::Applied Ids() const;
  std::set<const Revision*> AppliedSet() const { return {applied_.begin(), applied_.end()}; }

  const Bench& bench_;
  Expected& expected_;
  const std::set<const Revision*>& barred_;
  std::unique_ptr<Stand> stand_;
  Expected::Sequence applied_;
  bool with_rows_ = false;  // rows of others are in
  bool ended_ = false;
  bool watching_ = false;
  std::set<const Revision*> culprits_;
  Observation written_;                   // when rows were last written
  std::set<const Revision*> written_at_;  // what was applied then
  std::set<const Revision*> moved_;       // since then
  RambleCounts counts_;
  std::vector<Step> steps_;
};

}  // namespace migproof
