#include "harness/verify/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "migrations/error.h"

namespace migproof {
namespace {

using testing::UnorderedElementsAreArray;

std::vector<PlannedUnit> SomeUnits(std::size_t revisions, int laws_about_history) {
  std::vector<PlannedUnit> units;
  for (std::size_t i = 0; i < revisions; ++i) {
    units.push_back({i, {"round_trip", "upgrade_succeeds"}, true});
    units.push_back({i, {"atomic_failure"}, false});
  }
  for (int i = 0; i < laws_about_history; ++i)
    units.push_back({PlannedUnit::kHistory, {"law_" + std::to_string(i)}, false});
  return units;
}

std::string Shown(const PlannedUnit& unit) { return std::to_string(unit.revision) + " " + unit.laws.front(); }

TEST(ShardOf, DealsEachUnitToExactlyOneShard) {
  for (const std::size_t revisions : {0U, 1U, 2U, 7U, 40U}) {
    const std::vector<PlannedUnit> units = SomeUnits(revisions, 5);
    std::vector<std::string> all;
    for (const PlannedUnit& unit : units) all.push_back(Shown(unit));
    for (const int of : {1, 2, 3, 4, 8, 100}) {
      std::vector<std::string> dealt;
      for (int index = 1; index <= of; ++index) {
        for (const PlannedUnit& unit : ShardOf(units, index, of)) dealt.push_back(Shown(unit));
      }
      EXPECT_THAT(dealt, UnorderedElementsAreArray(all)) << revisions << " revisions, " << of << " shards";
    }
  }
}

TEST(ShardOf, GivesEveryShardWork) {
  const std::vector<PlannedUnit> units = SomeUnits(20, 4);
  for (int index = 1; index <= 4; ++index) {
    const std::vector<PlannedUnit> part = ShardOf(units, index, 4);
    EXPECT_EQ(part.size(), 11U);
    EXPECT_EQ(part.back().revision, PlannedUnit::kHistory) << "the dear ones are spread";
    for (std::size_t i = 1; i < 10; ++i) EXPECT_LE(part[i].revision - part[i - 1].revision, 1U) << "a stretch";
  }
}

TEST(ShardOf, RefusesWhatIsNoShard) {
  EXPECT_THROW(ShardOf({}, 0, 3), Error);
  EXPECT_THROW(ShardOf({}, 4, 3), Error);
  EXPECT_THROW(ShardOf({}, 1, 0), Error);
}

using Pairs = std::vector<std::pair<std::size_t, std::string>>;

std::vector<NamedLaw> SomeLaws(const std::vector<PlannedUnit>& units) {
  std::set<std::string> names;
  for (const PlannedUnit& unit : units) names.insert(unit.laws.begin(), unit.laws.end());
  std::vector<NamedLaw> laws;
  for (const std::string& name : names) laws.push_back({name, nullptr});
  return laws;
}

// What a plan includes, as pairs of a revision and a law.
Pairs IncludedIn(const Plan& plan) {
  Pairs pairs;
  for (const NamedLaw& law : plan.laws()) {
    for (const std::size_t index : plan.revisions()) {
      if (plan.Includes(law, index)) pairs.emplace_back(index, law.name);
    }
    if (plan.IncludesHistory(law)) pairs.emplace_back(PlannedUnit::kHistory, law.name);
  }
  return pairs;
}

TEST(DealtOut, IsTheSameWorkWhateverTheNumberOfWorkers) {
  for (const std::size_t revisions : {0U, 1U, 2U, 7U, 40U}) {
    for (const int about_history : {0, 5}) {
      const std::vector<PlannedUnit> units = SomeUnits(revisions, about_history);
      const Plan plan(SomeLaws(units), units);
      for (const int workers : {1, 2, 3, 4, 8, 100}) {
        Pairs dealt;
        std::size_t verdicts = 0;
        for (const Plan& part : plan.DealtOut(workers)) {
          const Pairs included = IncludedIn(part);
          EXPECT_FALSE(included.empty());
          EXPECT_EQ(part.Verdicts(), included.size());
          dealt.insert(dealt.end(), included.begin(), included.end());
          verdicts += part.Verdicts();
        }
        EXPECT_THAT(dealt, UnorderedElementsAreArray(IncludedIn(plan))) << revisions << ", " << workers << " workers";
        EXPECT_EQ(verdicts, plan.Verdicts());
      }
    }
  }
}

TEST(DealtOut, OfOneRevisionTheRowsGoBesideTheRest) {
  const std::vector<PlannedUnit> units = SomeUnits(1, 0);
  const std::vector<Plan> parts = Plan(SomeLaws(units), units).DealtOut(2);
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[0].Verdicts(), 2U);
  EXPECT_EQ(IncludedIn(parts[1]), (Pairs{{0, "atomic_failure"}}));
}

TEST(Plan, HasAPartAboutRevisionsAndOneAboutTheHistory) {
  const std::vector<PlannedUnit> units = SomeUnits(40, 4);
  const Plan plan(SomeLaws(units), units);
  EXPECT_TRUE(plan.HasStretches());
  EXPECT_FALSE(plan.About(false).history());
  EXPECT_EQ(plan.About(false).Verdicts(), 120U);
  EXPECT_EQ(plan.VerdictsOf(7), 3U);
  EXPECT_TRUE(plan.About(true).history());
  EXPECT_EQ(plan.About(true).Verdicts(), 4U);
  EXPECT_TRUE(plan.About(true).revisions().empty());
}

}  // namespace
}  // namespace migproof
