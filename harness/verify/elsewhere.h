// What a law tries on databases of its own, beside the walk: the database of the walk is never harmed by it.
//
//   const FailureResult& failures = trial.elsewhere().Failures(trial.revision());
//
// Made once per worker; each part makes its servers and databases when it is first asked.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "harness/verify/failures.h"
#include "harness/verify/locks.h"
#include "harness/verify/plain_run.h"
#include "harness/verify/race.h"
#include "harness/verify/session_state.h"
#include "harness/verify/squashed.h"
#include "harness/verify/stamping.h"
#include "harness/verify/stand.h"
#include "harness/verify/versions.h"

namespace migproof {

class Elsewhere {
 private:
  // Roles that the walk has made are on its server: where a history makes some, each run has a server of its own.
  template <typename Run>
  auto OnFreshGround(Run&& run) {
    if (!bench_.subject().touches_cluster()) return run(bench_);
    const std::unique_ptr<Bench> own = bench_.Another();
    return run(*own);
  }

 public:
  explicit Elsewhere(const Bench& bench)
      : bench_(bench), failures_(bench), session_leaks_(bench), locks_(bench), stamping_(bench) {}

  // Both steps of the revision, failing at every statement.
  const FailureResult& Failures(const Revision& revision) { return failures_.At(IndexOf(revision)); }
  // What both steps leave on their connection.
  std::vector<SessionLeak> SessionLeaksOf(const Revision& revision, int& looked_at) {
    return session_leaks_.At(IndexOf(revision), looked_at);
  }
  // What both steps read through under a lock.
  std::vector<ReadUnderLock> ReadsUnderLock(const Revision& revision, int& looked_at) {
    return locks_.At(IndexOf(revision), looked_at);
  }
  // The ledger once the revision is applied.
  StampedLedger Stamped(const Revision& revision) { return stamping_.At(IndexOf(revision) + 1); }

  // How many servers the run is on.
  std::size_t servers() const { return 1 + bench_.options().others.size(); }
  // The revision on all of them.
  const VersionStep& OnEveryServer(const Revision& revision) {
    if (!versions_) versions_.emplace(bench_);
    return versions_->At(IndexOf(revision));
  }

  RaceResult Race(const RaceOptions& options) {
    return OnFreshGround([&](const Bench& bench) { return migproof::Race(bench, options); });
  }
  std::vector<std::string> LockLetGo() { return OnFreshGround(migproof::LockLetGo); }

  PlainRun RunUnder(const Environment& environment, const Catalog& heads) {
    return migproof::RunUnder(bench_, environment, heads);
  }
  // The environments that there are, asked once.
  const Environments& environments() {
    if (!environments_) environments_ = EnvironmentsOn(bench_);
    return *environments_;
  }
  OfflineRun RunOffline() { return OnFreshGround(migproof::RunOffline); }
  SquashRun RunSquashed() { return migproof::RunSquashed(bench_); }
  TenantRun RunAsTenant() { return OnFreshGround(migproof::RunAsTenant); }
  // A second run of the usual kind, from an empty database to the heads; kept.
  const PlainRun& Again(const Catalog& heads) {
    if (!again_) again_ = RunUnder({}, heads);
    return *again_;
  }

 private:
  std::size_t IndexOf(const Revision& revision) const { return bench_.subject().IndexOf(revision); }

  const Bench& bench_;
  FailureTrials failures_;
  SessionLeaks session_leaks_;
  LockTrials locks_;
  Stamping stamping_;
  std::optional<Environments> environments_;
  std::optional<PlainRun> again_;
  std::optional<Versions> versions_;
};

}  // namespace migproof
