#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "ci/json_schema.h"
#include "harness/report/report_for_test.h"
#include "harness/report/reporter.h"
#include "harness/report/waivers.h"

namespace migproof {
namespace {

using nlohmann::json;
using testing::IsEmpty;
using testing::Not;

json SarifOf(const Report& report) {
  std::ostringstream out;
  Registry<Reporter>::Get("sarif").Write(report, {}, out);
  return json::parse(out.str());
}

json SarifSchema() { return json::parse(std::ifstream(MIGPROOF_SOURCE_DIR "/fixtures/reports/sarif.schema.json")); }

TEST(SarifReporter, KeepsTheSchema) {
  const json schema = SarifSchema();
  for (const Report& report : {Report(), ReportOfAllOutcomes(), HostileReport()}) {
    EXPECT_THAT(SchemaComplaints(schema, SarifOf(report)), IsEmpty());
  }
  json other = SarifOf(ReportOfAllOutcomes());
  other["/runs/0/results/0/locations/0/physicalLocation/region/startLine"_json_pointer] = 0;
  EXPECT_THAT(SchemaComplaints(schema, other), Not(IsEmpty()));
}

TEST(SarifReporter, GivesEachFindingItsRulePlaceAndName) {
  const Report report = ReportOfAllOutcomes();
  const json run = SarifOf(report).at("runs").at(0);
  const json& results = run.at("results");
  ASSERT_EQ(results.size(), 2U);
  for (const json& result : results) {
    EXPECT_EQ(run["tool"]["driver"]["rules"][result.at("ruleIndex").get<std::size_t>()]["id"], result.at("ruleId"));
  }
  const json& place = results[0]["locations"][0]["physicalLocation"];
  EXPECT_EQ(place["artifactLocation"]["uri"], "db/1.sql");
  EXPECT_EQ(place["region"]["startLine"], 7);
  EXPECT_EQ(results[0]["partialFingerprints"]["migproof/v1"], FindingName(report.verdicts[0]));
  EXPECT_FALSE(results[0].contains("suppressions"));
  EXPECT_EQ(results[1]["suppressions"][0]["justification"], report.verdicts[4].waiver);
}

TEST(SarifReporter, TellsWhatCouldNotBeChecked) {
  const json invocation = SarifOf(ReportOfAllOutcomes())["runs"][0]["invocations"][0];
  EXPECT_EQ(invocation.at("executionSuccessful"), false);
  EXPECT_EQ(invocation.at("exitCode"), 1);
  EXPECT_EQ(invocation.at("toolExecutionNotifications").size(), 4U);  // gave up, skipped, error, a note
}

TEST(SarifReporter, WritesPlacesAsUris) {
  Report report = ReportOfAllOutcomes();
  report.verdicts[0].finding->location.file = "db/a b%c ü.sql";
  const json result = SarifOf(report)["runs"][0]["results"][0];
  EXPECT_EQ(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "db/a%20b%25c%20%C3%BC.sql");
}

}  // namespace
}  // namespace migproof
