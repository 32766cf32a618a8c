// Moves a database along a history for a Trial.
//
// A Walk goes up once, with real commits, and answers everything else at a revision (downgrade, upgrade again, run
// twice) inside one transaction that is rolled back: one executed walk feeds every law. Scripts that would behave
// otherwise inside such a transaction are never tried there (see FitsProbe): they run with real commits. So does, once
// more, whatever was found inside the transaction, before it is believed (see CommittedMoves).
//
// Moves with real commits happen on the walk's own database where they lead back to the very catalog and rows they
// began with; otherwise it is rebuilt.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/verify/orders.h"
#include "harness/verify/replay_source.h"
#include "harness/verify/stand.h"

namespace migproof {

struct RamblesResult;

class Walk : public Mover {
 public:
  // With `remembers`, every catalog on the way up is kept for the descent.
  Walk(const Bench& bench, bool remembers);
  ~Walk() override;

  // What fixes the random choices, and how many sets of rows are asked for (SearchOptions).
  void SetChance(std::uint64_t seed, int cases) {
    seed_ = seed;
    cases_ = cases;
  }

  // The kinds of objects are counted where `index` revisions are applied (Observation::census), once: it takes as long
  // as reading the catalog of a small database from the start.
  void CountAt(std::size_t index) { counted_at_ = index; }

  // Brings the walk to stand before order()[index]; only upwards. Call before asking anything about that revision.
  void GoTo(std::size_t index);

  const Observation& Before() override;
  const Observation& After(const std::vector<Move>& path) override;
  const Observation& AtHeads() override;
  const Observation& AfterUpgradeAtHeads() override;
  const DescentResult& Descent() override;
  // On databases of their own.
  const OrdersResult& Orders() override;
  const RamblesResult& Rambles() override;
  const Catalog& Model() override;
  // Told by the upgrade alone, whatever the path.
  const UnstableColumns& Unstable(const Path& path) override;
  std::vector<std::string> ReachedPast() const override;
  // After {kUpgrade} only.
  std::shared_ptr<const TableRows> ReadCast(const Path& path, const std::string& table,
                                            const std::map<std::string, std::string>& casts) override;
  Elsewhere& elsewhere() override;
  const std::string& missing() const { return stand_->missing(); }
  // True where something asked of this unit was tried inside a transaction only: a finding wants CommittedMoves.
  bool probed() const { return probed_; }
  // As After, every move with real commits.
  const Observation& AfterCommitted(const std::vector<Move>& path);

 private:
  struct Place {
    std::shared_ptr<const Catalog> catalog;
    std::shared_ptr<const RowSnapshot> rows;
  };

  const Revision& revision() const { return *bench_.subject().order()[unit_]; }
  bool FitsProbe(const std::vector<Move>& path) const;
  const Observation& Probe(const std::vector<Move>& path);
  const Observation& ProbeMove(const std::vector<Move>& path);
  void EndProbe();
  Observation ObserveUpgraded();
  Observation ObserveCommitted();
  void CommitMove(Move move);
  void ReturnToUpgraded();
  void DescendFrom(std::size_t index);

  const Bench& bench_;
  ReplaySource source_;
  std::unique_ptr<Stand> stand_;
  bool remembers_;
  std::optional<std::size_t> counted_at_;
  std::shared_ptr<const Census> census_;
  std::map<std::size_t, Place> places_;  // by index, where remembered

  std::size_t unit_ = 0;
  bool placed_ = false;                                 // GoTo has been called
  std::map<std::vector<Move>, Observation> seen_;       // at this unit
  std::optional<std::vector<Move>> open_;               // the path that the open probe has gone
  std::map<std::vector<Move>, Observation> committed_;  // likewise, with real commits
  std::vector<Move> done_;                              // what was committed at this unit, from the upgrade on
  std::optional<UnstableColumns> unstable_;
  bool probed_ = false;

  std::optional<Observation> at_heads_;
  std::vector<std::string> reached_past_at_heads_;
  std::optional<Observation> after_upgrade_at_heads_;
  std::optional<DescentResult> descent_;
  std::optional<OrdersResult> orders_;
  std::unique_ptr<const RamblesResult> rambles_;
  std::uint64_t seed_ = 0;
  int cases_ = 0;
  std::optional<Catalog> model_;
  std::unique_ptr<Elsewhere> elsewhere_;
};

// The same unit again, with real commits: what is found inside a transaction must be found here too.
class CommittedMoves : public Mover {
 public:
  explicit CommittedMoves(Walk& walk) : walk_(walk) {}

  const Observation& Before() override { return walk_.Before(); }
  const Observation& After(const std::vector<Move>& path) override { return walk_.AfterCommitted(path); }
  // The history as a whole has real commits already.
  const Observation& AtHeads() override { return walk_.AtHeads(); }
  const Observation& AfterUpgradeAtHeads() override { return walk_.AfterUpgradeAtHeads(); }
  const DescentResult& Descent() override { return walk_.Descent(); }
  const OrdersResult& Orders() override { return walk_.Orders(); }
  const RamblesResult& Rambles() override { return walk_.Rambles(); }
  const Catalog& Model() override { return walk_.Model(); }
  const UnstableColumns& Unstable(const Path& path) override { return walk_.Unstable(path); }
  std::vector<std::string> ReachedPast() const override { return walk_.ReachedPast(); }
  std::shared_ptr<const TableRows> ReadCast(const Path& path, const std::string& table,
                                            const std::map<std::string, std::string>& casts) override {
    return walk_.ReadCast(path, table, casts);
  }
  // Nothing is tried inside a transaction of ours there.
  Elsewhere& elsewhere() override { return walk_.elsewhere(); }

 private:
  Walk& walk_;
};

// Whether a section behaves inside somebody's transaction as it does by itself: no transaction control, nothing the
// server refuses there, no session settings, no values of sequences set, no new enum label used.
bool FitsProbe(const Section& section);

// Runs a section inside the open transaction. With `leaving_out`, each refused statement is undone and the rest goes
// on; otherwise the first refusal ends it. `together` saves round trips (Session::ExecuteTogether): for sections that
// are known to be understood.
std::vector<Error> RunInside(Session& session, const Section& section, bool leaving_out, bool together = false);

}  // namespace migproof
