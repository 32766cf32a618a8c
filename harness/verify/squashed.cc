#include "harness/verify/squashed.h"

#include <algorithm>
#include <memory>

namespace migproof {

namespace {

std::unique_ptr<Stand> NewStand(const Bench& bench) {
  if (bench.subject().touches_cluster()) return std::make_unique<Stand>(bench.Another());
  return std::make_unique<Stand>(bench, bench.Fresh(), 0);
}

std::vector<Error> Upgrade(Stand& stand, const std::vector<const Revision*>& revisions) {
  std::vector<Error> refusals;
  for (const Revision* revision : revisions) {
    for (Error& refusal : stand.runner().ApplyLeavingOutFailures({Direction::kUpgrade, revision})) {
      refusals.push_back(std::move(refusal));
    }
  }
  return refusals;
}

// Both ends of the two parts of the history.
struct Ends {
  Observation squashed;  // what the squash stands for, or the squash
  Observation heads;
};

class Squashing {
 public:
  explicit Squashing(const Bench& bench) : bench_(bench) {
    for (const Revision* revision : bench.subject().order()) {
      (bench.subject().squash()->replaces.contains(revision) ? replaced_ : rest_).push_back(revision);
    }
  }

  SquashRun Run() {
    SquashRun run;
    run.replaced = replaced_.size();
    run.rest = rest_.size();
    Ends squashed;
    try {
      squashed = RunSquash();
    } catch (const Error& refusal) {
      if (!IsRefusal(refusal)) throw;
      run.refusals.push_back(refusal);
      return run;
    }
    const Ends replayed = Replay();
    const Ends again = Replay();
    run.objects = std::max(replayed.squashed.catalog->objects().size(), squashed.squashed.catalog->objects().size());
    run.rows = replayed.squashed.rows->Count();
    run.gap = GapBetween(replayed.squashed, squashed.squashed, UnsteadyBetween(replayed.squashed, again.squashed));
    run.gap_at_heads = GapBetween(replayed.heads, squashed.heads, UnsteadyBetween(replayed.heads, again.heads));
    return run;
  }

 private:
  Ends Replay() {
    const auto stand = NewStand(bench_);
    Upgrade(*stand, replaced_);
    return GoOn(*stand);
  }

  // The squash runs as psql would run it; what it leaves on its connection goes with it.
  Ends RunSquash() {
    const auto stand = NewStand(bench_);
    {
      Session session(FixedConninfo(stand->database()));
      stand->database().CheckToken(session);
      RunScript(session, bench_.subject().squash()->script);
    }
    History::Applied applied;
    for (const Revision* revision : replaced_) applied.insert(revision->id);
    stand->runner().Stamp(applied);
    return GoOn(*stand);
  }

  Ends GoOn(Stand& stand) {
    Ends ends;
    ends.squashed = stand.Observe();
    std::vector<Error> refusals = Upgrade(stand, rest_);
    ends.heads = stand.Observe();
    ends.heads.refusals = std::move(refusals);
    return ends;
  }

  const Bench& bench_;
  std::vector<const Revision*> replaced_;
  std::vector<const Revision*> rest_;
};

}  // namespace

SquashRun RunSquashed(const Bench& bench) { return Squashing(bench).Run(); }

}  // namespace migproof
