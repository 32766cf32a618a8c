// Every law against its fixtures: fixtures/<law>/breaks/* must be falsified as their expect.json says,
// fixtures/<law>/holds/* must be held.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "ci/thorough.h"
#include "harness/postgres/binaries.h"
#include "harness/postgres/server_user.h"
#include "harness/postgres/test_server.h"
#include "harness/verify/property.h"
#include "harness/verify/verify.h"
#include "properties/rows_fixtures.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;

const fs::path kFixtures = fs::path(MIGPROOF_SOURCE_DIR) / "fixtures";

std::vector<fs::path> Cases(const fs::path& directory) {
  std::vector<fs::path> cases;
  if (!fs::is_directory(directory)) return cases;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.is_directory()) cases.push_back(entry.path());
  }
  std::sort(cases.begin(), cases.end());
  return cases;
}

// What keeps a law is shown rows of, beside which an ordinary run spares the rest.
constexpr int kOrdinaryCasesThatHold = 40;

// Two servers for a law that compares some: the newest below the major `straddled`, and the oldest from there on; with
// 0, the two oldest. Fewer where the machine has no such two.
std::vector<ServerSpec> ServersToCompare(int straddled) {
  std::vector<int> majors = MajorsThere({}, FindServerUser());
  const auto split = straddled == 0 ? majors.begin() + std::min<std::ptrdiff_t>(1, std::ssize(majors))
                                    : std::lower_bound(majors.begin(), majors.end(), straddled);
  std::vector<ServerSpec> servers;
  if (split != majors.begin()) servers.push_back({"local", std::to_string(*std::prev(split))});
  if (split != majors.end()) servers.push_back({"local", std::to_string(*split)});
  return servers;
}

// At `revisions`, or all of them where there are none, with at most so many cases.
Report VerifyCase(const fs::path& directory, const std::string& law, const std::string& format, std::uint64_t seed,
                  const std::vector<std::string>& revisions, int most_cases, const std::vector<ServerSpec>& servers) {
  const fs::path history = fs::is_directory(directory / "history") ? directory / "history" : directory;
  std::vector<fs::path> before;
  if (fs::exists(directory / "before.sql")) before.push_back(directory / "before.sql");
  ToolSettings settings;
  settings.directory = history;
  Subject subject(format, history, before, Registry<Format>::Get(format).ReadWith(settings), settings);
  if (fs::exists(directory / "model.sql")) subject.ReadModel(directory / "model.sql");
  if (fs::exists(directory / "squash.sql")) subject.ReadSquash(directory / "squash.sql");
  VerifyOptions options;
  options.laws = {law};
  options.jobs = 1;
  options.rows.seed = seed;
  options.revisions = revisions;
  options.rows.cases = std::min(options.rows.cases, most_cases);
  if (!servers.empty()) {
    options.servers = servers;
    return Verify(subject, options, nullptr);
  }
  TestServer();  // started here: the worker that runs the case ends with it
  if (!subject.touches_cluster()) options.factory = LendTestServer;
  return Verify(subject, options, nullptr);
}

std::uint64_t Seeds() { return Thorough() ? 10 : 1; }

// What an ordinary run looks at: of a history that breaks the law at revisions, these.
std::vector<std::string> RevisionsToLookAt(const std::map<std::string, nlohmann::json>& falsified) {
  std::vector<std::string> revisions;
  if (Thorough() || falsified.contains("")) return revisions;
  for (const auto& [revision, entry] : falsified) revisions.push_back(revision);
  return revisions;
}

