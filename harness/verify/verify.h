// Checks laws over a history: spreads the units over worker processes, each with a server of its own, and gathers the
// verdicts.
//
//   VerifyOptions options;
//   const Report report = Verify(subject, options, nullptr);
//   return report.ExitStatus();
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/postgres/provider.h"
#include "harness/report/report.h"
#include "harness/verify/search.h"
#include "harness/verify/stand.h"

namespace migproof {

struct VerifyOptions {
  std::vector<ServerSpec> servers = {ServerSpec()};  // several: every law is checked on each
  StartOptions start;
  ServerFactory factory;               // where set, gives the servers instead of the first of those above
  std::vector<std::string> laws;       // none: every registered law
  std::vector<std::string> revisions;  // ids to look at; none: all, and the history as a whole
  // Of these, only the pairs of a law and a revision's id ("" for the history as a whole); none: all of them.
  std::set<std::pair<std::string, std::string>> units;
  // Worker processes; 0: as the history's size and the machine's cores suggest. Each server has one of its own at
  // least.
  int jobs = 0;
  SearchOptions rows;    // how rows are drawn, from which seed, and how long they are made simpler
  bool nightly = false;  // all that takes long (BenchOptions::nightly)
  Shard shard;           // the part of the above that is looked at
  // The time for the whole run, split fairly over what is to be looked at; what it does not reach has given up. 0:
  // none.
  std::int64_t budget_ms = 0;
  std::string reproduce_with;  // the command line that a reproduction repeats, without --law and --revision
};

// How far a worker is.
struct WorkerProgress {
  std::size_t done = 0;  // verdicts
  std::size_t all = 0;
  std::string at;  // the revision or law it looks at
};

// Called here, in the parent, with all workers: whenever one of them has got further, and every half second.
using Progress = std::function<void(const std::vector<WorkerProgress>& workers)>;

// What Verify gives a verdict on, in the order of its report: pairs of a law and a revision's id ("" for the history as
// a whole). Starts nothing. Error(usage) for an unknown law, Error(history) for an unknown revision.
std::vector<std::pair<std::string, std::string>> UnitsToVerify(const Subject& subject, const VerifyOptions& options);

Report Verify(const Subject& subject, const VerifyOptions& options, const Progress& progress);

// A report without verdicts: the history, and which run and shard this is.
Report Describe(const Subject& subject, const VerifyOptions& options);

}  // namespace migproof
