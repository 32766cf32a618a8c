#include "harness/postgres/kept_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "ci/expect_error.h"
#include "ci/temp_directory.h"

namespace migproof {
namespace {

using ::testing::HasSubstr;

std::string SocketDirectory(const KeptServer& server) {
  const std::size_t from = server.conninfo.find("host='") + 6;
  return server.conninfo.substr(from, server.conninfo.find('\'', from) - from);
}

TEST(KeptServer, IsThereForAnyoneWhoReadsTheFileUntilItIsStopped) {
  const TempDirectory directory;
  const auto file = directory.path() / "server";
  const KeptServer kept = KeepServer(ParseServerSpec("local"), {}, getpid(), file);
  EXPECT_EQ(Session(ReadKeptServer(file).conninfo).Query("SELECT 1").Get(0, 0), "1");
  struct stat info = {};
  ASSERT_EQ(stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_TRUE(StopKeptServer(file));
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_FALSE(std::filesystem::exists(SocketDirectory(kept)));
  EXPECT_FALSE(StopKeptServer(file));
}

TEST(KeptServer, EndsWithTheProcessItWasKeptFor) {
  const TempDirectory directory;
  const auto file = directory.path() / "server";
  const pid_t other = fork();
  if (other == 0) {
    pause();
    _exit(0);
  }
  const KeptServer kept = KeepServer(ParseServerSpec("local"), {}, other, file);
  const int keeper = static_cast<int>(syscall(SYS_pidfd_open, kept.keeper, 0));
  kill(other, SIGKILL);
  waitpid(other, nullptr, 0);
  pollfd end{keeper, POLLIN, 0};
  EXPECT_EQ(poll(&end, 1, 60'000), 1) << "the keeper is still there";
  close(keeper);
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_FALSE(std::filesystem::exists(SocketDirectory(kept)));
}

TEST(KeptServer, AFileWhoseKeeperIsGoneNamesNoServerAndStopsNobody) {
  const TempDirectory directory;
  const auto file = directory.path() / "server";
  // The number of a process that was not started when the file says.
  std::ofstream(file) << R"({"keeper": )" << getpid()
                      << R"(, "identity": "x y 1 1", "ends_with": 1, "conninfo": "", "description": ""})";
  const auto error = ErrorOf([&] { ReadKeptServer(file); });
  EXPECT_THAT(error.message(), HasSubstr("is gone"));
  EXPECT_FALSE(StopKeptServer(file));
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST(KeptServer, SaysWhyNoneCanBeStarted) {
  const TempDirectory directory;
  const auto file = directory.path() / "server";
  const auto existing = ErrorOf([&] { KeepServer(ParseServerSpec("existing:x"), {}, getpid(), file); });
  EXPECT_THAT(existing.message(), HasSubstr("already"));
  const auto missing = ErrorOf([&] { KeepServer(ParseServerSpec("local:9"), {}, getpid(), file); });
  EXPECT_FALSE(missing.message().empty());
  const auto unwritable =
      ErrorOf([&] { KeepServer(ParseServerSpec("local"), {}, getpid(), directory.path() / "absent" / "server"); });
  EXPECT_THAT(unwritable.message(), HasSubstr("can't write"));
}

}  // namespace
}  // namespace migproof