void ExpectVerdict(const fs::path& directory, std::uint64_t seed) {
  const std::string law = directory.parent_path().parent_path().filename();
  std::ifstream file(directory / "expect.json");
  const auto expected = nlohmann::json::parse(file);
  ASSERT_EQ(expected.at("law"), law);
  std::map<std::string, nlohmann::json> falsified;
  for (const auto& entry : expected.value("falsified", nlohmann::json::array()))
    falsified[entry.at("revision")] = entry;
  const bool breaks = !falsified.empty();
  std::vector<ServerSpec> servers;
  if (Registry<Property>::Get(law).ComparesServers()) {
    const int straddled = expected.value("straddles", 0);
    servers = ServersToCompare(straddled);
    if (servers.size() < 2) {
      GTEST_SKIP() << "this machine has no two PostgreSQL servers"
                   << (straddled == 0 ? "" : fmt::format(", one below {} and one from there on", straddled))
                   << ": migproof servers install " << (straddled == 0 ? 17 : straddled);
    }
  }
  const Report report =
      VerifyCase(directory, law, expected.value("format", "native"), seed, RevisionsToLookAt(falsified),
                 breaks || Thorough() ? std::numeric_limits<int>::max() : kOrdinaryCasesThatHold, servers);
  EXPECT_EQ(falsified.empty(), expected.value("held", false)) << "expect.json must say one or the other";
  bool any_held = false;
  for (const Verdict& verdict : report.verdicts) {
    SCOPED_TRACE(Told(verdict));
    const auto found = falsified.find(verdict.revision);
    if (found == falsified.end()) {
      // The descent of the whole history repeats what single revisions show.
      if (verdict.revision.empty() && breaks) continue;
      EXPECT_TRUE(verdict.outcome == Outcome::kHeld || verdict.outcome == Outcome::kNotApplicable);
      any_held = any_held || verdict.outcome == Outcome::kHeld;
      continue;
    }
    EXPECT_EQ(verdict.outcome, Outcome::kFalsified);
    const auto names = found->second.value("drift", std::vector<std::string>());
    for (const std::string& name : names) {
      EXPECT_NE(Told(verdict).find(name), std::string::npos) << "nothing is said about " << name;
    }
    falsified.erase(found);
  }
  EXPECT_TRUE(falsified.empty()) << "no verdict about " << (falsified.empty() ? "" : falsified.begin()->first);
  if (expected.value("held", false)) {
    EXPECT_TRUE(any_held) << "nothing was looked at";
  }
}

class LawFixture : public testing::TestWithParam<fs::path> {};

TEST_P(LawFixture, GetsItsVerdict) {
  for (std::uint64_t seed = 0; seed < Seeds(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ExpectVerdict(GetParam(), seed);
  }
}

// But those that CounterexampleTest looks at anyway.
std::vector<fs::path> AllCases() {
  std::vector<fs::path> all;
  for (const std::string& law : Registry<Property>::Names()) {
    for (const char* kind : {"breaks", "holds"}) {
      for (const fs::path& path : Cases(kFixtures / law / kind)) {
        if (std::string_view(kind) == "holds" || !TakesRows(path.filename()) || Thorough()) all.push_back(path);
      }
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Fixtures, LawFixture, testing::ValuesIn(AllCases()), [](const auto& instance) {
  const fs::path& path = instance.param;
  return path.parent_path().parent_path().filename().string() + "_" + path.parent_path().filename().string() + "_" +
         path.filename().string();
});

TEST(LawFixtures, EveryLawHasBothKinds) {
  for (const std::string& law : Registry<Property>::Names()) {
    EXPECT_FALSE(Cases(kFixtures / law / "breaks").empty()) << law << " has no history that breaks it";
    EXPECT_FALSE(Cases(kFixtures / law / "holds").empty()) << law << " has no history that keeps it";
  }
}

TEST(LawFixtures, EveryExpectationIsOfItsLawAndSaysOneThing) {
  for (const std::string& law : Registry<Property>::Names()) {
    for (const char* kind : {"breaks", "holds"}) {
      for (const fs::path& path : Cases(kFixtures / law / kind)) {
        std::ifstream file(path / "expect.json");
        const auto expected = nlohmann::json::parse(file);
        EXPECT_EQ(expected.at("law"), law) << path;
        EXPECT_EQ(expected.value("falsified", nlohmann::json::array()).empty(), expected.value("held", false)) << path;
      }
    }
  }
}

TEST(LawFixtures, EveryLawIsOneFileOfItsName) {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(fs::path(MIGPROOF_SOURCE_DIR) / "properties")) {
    const std::string stem = entry.path().stem();
    if (entry.path().extension() == ".cc" && !stem.ends_with("_test")) files.push_back(stem);
  }
  std::sort(files.begin(), files.end());
  EXPECT_EQ(files, Registry<Property>::Names());
}

}  // namespace
}  // namespace migproof
