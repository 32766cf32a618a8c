// What holds for every graph: over random ones.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <sstream>

#include "migrations/history.h"

namespace migproof {
namespace {

class SilentListener : public rc::detail::TestListener {
 public:
  void onTestCaseFinished(const rc::detail::CaseDescription&) override {}
  void onShrinkTried(const rc::detail::CaseDescription&, bool) override {}
  void onTestFinished(const rc::detail::TestMetadata&, const rc::detail::TestResult&) override {}
};

// Runs `property` with a fixed seed, so that a failure is the same everywhere.
template <typename Property>
void ExpectAlways(const Property& property) {
  rc::detail::TestParams params;
  params.seed = 20'240'901;
  params.maxSuccess = 300;
  SilentListener listener;
  const auto result = rc::detail::checkProperty(rc::detail::toProperty(property), {}, params, listener, {});
  std::ostringstream text;
  rc::detail::printResultMessage(result, text);
  EXPECT_TRUE(result.template is<rc::detail::SuccessResult>()) << text.str();
}

std::string IdOf(int n) { return "r" + std::to_string(n); }

// Up to twelve revisions; each takes some of the earlier ones as parents or dependencies. Read in any order.
std::vector<Revision> DrawRevisions() {
  const int count = *rc::gen::inRange(1, 13);
  std::vector<Revision> revisions;
  for (int i = 0; i < count; ++i) {
    Revision revision;
    revision.id = revision.ledger_key = IdOf(i);
    for (int earlier = 0; earlier < i; ++earlier) {
      const int kind = *rc::gen::weightedElement<int>({{6, 0}, {2, 1}, {1, 2}});
      if (kind == 1) revision.parents.push_back(IdOf(earlier));
      if (kind == 2) revision.depends_on.push_back(IdOf(earlier));
    }
    revisions.push_back(std::move(revision));
  }
  const auto order = *rc::gen::container<std::vector<int>>(revisions.size(), rc::gen::arbitrary<int>());
  std::vector<std::size_t> index(revisions.size());
  for (std::size_t i = 0; i < index.size(); ++i) index[i] = i;
  std::stable_sort(index.begin(), index.end(), [&](std::size_t a, std::size_t b) { return order[a] < order[b]; });
  std::vector<Revision> shuffled;
  for (const std::size_t i : index) shuffled.push_back(revisions[i]);
  return shuffled;
}

std::vector<std::string> Needs(const Revision& revision) {
  std::vector<std::string> needs = revision.parents;
  needs.insert(needs.end(), revision.depends_on.begin(), revision.depends_on.end());
  return needs;
}

// True where each revision of `path` finds what it needs in `applied` or before it; `applied` is what it leads to then.
bool IsLegalAscent(const std::vector<const Revision*>& path, History::Applied& applied) {
  for (const Revision* revision : path) {
    for (const std::string& needed : Needs(*revision)) {
      if (!applied.contains(needed)) return false;
    }
    if (!applied.insert(revision->id).second) return false;
  }
  return true;
}

bool IsClosed(const History& history, const History::Applied& applied) {
  return std::all_of(applied.begin(), applied.end(), [&](const std::string& id) {
    const std::vector<std::string> needs = Needs(history.Get(id));
    return std::all_of(needs.begin(), needs.end(), [&](const std::string& n) { return applied.contains(n); });
  });
}

const Revision& DrawRevision(const History& history) {
  return history.revisions()[static_cast<std::size_t>(*rc::gen::inRange(0, static_cast<int>(history.size())))];
}

History::Applied DrawApplied(const History& history) {
  std::vector<const Revision*> some;
  for (const Revision& revision : history.revisions()) {
    if (*rc::gen::weightedElement<int>({{3, 0}, {1, 1}}) == 1) some.push_back(&revision);
  }
  return history.Closure(some);
}

TEST(HistoryProperty, LinearIsALegalOrderOfEverything) {
  ExpectAlways([] {
    const History history(DrawRevisions());
    History::Applied applied;
    RC_ASSERT(IsLegalAscent(history.Linear(), applied));
    RC_ASSERT(applied.size() == history.size());
  });
}

TEST(HistoryProperty, LinearPutsNothingFirstThatWasReadLaterWithoutNeed) {
  ExpectAlways([] {
    const History history(DrawRevisions());
    const std::vector<const Revision*> linear = history.Linear();
    History::Applied applied;
    for (const Revision* next : linear) {
      for (const Revision& earlier : history.revisions()) {
        if (earlier.id == next->id) break;
        const std::vector<std::string> needs = Needs(earlier);
        const bool ready = !applied.contains(earlier.id) &&
                           std::all_of(needs.begin(), needs.end(), [&](const auto& n) { return applied.contains(n); });
        RC_ASSERT(!ready);
      }
      applied.insert(next->id);
    }
  });
}

TEST(HistoryProperty, ClosureIsTheSmallestClosedSet) {
  ExpectAlways([] {
    const History history(DrawRevisions());
    const Revision& revision = DrawRevision(history);
    const History::Applied closure = history.Closure({&revision});
    RC_ASSERT(IsClosed(history, closure));
    RC_ASSERT(closure.size() == history.Ancestors(revision).size() + 1);
    for (const std::string& id : closure) {
      const History::Applied smaller = history.Closure({&history.Get(id)});
      RC_ASSERT(std::includes(closure.begin(), closure.end(), smaller.begin(), smaller.end()));
      RC_ASSERT(id == revision.id || !smaller.contains(revision.id));
    }
  });
}

TEST(HistoryProperty, UpgradePathReachesTheTargetAndNothingElse) {
  ExpectAlways([] {
    const History history(DrawRevisions());
    const History::Applied before = DrawApplied(history);
    const Revision& target = DrawRevision(history);
    History::Applied applied = before;
    RC_ASSERT(IsLegalAscent(history.UpgradePath(before, target.id), applied));
    History::Applied expected = history.Closure({&target});
    expected.insert(before.begin(), before.end());
    RC_ASSERT(applied == expected);
  });
}

TEST(HistoryProperty, DowngradePathUndoesWhatAnUpgradeDid) {
  ExpectAlways([] {
    const History history(DrawRevisions());
    const Revision& target = DrawRevision(history);
    const History::Applied all = history.Closure(history.Heads());
    History::Applied applied = all;
    for (const Revision* revision : history.DowngradePath(all, target.id)) {
      RC_ASSERT(applied.erase(revision->id) == 1U);
      RC_ASSERT(IsClosed(history, applied));
    }
    RC_ASSERT(applied.contains(target.id));
    for (const Revision* descendant : history.Descendants(target)) RC_ASSERT(!applied.contains(descendant->id));
    RC_ASSERT(applied.size() + history.Descendants(target).size() == all.size());
    RC_ASSERT(IsLegalAscent(history.UpgradePath(applied, "heads"), applied));
    RC_ASSERT(applied == history.Closure(history.Linear()));
  });
}

TEST(HistoryProperty, UpAndDownAreInverseFromTheBase) {
  ExpectAlways([] {
    const History history(DrawRevisions());
    const std::vector<const Revision*> up = history.UpgradePath({}, DrawRevision(history).id);
    std::vector<const Revision*> down = history.DowngradePath(history.Closure(up), "base");
    std::reverse(down.begin(), down.end());
    RC_ASSERT(up == down);
  });
}

TEST(HistoryProperty, RelativeStepsCountOneByOne) {
  ExpectAlways([] {
    const History history(DrawRevisions());
    RC_PRE(history.IsLinear());
    const int n = *rc::gen::inRange(0, static_cast<int>(history.size()) + 1);
    const std::vector<const Revision*> linear = history.Linear();
    const std::vector<const Revision*> up = history.UpgradePath({}, "+" + std::to_string(n));
    RC_ASSERT(up == std::vector<const Revision*>(linear.begin(), linear.begin() + n));
    const History::Applied all = history.Closure(linear);
    const std::vector<const Revision*> down = history.DowngradePath(all, "-" + std::to_string(n));
    RC_ASSERT(down == std::vector<const Revision*>(linear.rbegin(), linear.rbegin() + n));
  });
}

TEST(HistoryProperty, AppliedHeadsSpanWhatIsApplied) {
  ExpectAlways([] {
    const History history(DrawRevisions());
    const History::Applied applied = DrawApplied(history);
    const std::vector<const Revision*> heads = history.AppliedHeads(applied);
    RC_ASSERT(history.Closure(heads) == applied);
    for (const Revision* head : heads) {
      for (const Revision* descendant : history.Descendants(*head)) RC_ASSERT(!applied.contains(descendant->id));
    }
  });
}

TEST(HistoryProperty, OneReversedEdgeIsACycle) {
  ExpectAlways([] {
    std::vector<Revision> revisions = DrawRevisions();
    const History history(revisions);
    const Revision& low = DrawRevision(history);
    const std::vector<const Revision*> above = history.Descendants(low);
    RC_PRE(!above.empty());
    const Revision* high = above[static_cast<std::size_t>(*rc::gen::inRange(0, static_cast<int>(above.size())))];
    for (Revision& revision : revisions) {
      if (revision.id == low.id) revision.parents.push_back(high->id);
    }
    RC_ASSERT_THROWS_AS(History(std::move(revisions)), Error);
  });
}

}  // namespace
}  // namespace migproof
