#include "migrations/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "ci/expect_error.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Revision Make(const std::string& id, std::vector<std::string> parents = {}, std::vector<std::string> depends_on = {},
              std::vector<std::string> labels = {}) {
  Revision revision;
  revision.id = revision.ledger_key = id;
  revision.parents = std::move(parents);
  revision.depends_on = std::move(depends_on);
  revision.labels = std::move(labels);
  revision.where = {id + ".sql", 1};
  return revision;
}

std::vector<std::string> Ids(const std::vector<const Revision*>& revisions) {
  std::vector<std::string> ids;
  for (const Revision* revision : revisions) ids.push_back(revision->id);
  return ids;
}

std::string Refusal(std::vector<Revision> revisions) {
  const Error error = ErrorOf([&] { const History history(std::move(revisions)); });
  EXPECT_EQ(error.kind(), ErrorKind::kHistory);
  return error.Render();
}

template <typename Function>
std::string UsageError(Function&& function) {
  const Error error = ErrorOf(std::forward<Function>(function));
  EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  return error.Render();
}

// a1 - b1 - c1 - m1 - z1     two branches from a1, joined by m1
//    \ b2 - c2 /
History Diamond() {
  return History({Make("a1"), Make("b1", {"a1"}), Make("b2", {"a1"}), Make("c1", {"b1"}), Make("c2", {"b2"}),
                  Make("m1", {"c1", "c2"}), Make("z1", {"m1"})});
}

History Chain() { return History({Make("a1"), Make("b1", {"a1"}), Make("c1", {"b1"}), Make("d1", {"c1"})}); }

// Two bases; `app2` needs `lib2` of the other branch.
History TwoBranches() {
  return History({Make("lib1", {}, {}, {"lib"}), Make("lib2", {"lib1"}), Make("app1", {}, {}, {"app"}),
                  Make("app2", {"app1"}, {"lib2"}), Make("app3", {"app2"})});
}

TEST(History, RefusesNothing) { EXPECT_THAT(Refusal({}), HasSubstr("the history holds no revisions")); }

TEST(History, RefusesDuplicateIdsNamingBothPlaces) {
  Revision second = Make("a1");
  second.where = {"other.sql", 3};
  EXPECT_EQ(Refusal({Make("a1"), second}),
            "error: other.sql:3: revision 'a1' is there twice: the other is a1.sql:1\n"
            "hint: give one of them another id, or take it away");
}

TEST(History, RefusesBadLabels) {
  EXPECT_THAT(Refusal({Make("a1", {}, {}, {"x"}), Make("b1", {"a1"}, {}, {"x"})}),
              HasSubstr("label 'x' stands on two revisions: 'a1' and 'b1'"));
  EXPECT_THAT(Refusal({Make("a1", {}, {}, {"b1"}), Make("b1", {"a1"})}), HasSubstr("is the id of a revision"));
  EXPECT_THAT(Refusal({Make("a1", {}, {}, {"heads"})}), HasSubstr("a word with a meaning of its own"));
  EXPECT_THAT(Refusal({Make("base")}), HasSubstr("a word with a meaning of its own"));
}

TEST(History, RefusesMissingParentsWithTheNearName) {
  EXPECT_EQ(Refusal({Make("ffff"), Make("a1b2", {"fffe"})}),
            "error: a1b2.sql:1: revision 'a1b2' names parent 'fffe', which is not in the history (2 revisions read)\n"
            "hint: did you mean 'ffff'?");
  EXPECT_THAT(Refusal({Make("a1", {}, {"gone"})}),
              HasSubstr("depends on 'gone', which is not in the history (1 revision"));
  EXPECT_THAT(Refusal({Make("a1"), Make("b1", {"a1", "a1"})}), HasSubstr("names parent 'a1' twice"));
}

