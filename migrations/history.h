// The graph of revisions: answers every question of order without a database.
//
//   const History history(format.Read("db"));          // cycles, duplicates, missing parents are refused here
//   for (const Revision* r : history.Linear()) ...     // one legal sequence, always the same
//   const auto plan = history.UpgradePath({"a1"}, "heads");
//
// Pure: no file, no server, no clock. All sequences are deterministic: among legal orders the one that follows the
// order in which the format read the revisions.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "migrations/revision.h"

namespace migproof {

class History {
 public:
  // Error(history) for a duplicate id or label, a parent or dependency that is not there (with the near name), a
  // revision that is its own ancestor (the cycle is spelled out). An empty list is refused too: zero revisions prove
  // nothing.
  explicit History(std::vector<Revision> revisions);

  std::size_t size() const { return revisions_.size(); }
  const std::vector<Revision>& revisions() const { return revisions_; }  // in the order read

  // The revision of exactly this id; Error(usage) with the near name.
  const Revision& Get(std::string_view id) const;
  const Revision* Find(std::string_view id) const;

  std::vector<const Revision*> Heads() const;  // nobody's parent (depends_on does not count)
  std::vector<const Revision*> Bases() const;  // without parents
  std::vector<const Revision*> Children(const Revision& revision) const;
  // Everything that must be applied before `revision`, parents and depends_on, in applied order; itself left out.
  std::vector<const Revision*> Ancestors(const Revision& revision) const;
  std::vector<const Revision*> Descendants(const Revision& revision) const;
  // The whole history in one legal order.
  std::vector<const Revision*> Linear() const;
  bool IsLinear() const;  // one order only

  // What a user typed: an id, a label, the tool's own key ("10"), a unique prefix of at least 4 characters, "head"
  // (Error(usage) where there are several), "heads", "base". The result is a set of revisions: empty for base.
  std::vector<const Revision*> Resolve(std::string_view target) const;

  using Applied = std::set<std::string>;  // revision ids, closed under ancestors

  // What to run, in order, to go up to `target` from what is applied. Targets as Resolve, and relative ones:
  // "+2" from the applied heads (each time the one revision that can come next), "ID+2", "ID-1". Nothing to do: empty.
  // "head" with several heads: Error(usage) that says "heads".
  std::vector<const Revision*> UpgradePath(const Applied& applied, std::string_view target) const;
  // What to undo, in order. "-1", "base", "ID-1", or a revision that stays applied (its descendants go). Error(usage)
  // where a relative step is ambiguous (several applied heads), and where the target is not applied.
  std::vector<const Revision*> DowngradePath(const Applied& applied, std::string_view target) const;
  // "a:b": what upgrade runs from a (exclusive; "" is base) to b (inclusive; "" is heads; "+N" counts from a), for
  // offline scripts. Error(usage) where a is not below b.
  std::vector<const Revision*> Range(std::string_view range) const;

  // The applied revisions of which no applied revision is a descendant.
  std::vector<const Revision*> AppliedHeads(const Applied& applied) const;
  // Applied set of a revision: itself and its ancestors.
  Applied Closure(const std::vector<const Revision*>& revisions) const;

 private:
  using Path = std::vector<const Revision*>;
  using Edges = std::vector<std::vector<std::size_t>>;

  void Index();
  void IndexLabel(const std::string& label, std::size_t index);
  void CheckReferences() const;
  void Link();
  void Sort();
  void CheckAcyclic() const;

  std::vector<std::string> Ids() const;
  std::size_t IndexOf(std::string_view id) const;
  std::vector<bool> Mark(const Applied& applied) const;
  std::vector<bool> Reach(const std::vector<std::size_t>& from, const Edges& edges) const;
  template <typename Predicate>
  Path InOrder(Predicate&& wanted) const;

  const Revision* FindByPrefix(std::string_view prefix) const;
  const Revision* FindNamed(std::string_view name) const;
  Error UnknownTarget(std::string_view target) const;
  const Revision* Walk(const Revision& revision, int steps, std::string_view target) const;
  Path ResolveStep(std::string_view target) const;
  Path PathTo(const Path& targets, const Applied& applied) const;
  Path NextSteps(const Applied& applied, int steps, std::string_view target) const;
  Path LastSteps(const Applied& applied, int steps, std::string_view target) const;
  Path PathDownTo(const Path& stays, const Applied& applied) const;
  Path RelativeDescent(const Applied& applied, std::string_view base, int steps, std::string_view target) const;

  std::vector<Revision> revisions_;
  std::map<std::string, std::size_t, std::less<>> by_id_;
  std::map<std::string, std::size_t, std::less<>> by_label_;
  std::map<std::string, std::size_t, std::less<>> by_key_;  // by the tool's own key
  Edges children_;                                          // by parents only
  Edges requires_;                                          // parents and depends_on
  Edges dependents_;                                        // the reverse of requires_
  std::vector<std::size_t> order_;                          // one legal order
  std::vector<std::size_t> position_;                       // the place of each revision in order_
};

template <typename Predicate>
History::Path History::InOrder(Predicate&& wanted) const {
  Path result;
  for (const std::size_t i : order_) {
    if (wanted(i)) result.push_back(&revisions_[i]);
  }
  return result;
}

}  // namespace migproof
