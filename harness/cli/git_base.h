// The gate's view of a history: what is new against the merge base with a branch, and what the change does to what that
// branch has already. No server is needed for any of it.
//
//   const GitChange change = CompareWithGitBase(config, "origin/main", history, "migproof verify");
//   options.revisions = change.revisions;
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/cli/config.h"
#include "harness/report/report.h"

namespace migproof {

struct GitChange {
  std::vector<std::string> revisions;  // ids to verify: new, or with another text; in the history's order
  // One for the history as a whole per check below, and one for each revision that breaks it.
  std::vector<Verdict> verdicts;
  std::map<std::string, std::string> sentences;  // of the checks
  std::vector<std::string> notes;
};

// Three checks. What the base has is taken for applied somewhere.
//   applied_unchanged  no revision that the base has is removed, nor its upgrade edited
//   merged_history     merged with the branch as it is now, the history can be read and has no more heads than before
//   new_after_old      merged so, no new revision comes before one that the branch has
// `command_line` begins the reproduction of a finding. Error(usage) from git, Error(history) where the base itself
// can't be read.
GitChange CompareWithGitBase(const Config& config, const std::string& ref, const History& history,
                             const std::string& command_line);

}  // namespace migproof
