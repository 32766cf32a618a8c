// What reports make of a run on several servers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "ci/json_schema.h"
#include "harness/report/merge.h"
#include "harness/report/report_for_test.h"
#include "harness/report/reporter.h"
#include "migrations/format.h"

namespace migproof {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Verdict Left(const std::string& server, const std::string& what) {
  Verdict verdict{.law = "round_trip", .revision = "r2", .server = server, .outcome = Outcome::kFalsified};
  verdict.finding = Finding{.message = "the downgrade does not restore the catalog", .location = {"db/2.sql", 12}};
  verdict.finding->drift = {"+ enum public." + what};
  verdict.reproduction = "migproof verify --law round_trip --revision r2 --postgres " + server;
  return verdict;
}

// r2 leaves the same on 13 and 15, and something else on 17.
Report OnThreeServers() {
  Report report = ReportForTest();
  report.server = "PostgreSQL 13.23, 15.20, 17.10";
  report.servers = {
      {"13", "PostgreSQL 13.23 (local)"}, {"15", "PostgreSQL 15.20 (local)"}, {"17", "PostgreSQL 17.10 (local)"}};
  report.law_sentences = {{"round_trip", "what goes up comes down"}, {"version_agreement", "all end alike"}};
  report.verdicts = {Left("13", "mood"), Left("15", "mood"), Left("17", "phase")};
  Verdict alike{.law = "version_agreement", .revision = "r2", .outcome = Outcome::kHeld};
  alike.exercised = {{"steps", 6}};
  report.verdicts.push_back(alike);
  return report;
}

std::string Written(const std::string& reporter, const Report& report) {
  std::ostringstream out;
  Registry<Reporter>::Get(reporter).Write(report, {}, out);
  return out.str();
}

TEST(SeveralServers, ADeclarationIsStaleWhereItIsOnAll) {
  const auto verdict = [](const std::string& server, Outcome outcome, std::vector<std::string> stale) {
    return Verdict{
        .law = "round_trip", .revision = "r2", .server = server, .outcome = outcome, .stale = std::move(stale)};
  };
  Report report;
  report.verdicts = {verdict("13", Outcome::kSkipped, {}), verdict("15", Outcome::kHeld, {"loses a", "loses b"}),
                     verdict("17", Outcome::kHeld, {"loses b"})};
  EXPECT_THAT(StaleDeclarations(report), ElementsAre("loses b"));
  report.verdicts.pop_back();
  EXPECT_THAT(StaleDeclarations(report), ElementsAre("loses a", "loses b"));
}

TEST(SeveralServers, AFindingThatTheyShareIsToldOnce) {
  const Report report = OnThreeServers();
  const std::vector<ToldFinding> told = FindingsToTell(report);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_THAT(told[0].servers, ElementsAre("13", "15"));
  EXPECT_EQ(told[0].Where(), "r2 on 13, 15");
  EXPECT_EQ(told[1].Where(), "r2 on 17");
  EXPECT_THAT(FindingsToTell(report, true), IsEmpty());
}

TEST(SeveralServers, EachReportSaysWhichServer) {
  const Report report = OnThreeServers();
  EXPECT_THAT(
      Written("text", report),
      AllOf(HasSubstr("PostgreSQL 13.23 (local)\n  round_trip           1 falsified\n"),
            HasSubstr("all of them\n  version_agreement    1 held  (6 steps)\n"),
            HasSubstr("falsified  round_trip  r2  on 13, 15\n"), HasSubstr("falsified  round_trip  r2  on 17\n")));
  EXPECT_THAT(Written("junit", report),
              AllOf(HasSubstr("<testsuite name=\"round_trip on 15\""),
                    HasSubstr("classname=\"migproof.round_trip.15\" name=\"r2\""),
                    HasSubstr("<property name=\"server\" value=\"PostgreSQL 15.20 (local)\"/>"),
                    HasSubstr("<testsuite name=\"version_agreement\"")));
  EXPECT_THAT(Written("markdown", report),
              AllOf(HasSubstr("| law | 13 | 15 | 17 | all |"), HasSubstr("| `round_trip` | ❌ | ❌ | ❌ | |"),
                    HasSubstr("### `round_trip` · `r2` on 13, 15")));
  EXPECT_THAT(Written("github", report), AllOf(HasSubstr("title=round_trip r2 on 13%2C 15::"), HasSubstr("r2 on 17")));
  EXPECT_THAT(Written("html", report), AllOf(HasSubstr("PostgreSQL 13.23 (local): <span class=\"bad\">1 falsified"),
                                             HasSubstr("round_trip</span> · r2 on 13, 15")));
  const auto results = nlohmann::json::parse(Written("sarif", report)).at("runs").at(0).at("results");
  ASSERT_EQ(results.size(), 2U);
  EXPECT_THAT(results[0].at("message").at("text").get<std::string>(), testing::StartsWith("r2 on 13, 15: "));
}

TEST(SeveralServers, TheJsonReportHoldsAllAndIsReadBack) {
  const nlohmann::json report = ToJson(OnThreeServers());
  const auto schema =
      nlohmann::json::parse(ReadTextFile(std::string(MIGPROOF_SOURCE_DIR) + "/fixtures/reports/report.schema.json"));
  EXPECT_THAT(SchemaComplaints(schema, report), IsEmpty());
  EXPECT_EQ(report.at("verdicts").at(1).at("server"), "15");
  EXPECT_FALSE(report.at("verdicts").at(3).contains("server"));
  EXPECT_EQ(ToJson(ReportFromJson(report, "report.json")), report);
}

TEST(SeveralServers, ShardsAreMergedInTheOrderOfServers) {
  const Report whole = OnThreeServers();
  Report first = whole;
  first.shard = {1, 2};
  first.verdicts = {whole.verdicts[3]};
  first.servers = {whole.servers[0]};
  first.server = "PostgreSQL 13.23";
  Report second = whole;
  second.shard = {2, 2};
  second.verdicts = {whole.verdicts[2], whole.verdicts[0], whole.verdicts[1]};
  EXPECT_EQ(ToJson(MergeReports({{"1", first}, {"2", second}})), ToJson(whole));
  second.servers[0].description = "PostgreSQL 13.9 (local)";
  EXPECT_THROW(MergeReports({{"1", first}, {"2", second}}), Error);
}

}  // namespace
}  // namespace migproof
