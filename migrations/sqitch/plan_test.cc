#include "migrations/sqitch/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ci/expect_error.h"
#include "migrations/digest.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kHead = "%project=shop\n\n";
const std::string kPlanner = " 2024-01-02T03:04:05Z Ada Lovelace <ada@example.org>";

SqitchPlan ParsePlan(const std::string& text) { return SqitchPlan::Parse(text, "sqitch.plan"); }

std::string PlanComplaintAbout(const std::string& text) {
  const Error error = ErrorOf([&] { ParsePlan(text); });
  EXPECT_EQ(error.kind(), ErrorKind::kHistory);
  return error.Render();
}

std::string ComplaintAboutLines(const std::string& lines) { return PlanComplaintAbout(kHead + lines); }

TEST(SqitchPlan, ReadsChangesTagsAndNotes) {
  const SqitchPlan plan =
      ParsePlan("%syntax-version=1.0.0\n%project=shop # a note\n%uri=https://example.org/shop/\n\n# a remark\n+users" +
                kPlanner + "  # One\\nline\n  orders/list [users !carts]" + kPlanner + "\r\n@v1.0" + kPlanner +
                " # Out\n@v1.1" + kPlanner + "\n");
  EXPECT_EQ(plan.project, "shop");
  EXPECT_EQ(plan.uri, "https://example.org/shop/");
  ASSERT_EQ(plan.changes.size(), 2U);
  EXPECT_EQ(plan.changes[0].name, "users");
  EXPECT_EQ(plan.changes[0].note, "One\nline");
  EXPECT_EQ(plan.changes[0].planner.name, "Ada Lovelace");
  EXPECT_EQ(plan.changes[0].planner.email, "ada@example.org");
  EXPECT_EQ(plan.changes[0].planner.timestamp, "2024-01-02T03:04:05Z");
  EXPECT_EQ(plan.changes[1].where.line, 7);
  ASSERT_EQ(plan.changes[1].requires_changes.size(), 1U);
  EXPECT_EQ(plan.changes[1].requires_changes[0].target, 0U);
  ASSERT_EQ(plan.changes[1].conflicts.size(), 1U);
  ASSERT_EQ(plan.changes[1].tags.size(), 2U);
  EXPECT_EQ(plan.changes[1].tags[0].name, "v1.0");
}

