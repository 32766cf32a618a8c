// A squash beside the revisions that it stands for.
//
//   const SquashRun run = RunSquashed(bench);
//   if (!run.gap.empty()) ...   // not what the revisions make
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "harness/verify/gap.h"
#include "harness/verify/stand.h"

namespace migproof {

struct SquashRun {
  std::size_t replaced = 0;     // revisions that the squash stands for
  std::size_t rest = 0;         // and those that come after
  std::size_t objects = 0;      // compared
  std::int64_t rows = 0;        // likewise
  std::vector<Error> refusals;  // of the squash itself; nothing else was tried then
  Gap gap;                      // from what the revisions make to what the squash makes
  Gap gap_at_heads;             // and once the rest of the history has run on either
};

// On databases of its own. The subject must have a squash.
SquashRun RunSquashed(const Bench& bench);

}  // namespace migproof
