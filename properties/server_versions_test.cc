// Runs on several server versions at once, through the program as a user runs it. Skipped where the machine has fewer
// than two majors, one below 17 and one from there on.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "ci/json_schema.h"
#include "ci/project.h"
#include "harness/postgres/binaries.h"
#include "harness/postgres/server_user.h"
#include "migrations/format.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ServerVersionsTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::vector<int> majors = MajorsThere({}, FindServerUser());
    const auto split = std::lower_bound(majors.begin(), majors.end(), 17);
    if (split == majors.begin() || split == majors.end()) {
      GTEST_SKIP() << "this machine has no two PostgreSQL servers, one below 17 and one from there on: "
                      "migproof servers install 15 17";
    }
    older_ = std::to_string(*std::prev(split));
    newer_ = std::to_string(*split);
  }

  ProgramRun Verify(const std::vector<std::string>& further) {
    std::vector<std::string> arguments = {"verify", "--postgres", older_ + "," + newer_, "--cases",  "3", "--report",
                                          "text",   "--report",   "json=report.json",    "--no-save"};
    arguments.insert(arguments.end(), further.begin(), further.end());
    return project_.Run(arguments);
  }

  nlohmann::json Report() const { return nlohmann::json::parse(ReadTextFile(project_.path() / "report.json")); }

  // Outcomes by server ("" for all), law and revision.
  std::map<std::string, std::string> Outcomes() const {
    std::map<std::string, std::string> outcomes;
    const nlohmann::json report = Report();
    for (const auto& verdict : report.at("verdicts")) {
      outcomes[fmt::format("{} {} {}", verdict.value("server", "all"), verdict.at("law").get<std::string>(),
                           verdict.at("revision").get<std::string>())] = verdict.at("outcome");
    }
    return outcomes;
  }

  Project project_;
  std::string older_, newer_;
};

TEST_F(ServerVersionsTest, EachServerHasItsVerdictsAndAllOfThemTheirs) {
  project_.Revision("r1", "", "CREATE TABLE t (id bigint PRIMARY KEY, note text);", "DROP TABLE t;");
  const ProgramRun run = Verify({"--law", "round_trip", "--law", "version_agreement"});
  EXPECT_EQ(run.status, 0) << run;
  EXPECT_THAT(run.out, AllOf(HasSubstr("\nPostgreSQL " + older_ + "."), HasSubstr("\nPostgreSQL " + newer_ + "."),
                             HasSubstr("\nall of them\n  version_agreement    1 held")));
  const std::map<std::string, std::string> expected = {{older_ + " round_trip r1", "held"},
                                                       {older_ + " round_trip ", "held"},
                                                       {newer_ + " round_trip r1", "held"},
                                                       {newer_ + " round_trip ", "held"},
                                                       {"all version_agreement r1", "held"}};
  EXPECT_EQ(Outcomes(), expected);
  EXPECT_EQ(Report().at("servers").at(1).at("name"), newer_);
  const auto schema =
      nlohmann::json::parse(ReadTextFile(fs::path(MIGPROOF_SOURCE_DIR) / "fixtures/reports/report.schema.json"));
  EXPECT_THAT(SchemaComplaints(schema, Report()), testing::IsEmpty());
}

TEST_F(ServerVersionsTest, TheSameSeedGivesTheSameBytes) {
  project_.Revision("r1", "", "CREATE TABLE t (id bigint PRIMARY KEY, note varchar(20) UNIQUE);", "DROP TABLE t;");
  Verify({});
  const std::string first = ReadTextFile(project_.path() / "report.json");
  Verify({});
  EXPECT_EQ(ReadTextFile(project_.path() / "report.json"), first);
}

TEST_F(ServerVersionsTest, WhatSeveralServersShowAlikeIsToldOnce) {
  project_.Revision("r1", "", "CREATE TYPE mood AS ENUM ('fine');", "SELECT 1;");
  const ProgramRun run = Verify({"--law", "round_trip", "--revision", "r1"});
  EXPECT_EQ(run.status, 1) << run;
  EXPECT_THAT(run.out, HasSubstr(fmt::format("falsified  round_trip  r1  on {}, {}", older_, newer_)));
  EXPECT_EQ(run.out.find("falsified  round_trip"), run.out.rfind("falsified  round_trip"));
  EXPECT_THAT(run.out, HasSubstr("--postgres " + older_));
}