TEST(History, SpellsOutCycles) {
  EXPECT_THAT(Refusal({Make("a1", {"a1"})}), HasSubstr("revision 'a1' is its own ancestor: a1 -> a1"));
  EXPECT_THAT(
      Refusal({Make("o1"), Make("t1", {"c1"}), Make("a1", {"o1", "c1"}), Make("b1", {"a1"}), Make("c1", {"b1"})}),
      HasSubstr("revision 'c1' is its own ancestor: c1 -> b1 -> a1 -> c1"));
  EXPECT_THAT(Refusal({Make("a1", {}, {"b1"}), Make("b1", {"a1"})}), HasSubstr("a1 -> b1 -> a1"));
}

TEST(History, HeadsBasesChildren) {
  const History diamond = Diamond();
  EXPECT_THAT(Ids(diamond.Heads()), ElementsAre("z1"));
  EXPECT_THAT(Ids(diamond.Bases()), ElementsAre("a1"));
  EXPECT_THAT(Ids(diamond.Children(diamond.Get("a1"))), ElementsAre("b1", "b2"));
  const History two = TwoBranches();
  EXPECT_THAT(Ids(two.Heads()), ElementsAre("lib2", "app3"));  // depends_on makes nobody a parent
  EXPECT_THAT(Ids(two.Bases()), ElementsAre("lib1", "app1"));
  EXPECT_THAT(Ids(two.Children(two.Get("lib2"))), IsEmpty());
}

TEST(History, AncestorsAndDescendantsFollowDependencies) {
  const History two = TwoBranches();
  EXPECT_THAT(Ids(two.Ancestors(two.Get("app2"))), ElementsAre("lib1", "lib2", "app1"));
  EXPECT_THAT(Ids(two.Descendants(two.Get("lib1"))), ElementsAre("lib2", "app2", "app3"));
  EXPECT_THAT(two.Closure({&two.Get("app1")}), ElementsAre("app1"));
  EXPECT_THAT(two.Closure({&two.Get("app2")}), ElementsAre("app1", "app2", "lib1", "lib2"));
}

TEST(History, LinearFollowsTheOrderRead) {
  EXPECT_THAT(Ids(Diamond().Linear()), ElementsAre("a1", "b1", "b2", "c1", "c2", "m1", "z1"));
  const History backwards({Make("c1", {"b1"}), Make("x1"), Make("b1", {"a1"}), Make("a1")});
  EXPECT_THAT(Ids(backwards.Linear()), ElementsAre("x1", "a1", "b1", "c1"));
}

TEST(History, IsLinearWhereOnlyOneOrderIsLegal) {
  EXPECT_TRUE(Chain().IsLinear());
  EXPECT_FALSE(Diamond().IsLinear());
  EXPECT_FALSE(History({Make("a1"), Make("b1")}).IsLinear());
  EXPECT_TRUE(History({Make("a1"), Make("b1", {}, {"a1"})}).IsLinear());
}

TEST(History, GetAndFind) {
  const History chain = Chain();
  EXPECT_EQ(chain.Get("b1").id, "b1");
  EXPECT_EQ(chain.Find("nope"), nullptr);
  EXPECT_EQ(UsageError([&] { chain.Get("b2"); }), "error: there is no revision 'b2'\nhint: did you mean 'b1'?");
}

