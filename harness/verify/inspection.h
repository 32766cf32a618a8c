// What one worker does: asks each law of its plan about each unit, first without rows, then with them.
//
//   Inspect(subject, plan, options, bench, {deadline, limit}, emit);
//
// A verdict goes out as soon as it stands.
#pragma once

#include <chrono>

#include "harness/verify/plan.h"
#include "harness/verify/stand.h"
#include "harness/verify/stretches.h"
#include "harness/verify/time_limit.h"
#include "harness/verify/verify.h"
#include "harness/verify/worker.h"

namespace migproof {

struct Budget {
  std::chrono::steady_clock::time_point deadline;  // of the whole run; max: none
  TimeLimit& limit;                                // what is left of it for the piece that is looked at
};

// Emits a verdict (ToJson) for each unit of `plan`, before it {"at": revision or law}, and {"coverage": ...} where rows
// were generated. `bench` knows the same limit. Error where the database was lost: what follows has no verdict.
void Inspect(const Subject& subject, const Plan& plan, const VerifyOptions& options, const Bench& bench,
             const Budget& budget, const Emit& emit);
// The same for what this worker can take of `stretches`, with {"taken": number of verdicts} before each of them.
void Inspect(const Subject& subject, Stretches& stretches, const VerifyOptions& options, const Bench& bench,
             const Budget& budget, const Emit& emit);

}  // namespace migproof
