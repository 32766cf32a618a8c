// Random walks over a history, and the shortest that goes wrong.
//
//   const RamblesResult result = TryRambles(bench, {.seed = 7});
//   if (result.stumble) ... // result.ramble, without any leg less, leads there
//
// First the ways that everybody takes: straight to the heads, straight down and up again; likewise revision by
// revision; from the heads below each revision and back, and to each from below; then drawn ones. All of that happens
// on one database, so that what an earlier way left behind is met by the later ones. Then with rows of others, each
// walk on a database of its own: up and straight back from where the rows went in, and drawn ones. No walk goes down
// across a revision that is declared irreversible, or whose round trip by itself is broken: that is round_trip's
// finding.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/verify/ramble.h"

namespace migproof {

struct RamblesOptions {
  std::uint64_t seed = 0;
  int cases = 100;                      // percent of the usual length and number; 0: none with rows of others
  int shrink_budget_evaluations = 150;  // walks gone to find a shorter one
  int shrink_budget_ms = 30'000;
};

struct RamblesResult {
  std::int64_t rambles = 0;
  std::int64_t legs = 0;
  RambleCounts counts;
  std::vector<Step> alone;   // run to find out what is expected, on a database of its own
  std::vector<Step> steps;   // of the rambles, in order
  std::size_t left_out = 0;  // revisions not walked down across, though the history gives a downgrade
  Ramble ramble;             // that stumbles
  std::optional<Stumble> stumble;
  std::int64_t evaluations = 0;  // walks gone to make it short
};

RamblesResult TryRambles(const Bench& bench, const RamblesOptions& options);

// Takes legs out of a ramble that stumbles, and makes those that stay shorter, as long as it stumbles in the same way:
// where the budget is not spent, no leg can be taken out of what is left.
Ramble Shortest(const Bench& bench, Expected& expected, const std::set<const Revision*>& barred, Ramble ramble,
                Stumble& stumble, const RamblesOptions& options, std::int64_t& evaluations);

}  // namespace migproof