TEST(History, ResolvesWhatAUserTypes) {
  Revision numbered = Make("000010_create_groups", {"abcd1234"}, {}, {"groups"});
  numbered.ledger_key = "10";
  const History history({Make("abcd1234"), numbered, Make("000011_more_groups", {"000010_create_groups"})});
  EXPECT_THAT(Ids(history.Resolve("abcd1234")), ElementsAre("abcd1234"));
  EXPECT_THAT(Ids(history.Resolve("abcd")), ElementsAre("abcd1234"));
  EXPECT_THAT(Ids(history.Resolve("000010")), ElementsAre("000010_create_groups"));
  EXPECT_THAT(Ids(history.Resolve("10")), ElementsAre("000010_create_groups"));
  EXPECT_THAT(Ids(history.Resolve("groups")), ElementsAre("000010_create_groups"));
  EXPECT_THAT(Ids(history.Resolve("head")), ElementsAre("000011_more_groups"));
  EXPECT_THAT(Ids(history.Resolve("heads")), ElementsAre("000011_more_groups"));
  EXPECT_THAT(Ids(history.Resolve("base")), IsEmpty());
  EXPECT_THAT(UsageError([&] { history.Resolve("abc"); }), HasSubstr("there is no revision 'abc'"));
  EXPECT_EQ(UsageError([&] { history.Resolve("00001"); }),
            "error: '00001' is ambiguous: '000010_create_groups', '000011_more_groups' begin with it\n"
            "hint: type more of the revision's id");
  EXPECT_THAT(UsageError([&] { history.Resolve("group"); }), HasSubstr("did you mean 'groups'?"));
  EXPECT_THAT(UsageError([&] { history.Resolve("heds"); }), HasSubstr("did you mean 'heads'?"));
}

TEST(History, HeadIsAmbiguousWhereThereAreSeveral) {
  EXPECT_EQ(UsageError([] { TwoBranches().Resolve("head"); }),
            "error: 'head' is ambiguous: the history has 2 heads, 'lib2', 'app3'\n"
            "hint: say 'heads' for all of them, or name one");
  EXPECT_THAT(Ids(TwoBranches().Resolve("heads")), ElementsAre("lib2", "app3"));
}

TEST(UpgradePath, GoesToATarget) {
  const History diamond = Diamond();
  EXPECT_THAT(Ids(diamond.UpgradePath({}, "head")), ElementsAre("a1", "b1", "b2", "c1", "c2", "m1", "z1"));
  EXPECT_THAT(Ids(diamond.UpgradePath({"a1", "b2"}, "m1")), ElementsAre("b1", "c1", "c2", "m1"));
  EXPECT_THAT(Ids(diamond.UpgradePath({"a1"}, "c2")), ElementsAre("b2", "c2"));
  EXPECT_THAT(Ids(diamond.UpgradePath({"a1", "b2"}, "a1")), IsEmpty());
  EXPECT_THAT(Ids(diamond.UpgradePath({"a1"}, "base")), IsEmpty());
  EXPECT_THAT(Ids(TwoBranches().UpgradePath({}, "app2")), ElementsAre("lib1", "lib2", "app1", "app2"));
}

TEST(UpgradePath, GoesRelatively) {
  const History chain = Chain();
  EXPECT_THAT(Ids(chain.UpgradePath({}, "+2")), ElementsAre("a1", "b1"));
  EXPECT_THAT(Ids(chain.UpgradePath({"a1"}, "+1")), ElementsAre("b1"));
  EXPECT_THAT(Ids(chain.UpgradePath({"a1"}, "+0")), IsEmpty());
  EXPECT_THAT(Ids(chain.UpgradePath({}, "a1+2")), ElementsAre("a1", "b1", "c1"));
  EXPECT_THAT(Ids(chain.UpgradePath({}, "head-1")), ElementsAre("a1", "b1", "c1"));
  EXPECT_THAT(Ids(chain.UpgradePath({}, "a1-1")), IsEmpty());
  EXPECT_EQ(UsageError([&] { chain.UpgradePath({"a1"}, "+4"); }),
            "error: '+4' goes beyond the head: 3 revisions can still be applied");
  EXPECT_THAT(UsageError([&] { chain.UpgradePath({}, "c1+2"); }), HasSubstr("goes beyond the head 'd1'"));
  EXPECT_THAT(UsageError([&] { chain.UpgradePath({}, "-1"); }), HasSubstr("an upgrade goes up: +N"));
  EXPECT_THAT(UsageError([&] { chain.UpgradePath({}, "+x"); }), HasSubstr("there is no revision '+x'"));
}

