#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "ci/program.h"
#include "ci/temp_directory.h"
#include "harness/report/graph_layout.h"
#include "harness/report/report_for_test.h"
#include "harness/report/reporter.h"

namespace migproof {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string PageOf(const Report& report) {
  std::ostringstream out;
  Registry<Reporter>::Get("html").Write(report, {}, out);
  return out.str();
}

ProgramRun Chromium(const TempDirectory& directory, std::vector<std::string> arguments) {
  ProgramOptions options;
  options.program = "chromium";
  options.environment = {{"HOME", directory.path().string()}, {"XDG_RUNTIME_DIR", std::nullopt}};
  const std::vector<std::string> always = {"--headless=new",
                                           "--no-sandbox",  // it runs as root here, over a page of our own
                                           "--disable-gpu",
                                           "--disable-dev-shm-usage",
                                           "--user-data-dir=" + (directory.path() / "profile").string(),
                                           "--enable-logging=stderr",
                                           "--v=0"};
  arguments.insert(arguments.begin(), always.begin(), always.end());
  return RunProgram(arguments, options);
}

bool HasChromium() {
  ProgramOptions options;
  options.program = "chromium";
  return RunProgram({"--version"}, options).status == 0;
}

// What the page says to its console, and whether the browser ran it at all.
class Page : public testing::Test {
 protected:
  void SetUp() override {
    if (!HasChromium()) GTEST_SKIP() << "chromium is not installed";
  }

  ProgramRun Open(const std::string& page) const {
    return Chromium(directory_, {"--dump-dom", "file://" + directory_.Write("page.html", page).string()});
  }

  const TempDirectory directory_;
};

TEST_F(Page, OpensWithoutAWordOnTheConsole) {
  for (const Report& report : {Report(), ReportOfAllOutcomes(), HostileReport()}) {
    const ProgramRun run = Open(PageOf(report));
    EXPECT_EQ(run.status, 0) << run.err;
    EXPECT_THAT(run.err, Not(HasSubstr("CONSOLE"))) << run.err;
    EXPECT_THAT(run.err, Not(HasSubstr("ERR_"))) << run.err;
  }
}

TEST_F(Page, RunsItsOwnScriptAndNoOther) {
  const std::string page = PageOf(ReportOfAllOutcomes());
  EXPECT_THAT(Open(page).out, HasSubstr("aria-label=\"Copy the script\""));
  std::string other = page;
  other.insert(other.find("</body>"), "<script>document.body.append('intruder');</script>");
  const ProgramRun run = Open(other);
  EXPECT_THAT(run.err, HasSubstr("CONSOLE")) << "the test sees what a browser complains of";
  EXPECT_THAT(run.out, Not(HasSubstr("</footer>intruder")));
  EXPECT_THAT(run.out, HasSubstr("aria-label=\"Copy the script\""));
}

// The page never gets wider than the window: long words wrap, tables scroll by themselves.
TEST_F(Page, FitsNarrowWindows) {
  Report report = HostileReport();
  report.verdicts[0].finding->evidence = {std::string(3'000, 'x'), "SELECT " + std::string(3'000, 'y')};
  report.verdicts[0].finding->counterexample->shown[0].rows.columns[0] = std::string(300, 'c');
  report.graph[2].id = std::string(500, 'i');
  std::string page = PageOf(report);
  // The page's policy lets no script of ours in: the width is told by a copy without one.
  page = std::regex_replace(page, std::regex("<meta http-equiv=[^>]*>"), "");
  page.insert(page.find("</body>"),
              "<script>document.title = 'width ' + document.documentElement.scrollWidth;</script>");
  for (const int width : {500, 1280}) {  // headless Chromium has no window below 500
    const ProgramRun run = Chromium(directory_, {fmt::format("--window-size={},900", width), "--dump-dom",
                                                 "file://" + directory_.Write("page.html", page).string()});
    std::smatch found;
    ASSERT_TRUE(std::regex_search(run.out, found, std::regex("<title>width (\\d+)</title>"))) << run.err;
    EXPECT_LE(std::stoi(found[1]), width);
  }
}

TEST(HtmlReporter, LoadsNothing) {
  const std::string page = PageOf(ReportOfAllOutcomes());
  EXPECT_FALSE(std::regex_search(page, std::regex(R"((src|href)="(?!#|data:,))"))) << page;
  EXPECT_THAT(page, Not(HasSubstr("url(")));
  EXPECT_THAT(page, Not(HasSubstr("@import")));
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme: dark"));
}

TEST(HtmlReporter, NamesTheDigestOfItsOwnScript) {
  const std::string page = PageOf(Report());
  const std::size_t at = page.find("<script>") + 8;
  const TempDirectory directory;
  const auto script = directory.Write("page.js", page.substr(at, page.find("</script>") - at));
  ProgramOptions options;
  options.program = "python3";
  const ProgramRun run =
      RunProgram({"-c",
                  "import base64, hashlib, sys\n"
                  "print(base64.b64encode(hashlib.sha256(open(sys.argv[1], 'rb').read()).digest()).decode(), end='')",
                  script.string()},
                 options);
  ASSERT_EQ(run.status, 0) << run;
  EXPECT_THAT(page, HasSubstr("script-src 'sha256-" + run.out + "'"));
}

TEST(HtmlReporter, MarksWhatChanged) {
  const std::string page = PageOf(ReportOfAllOutcomes());
  EXPECT_THAT(page, HasSubstr("<td>1</td><td class=\"null changed\">NULL</td>"));
  EXPECT_THAT(page, HasSubstr("<td>1</td><td>x</td>"));
}

// 4 follows 2 and 3, both follow 1; 4 also depends on 1.
TEST(GraphLayout, DrawsChildrenAboveParentsAndNoLineThroughARevision) {
  const Report report = ReportForTest();
  const GraphLayout layout = LayOut(report.graph);
  ASSERT_EQ(layout.rows.size(), 4U);
  EXPECT_EQ(layout.rows.front()->id, "r4");
  EXPECT_EQ(layout.edges.size(), 5U);
  for (const GraphEdge& edge : layout.edges) {
    EXPECT_LT(edge.child, edge.parent);
    EXPECT_LT(edge.lane, layout.width);
    for (std::size_t row = edge.child + 1; row < edge.parent; ++row) {
      EXPECT_NE(layout.lanes[row], edge.lane) << "a line goes through " << layout.rows[row]->id;
    }
  }
}

TEST(GraphLayout, KeepsAStraightHistoryInOneLane) {
  std::vector<ReportedRevision> graph = {{"a", "", {}, {}, {}}};
  for (const char* id : {"b", "c", "d"}) graph.push_back({id, "", {graph.back().id}, {}, {}});
  EXPECT_EQ(LayOut(graph).width, 1U);
  graph.push_back({"e", "", {"gone"}, {}, {}});
  EXPECT_EQ(LayOut(graph).edges.size(), 3U) << "what is not there is left out";
}

}  // namespace
}  // namespace migproof