TEST_F(ServerVersionsTest, ARevisionForNewerServersIsSkippedOnOlderOnesWithTheReason) {
  project_.Revision("r1", "",
                    "CREATE TABLE line (id int PRIMARY KEY, price int, total int GENERATED ALWAYS AS (price) STORED);",
                    "DROP TABLE line;");
  project_.Revision("r2", "r1", "ALTER TABLE line ALTER total SET EXPRESSION AS (price * 2);",
                    "ALTER TABLE line ALTER total SET EXPRESSION AS (price);",
                    "-- migproof: requires server >= 17 \"SET EXPRESSION\"");
  const ProgramRun run = Verify({"--law", "round_trip", "--law", "version_agreement"});
  EXPECT_EQ(run.status, 2) << run;
  const std::map<std::string, std::string> expected = {
      {older_ + " round_trip r1", "held"},  {older_ + " round_trip r2", "skipped"},
      {older_ + " round_trip ", "skipped"}, {newer_ + " round_trip r1", "held"},
      {newer_ + " round_trip r2", "held"},  {newer_ + " round_trip ", "held"},
      {"all version_agreement r1", "held"}, {"all version_agreement r2", "not_applicable"}};
  EXPECT_EQ(Outcomes(), expected);
  EXPECT_THAT(run.out, HasSubstr("skipped: r2 requires server >= 17, and this is PostgreSQL " + older_));
}

TEST_F(ServerVersionsTest, WhatNoServerHasIsSkippedOnAllOfThemAndNeverPassed) {
  project_.Revision("r1", "", "CREATE EXTENSION no_such_thing;", "DROP EXTENSION no_such_thing;");
  const ProgramRun run = Verify({});
  EXPECT_EQ(run.status, 2) << run;
  for (const auto& [unit, outcome] : Outcomes()) {
    EXPECT_TRUE(outcome == "skipped" || outcome == "not_applicable") << unit << " is " << outcome;
  }
  EXPECT_EQ(Outcomes()["all version_agreement r1"], "skipped");
}

TEST_F(ServerVersionsTest, AGroundThatNoServerCanHaveIsSkippedToo) {
  project_.Write("before.sql", "CREATE EXTENSION no_such_thing;");
  project_.Revision("r1", "", "CREATE TABLE t (id int);", "DROP TABLE t;");
  const ProgramRun run = Verify({"--before", "before.sql", "--law", "round_trip", "--law", "version_agreement"});
  EXPECT_EQ(run.status, 2) << run;
  EXPECT_THAT(run.out, HasSubstr("extension 'no_such_thing' is not available on this server (needed by before.sql)"));
  EXPECT_FALSE(Outcomes().empty());
  for (const auto& [unit, outcome] : Outcomes()) EXPECT_EQ(outcome, "skipped") << unit;
}

TEST_F(ServerVersionsTest, ShardsOfARunOnSeveralServersAreThatRun) {
  project_.Revision("r1", "", "CREATE TABLE t (id bigint PRIMARY KEY);", "DROP TABLE t;");
  project_.Revision("r2", "r1", "ALTER TABLE t ADD note text;", "ALTER TABLE t DROP note;");
  Verify({"--law", "upgrade_succeeds", "--law", "version_agreement"});
  const nlohmann::json whole = Report();
  for (const char* shard : {"1", "2"}) {
    Verify({"--law", "upgrade_succeeds", "--law", "version_agreement", "--shard", std::string(shard) + "/2"});
    fs::rename(project_.path() / "report.json", project_.path() / (std::string(shard) + ".json"));
  }
  const ProgramRun merged = project_.Run({"report", "merge", "1.json", "2.json", "--report", "json=report.json"});
  EXPECT_EQ(merged.status, 0) << merged;
  EXPECT_EQ(Report(), whole);
}

TEST(ServerVersions, ServersThatAreNotThereAreToldWithTheCommandThatInstallsThem) {
  const Project project;
  project.Revision("r1", "", "SELECT 1;", "SELECT 1;");
  const ProgramRun run = project.Verify({"--postgres", "7,8"});
  EXPECT_EQ(run.status, 2) << run;
  EXPECT_THAT(run.err, AllOf(HasSubstr("2 of 2 servers can't be started: 7, 8"),
                             HasSubstr("hint: migproof servers install 7 8")));
}

TEST(ServerVersions, OneServerHasNothingToCompare) {
  const Project project;
  project.Revision("r1", "", "SELECT 1;", "SELECT 1;");
  const ProgramRun run = project.Verify({"--law", "version_agreement"});
  EXPECT_EQ(run.status, 2) << run;
  EXPECT_THAT(run.out, AllOf(HasSubstr("1 not applicable"), Not(HasSubstr("held"))));
}

}  // namespace
}  // namespace migproof