TEST(UpgradePath, RelativeStepsAreRefusedWhereTheyAreAmbiguous) {
  const History diamond = Diamond();
  EXPECT_THAT(Ids(diamond.UpgradePath({}, "+1")), ElementsAre("a1"));
  EXPECT_EQ(UsageError([&] { diamond.UpgradePath({}, "+2"); }),
            "error: '+2' is ambiguous: 'b1', 'b2' can come next\nhint: name the revision itself");
  EXPECT_THAT(UsageError([&] { diamond.UpgradePath({}, "a1+1"); }), HasSubstr("'a1' has 2 children, 'b1', 'b2'"));
  EXPECT_THAT(UsageError([&] { diamond.UpgradePath({}, "m1-1"); }), HasSubstr("'m1' has 2 parents, 'c1', 'c2'"));
  // Several applied heads, and one revision that can come next.
  EXPECT_THAT(Ids(diamond.UpgradePath({"a1", "b1", "b2", "c1", "c2"}, "+2")), ElementsAre("m1", "z1"));
}

TEST(DowngradePath, GoesToATarget) {
  const History diamond = Diamond();
  const History::Applied all = diamond.Closure(diamond.Heads());
  EXPECT_THAT(Ids(diamond.DowngradePath(all, "base")), ElementsAre("z1", "m1", "c2", "c1", "b2", "b1", "a1"));
  EXPECT_THAT(Ids(diamond.DowngradePath(all, "b1")), ElementsAre("z1", "m1", "c1"));
  EXPECT_THAT(Ids(diamond.DowngradePath(all, "head")), IsEmpty());
  EXPECT_THAT(Ids(diamond.DowngradePath({"a1", "b2"}, "a1")), ElementsAre("b2"));
  EXPECT_THAT(UsageError([&] { diamond.DowngradePath({"a1"}, "b1"); }),
              HasSubstr("can't downgrade to 'b1': it is not applied"));
}

TEST(DowngradePath, TakesWhatDependsOnItAlong) {
  const History two = TwoBranches();
  EXPECT_THAT(Ids(two.DowngradePath({"lib1", "lib2", "app1", "app2"}, "lib1")), ElementsAre("app2", "lib2"));
  EXPECT_THAT(Ids(two.DowngradePath({"lib1", "lib2", "app1", "app2"}, "app1")), ElementsAre("app2"));
}

TEST(DowngradePath, GoesRelatively) {
  const History chain = Chain();
  EXPECT_THAT(Ids(chain.DowngradePath({"a1", "b1", "c1"}, "-1")), ElementsAre("c1"));
  EXPECT_THAT(Ids(chain.DowngradePath({"a1", "b1", "c1"}, "-3")), ElementsAre("c1", "b1", "a1"));
  EXPECT_THAT(Ids(chain.DowngradePath({"a1", "b1", "c1"}, "c1-2")), ElementsAre("c1", "b1"));
  EXPECT_THAT(Ids(chain.DowngradePath({"a1", "b1", "c1"}, "b1-2")), ElementsAre("c1", "b1", "a1"));
  EXPECT_EQ(UsageError([&] { chain.DowngradePath({"a1"}, "-2"); }),
            "error: '-2' goes below the base: 1 revision can be undone");
  EXPECT_THAT(UsageError([&] { chain.DowngradePath({"a1", "b1"}, "b1-3"); }), HasSubstr("goes below the base"));
  EXPECT_THAT(UsageError([&] { chain.DowngradePath({"a1"}, "+1"); }), HasSubstr("a downgrade goes down: -N"));
}

TEST(DowngradePath, RelativeStepsAreRefusedWhereSeveralHeadsAreApplied) {
  const History diamond = Diamond();
  EXPECT_EQ(UsageError([&] {
              diamond.DowngradePath({"a1", "b1", "b2"}, "-1");
            }),
            "error: '-1' is ambiguous: 2 heads are applied, 'b1', 'b2'\nhint: name the revision itself");
  const History::Applied all = diamond.Closure(diamond.Heads());
  EXPECT_THAT(Ids(diamond.DowngradePath(all, "-2")), ElementsAre("z1", "m1"));
  EXPECT_THAT(UsageError([&] { diamond.DowngradePath(all, "-3"); }), HasSubstr("2 heads are applied, 'c1', 'c2'"));
}

