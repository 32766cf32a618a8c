#include "harness/verify/stretches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "harness/verify/worker.h"

namespace migproof {
namespace {

using testing::ElementsAreArray;
using testing::SizeIs;

Plan PlanOf(std::size_t revisions) {
  std::vector<PlannedUnit> units;
  for (std::size_t i = 0; i < revisions; ++i) units.push_back({2 * i, {"round_trip"}, true});
  return {{{"round_trip", nullptr}}, units};
}

TEST(Stretches, HandOutEveryRevisionOnceAndInOrder) {
  for (const std::size_t revisions : {0U, 1U, 7U, 100U}) {
    for (const int workers : {1, 2, 5, 200}) {
      Stretches stretches(PlanOf(revisions), workers);
      std::vector<std::size_t> taken;
      while (const auto stretch = stretches.Take()) taken.insert(taken.end(), stretch->begin(), stretch->end());
      EXPECT_THAT(taken, ElementsAreArray(stretches.plan().revisions()));
      EXPECT_TRUE(stretches.Exhausted());
    }
  }
}

TEST(Stretches, AreLongAtFirstAndSingleAtTheEnd) {
  Stretches stretches(PlanOf(100), 2);
  EXPECT_THAT(*stretches.Take(), SizeIs(25));
  EXPECT_THAT(*stretches.Take(), SizeIs(18));
  std::size_t last = 0;
  while (const auto stretch = stretches.Take()) last = stretch->size();
  EXPECT_EQ(last, 1U);
}

TEST(Stretches, OfOneAreGoneForAllProcesses) {
  Stretches stretches(PlanOf(500), 3);
  std::vector<std::vector<std::size_t>> taken(3);
  const auto work = [&](int, const Emit& emit) {
    stretches.Join();
    while (const auto stretch = stretches.Take()) {
      for (const std::size_t revision : *stretch) {
        emit(revision);
        stretches.Done();
      }
    }
  };
  for (const WorkerEnd& end : RunWorkers(3, work, [&](int worker, const nlohmann::json&revision) {
         taken[static_cast<std::size_t>(worker)].push_back(revision.get<std::size_t>());
       })) {
    EXPECT_EQ(end.failure, "");
  }
  std::vector<std::size_t> all;
  for (const auto& of_one : taken) {
    EXPECT_TRUE(std::is_sorted(of_one.begin(), of_one.end())) << "a walk only goes up";
    all.insert(all.end(), of_one.begin(), of_one.end());
  }
  EXPECT_THAT(all, testing::UnorderedElementsAreArray(stretches.plan().revisions()));
  EXPECT_EQ(stretches.left(), 0U);
  EXPECT_EQ(stretches.hands(), 3U);
}

}  // namespace
}  // namespace migproof
