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
    units.push_back({i, {"round_trip", "upgrade_succeeds"}});
    units.push_back({i, {"atomic_failure"}});
  }
  for (int i = 0; i < laws_about_history; ++i) units.push_back({PlannedUnit::kHistory, {"law_" + std::to_string(i)}});
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

}  // namespace
}  // namespace migproof