TEST(History, AnIdThatLooksRelativeIsAnIdFirst) {
  const History history({Make("2020-12-7-190800_users"), Make("2020-12-7-190801", {"2020-12-7-190800_users"})});
  EXPECT_THAT(Ids(history.UpgradePath({}, "2020-12-7-190801")),
              ElementsAre("2020-12-7-190800_users", "2020-12-7-190801"));
  EXPECT_THAT(Ids(history.UpgradePath({}, "2020-12-7-190800")), ElementsAre("2020-12-7-190800_users"));
  EXPECT_THAT(Ids(history.UpgradePath({}, "2020-12-7-190801-1")), ElementsAre("2020-12-7-190800_users"));
}

TEST(Range, RunsFromExclusiveToInclusive) {
  const History chain = Chain();
  EXPECT_THAT(Ids(chain.Range("a1:c1")), ElementsAre("b1", "c1"));
  EXPECT_THAT(Ids(chain.Range(":b1")), ElementsAre("a1", "b1"));
  EXPECT_THAT(Ids(chain.Range("b1")), ElementsAre("a1", "b1"));
  EXPECT_THAT(Ids(chain.Range("b1:")), ElementsAre("c1", "d1"));
  EXPECT_THAT(Ids(chain.Range("base:heads")), ElementsAre("a1", "b1", "c1", "d1"));
  EXPECT_THAT(Ids(chain.Range("b1:b1")), IsEmpty());
  EXPECT_THAT(Ids(chain.Range("b1:+1")), ElementsAre("c1"));
  EXPECT_THAT(Ids(Diamond().Range("b1:m1")), ElementsAre("b2", "c1", "c2", "m1"));
  EXPECT_EQ(UsageError([&] { chain.Range("c1:a1"); }),
            "error: range 'c1:a1': 'c1' is not below 'a1'\n"
            "hint: a range goes up: the lower revision stands before the colon");
  EXPECT_THAT(UsageError([] { Diamond().Range("b1:c2"); }), HasSubstr("'b1' is not below 'c2'"));
}

TEST(History, AppliedHeadsLookThroughGaps) {
  const History chain = Chain();
  EXPECT_THAT(Ids(chain.AppliedHeads({"a1", "b1"})), ElementsAre("b1"));
  EXPECT_THAT(Ids(chain.AppliedHeads({"a1", "c1"})), ElementsAre("c1"));
  EXPECT_THAT(Ids(chain.AppliedHeads({})), IsEmpty());
  EXPECT_THAT(Ids(Diamond().AppliedHeads({"a1", "b1", "b2"})), ElementsAre("b1", "b2"));
}

// 10,000 revisions with a branch and a merge every few steps. The bound is far above what linear work needs and far
// below what quadratic work takes.
TEST(History, IsFastForLongHistories) {
  std::vector<Revision> revisions = {Make("r0")};
  for (int i = 1; i < 10'000; ++i) {
    const auto id = [](int n) { return "r" + std::to_string(n); };
    std::vector<std::string> parents = {id(i - 1)};
    if (i % 5 == 3) parents = {id(i - 2)};
    if (i % 5 == 4) parents = {id(i - 1), id(i - 2)};
    revisions.push_back(Make(id(i), parents));
  }
  const auto start = std::chrono::steady_clock::now();
  const History history(std::move(revisions));
  const History::Applied half = history.Closure({&history.Get("r5000")});
  EXPECT_EQ(history.UpgradePath(half, "heads").size() + half.size(), 10'000U);
  EXPECT_EQ(history.DowngradePath(half, "base").size(), half.size());
  EXPECT_EQ(history.Ancestors(history.Get("r9999")).size(), 9'999U);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

}  // namespace
}  // namespace migproof
