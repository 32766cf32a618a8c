#include "harness/postgres/clock.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>

#include "harness/postgres/provider.h"

namespace migproof {
namespace {

TEST(Clock, StandsAtAnotherDay) {
  if (const std::string why = WhyNoOtherClock(); !why.empty()) GTEST_SKIP() << why;
  const auto here = ParseServerSpec("local").Start({});
  const auto later = ParseServerSpec("local").Start({.days_later = 400});
  const auto day = [](const Server& server) {
    return server.Admin().Query("SELECT (extract(epoch FROM clock_timestamp()) / 86400)::bigint").GetInt(0, 0);
  };
  EXPECT_NEAR(static_cast<double>(day(*later) - day(*here)), 400, 1);
}

// What libfaketime has put into the machine's shared memory.
std::set<std::string> SharedClocks() {
  std::set<std::string> names;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator("/dev/shm", none)) {
    const std::string name = entry.path().filename();
    if (name.find("faketime") != std::string::npos) names.insert(name);
  }
  return names;
}

TEST(Clock, LeavesNothingWhereTheServerIsKilled) {
  if (const std::string why = WhyNoOtherClock(); !why.empty()) GTEST_SKIP() << why;
  const std::set<std::string> before = SharedClocks();
  const auto later = ParseServerSpec("local").Start({.days_later = 1});
  EXPECT_EQ(SharedClocks(), before);
  later->Kill();
  EXPECT_EQ(SharedClocks(), before);
  EXPECT_EQ(later->Admin().Query("SELECT clock_timestamp() > now() - interval '1 h'").Get(0, 0), "t");
}

TEST(Clock, IsLeftAloneWhereNoDayIsAskedFor) { EXPECT_TRUE(ClockLauncher(0).empty()); }

}  // namespace
}  // namespace migproof
