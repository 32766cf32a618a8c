#include "harness/report/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "ci/expect_error.h"
#include "harness/report/report_for_test.h"

namespace migproof {
namespace {

using testing::HasSubstr;

// The report of all outcomes, its verdicts dealt out in turn.
std::vector<std::pair<std::string, Report>> Shards(int of) {
  std::vector<std::pair<std::string, Report>> shards;
  const Report whole = ReportOfAllOutcomes();
  for (int index = 1; index <= of; ++index) {
    Report part = whole;
    part.shard = {index, of};
    part.seconds = 0;
    part.verdicts.clear();
    for (std::size_t i = 0; i < whole.verdicts.size(); ++i) {
      if (static_cast<int>(i) % of == index - 1) part.verdicts.push_back(whole.verdicts[i]);
    }
    shards.emplace_back(std::to_string(index) + ".json", part);
  }
  return shards;
}

std::string ComplaintAbout(const std::vector<std::pair<std::string, Report>>& shards) {
  try {
    MergeReports(shards);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.message();
  }
  return "nothing";
}

TEST(MergeReports, MakesTheWholeOfAnyOrderOfShards) {
  for (const int of : {1, 2, 3, 8, 11}) {
    auto shards = Shards(of);
    EXPECT_EQ(ToJson(MergeReports(shards)), ToJson(ReportOfAllOutcomes())) << of;
    std::reverse(shards.begin(), shards.end());
    EXPECT_EQ(ToJson(MergeReports(shards)), ToJson(ReportOfAllOutcomes())) << of << ", backwards";
  }
}

TEST(MergeReports, NamesTheMissingShards) {
  auto shards = Shards(5);
  shards.erase(shards.begin() + 1, shards.begin() + 3);
  EXPECT_EQ(ComplaintAbout(shards), "2 of 5 shards are missing: 2, 3");
}

TEST(MergeReports, RefusesAShardThatComesTwice) {
  auto shards = Shards(2);
  shards.push_back(shards.front());
  EXPECT_THAT(ComplaintAbout(shards), HasSubstr("both shard 1 of 2"));
}

TEST(MergeReports, RefusesReportsOfDifferentRuns) {
  auto shards = Shards(2);
  shards[1].second.run = "fedcba9876543210";
  EXPECT_EQ(ComplaintAbout(shards), "'1.json' and '2.json' are not of the same run");
  shards = Shards(2);
  shards[1].second.shard.of = 3;
  EXPECT_THAT(ComplaintAbout(shards), HasSubstr("not of the same run"));
  shards = Shards(2);
  shards[1].second.server = "PostgreSQL 17.2 (local)";
  EXPECT_THAT(ComplaintAbout(shards), HasSubstr("'2.json' from PostgreSQL 17.2"));
  EXPECT_THAT(ComplaintAbout({}), HasSubstr("no report"));
}

TEST(MergeReports, TakesAShardThatHadNothingToDo) {
  auto shards = Shards(11);
  shards[10].second.server.clear();
  EXPECT_EQ(MergeReports(shards).server, ReportOfAllOutcomes().server);
}

TEST(ShardTest, OneThatNothingFellToDoesNotSayThatChecksHeld) {
  Report report;
  report.shard = {3, 8};
  EXPECT_EQ(report.ExitStatus(), 0);
  EXPECT_EQ(SummaryText(report), "nothing falls to shard 3 of 8");
}

}  // namespace
}  // namespace migproof
