// Checks laws over a history: spreads the units over worker processes, each with a server of its own, and gathers the
// verdicts.
//
//   VerifyOptions options;
//   const Report report = Verify(subject, options, nullptr);
//   return report.ExitStatus();
#pragma once

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
  ServerSpec server;
  StartOptions start;
  ServerFactory factory;               // where set, gives the servers instead of the two above
  std::vector<std::string> laws;       // none: every registered law
  std::vector<std::string> revisions;  // ids to look at; none: all, and the history as a whole
  // Of these, only the pairs of a law and a revision's id ("" for the history as a whole); none: all of them.
  std::set<std::pair<std::string, std::string>> units;
  int jobs = 0;                // worker processes; 0: as the history's size and the machine's cores suggest
  SearchOptions rows;          // how rows are drawn, from which seed, and how long they are made simpler
  bool nightly = false;        // all that takes long (BenchOptions::nightly)
  std::string reproduce_with;  // the command line that a reproduction repeats, without --law and --revision
};

// Called here, in the parent, with what has been decided so far.
using Progress = std::function<void(std::size_t done, std::size_t all)>;

// What Verify gives a verdict on, in the order of its report: pairs of a law and a revision's id ("" for the history as
// a whole). Starts nothing. Error(usage) for an unknown law, Error(history) for an unknown revision.
std::vector<std::pair<std::string, std::string>> UnitsToVerify(const Subject& subject, const VerifyOptions& options);

Report Verify(const Subject& subject, const VerifyOptions& options, const Progress& progress);

}  // namespace migproof
