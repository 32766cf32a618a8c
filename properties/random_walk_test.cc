// A walk that goes wrong is found whatever the seed is, and is the shortest: without any of its moves nothing goes
// wrong. MIGPROOF_THOROUGH=1 tries every seed that is promised.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "ci/project.h"
#include "harness/postgres/test_server.h"
#include "harness/verify/orders.h"
#include "harness/verify/rambles.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

const fs::path kWalkFixtures = fs::path(MIGPROOF_SOURCE_DIR) / "fixtures";

int WalkSeeds() { return std::getenv("MIGPROOF_THOROUGH") != nullptr ? 10 : 2; }

std::unique_ptr<Subject> SubjectAt(const fs::path& directory) {
  return std::make_unique<Subject>("native", directory, std::vector<fs::path>(),
                                   Registry<Format>::Get("native").Read(directory));
}

std::string Told(const Ramble& ramble) {
  std::string text;
  for (const Leg& leg : ramble) text += ToString(leg) + "; ";
  return text;
}

std::vector<fs::path> WalkCases(const fs::path& directory) {
  std::vector<fs::path> cases;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.is_directory()) cases.push_back(entry.path());
  }
  std::sort(cases.begin(), cases.end());
  return cases;
}

std::string NameOf(const testing::TestParamInfo<fs::path>& instance) { return instance.param.filename().string(); }

class BrokenWalk : public testing::TestWithParam<fs::path> {};

TEST_P(BrokenWalk, IsFoundAndIsTheShortest) {
  const auto subject = SubjectAt(GetParam());
  TestServer();
  const Bench bench(*subject, LendTestServer);
  for (int seed = 1; seed <= WalkSeeds(); ++seed) {
    const RamblesResult result = TryRambles(bench, {.seed = static_cast<std::uint64_t>(seed)});
    ASSERT_TRUE(result.stumble) << "seed " << seed;
    Expected expected(bench);
    for (std::size_t i = 0; i < result.ramble.size(); ++i) {
      Ramble fewer = result.ramble;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
      EXPECT_FALSE(Rambler(bench, expected, {}).Go(fewer))
          << "seed " << seed << ": " << Told(result.ramble) << "without move " << i + 1;
    }
    Ramble whole = result.ramble;
    EXPECT_TRUE(Rambler(bench, expected, {}).Go(whole)) << Told(whole);
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, BrokenWalk, testing::ValuesIn(WalkCases(kWalkFixtures / "random_walk" / "breaks")),
                         NameOf);

class SoundWalk : public testing::TestWithParam<fs::path> {};

TEST_P(SoundWalk, GoesWellWithEverySeed) {
  const auto subject = SubjectAt(GetParam());
  TestServer();
  const Bench bench(*subject, LendTestServer);
  for (int seed = 1; seed <= WalkSeeds(); ++seed) {
    const RamblesResult result = TryRambles(bench, {.seed = static_cast<std::uint64_t>(seed)});
    EXPECT_FALSE(result.stumble) << "seed " << seed << ": " << Told(result.ramble);
    EXPECT_GT(result.counts.downgrades, 0);
    EXPECT_GT(result.counts.rows_compared, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, SoundWalk, testing::ValuesIn(WalkCases(kWalkFixtures / "random_walk" / "holds")),
                         NameOf);

class Orders : public testing::TestWithParam<fs::path> {};

TEST_P(Orders, GetTheirVerdictWithEverySeed) {
  const auto subject = SubjectAt(GetParam());
  TestServer();
  const Bench bench(*subject, LendTestServer);
  const bool breaks = GetParam().parent_path().filename() == "breaks";
  for (int seed = 1; seed <= (WalkSeeds() > 2 ? WalkSeeds() : 1); ++seed) {
    const OrdersResult result = TryOrders(bench, {.seed = static_cast<std::uint64_t>(seed)});
    EXPECT_EQ(result.clash.has_value(), breaks) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(Break, Orders, testing::ValuesIn(WalkCases(kWalkFixtures / "order_independence" / "breaks")),
                         NameOf);
INSTANTIATE_TEST_SUITE_P(Hold, Orders, testing::ValuesIn(WalkCases(kWalkFixtures / "order_independence" / "holds")),
                         NameOf);

json WalkVerdict(const Project& project) {
  const ProgramRun run = project.Verify({"--law=random_walk", "--report=json"});
  return json::parse(run.out).at("verdicts").at(0);
}

// What a single round trip shows is round_trip's to tell.
TEST(RandomWalk, LeavesOutWhatRoundTripFalsifies) {
  const Project project;
  project.SoundRevision();
  project.Revision("r2", "r1", "CREATE TYPE mood AS ENUM ('fine'); CREATE TABLE felt (how mood);", "DROP TABLE felt;");
  project.Revision("r3", "r2", "CREATE TABLE u (id int);", "DROP TABLE u;");
  const json verdict = WalkVerdict(project);
  EXPECT_EQ(verdict.at("outcome"), "held") << verdict;
  EXPECT_THAT(verdict.at("notes").dump(), HasSubstr("no walk goes down across 1 revision,"));
}

// r2's downgrade would break on what r3 leaves; but r3 says that there is no way back.
TEST(RandomWalk, NeverGoesDownAcrossWhatIsIrreversible) {
  const Project project;
  project.SoundRevision();
  project.Revision("r2", "r1", "CREATE TABLE u (id int);", "DROP TABLE u;");
  project.Revision("r3", "r2", "CREATE VIEW v AS SELECT id FROM u;", "SELECT 1;",
                   "-- migproof: irreversible \"others use the view\"");
  const json verdict = WalkVerdict(project);
  EXPECT_EQ(verdict.at("outcome"), "held") << verdict;
}

// Rows that one revision alone does not keep are round_trip's to tell as well.
TEST(RandomWalk, LeavesOutRowsThatOneRevisionLoses) {
  const Project project;
  project.Revision("r1", "", "CREATE TABLE t (id int PRIMARY KEY, note text);", "DROP TABLE t;");
  project.Revision("r2", "r1", "ALTER TABLE t DROP COLUMN note;", "ALTER TABLE t ADD COLUMN note text;");
  project.Revision("r3", "r2", "CREATE TABLE u (id int);", "DROP TABLE u;");
  const json verdict = WalkVerdict(project);
  EXPECT_EQ(verdict.at("outcome"), "held") << verdict;
  EXPECT_GT(verdict.at("exercised").at("rows compared"), 0);
}

// Two runs of the clock are no two ways.
TEST(RandomWalk, LeavesTheClockAlone) {
  const Project project;
  project.SoundRevision();
  project.Revision("r2", "r1",
                   "CREATE TABLE a (at timestamptz); INSERT INTO a VALUES (clock_timestamp()); "
                   "DO $$ BEGIN EXECUTE format('ALTER TABLE a ALTER COLUMN at SET DEFAULT %L', clock_timestamp()); "
                   "END $$;",
                   "DROP TABLE a;");
  project.Revision("r3", "r2", "CREATE TABLE u (id int);", "DROP TABLE u;");
  const json verdict = WalkVerdict(project);
  EXPECT_EQ(verdict.at("outcome"), "held") << verdict;
}

}  // namespace
}  // namespace migproof
