// What a run looks at: which laws, at which revisions, and which part of it a shard takes. Pure.
//
//   const Plan plan = MakePlan(subject, options);
//   if (plan.Includes(law, index)) ...
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "harness/verify/search.h"
#include "harness/verify/subject.h"

namespace migproof {

struct VerifyOptions;

// A piece of work that stays together: what generated rows show of a revision, they show of all its laws at once.
struct PlannedUnit {
  static constexpr std::size_t kHistory = static_cast<std::size_t>(-1);

  std::size_t revision = kHistory;  // index, or the history as a whole
  std::vector<std::string> laws;
  bool with_rows = false;  // the laws are asked with generated rows, too

  bool operator==(const PlannedUnit&) const = default;
};

// Deals `units` out to `of` shards (from 1) and gives the `index`-th its part: those of revisions as stretches of the
// history, the others in turn. Each unit goes to exactly one shard. Error(usage) where `index` is not in 1..of.
std::vector<PlannedUnit> ShardOf(const std::vector<PlannedUnit>& units, int index, int of);

class Plan {
 public:
  // From so many revisions on, stretches of them are worth a worker each.
  static constexpr std::size_t kStretch = 20;

  Plan(std::vector<NamedLaw> laws, const std::vector<PlannedUnit>& units);

  const std::vector<NamedLaw>& laws() const { return laws_; }            // in the order of reports
  const std::set<std::size_t>& revisions() const { return revisions_; }  // by index
  bool history() const { return history_; }                              // whether any law looks at it as a whole
  bool Includes(const NamedLaw& law, std::size_t index) const { return asked_.contains({law.name, index}); }
  bool IncludesHistory(const NamedLaw& law) const { return asked_.contains({law.name, PlannedUnit::kHistory}); }
  std::size_t Verdicts() const { return asked_.size(); }
  // Those about the revision at this index.
  std::size_t VerdictsOf(std::size_t index) const;
  // What gets a verdict, in the order of reports: pairs of a law and a revision's id ("" for the history as a whole).
  std::vector<std::pair<std::string, std::string>> Units(const Subject& subject) const;
  // The same work in parts for `workers` processes that go side by side, each with a server and a walk of its own;
  // fewer where there is not work for all: one worker takes what is asked with rows and another what is left.
  std::vector<Plan> DealtOut(int workers) const;
  // Whether there are revisions enough to be taken in stretches (Stretches) rather than be dealt out.
  bool HasStretches() const { return revisions_.size() >= kStretch; }
  // The part of it that is about single revisions, or the part about the history as a whole.
  Plan About(bool history) const;
  // The part of it that compares servers, or the part that does not.
  Plan Comparing(bool servers) const;

 private:
  std::vector<PlannedUnit> units_;
  std::vector<NamedLaw> laws_;
  std::set<std::size_t> revisions_;
  bool history_ = false;
  std::set<std::pair<std::string, std::size_t>> asked_;
};

// Everything that `options` ask for, whatever the shard: in the order of revisions, the history last.
std::vector<PlannedUnit> UnitsOf(const Subject& subject, const VerifyOptions& options,
                                 const std::vector<NamedLaw>& laws);

// Error(usage) with the near name for an unknown law or revision.
Plan MakePlan(const Subject& subject, const VerifyOptions& options);

// 16 hex digits over what is verified and how, the shard left out.
std::string RunDigest(const Subject& subject, const VerifyOptions& options);

}  // namespace migproof
