#include "harness/cli/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "migrations/error.h"

namespace migproof {
namespace {

using testing::HasSubstr;

class Display : public testing::Test {
 protected:
  ProgressDisplay Make(ProgressMode mode) {
    return {mode, err_, [this] { return now_; }, [this] { return columns_; }};
  }

  std::string Take() {
    const std::string text = err_.str();
    err_.str("");
    return text;
  }

  std::ostringstream err_;
  double now_ = 100;
  std::size_t columns_ = 80;
  const std::vector<WorkerProgress> workers_ = {{.done = 10, .all = 40, .at = "r7"}, {.done = 5, .all = 5, .at = "x"}};
};

TEST_F(Display, SaysNothingWhereNothingIsWanted) {
  ProgressDisplay display = Make(ProgressMode::kNone);
  now_ += 1000;
  display.Show(workers_);
  display.End();
  EXPECT_EQ(Take(), "");
}

TEST_F(Display, WritesAPlainLineNowAndThen) {
  ProgressDisplay display = Make(ProgressMode::kPlain);
  display.Show(workers_);
  now_ += ProgressDisplay::kPlainSeconds - 1;
  display.Show(workers_);
  EXPECT_EQ(Take(), "") << "a short run says nothing";
  now_ += 1;
  display.Show(workers_);
  display.Show(workers_);
  EXPECT_EQ(Take(), "migproof: 15 of 45 checks after 15 s, about 30 s left\n");
  now_ += 600;
  display.Show(workers_);
  EXPECT_EQ(Take(), "migproof: 15 of 45 checks after 10 min, about 21 min left\n");
}

TEST_F(Display, DrawsALinePerWorkerAndTakesThemAway) {
  ProgressDisplay display = Make(ProgressMode::kLive);
  now_ += 10;
  display.Show(workers_);
  const std::string first = Take();
  EXPECT_THAT(first, HasSubstr("worker 1  [=====               ]   10 of 40 checks  r7, about 30 s left\n"));
  EXPECT_THAT(first, HasSubstr("worker 2  [====================]    5 of 5 checks  done\n"));
  display.Show(workers_);
  EXPECT_EQ(Take(), "") << "not drawn more often than anybody can see";
  now_ += 1;
  display.Show(workers_);
  EXPECT_THAT(Take(), testing::StartsWith("\x1b[2A\r\x1b[K")) << "over the lines before";
  display.End();
  EXPECT_EQ(Take(), "\x1b[2A\r\x1b[J");
  display.End();
  EXPECT_EQ(Take(), "");
}

TEST_F(Display, NeverWraps) {
  columns_ = 30;
  ProgressDisplay display = Make(ProgressMode::kLive);
  display.Show({{.done = 1, .all = 2, .at = "ünï" + std::string(100, 'x') + "\nnext"}});
  const std::string text = Take();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_LT(text.size(), 60U);
}

TEST(ChooseProgress, KnowsItsNames) {
  EXPECT_EQ(ChooseProgress("live"), ProgressMode::kLive);
  EXPECT_EQ(ChooseProgress("plain"), ProgressMode::kPlain);
  EXPECT_EQ(ChooseProgress("none"), ProgressMode::kNone);
  EXPECT_THROW(ChooseProgress("plan"), Error);
}

}  // namespace
}  // namespace migproof
