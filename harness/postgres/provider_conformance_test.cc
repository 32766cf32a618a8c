// What every provider promises, held against each one that this machine can serve.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

// The processes whose command line holds `text`, zombies left out.
Names ProcessesWith(const std::string& text) {
  Names found;
  std::error_code failed;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc", failed)) {
    const std::string pid = entry.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream command(entry.path() / "cmdline");
    std::string line((std::istreambuf_iterator<char>(command)), {});
    if (line.find(text) != std::string::npos) found.insert(pid);
  }
  return found;
}

Names DatabasesOfTestServer() {
  const Rows rows = TestServer().Admin().Query("SELECT datname FROM pg_database");
  Names names;
  for (int i = 0; i < rows.size(); ++i) names.emplace(rows.Get(i, 0));
  return names;
}

// Where the socket of a server lies, from its connection string; "" for one that is reached by network.
std::string HostDirectory(const Server& server) {
  const std::string conninfo = server.Conninfo(server.DatabasePrefix() + "x");
  const std::size_t begin = conninfo.find("host='") + 6;
  const std::string host = conninfo.substr(begin, conninfo.find('\'', begin) - begin);
  return host.rfind('/', 0) == 0 ? host : "";
}

class ProviderConformance : public testing::TestWithParam<std::string> {
 protected:
  // What stands behind the colon: `existing` gets the server that the tests share, `docker` the image that
  // MIGPROOF_TEST_IMAGE names.
  static std::string Argument() {
    if (GetParam() == "docker") {
      const char* image = std::getenv("MIGPROOF_TEST_IMAGE");  // NOLINT(concurrency-mt-unsafe)
      return image == nullptr ? "" : image;
    }
    return GetParam() == "existing" ? TestServer().Conninfo("postgres") : "";
  }

  static const Provider& Tested() { return Registry<Provider>::Get(GetParam()); }

  static std::unique_ptr<Server> Start() { return Tested().Start(Argument(), {}); }

  void SetUp() override {
    if (const std::string why = Tested().WhyUnavailable(Argument(), {}); !why.empty()) GTEST_SKIP() << why;
  }
};

TEST_P(ProviderConformance, DescribesItself) {
  const auto server = Start();
  EXPECT_FALSE(Tested().Summary().empty());
  EXPECT_EQ(server->Description().find(fmt::format("PostgreSQL {}.", server->major_version())), 0U)
      << server->Description();
  EXPECT_EQ(server->DatabasePrefix().find("migproof_"), 0U);
  EXPECT_EQ(server->Admin().major_version(), server->major_version());
}

TEST_P(ProviderConformance, MakesClonesAndDropsDatabases) {
  const auto server = Start();
  std::string name;
  {
    const auto source = Database::Create(*server);
    source->Connect()->Execute("CREATE TABLE t AS SELECT generate_series(1, 100) AS id");
    const auto clone = Database::Clone(*server, *source);
    name = clone->name();
    const auto session = clone->Connect();
    clone->CheckToken(*session);
    EXPECT_EQ(session->Query("SELECT sum(id) FROM t").GetInt(0, 0), 5050);
  }
  EXPECT_TRUE(server->Admin().Query("SELECT FROM pg_database WHERE datname = $1", {name}).empty());
}

TEST_P(ProviderConformance, TwoAtOnceDoNotMeet) {
  const auto one = Start();
  const auto two = Start();
  EXPECT_NE(one->DatabasePrefix(), two->DatabasePrefix());
  const auto here = Database::Create(*one);
  const auto there = Database::Create(*two);
  const auto session = there->Connect();
  there->CheckToken(*session);
  EXPECT_THROW(here->CheckToken(*session), Error);
}

TEST_P(ProviderConformance, LeavesNothingBehind) {
  const Names databases = DatabasesOfTestServer();
  std::string directory;
  {
    const auto server = Start();
    const auto database = Database::Create(*server);
    directory = HostDirectory(*server);
    // The processes of a container have names of its own.
    if (!directory.empty()) {
      EXPECT_EQ(ProcessesWith(directory).empty(), GetParam() == "docker");
    }
  }
  EXPECT_EQ(DatabasesOfTestServer(), databases);
  if (directory.empty() || directory == HostDirectory(TestServer())) return;
  EXPECT_FALSE(fs::exists(directory));
  EXPECT_EQ(ProcessesWith(directory), Names());
}

TEST_P(ProviderConformance, DropsDatabasesThatAreStillConnected) {
  const Names databases = DatabasesOfTestServer();
  static auto& forgotten = *new std::vector<Database*>;  // as after an early exit: their destructors never run
  std::unique_ptr<Session> session;
  {
    const auto server = Start();
    forgotten.push_back(Database::Create(*server).release());
    session = forgotten.back()->Connect();
  }
  EXPECT_EQ(DatabasesOfTestServer(), databases);
  EXPECT_THROW(session->Execute("SELECT 1"), Error);
}

// The exit code of `work`, run in a forked child.
int InChild(const std::function<int()>& work) {
  const pid_t child = fork();
  if (child == 0) {
    int code = 99;
    try {
      code = work();
    } catch (const std::exception& e) {
      dprintf(STDERR_FILENO, "in the child: %s\n", e.what());
    }
    _exit(code);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_P(ProviderConformance, ServesAForkedChild) {
  const std::string argument = Argument();
  EXPECT_EQ(0, InChild([&] {
              const auto server = Tested().Start(argument, {});
              const auto database = Database::Create(*server);
              const auto session = database->Connect();
              database->CheckToken(*session);
              return 0;
            }));
}

TEST_P(ProviderConformance, OutlivesAForkedChildThatEnds) {
  auto server = Start();
  auto database = Database::Create(*server);
  const auto session = database->Connect();
  EXPECT_EQ(0, InChild([&] {
              // The child's copies go as they would in a worker that returns from main.
              database.reset();
              server.reset();
              return 0;
            }));
  database->CheckToken(*session);
  EXPECT_EQ(server->Admin().Query("SELECT 1").GetInt(0, 0), 1);
}

INSTANTIATE_TEST_SUITE_P(All, ProviderConformance, testing::ValuesIn(Registry<Provider>::Names()),
                         [](const auto& instance) { return instance.param; });

}  // namespace
}  // namespace migproof
