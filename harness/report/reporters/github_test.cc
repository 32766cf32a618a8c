#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "ci/temp_directory.h"
#include "harness/report/markdown.h"
#include "harness/report/report_for_test.h"
#include "harness/report/reporter.h"

namespace migproof {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::vector<std::string> GithubLines(const Report& report, const std::filesystem::path& summary = "") {
  std::stringstream out;
  Registry<Reporter>::Get("github").Write(report, {.job_summary = summary}, out);
  std::vector<std::string> lines;
  for (std::string line; std::getline(out, line);) lines.push_back(line);
  return lines;
}

TEST(GithubReporter, AnnotatesFindingsAndWhatWasNotChecked) {
  const std::vector<std::string> lines = GithubLines(ReportOfAllOutcomes());
  ASSERT_EQ(lines.size(), 6U);  // a finding, three not checked, a note, the summary
  EXPECT_THAT(lines[0], StartsWith("::error file=db/1.sql,line=7,title=data_preservation r1::at db/1.sql:7%0Arows are "
                                   "lost%0Abefore:%0A"));
  EXPECT_EQ(lines[3], "::warning file=db/3.sql,line=1,title=round_trip r3::skipped: the extension is missing");
  EXPECT_EQ(lines[5], "::error title=migproof::1 falsified, 2 held, 3 not checked, 1 waived");
}

TEST(GithubReporter, EscapesWhatACommandTakesForItsOwn) {
  Report report = ReportOfAllOutcomes();
  report.verdicts[0].finding->location.file = "db/a:b,c%.sql";
  report.verdicts[0].finding->message = "50% of\nit: a, b";
  EXPECT_THAT(GithubLines(report)[0], HasSubstr("file=db/a%3Ab%2Cc%25.sql,"));
  EXPECT_THAT(GithubLines(report)[0], HasSubstr("50%25 of%0A    it: a, b"));
  for (const std::string& line : GithubLines(HostileReport())) EXPECT_THAT(line, StartsWith("::"));
}

TEST(GithubReporter, AddsTheJobSummaryWhereThereIsOne) {
  const TempDirectory directory;
  const auto file = directory.Write("summary.md", "before\n");
  GithubLines(ReportOfAllOutcomes(), file);
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  EXPECT_EQ(text.str(), "before\n" + MarkdownReport(ReportOfAllOutcomes()));
  EXPECT_THROW(GithubLines(ReportOfAllOutcomes(), directory.path() / "absent" / "summary.md"), Error);
}

TEST(MarkdownReport, IsReadWithoutALog) {
  const std::string text = MarkdownReport(ReportOfAllOutcomes());
  EXPECT_THAT(text, StartsWith("## ❌ migproof: 1 falsified, 2 held, 3 not checked, 1 waived\n"));
  EXPECT_THAT(text, HasSubstr("| ❌ | `data_preservation` | 1 held, 1 falsified, 1 gave up |\n"));
  EXPECT_THAT(text, HasSubstr("`db/1.sql:7` — **rows are lost**\n"));
  EXPECT_THAT(text, HasSubstr("| `1` | `x` |\n"));
  EXPECT_THAT(text, HasSubstr("- skipped: the extension is missing — `round_trip` · `r3`\n"));
  EXPECT_THAT(text, Not(HasSubstr("@all"))) << "mentions somebody" << MarkdownReport(HostileReport());
}

TEST(MarkdownReport, EndsBeforeItsHostCutsIt) {
  Report report = ReportOfAllOutcomes();
  report.verdicts[0].finding->evidence = std::vector<std::string>(40, std::string(2'000, 'x'));
  report.verdicts.insert(report.verdicts.end(), 30, report.verdicts[0]);
  const std::string text = MarkdownReport(report);
  EXPECT_LT(text.size(), 1'000'000U);
  EXPECT_THAT(text, HasSubstr("findings more: see the full report"));
}

}  // namespace
}  // namespace migproof
