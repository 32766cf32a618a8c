#include "harness/verify/time_limit.h"

#include <gtest/gtest.h>

#include "ci/temp_directory.h"
#include "harness/cli/config.h"
#include "harness/postgres/test_server.h"
#include "harness/verify/failures.h"
#include "harness/verify/rambles.h"

namespace migproof {
namespace {

TEST(TimeLimit, SaysThatSomebodyStopped) {
  TimeLimit limit;
  EXPECT_FALSE(limit.Spent());
  limit.Begin(TimeLimit::Clock::time_point::min());
  EXPECT_FALSE(limit.cut_short()) << "nobody has asked";
  EXPECT_TRUE(limit.Spent());
  EXPECT_TRUE(limit.cut_short());
  limit.BeginPart();
  EXPECT_FALSE(limit.cut_short());
  EXPECT_TRUE(limit.Spent());
}

class TrialsInTime : public testing::Test {
 protected:
  void SetUp() override {
    TestServer();
    directory_.Write("m/1.sql",
                     "-- migproof: revision r1\n-- migproof: upgrade\nCREATE TABLE t (id int);\n"
                     "-- migproof: downgrade\nDROP TABLE t;\n");
    const auto config_file = directory_.Write("migproof.json", R"({"format": "native", "path": "m"})");
    const Config config = LoadConfig(config_file);
    subject_.emplace(config.format, config.path, config.before, ReadHistory(config));
    bench_.emplace(*subject_, LendTestServer, BenchOptions{.limit = &limit_});
  }

  TempDirectory directory_;
  TimeLimit limit_;
  std::optional<Subject> subject_;
  std::optional<Bench> bench_;
};

TEST_F(TrialsInTime, FailuresAreLeftOutBehindTheLimit) {
  FailureTrials in_time(*bench_);
  EXPECT_GT(in_time.At(0).exercised.at("failures"), 0);
  EXPECT_FALSE(limit_.cut_short());
  limit_.Begin(TimeLimit::Clock::time_point::min());
  FailureTrials too_late(*bench_);
  EXPECT_FALSE(too_late.At(0).exercised.contains("failures"));
  EXPECT_TRUE(limit_.cut_short());
}

TEST_F(TrialsInTime, WalksStopBehindTheLimit) {
  EXPECT_GT(TryRambles(*bench_, {}).counts.upgrades, 0);
  EXPECT_FALSE(limit_.cut_short());
  limit_.Begin(TimeLimit::Clock::time_point::min());
  EXPECT_EQ(TryRambles(*bench_, {}).counts.upgrades, 0);
  EXPECT_TRUE(limit_.cut_short());
}

}  // namespace
}  // namespace migproof