// What sqitch 1.3.1 says about the same plan.
TEST(SqitchPlan, ComputesTheIdsThatTheToolComputes) {
  EXPECT_EQ(Sha1Hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  const SqitchPlan plan = ParsePlan(
      "%syntax-version=1.0.0\n%project=accounts\n%uri=https://example.org/accounts/\n\n"
      "accounts 2024-03-17T09:00:00Z Ada <ada@example.org> # Create the accounts\n"
      "names/index [accounts] 2024-04-17T09:00:01Z Ada <ada@example.org> # Index the names without holding up writers\n"
      "@v1.0 2024-04-18T08:00:00Z Ada <ada@example.org> # The first release\n");
  EXPECT_EQ(plan.changes[0].id, "278661a536173961095d0539469049f57a194734");
  EXPECT_EQ(plan.changes[1].id, "c8ecada332f3e3498ef6ad5d54d7a7088bc7e312");
}

TEST(SqitchPlan, AReworkedChangeHasTheTagsUpToItsNextPlace) {
  const SqitchPlan plan =
      ParsePlan(kHead + "a" + kPlanner + "\n@v1" + kPlanner + "\nb" + kPlanner + "\n@v2" + kPlanner + "\n@v3" +
                kPlanner + "\na [a@v1]" + kPlanner + "\n@v4" + kPlanner + "\na [b a@v4 @v3]" + kPlanner + "\n");
  ASSERT_EQ(plan.changes.size(), 4U);
  EXPECT_THAT(plan.changes[0].rework_tags, ElementsAre("v2", "v3", "v1"));
  EXPECT_THAT(plan.changes[2].rework_tags, ElementsAre("v4"));
  EXPECT_TRUE(plan.changes[3].rework_tags.empty());
  EXPECT_EQ(plan.changes[2].requires_changes[0].target, 0U);
  EXPECT_EQ(plan.changes[3].requires_changes[1].target, 2U);
  EXPECT_EQ(plan.changes[3].requires_changes[2].target, 1U);
}

TEST(SqitchPlan, RefusesWhatIsThereTwice) {
  EXPECT_THAT(ComplaintAboutLines("a" + kPlanner + "\nb" + kPlanner + "\na" + kPlanner + "\n"),
              HasSubstr("sqitch.plan:5: change 'a' is there twice: the first is on line 3"));
  EXPECT_THAT(ComplaintAboutLines("a" + kPlanner + "\n@v" + kPlanner + "\nb" + kPlanner + "\n@v" + kPlanner + "\n"),
              HasSubstr("sqitch.plan:6: tag '@v' is there twice: the first is on line 4"));
  EXPECT_THAT(ComplaintAboutLines("a" + kPlanner + "\nb [a a]" + kPlanner),
              HasSubstr("the dependency 'a' is there twice"));
  EXPECT_THAT(PlanComplaintAbout("%project=a\n%project=b\n"), HasSubstr(":2: the pragma '%project' is there twice"));
}

TEST(SqitchPlan, RefusesRequirementsThatCannotBeMet) {
  EXPECT_THAT(ComplaintAboutLines("users" + kPlanner + "\nb [user]" + kPlanner + "\n"),
              HasSubstr("sqitch.plan:4: 'b' requires 'user', which is not in the plan\nhint: did you mean 'users'?"));
  EXPECT_THAT(ComplaintAboutLines("a [b]" + kPlanner + "\nc" + kPlanner + "\nb" + kPlanner + "\n"),
              HasSubstr("sqitch.plan:3: 'a' requires 'b', which is planned 2 changes later"));
  EXPECT_THAT(ComplaintAboutLines("a [b]" + kPlanner + "\nb [a]" + kPlanner + "\n"),
              HasSubstr("'a' requires 'b', which is planned 1 change later"));
  EXPECT_THAT(ComplaintAboutLines("a [a]" + kPlanner + "\n"), HasSubstr(":3: change 'a' requires itself"));
  EXPECT_THAT(ComplaintAboutLines("a" + kPlanner + "\nb [a@v9]" + kPlanner + "\n"),
              HasSubstr("requires 'a@v9', which is not"));
  EXPECT_THAT(ComplaintAboutLines("a" + kPlanner + "\nb [!a]" + kPlanner + "\n"),
              HasSubstr("sqitch.plan:4: 'b' conflicts with 'a', which is deployed before it"));
}

TEST(SqitchPlan, RefusesAChangeOfAnotherProject) {
  EXPECT_THAT(ComplaintAboutLines("a [base:users]" + kPlanner + "\n"),
              HasSubstr("sqitch.plan:3: 'a' requires 'base:users', a change of another project\nhint: only 'shop' is"));
  const std::string id(40, 'a');
  EXPECT_THAT(ComplaintAboutLines("a [" + id + "]" + kPlanner + "\n"), HasSubstr("a change of another project"));
  EXPECT_EQ(ParsePlan(kHead + "u" + kPlanner + "\na [shop:u !base:v]" + kPlanner).changes[1].requires_changes[0].target,
            0U);
}

TEST(SqitchPlan, RefusesLinesThatItDoesNotUnderstand) {
  EXPECT_THAT(PlanComplaintAbout("a" + kPlanner + "\n"), HasSubstr("sqitch.plan: the plan names no project"));
  EXPECT_THAT(PlanComplaintAbout("%project=a\n%urri=x\n"),
              HasSubstr("sqitch.plan:2: unknown pragma '%urri'\nhint: did you mean 'uri'?"));
  EXPECT_THAT(PlanComplaintAbout("%project=a b\n"), HasSubstr("bad project name 'a b'"));
  EXPECT_THAT(ComplaintAboutLines("a\n"), HasSubstr(":3: a line without the time and the planner"));
  EXPECT_THAT(ComplaintAboutLines("a 2024-01-02 Ada <a@b>\n"), HasSubstr("'2024-01-02' stands where the time should"));
  EXPECT_THAT(ComplaintAboutLines("a 2024-13-02T03:04:05Z Ada <a@b>\n"), HasSubstr("stands where the time should"));
  EXPECT_THAT(ComplaintAboutLines("a 2024-01-02T03:04:05Z Ada\n"), HasSubstr("without the planner's name and mail"));
  EXPECT_THAT(ComplaintAboutLines("a [b" + kPlanner + "\n"), HasSubstr("'[' without ']'"));
  EXPECT_THAT(ComplaintAboutLines("-a" + kPlanner + "\n"), HasSubstr("a line that plans a revert"));
  EXPECT_THAT(ComplaintAboutLines("a:b" + kPlanner + "\n"), HasSubstr("bad name 'a:b'"));
  EXPECT_THAT(ComplaintAboutLines("a~2" + kPlanner + "\n"), HasSubstr("bad name 'a~2'"));
  EXPECT_THAT(ComplaintAboutLines("HEAD" + kPlanner + "\n"), HasSubstr("'HEAD' is a reserved name"));
  EXPECT_THAT(ComplaintAboutLines(std::string(40, 'a') + kPlanner + "\n"), HasSubstr("could be taken for the id"));
  EXPECT_THAT(ComplaintAboutLines("@v" + kPlanner + "\n"), HasSubstr("tag '@v' stands before the first change"));
  EXPECT_THAT(ComplaintAboutLines("a" + kPlanner + "\n@v [a]" + kPlanner + "\n"),
              HasSubstr("tag '@v' has dependencies"));
  EXPECT_THAT(ComplaintAboutLines("a" + kPlanner + "\n@v/a" + kPlanner + "\n"), HasSubstr("tag '@v/a' holds a '/'"));
  EXPECT_THAT(ComplaintAboutLines("a" + kPlanner + "\nb [!]" + kPlanner + "\n"), HasSubstr("'!' is no dependency"));
  EXPECT_THAT(ComplaintAboutLines("a" + kPlanner + "\n%uri=x\n"), HasSubstr("a pragma below the first change"));
}

}  // namespace
}  // namespace migproof
