#include "harness/postgres/run_directory.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>

#include "harness/postgres/token.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;

class RunDirectoryTest : public testing::Test {
 protected:
  RunDirectoryTest() { fs::create_directory(base_); }
  ~RunDirectoryTest() override { fs::remove_all(base_); }

  fs::path base_ = fs::temp_directory_path() / ("migproof-test-" + RandomToken(8));
};

TEST_F(RunDirectoryTest, IsPrivateAndGoesWithItsObject) {
  {
    const RunDirectory directory(base_, {});
    EXPECT_EQ(fs::status(directory.path()).permissions(), fs::perms::owner_all);
    std::ofstream(directory.path() + "/file") << "x";
  }
  EXPECT_TRUE(fs::is_empty(base_));
}

TEST_F(RunDirectoryTest, SweepTakesOnlyWhatIsOursAndOwnedByNobody) {
  const RunDirectory living(base_, {});
  const fs::path dead = base_ / "migproof.0123456789ab";
  const fs::path alike = base_ / "migproof.0123456789ab.txt";
  const fs::path other = base_ / "migproof.important!!";
  for (const fs::path& path : {dead, alike, other}) fs::create_directories(path / "data");
  const fs::path file = base_ / "migproof.ba9876543210";
  std::ofstream(file) << "not a directory";
  const fs::path link = base_ / "migproof.ffffffffffff";
  fs::create_directory_symlink(other, link);
  RunDirectory::SweepStale(base_);
  EXPECT_TRUE(fs::exists(living.path()));
  EXPECT_FALSE(fs::exists(dead));
  EXPECT_TRUE(fs::exists(alike));
  EXPECT_TRUE(fs::exists(other / "data"));
  EXPECT_TRUE(fs::exists(file));
  EXPECT_TRUE(fs::exists(fs::symlink_status(link)));
}

TEST_F(RunDirectoryTest, SweepEndsNoProcessThatOnlyAFileNames) {
  const pid_t bystander = fork();
  if (bystander == 0) {
    pause();
    _exit(0);
  }
  const fs::path dead = base_ / "migproof.0123456789ab";
  fs::create_directories(dead / "data");
  std::ofstream(dead / "data" / "postmaster.pid") << bystander << "\n";
  RunDirectory::SweepStale(base_);
  EXPECT_FALSE(fs::exists(dead));
  EXPECT_EQ(waitpid(bystander, nullptr, WNOHANG), 0) << "a process that is none of ours was ended";
  kill(bystander, SIGKILL);
  waitpid(bystander, nullptr, 0);
}

TEST_F(RunDirectoryTest, BaseForServersIsShortEnough) { EXPECT_LT(RunDirectory::ChooseBase("").size(), 70U); }

}  // namespace
}  // namespace migproof
