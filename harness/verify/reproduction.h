// A script that shows a finding again with psql alone: on an empty database it builds what was there before the
// revision, inserts the rows, takes the steps, and fails where the law failed.
#pragma once

#include <string>

#include "harness/data/dataset.h"
#include "harness/verify/case.h"

namespace migproof {

// Self-contained; begins with a guard that refuses a database that is not empty. Where the finding is a refusal, the
// refused statement is the last; where rows differ, the last statement raises an exception that names the table. ""
// where neither is the case (the catalog alone differs).
std::string ReproductionScript(CaseGround& ground, const Finding& finding, const Suspicion& suspicion,
                               const Dataset& rows);

}  // namespace migproof
