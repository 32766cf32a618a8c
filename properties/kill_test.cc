// What is left of a verify that was killed at any moment: nothing.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <functional>
#include <random>
#include <set>
#include <sstream>
#include <thread>

#include "ci/project.h"
#include "harness/postgres/run_directory.h"
#include "harness/postgres/test_server.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kDeadlineSeconds = 60;
constexpr int kKills = 10;

bool WaitFor(const std::function<bool()>& condition) {
  const auto deadline = Clock::now() + std::chrono::seconds(kDeadlineSeconds);
  while (!condition()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

void AddDescendants(pid_t process, std::set<pid_t>& found) {
  std::ifstream children(fmt::format("/proc/{0}/task/{0}/children", process));
  for (pid_t child = 0; children >> child;) {
    found.insert(child);
    AddDescendants(child, found);
  }
}

// What the arena reports: how many processes of the run it has met, how often it looked, and how it went.
struct ArenaReport {
  int met = 0;
  int looks = 0;
  bool killed = false;
  bool all_ended = false;
};

// The arena is the reaper of every process that a run leaves behind, daemons included: when it has no child any more,
// there is none. Kills the program once `met` processes of it were met and it was looked at `looks` times more.
ArenaReport RunInArena(const std::vector<std::string>& arguments, const ProgramOptions& options, int met, int looks) {
  ArenaReport report;
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t victim = fork();
  if (victim == 0) {
    dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
    BecomeProgram(arguments, options);
  }
  std::set<pid_t> processes;
  bool ended = false;
  while (!ended && !report.killed) {
    AddDescendants(victim, processes);
    report.met = static_cast<int>(processes.size());
    ++report.looks;
    if (report.met >= met && looks-- <= 0) report.killed = kill(victim, SIGKILL) == 0;
    ended = !report.killed && waitpid(victim, nullptr, WNOHANG) == victim;
  }
  report.all_ended = WaitFor([] {
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    return waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD;
  });
  return report;
}

constexpr int kNever = 1 << 30;

// In a process of its own, which adopts nothing but what the run leaves.
ArenaReport Arena(const std::vector<std::string>& arguments, const ProgramOptions& options, int met, int looks) {
  void* const shared = mmap(nullptr, sizeof(ArenaReport), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const pid_t arena = fork();
  if (arena == 0) {
    *static_cast<ArenaReport*>(shared) = RunInArena(arguments, options, met, looks);
    _exit(0);
  }
  waitpid(arena, nullptr, 0);
  const ArenaReport report = *static_cast<ArenaReport*>(shared);
  munmap(shared, sizeof(ArenaReport));
  return report;
}

std::string ReadAll(const fs::path& file) {
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

// Whether a server directory's owner lives: he holds a lock on it ("1: FLOCK ADVISORY WRITE 708 00:16:1234 0 EOF").
bool IsHeldBySomebody(const fs::path& directory) {
  struct stat info {};
  if (stat(directory.c_str(), &info) != 0) return true;  // gone meanwhile
  return ReadAll("/proc/locks").find(fmt::format(":{} 0 EOF", info.st_ino)) != std::string::npos;
}

bool IsMappedBySomebody(const fs::path& file) {
  std::error_code failed;
  for (const auto& process : fs::directory_iterator("/proc", failed)) {
    if (ReadAll(process.path() / "maps").find(file.string()) != std::string::npos) return true;
  }
  return false;
}

// Directories of servers, shared memory of both kinds: what nobody alive has any part in. Other runs on this machine
// come and go meanwhile; theirs is in somebody's hands.
std::set<std::string> Forsaken() {
  std::set<std::string> found;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(RunDirectory::ChooseBase(""), failed)) {
    const std::string name = entry.path().filename();
    const bool directory = name.starts_with("migproof.") && !IsHeldBySomebody(entry.path());
    const bool memory = name.starts_with("PostgreSQL.") && !IsMappedBySomebody(entry.path());
    if (directory || memory) found.insert(entry.path());
  }
  std::istringstream segments(ReadAll("/proc/sysvipc/shm"));
  std::string line;
  std::getline(segments, line);
  while (std::getline(segments, line)) {  // key shmid perms size cpid lpid nattch ...
    std::istringstream fields(line);
    std::string key, id, perms, size, creator, last;
    long attached = 0;
    fields >> key >> id >> perms >> size >> creator >> last >> attached;
    if (attached == 0) found.insert("shmid " + id);
  }
  return found;
}

std::set<std::string> Databases() {
  const Rows rows = TestServer().Admin().Query("SELECT datname FROM pg_database");
  std::set<std::string> names;
  for (int i = 0; i < rows.size(); ++i) names.emplace(rows.Get(i, 0));
  return names;
}

// A history whose verify does everything that a verify does: workers, clones, databases of its own for what runs
// outside of transactions.
class KilledVerify : public testing::TestWithParam<const char*> {
 protected:
  KilledVerify() {
    project_.SoundRevision();
    for (int i = 2; i <= 6; ++i) {
      const std::string id = fmt::format("r{}", i);
      const bool concurrently = i % 3 == 0;
      project_.Revision(id, fmt::format("r{}", i - 1),
                        concurrently ? fmt::format("CREATE INDEX CONCURRENTLY i{} ON t (id);", i)
                                     : fmt::format("CREATE TABLE t{} (id int);", i),
                        concurrently ? fmt::format("DROP INDEX i{};", i) : fmt::format("DROP TABLE t{};", i),
                        concurrently ? "-- migproof: transaction off" : "");
    }
    options_.directory = project_.path();
  }

  std::vector<std::string> Arguments() const {
    const std::string postgres = GetParam();
    return {"verify", "--jobs=2",
            "--postgres=" + (postgres == "local" ? postgres : "existing:" + TestServer().Conninfo("postgres"))};
  }

  const Project project_;
  ProgramOptions options_;
};

TEST_P(KilledVerify, LeavesNothing) {
  const std::set<std::string> databases = Databases();
  const std::set<std::string> forsaken = Forsaken();
  const ArenaReport whole = Arena(Arguments(), options_, kNever, 0);
  ASSERT_TRUE(whole.all_ended) << "of a run that nobody killed";
  ASSERT_GT(whole.met, 2);

  std::mt19937 random(20240229);
  const auto below = [&](int limit) { return static_cast<int>(random() % static_cast<unsigned>(limit)); };
  for (int kill = 0; kill < kKills; ++kill) {
    int met = below(whole.met * 9 / 10);
    const int looks = below(whole.looks / whole.met);
    ArenaReport report;
    do {  // a run may show fewer processes than the whole one did: then it is killed earlier
      SCOPED_TRACE(fmt::format("kill {}: after {} of {} processes and {} looks", kill, met, whole.met, looks));
      report = Arena(Arguments(), options_, met, looks);
      EXPECT_TRUE(report.all_ended) << "a process lives on";
      std::set<std::string> left;
      EXPECT_TRUE(WaitFor([&] {
        left.clear();
        for (const std::string& thing : Forsaken()) {
          if (!forsaken.contains(thing)) left.insert(thing);
        }
        return left.empty();
      })) << testing::PrintToString(left);
      EXPECT_EQ(Databases(), databases);
      met /= 2;
    } while (!report.killed && !HasFailure());
    if (HasFailure()) break;
  }
}

INSTANTIATE_TEST_SUITE_P(Providers, KilledVerify, testing::Values("local", "existing"),
                         [](const auto& instance) { return std::string(instance.param); });

}  // namespace
}  // namespace migproof
