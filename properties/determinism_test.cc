// What `determinism` could not change is said, and is no part of what held.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "harness/postgres/clock.h"
#include "harness/postgres/test_server.h"
#include "harness/verify/verify.h"
#include "migrations/format.h"

namespace migproof {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

Verdict VerdictWith(const std::string& provider) {
  const std::filesystem::path directory =
      std::filesystem::path(MIGPROOF_SOURCE_DIR) / "fixtures/determinism/holds/117_day_in_partition_name";
  const Subject subject("native", directory, {}, Registry<Format>::Get("native").Read(directory));
  VerifyOptions options;
  options.laws = {"determinism"};
  options.jobs = 1;
  options.servers.front().provider = provider;
  TestServer();  // started here: the worker that runs the history ends with it
  options.factory = LendTestServer;
  return Verify(subject, options, nullptr).verdicts.at(0);
}

TEST(Determinism, SaysThatTheClockWasNotMoved) {
  const Verdict verdict = VerdictWith("existing");
  EXPECT_EQ(verdict.outcome, Outcome::kHeld) << verdict.reason;
  EXPECT_THAT(verdict.notes, Contains(HasSubstr("not looked at: another day of the clock")));
  EXPECT_FALSE(verdict.exercised.contains("days of the clock"));
}

TEST(Determinism, MovesTheClockWhereItCan) {
  if (const std::string why = WhyNoOtherClock(); !why.empty()) GTEST_SKIP() << why;
  const Verdict verdict = VerdictWith("local");
  EXPECT_EQ(verdict.outcome, Outcome::kHeld) << verdict.reason;
  EXPECT_THAT(verdict.notes, Not(Contains(HasSubstr("another day of the clock"))));
  EXPECT_EQ(verdict.exercised.at("days of the clock"), 2);
}

}  // namespace
}  // namespace migproof
