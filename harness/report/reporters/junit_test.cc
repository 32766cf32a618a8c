#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "ci/program.h"
#include "ci/temp_directory.h"
#include "harness/report/report_for_test.h"
#include "harness/report/reporter.h"

namespace migproof {
namespace {

using testing::HasSubstr;

std::string JunitOf(const Report& report) {
  std::ostringstream out;
  Registry<Reporter>::Get("junit").Write(report, {}, out);
  return out.str();
}

ProgramRun Xmllint(const std::vector<std::string>& arguments) {
  ProgramOptions options;
  options.program = "xmllint";
  return RunProgram(arguments, options);
}

// 127: there is no such program.
bool HasXmllint() { return Xmllint({"--version"}).status != 127; }

class JunitSchema : public testing::Test {
 protected:
  ProgramRun Validate(const std::string& text) const {
    const auto file = directory_.Write("junit.xml", text);
    return Xmllint({"--noout", "--schema", MIGPROOF_SOURCE_DIR "/fixtures/reports/junit.xsd", file.string()});
  }

  const TempDirectory directory_;
};

TEST_F(JunitSchema, TakesEveryReport) {
  if (!HasXmllint()) GTEST_SKIP() << "xmllint is not installed (libxml2-utils)";
  for (const Report& report : {Report(), ReportOfAllOutcomes(), HostileReport()}) {
    const ProgramRun run = Validate(JunitOf(report));
    EXPECT_EQ(run.status, 0) << run << JunitOf(report);
  }
}

TEST_F(JunitSchema, RefusesOthers) {
  if (!HasXmllint()) GTEST_SKIP() << "xmllint is not installed (libxml2-utils)";
  std::string text = JunitOf(ReportOfAllOutcomes());
  text.replace(text.find("type=\"falsified\""), 16, "type=\"fail\"");
  EXPECT_NE(Validate(text).status, 0);
}

TEST(JunitReporter, CountsWhatItTells) {
  const std::string text = JunitOf(ReportOfAllOutcomes());
  EXPECT_THAT(text, HasSubstr("<testsuites name=\"migproof\" tests=\"8\" failures=\"1\" errors=\"2\" skipped=\"3\""));
  EXPECT_THAT(text, HasSubstr("<testsuite name=\"round_trip\" tests=\"5\" failures=\"0\" errors=\"1\" skipped=\"3\">"));
  EXPECT_THAT(text, HasSubstr("name=\"r1\" file=\"db/1.sql\" line=\"7\">"));
  EXPECT_THAT(text, HasSubstr("<failure message=\"rows are lost\" type=\"falsified\">at db/1.sql:7\n"));
  EXPECT_THAT(text, HasSubstr("<skipped message=\"waived: mended by hand (until 2099-01-31)\">"));
  EXPECT_THAT(text, HasSubstr("<error message=\"a table stayed empty\" type=\"gave_up\">"));
}

}  // namespace
}  // namespace migproof
