// What a database must be once certain revisions are applied: what upgrades alone, in that order, make of an empty one.
//
//   Expected expected(bench);
//   expected.After({r1, r3}).catalog;
//   expected.CanGoDown(*r3);        // its downgrade, by itself, does what it should
#pragma once

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "harness/verify/gap.h"
#include "harness/verify/replay_source.h"

namespace migproof {

class Expected {
 public:
  using Sequence = std::vector<const Revision*>;  // in the order in which they were applied

  // Goes up the whole history once, and at each revision down and up again.
  explicit Expected(const Bench& bench);
  ~Expected();

  // Its refusals are those of the last upgrade.
  const Observation& After(const Sequence& applied);
  // What the revision's upgrade has refused in the one order that all walks take.
  const std::vector<Error>& InItsPlace(const Revision& revision) const;
  // What another run of these upgrades leaves otherwise: the clock and chance.
  const Unsteady& UnsteadyAfter(const Sequence& applied);

  // Whether upgrade, downgrade, upgrade at this revision restore what they should, and nothing declares that they need
  // not. What fails there alone is round_trip's finding.
  bool CanGoDown(const Revision& revision) const { return can_go_down_.contains(&revision); }
  // Revisions that could be undone if their round trip held.
  std::size_t left_out() const { return left_out_; }
  // The migrations that were not refused on the way up the whole history, in order.
  const std::vector<Step>& steps() const { return steps_; }

 private:
  void GoUp();
  Observation Run(Stand& stand, const Sequence& applied, std::size_t from);
  // As long as it runs along the one order that all walks take, how far that is.
  std::size_t AlongTheLine(const Sequence& applied) const;

  std::unique_ptr<Bench> own_bench_;  // where databases of one server can't be kept apart
  const Bench& bench_;
  ReplaySource source_;
  std::vector<Observation> line_;  // by how many revisions of the order are applied
  std::map<Sequence, Observation> others_;
  std::map<Sequence, Unsteady> unsteady_;
  std::set<const Revision*> can_go_down_;
  std::size_t left_out_ = 0;
  std::vector<Step> steps_;
};

}  // namespace migproof
