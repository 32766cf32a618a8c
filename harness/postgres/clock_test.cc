#include "harness/postgres/clock.h"

#include <gtest/gtest.h>

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

TEST(Clock, IsLeftAloneWhereNoDayIsAskedFor) { EXPECT_TRUE(ClockLauncher(0).empty()); }

}  // namespace
}  // namespace migproof
