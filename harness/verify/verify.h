// Checks laws over a history: spreads the units over worker processes, each with a server of its own, and gathers the
// verdicts.
//
//   VerifyOptions options;
//   const Report report = Verify(subject, options, nullptr);
//   return report.ExitStatus();
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/postgres/provider.h"
#include "harness/report/report.h"
#include "harness/verify/search.h"
#include "harness/verify/stand.h"

namespace migproof {

struct VerifyOptions {
  ServerSpec server;
  StartOptions start;
  ServerFactory factory;               // where set, gives the servers instead of the two above
  std::vector<std::string> laws;       // none: every registered law
  std::vector<std::string> revisions;  // ids to look at; none: all, and the history as a whole
  int jobs = 0;                        // worker processes; 0: as the history's size and the machine's cores suggest
  SearchOptions rows;                  // how rows are drawn, from which seed, and how long they are made simpler
  bool nightly = false;                // all that takes long (BenchOptions::nightly)
  std::string reproduce_with;          // the command line that a reproduction repeats, without --law and --revision
};

// Called here, in the parent, with what has been decided so far.
using Progress = std::function<void(std::size_t done, std::size_t all)>;

Report Verify(const Subject& subject, const VerifyOptions& options, const Progress& progress);

}  // namespace migproof
