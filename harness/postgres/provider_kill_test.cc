// What is left when we are killed: nothing.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <set>
#include <thread>

#include "ci/expect_error.h"
#include "harness/postgres/database.h"
#include "harness/postgres/run_directory.h"
#include "harness/postgres/test_server.h"
#include "harness/postgres/token.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kDeadlineMs = 30'000;

bool WaitFor(const std::function<bool()>& condition) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(kDeadlineMs);
  while (!condition()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

std::set<std::string> DatabaseNames() {
  const Rows rows = TestServer().Admin().Query("SELECT datname FROM pg_database");
  std::set<std::string> names;
  for (int i = 0; i < rows.size(); ++i) names.emplace(rows.Get(i, 0));
  return names;
}

// A directory for servers, short enough for sockets, that must be empty at the end.
class Base {
 public:
  Base() : path_(RunDirectory::ChooseBase("") + "/migproof-test-" + RandomToken(6)) { fs::create_directory(path_); }
  ~Base() { fs::remove_all(path_); }
  Base(const Base&) = delete;
  Base& operator=(const Base&) = delete;
  const std::string& path() const { return path_; }
  bool empty() const { return fs::is_empty(path_); }

 private:
  std::string path_;
};

// Lives the life of a run, over and over, until somebody kills it; each byte it writes is a step done.
[[noreturn]] void LiveUntilKilled(const ServerSpec& spec, const StartOptions& options, int progress) {
  const auto step = [&] {
    if (write(progress, ".", 1) != 1) _exit(1);
  };
  try {
    while (true) {
      const auto server = spec.Start(options);
      step();
      for (int i = 0; i < 3; ++i) {
        const auto source = Database::Create(*server);
        step();
        source->Connect()->Execute("CREATE TABLE t AS SELECT generate_series(1, 1000) AS id");
        const auto clone = Database::Clone(*server, *source);
        const auto session = clone->Connect();
        step();
      }
    }
  } catch (const std::exception& e) {
    dprintf(STDERR_FILENO, "the victim failed by itself: %s\n", e.what());
    _exit(1);
  }
}

std::vector<pid_t> Children() {
  std::ifstream in("/proc/thread-self/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; in >> child;) children.push_back(child);
  return children;
}

// Starts a victim, lets it make `steps` steps and then run for `microseconds`, and kills it; its watchdog too where
// `watchdog_too`. All its orphans become our children, so we see when the last one has ended. Returns an exit code.
int KillOne(const ServerSpec& spec, const StartOptions& options, int steps, int microseconds, bool watchdog_too) {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  int progress[2];
  if (pipe(progress) != 0) return 2;
  const pid_t victim = fork();
  if (victim == 0) {
    close(progress[0]);
    LiveUntilKilled(spec, options, progress[1]);
  }
  close(progress[1]);
  for (char byte = 0; steps > 0; --steps) {
    if (read(progress[0], &byte, 1) != 1) return 3;
  }
  std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
  kill(victim, watchdog_too ? SIGSTOP : SIGKILL);
  if (watchdog_too) {
    std::ifstream in(fmt::format("/proc/{}/task/{}/children", victim, victim));
    for (pid_t child = 0; in >> child;) kill(child, SIGKILL);
    kill(victim, SIGKILL);
  }
  const bool all_ended = WaitFor([] {
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    return Children().empty();
  });
  return all_ended ? 0 : 4;
}

// In a process of its own, which adopts nothing but the victim's.
int KillInArena(const ServerSpec& spec, const StartOptions& options, int steps, int microseconds,
                bool watchdog_too = false) {
  const pid_t arena = fork();
  if (arena == 0) _exit(KillOne(spec, options, steps, microseconds, watchdog_too));
  int status = 0;
  waitpid(arena, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

class KilledAtRandom : public testing::Test {
 protected:
  KilledAtRandom() : seed_(std::random_device()()), random_(seed_) { RecordProperty("seed", std::to_string(seed_)); }
  int Below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }

  unsigned seed_;
  std::mt19937 random_;
};

TEST_F(KilledAtRandom, LocalServerLeavesNoProcessAndNoDirectory) {
  const Base base;
  StartOptions options;
  options.run_directory = base.path();
  for (int round = 0; round < 10; ++round) {
    const int steps = Below(8);
    const int microseconds = Below(60'000);
    SCOPED_TRACE(fmt::format("seed {}, round {}: {} steps and {} us", seed_, round, steps, microseconds));
    ASSERT_EQ(0, KillInArena({"local", ""}, options, steps, microseconds));
    EXPECT_TRUE(base.empty());
  }
}

TEST_F(KilledAtRandom, ColdStartLeavesNothing) {
  for (int round = 0; round < 3; ++round) {
    const Base base;
    const Base cache;
    StartOptions options;
    options.run_directory = base.path();
    options.cache_directory = cache.path();
    const int microseconds = Below(500'000);
    SCOPED_TRACE(fmt::format("seed {}, round {}: {} us", seed_, round, microseconds));
    ASSERT_EQ(0, KillInArena({"local", ""}, options, 0, microseconds));
    EXPECT_TRUE(base.empty());
    EXPECT_NO_THROW(ParseServerSpec("local").Start(options));
  }
}

TEST_F(KilledAtRandom, ExistingServerKeepsNoDatabaseOfOurs) {
  const ServerSpec spec{"existing", TestServer().Conninfo("postgres")};
  const auto names = DatabaseNames();
  for (int round = 0; round < 10; ++round) {
    const int steps = Below(8);
    const int microseconds = Below(20'000);
    SCOPED_TRACE(fmt::format("seed {}, round {}: {} steps and {} us", seed_, round, steps, microseconds));
    ASSERT_EQ(0, KillInArena(spec, {}, steps, microseconds));
    EXPECT_EQ(DatabaseNames(), names);
  }
}

// A forked worker that lives on has our descriptors: the server must go nevertheless.
TEST(KilledWithAnHeir, LocalServerGoesThoughAForkedChildLivesOn) {
  const Base base;
  StartOptions options;
  options.run_directory = base.path();
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t victim = fork();
  if (victim == 0) {
    close(ends[1]);
    const auto server = ParseServerSpec("local").Start(options);
    char byte = 0;
    if (fork() == 0) {
      if (read(ends[0], &byte, 1) != 0) _exit(1);  // until the test is over
      _exit(0);
    }
    kill(getpid(), SIGKILL);
  }
  close(ends[0]);
  waitpid(victim, nullptr, 0);
  EXPECT_TRUE(WaitFor([&] { return base.empty(); }));
  close(ends[1]);
}

TEST(KilledWithWatchdog, LocalServerDiesAndTheNextStartSweepsItsDirectory) {
  const Base base;
  StartOptions options;
  options.run_directory = base.path();
  ASSERT_EQ(0, KillInArena({"local", ""}, options, 2, 0, true));
  EXPECT_FALSE(base.empty());
  ParseServerSpec("local").Start(options).reset();
  EXPECT_TRUE(base.empty());
}

TEST(KilledWithWatchdog, NextStartOnAnExistingServerSweepsItsDatabases) {
  const ServerSpec spec{"existing", TestServer().Conninfo("postgres")};
  const auto names = DatabaseNames();
  const auto living = spec.Start({});
  const auto kept = Database::Create(*living);
  ASSERT_EQ(0, KillInArena(spec, {}, 3, 0, true));
  EXPECT_TRUE(WaitFor([&] {
    spec.Start({}).reset();
    return DatabaseNames().size() == names.size() + 1;
  }));
  EXPECT_TRUE(DatabaseNames().contains(kept->name())) << "a living owner's database was swept";
}

// Lines 1 and 7 of postmaster.pid (PostgreSQL's miscadmin.h): the process, and the key and id of its shared memory.
struct Postmaster {
  pid_t pid = 0;
  int shared_memory = -1;

  explicit Postmaster(const std::string& data) {
    std::ifstream in(data + "/postmaster.pid");
    std::string line;
    in >> pid;
    for (int number = 1; number < 7; ++number) std::getline(in, line);
    unsigned long key = 0;
    in >> key >> shared_memory;
  }
};

bool SharedMemoryExists(int id) {
  shmid_ds info{};
  return shmctl(id, IPC_STAT, &info) == 0;
}

TEST(KilledServer, LeavesNoSharedMemoryAndNoDirectory) {
  const Base base;
  StartOptions options;
  options.run_directory = base.path();
  auto server = ParseServerSpec("local").Start(options);
  const Postmaster postmaster(fs::directory_iterator(base.path())->path() / "data");
  ASSERT_TRUE(SharedMemoryExists(postmaster.shared_memory));
  kill(postmaster.pid, SIGKILL);
  server.reset();
  EXPECT_TRUE(base.empty());
  EXPECT_FALSE(SharedMemoryExists(postmaster.shared_memory));
}

// Never taken for what a migration did: nobody told the session, which finds out when it sends the next query.
TEST(KilledServer, IsWhatASessionThatWasIdleComplainsOf) {
  StartOptions options;
  options.durable = true;
  const auto server = ParseServerSpec("local").Start(options);
  const auto database = Database::Create(*server);
  const auto session = database->Connect();
  server->Kill();
  EXPECT_EQ(ErrorOf([&] { session->Execute("SELECT 1"); }).kind(), ErrorKind::kServer);
  EXPECT_TRUE(session->broken());
}

}  // namespace
}  // namespace migproof
