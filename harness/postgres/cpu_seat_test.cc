#include "harness/postgres/cpu_seat.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "harness/postgres/provider.h"
#include "harness/postgres/test_server.h"
#include "harness/verify/runner_process.h"
#include "migrations/session.h"

namespace migproof {
namespace {

std::vector<int> CpusOf(pid_t process) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  std::vector<int> numbers;
  if (sched_getaffinity(process, sizeof cpus, &cpus) != 0) return numbers;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &cpus)) numbers.push_back(cpu);
  }
  return numbers;
}

std::vector<int> CpusOfANewBackend(const Server& server) {
  return CpusOf(Session(server.Conninfo("postgres")).backend_pid());
}

// Names of our own: what else runs here has seats too.
std::string Claims() { return fmt::format("migproof-test-{}-", getpid()); }

class CpuSeats : public testing::Test {
 protected:
  void SetUp() override {
    if (all_.size() < 2) GTEST_SKIP() << "there is but one CPU";
  }

  const std::vector<int> all_ = CpusOf(0);
};

TEST_F(CpuSeats, HoldThisThreadUntilTheyAreGivenUp) {
  {
    const CpuSeat seat(nullptr, Claims());
    ASSERT_TRUE(seat.cpu());
    EXPECT_EQ(CpusOf(0), std::vector<int>{*seat.cpu()});
  }
  EXPECT_EQ(CpusOf(0), all_);
}

// A process that may run on two CPUs, and sits on one of them until it is killed.
class Sitter {
 public:
  Sitter(const std::vector<int>& two, const std::string& claims)
      : process_([&](const RunnerProcess::Bell& ring) {
          cpu_set_t cpus;
          CPU_ZERO(&cpus);
          for (const int cpu : two) CPU_SET(cpu, &cpus);
          sched_setaffinity(0, sizeof cpus, &cpus);
          const CpuSeat seat(nullptr, claims);
          ring();
          pause();
        }) {
    process_.WaitForBell();
    cpus_ = CpusOf(process_.pid());
  }

  const std::vector<int>& cpus() const { return cpus_; }

 private:
  RunnerProcess process_;
  std::vector<int> cpus_;
};

TEST_F(CpuSeats, AreNobodyElsesUntilTheirProcessHasGone) {
  const std::vector<int> two = {all_.front(), all_.back()};
  const std::string claims = Claims();
  auto first = std::make_unique<Sitter>(two, claims);
  const Sitter second(two, claims);
  EXPECT_EQ(first->cpus().size(), 1U);
  EXPECT_EQ(second.cpus().size(), 1U);
  EXPECT_NE(first->cpus(), second.cpus());
  EXPECT_EQ(Sitter(two, claims).cpus(), two);  // none is left
  const std::vector<int> was = first->cpus();
  first.reset();
  EXPECT_EQ(Sitter(two, claims).cpus(), was);
}

TEST_F(CpuSeats, AreTheirServersToo) {
  const std::unique_ptr<Server> server = ParseServerSpec("local").Start({});
  EXPECT_EQ(CpusOfANewBackend(*server), all_);
  {
    const CpuSeat seat(server.get(), Claims());
    ASSERT_TRUE(seat.cpu());
    const std::vector<int> one{*seat.cpu()};
    EXPECT_EQ(CpusOfANewBackend(*server), one);
    {
      const AllCpus all(*server);
      EXPECT_EQ(CpusOf(0), all_);
      EXPECT_EQ(CpusOfANewBackend(*server), all_);
    }
    EXPECT_EQ(CpusOf(0), one);
    EXPECT_EQ(CpusOfANewBackend(*server), one);
  }
  EXPECT_EQ(CpusOfANewBackend(*server), all_);
}

TEST_F(CpuSeats, AreForServersThatAreStartedOnThem) {
  const CpuSeat seat(nullptr, Claims());
  ASSERT_TRUE(seat.cpu());
  const std::unique_ptr<Server> server = ParseServerSpec("local").Start({});
  EXPECT_EQ(CpusOfANewBackend(*server), std::vector<int>{*seat.cpu()});
  server->Kill();
  EXPECT_EQ(CpusOfANewBackend(*server), std::vector<int>{*seat.cpu()});
}

TEST_F(CpuSeats, AreNoMatterToWhoHasNone) {
  const AllCpus all(TestServer());
  EXPECT_EQ(CpusOf(0), all_);
}

}  // namespace
}  // namespace migproof
