#include "harness/verify/pending_failures.h"

#include <gtest/gtest.h>

#include <string>

namespace migproof {
namespace {

std::vector<Failure> Failures(Direction direction, int count) {
  std::vector<Failure> failures;
  for (int i = 0; i < count; ++i) failures.push_back({.direction = direction, .place = {i, count}});
  return failures;
}

std::string Name(const std::optional<Failure>& failure) {
  if (!failure) return "none";
  return (failure->direction == Direction::kUpgrade ? "up " : "down ") + std::to_string(failure->place.statement);
}

TEST(PendingFailures, ThoseThatStartWhereTheDatabaseStandsComeFirst) {
  PendingFailures pending(Failures(Direction::kUpgrade, 3), Failures(Direction::kDowngrade, 2));
  EXPECT_EQ(Name(pending.Take(false)), "up 0");
  EXPECT_EQ(Name(pending.Take(true)), "down 0");
  EXPECT_EQ(Name(pending.Take(true)), "down 1");
  EXPECT_EQ(Name(pending.Take(true)), "up 1");  // no other one is left up there
  EXPECT_EQ(Name(pending.Take(false)), "up 2");
  EXPECT_EQ(Name(pending.Take(false)), "none");
}

TEST(PendingFailures, AStepWithoutTheOtherIsTakenToItsEnd) {
  PendingFailures up(Failures(Direction::kUpgrade, 1), {});
  EXPECT_EQ(Name(up.Take(true)), "up 0");
  EXPECT_EQ(Name(up.Take(true)), "none");
  PendingFailures down({}, Failures(Direction::kDowngrade, 1));
  EXPECT_EQ(Name(down.Take(false)), "down 0");
  EXPECT_EQ(Name(down.Take(false)), "none");
}

}  // namespace
}  // namespace migproof
