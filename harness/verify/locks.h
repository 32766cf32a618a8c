// What a step does to a table while a lock of its own keeps others from writing there.
//
//   LockTrials trials(bench);
//   for (const ReadUnderLock& one : trials.At(index, looked_at)) ...
//
// The step's statements run one by one in one transaction, and the server is asked between them which locks are held
// (pg_locks) and which tables have been read through (the counters of sequential scans). Both are the same whether the
// tables hold rows or not; how long it takes is not.
#pragma once

#include <string>
#include <vector>

#include "harness/verify/replay_source.h"
#include "migrations/ledger.h"

namespace migproof {

// A statement reads all of a table on which an earlier statement of its transaction has taken such a lock.
struct ReadUnderLock {
  Direction direction = Direction::kUpgrade;
  std::string table;  // that was there before the step
  std::string mode;   // of the lock: "AccessExclusiveLock"
  std::string taken_by;
  SourceLocation taken_at;
  std::string read_by;
  SourceLocation read_at;
};

class LockTrials {
 public:
  explicit LockTrials(const Bench& bench) : bench_(bench), source_(bench) {}

  // Both steps of order()[index]. `looked_at` counts the statements that share a transaction with an earlier one. What
  // the server refuses ends a step: that is another law's finding.
  std::vector<ReadUnderLock> At(std::size_t index, int& looked_at);

 private:
  void Look(std::size_t at, Direction direction, const Section& section, int& looked_at,
            std::vector<ReadUnderLock>& found);

  const Bench& bench_;
  ReplaySource source_;
};

}  // namespace migproof
