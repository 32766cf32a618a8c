#include "harness/postgres/clock.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "ci/expect_error.h"
#include "harness/postgres/provider.h"
#include "harness/postgres/server_process.h"

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

bool SharesClock(long program) { return std::filesystem::exists(fmt::format("/dev/shm/faketime_shm_{}", program)); }

long ProgramOf(const Server& server) {
  long program = 0;
  std::ifstream(std::string(server.Admin().Query("SHOW data_directory").Get(0, 0)) + "/postmaster.pid") >> program;
  return program;
}

TEST(Clock, LeavesNothingWhereTheServerIsKilled) {
  if (const std::string why = WhyNoOtherClock(); !why.empty()) GTEST_SKIP() << why;
  auto later = ParseServerSpec("local").Start({.days_later = 1});
  const long first = ProgramOf(*later);
  later->Kill();
  EXPECT_FALSE(SharesClock(first));
  EXPECT_EQ(later->Admin().Query("SELECT clock_timestamp() > now() - interval '1 h'").Get(0, 0), "t");
  const long second = ProgramOf(*later);
  later.reset();
  EXPECT_FALSE(SharesClock(second));
}

TEST(Clock, LeavesNothingOfProgramsThatTheServerStarts) {
  if (const std::string why = WhyNoOtherClock(); !why.empty()) GTEST_SKIP() << why;
  const auto later = ParseServerSpec("local").Start({.days_later = 1});
  Session& session = later->Admin();
  session.Execute("CREATE TEMPORARY TABLE programs (id bigint); COPY programs FROM PROGRAM 'echo $$'");
  EXPECT_FALSE(SharesClock(session.Query("SELECT id FROM programs").GetInt(0, 0)));
}

TEST(Clock, LeavesNothingWhereTheServerIsKilledBeforeItTakesConnections) {
  if (const std::string why = WhyNoOtherClock(); !why.empty()) GTEST_SKIP() << why;
  ServerProcess process(std::filesystem::temp_directory_path(), FindServerUser());
  std::vector<std::string> killed = ClockLauncher(1);
  killed.insert(killed.end(), {"/bin/sh", "-c", "cd /dev/shm && ls faketime_shm_$$ >&2; echo $$ >&2; kill -9 $$"});
  const Error error = ErrorOf([&] { process.Run(killed, 30'000); });
  ASSERT_FALSE(error.context().empty());
  const long program = std::stol(error.context().back());
  EXPECT_THAT(error.context(), testing::Contains(fmt::format("faketime_shm_{}", program)));
  EXPECT_FALSE(SharesClock(program));
}

TEST(Clock, IsLeftAloneWhereNoDayIsAskedFor) { EXPECT_TRUE(ClockLauncher(0).empty()); }

}  // namespace
}  // namespace migproof
