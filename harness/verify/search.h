// Looks for rows that break a law at a revision, and makes them few and simple.
//
//   Search search(bench, walk, {.cases = 100, .seed = 7});
//   for (auto& [law, result] : search.Run(index, laws)) use(result.finding);
//
// One executed case feeds every law that looks at it. What is found inside a transaction is made smaller there, within
// a budget, and then confirmed with real commits on a copy; what is not confirmed there is an error, never silence.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/data/aim.h"
#include "harness/verify/case.h"
#include "harness/verify/coverage.h"
#include "harness/verify/property.h"

namespace migproof {

struct SearchOptions {
  int cases = 100;                        // for each revision; 0: no rows at all
  int shrink_budget_evaluations = 1'000;  // sets of rows tried to make a counterexample smaller
  int shrink_budget_ms = 5'000;           // likewise, in milliseconds
  int step_timeout_ms = 30'000;           // a statement that takes longer with rows is a refusal (57014); 0: none is
  std::uint64_t seed = 0;
  // Sets of rows that broke a law before, by law and revision: tried first.
  std::map<std::pair<std::string, std::string>, std::vector<Dataset>> regressions;
};

struct NamedLaw {
  std::string name;
  const Property* property;
};

// What the cases showed of one law.
struct RowsResult {
  std::optional<Finding> finding;
  std::map<std::string, std::int64_t> exercised;
  std::vector<std::string> notes;
  std::vector<std::string> stale;
  std::string gave_up;  // why too little was tried, or ""
  std::string error;    // what was found, and not with real commits
};

class Search {
 public:
  Search(const Bench& bench, Walk& walk, SearchOptions options);

  // The walk stands at order()[index]. A result for each of `laws`, by name.
  std::map<std::string, RowsResult> Run(std::size_t index, const std::vector<NamedLaw>& laws);

  // No further case is begun after this, nor is anything made smaller; whatever was not tried has given up.
  void set_deadline(std::chrono::steady_clock::time_point deadline) { deadline_ = deadline; }

  // Of all revisions so far.
  const Coverage& coverage() const { return coverage_; }

 private:
  struct Found {
    NamedLaw law;
    Finding finding;
    Suspicion suspicion;
    Dataset rows;
  };
  class Unit;

  CaseGround ground_;
  SearchOptions options_;
  Coverage coverage_;
  std::chrono::steady_clock::time_point deadline_ = std::chrono::steady_clock::time_point::max();
};

}  // namespace migproof
