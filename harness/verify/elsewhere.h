// What a law tries on databases of its own, beside the walk: the database of the walk is never harmed by it.
//
//   const FailureResult& failures = trial.elsewhere().Failures(trial.revision());
//
// Made once per worker; each part makes its servers and databases when it is first asked.
#pragma once

#include "harness/verify/failures.h"
#include "harness/verify/stand.h"

namespace migproof {

class Elsewhere {
 public:
  explicit Elsewhere(const Bench& bench) : bench_(bench), failures_(bench) {}

  // Both steps of the revision, failing at every statement.
  const FailureResult& Failures(const Revision& revision) {
    return failures_.At(bench_.subject().IndexOf(revision));
  }

 private:
  const Bench& bench_;
  FailureTrials failures_;
};

}  // namespace migproof
