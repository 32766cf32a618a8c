#include "harness/postgres/watchdog.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "harness/postgres/child.h"
#include "harness/postgres/token.h"
#include "migrations/error.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;

class Scripted : public WatchdogDuty {
 public:
  explicit Scripted(std::string file) : file_(std::move(file)) {}

  std::string Answer(const std::string& request) override {
    if (request == "fail") throw Error(ErrorKind::kServer, "as asked");
    if (request == "die") _exit(3);
    if (request == "pid") return std::to_string(getpid());
    if (request == "session") return std::to_string(getsid(0));
    if (request == "descriptors") return Descriptors();
    return "echo " + request;
  }

  void CleanUp() override { std::ofstream(file_, std::ios::app) << "cleaned up\n"; }

 private:
  static std::string Descriptors() {
    std::string targets;
    for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
      std::error_code failed;
      targets += fs::read_symlink(entry.path(), failed).string() + "\n";
    }
    return targets;
  }

  std::string file_;
};

class WatchdogTest : public testing::Test {
 protected:
  ~WatchdogTest() override { fs::remove(file_); }

  std::string Written() const {
    std::ifstream in(file_);
    return {(std::istreambuf_iterator<char>(in)), {}};
  }

  fs::path file_ = fs::temp_directory_path() / ("migproof-test-" + RandomToken(8));
};

TEST_F(WatchdogTest, AnswersAndCleansUpOnce) {
  {
    Watchdog watchdog(std::make_unique<Scripted>(file_));
    EXPECT_EQ(watchdog.Ask("hello", 10'000), "echo hello");
    EXPECT_EQ(watchdog.Ask("pid", 10'000), watchdog.Ask("session", 10'000)) << "a session of its own";
    EXPECT_NE(watchdog.Ask("pid", 10'000), std::to_string(getpid()));
    EXPECT_EQ(Written(), "");
  }
  EXPECT_EQ(Written(), "cleaned up\n");
}

TEST_F(WatchdogTest, PassesErrorsOnAndGoesOn) {
  Watchdog watchdog(std::make_unique<Scripted>(file_));
  try {
    watchdog.Ask("fail", 10'000);
    FAIL() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.message(), "as asked");
  }
  EXPECT_EQ(watchdog.Ask("hello", 10'000), "echo hello");
}

TEST_F(WatchdogTest, DeathIsAnError) {
  Watchdog watchdog(std::make_unique<Scripted>(file_));
  EXPECT_THROW(watchdog.Ask("die", 10'000), Error);
  EXPECT_THROW(watchdog.Ask("hello", 10'000), Error);
}

TEST_F(WatchdogTest, KeepsNoneOfOurDescriptors) {
  const int open_file = open(file_.c_str(), O_RDWR | O_CREAT, 0600);
  Watchdog watchdog(std::make_unique<Scripted>(file_));
  const std::string targets = watchdog.Ask("descriptors", 10'000);
  EXPECT_EQ(targets.find(file_), std::string::npos) << targets;
  EXPECT_EQ(targets.find("/dev/pts"), std::string::npos) << targets;
  close(open_file);
}

TEST_F(WatchdogTest, IsDeafToTheTerminal) {
  Watchdog watchdog(std::make_unique<Scripted>(file_));
  const pid_t pid = std::stoi(watchdog.Ask("pid", 10'000));
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) kill(pid, signal);
  EXPECT_EQ(watchdog.Ask("hello", 10'000), "echo hello");
}

TEST(RunToEnd, GivesOutputAndExitCode) {
  const ChildResult result = RunToEnd({"sh", "-c", "echo out; echo err >&2; exit 7"}, 10'000);
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(result.output, "out\nerr\n");
  EXPECT_EQ(RunToEnd({"sh", "-c", "kill -TERM $$"}, 10'000).exit_code, 128 + SIGTERM);
  EXPECT_EQ(RunToEnd({"/nonexistent/program"}, 10'000).exit_code, 127);
}

TEST(RunToEnd, EndsWhatTakesTooLong) { EXPECT_EQ(RunToEnd({"sleep", "1000"}, 100).exit_code, -1); }

}  // namespace
}  // namespace migproof
