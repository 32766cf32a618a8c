// The two ways to move for a Trial.
//
// A Walk goes up a history once, with real commits, and answers everything else at a revision (downgrade, upgrade
// again, run twice) inside one transaction that is rolled back: one executed walk feeds every law. Scripts that would
// behave otherwise inside such a transaction are never tried there (see FitsProbe), and whatever is found there is
// found again by a Replay before it is believed.
//
// A Replay brings a database of its own to the revision and runs every move with real commits.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/verify/stand.h"

namespace migproof {

// Makes databases that stand before a given revision. Revisions must be asked for in rising order to be cheap: one
// database follows along and is copied. Where the history touches what all databases of a server share, each is made
// from the ground up on a server of its own.
class ReplaySource {
 public:
  explicit ReplaySource(const Bench& bench) : bench_(bench) {}
  // A stand with the first `index` revisions of the order applied; the last one made is gone by then.
  std::unique_ptr<Stand> At(std::size_t index);
  const Subject& subject() const { return bench_.subject(); }

 private:
  const Bench& bench_;
  std::unique_ptr<Bench> another_;  // the server of the last stand, where each needs its own
  std::unique_ptr<Database> database_;
  std::size_t index_ = 0;
};

class Replay : public Mover {
 public:
  Replay(ReplaySource& source, const Revision& revision);

  const Observation& Before() override { return After({}); }
  const Observation& After(const std::vector<Move>& path) override;
  const Observation& AtHeads() override;
  const Observation& AfterUpgradeAtHeads() override;
  const DescentResult& Descent() override;
  const Catalog& Model() override;
  const UnstableColumns& Unstable() override;
  std::vector<std::string> ReachedPast() const override { return {}; }

 private:
  void Restart();
  const Observation& Extend(Move move);

  ReplaySource& source_;
  const Revision& revision_;
  std::unique_ptr<Stand> stand_;
  std::vector<Move> path_;  // what has been done on stand_
  std::map<std::vector<Move>, Observation> seen_;
  std::optional<UnstableColumns> unstable_;
};

class Walk : public Mover {
 public:
  // With `remembers`, every catalog on the way up is kept for the descent.
  Walk(const Bench& bench, bool remembers);

  // The kinds of objects are counted where `index` revisions are applied (Observation::census), once: it takes as long as
  // reading the catalog of a small database from the start.
  void CountAt(std::size_t index) { counted_at_ = index; }

  // Brings the walk to stand before order()[index]; only upwards. Call before asking anything about that revision.
  void GoTo(std::size_t index);

  const Observation& Before() override;
  const Observation& After(const std::vector<Move>& path) override;
  const Observation& AtHeads() override;
  const Observation& AfterUpgradeAtHeads() override;
  const DescentResult& Descent() override;
  const Catalog& Model() override;
  const UnstableColumns& Unstable() override;
  std::vector<std::string> ReachedPast() const override;
  const std::string& missing() const { return stand_->missing(); }
  // True where something asked of this unit was tried inside a transaction only: a finding wants a Replay.
  bool probed() const { return probed_; }
  ReplaySource& source() { return source_; }

 private:
  struct Place {
    std::shared_ptr<const Catalog> catalog;
    std::shared_ptr<const RowSnapshot> rows;
  };

  const Revision& revision() const { return *bench_.subject().order()[unit_]; }
  bool FitsProbe() const;
  const Observation& Probe(const std::vector<Move>& path);
  const Observation& ProbeMove(const std::vector<Move>& path);
  void EndProbe();
  Observation ObserveUpgraded();
  Observation ObserveCommitted();
  void DescendFrom(std::size_t index);

  const Bench& bench_;
  ReplaySource source_;
  std::unique_ptr<Stand> stand_;
  bool remembers_;
  std::optional<std::size_t> counted_at_;
  std::shared_ptr<const Census> census_;
  std::map<std::size_t, Place> places_;  // by index, where remembered

  std::size_t unit_ = 0;
  bool placed_ = false;                            // GoTo has been called
  std::map<std::vector<Move>, Observation> seen_;  // at this unit
  std::optional<std::vector<Move>> open_;          // the path that the open probe has gone
  std::unique_ptr<Replay> replay_;                 // where the unit does not fit a probe
  std::optional<UnstableColumns> unstable_;
  bool probed_ = false;

  std::optional<Observation> at_heads_;
  std::vector<std::string> reached_past_at_heads_;
  std::optional<Observation> after_upgrade_at_heads_;
  std::optional<DescentResult> descent_;
  std::optional<Catalog> model_;
};

// Whether a section behaves inside somebody's transaction as it does by itself: no transaction control, nothing the
// server refuses there, no session settings, no values of sequences set, no new enum label used.
bool FitsProbe(const Section& section);

}  // namespace migproof
