// No step ever runs on the wrong database. A second server stands by with a database that must not be touched, and
// everything that could lead there does: environment, configuration, scripts, a pooler that reroutes connections.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <sstream>

#include "ci/expect_error.h"
#include "ci/project.h"
#include "harness/postgres/binaries.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/format.h"
#include "migrations/runner.h"

namespace migproof {
namespace {

using testing::HasSubstr;
using testing::Not;

// The value of `key` in a connection string of the local provider: host='/dev/shm/...'
std::string Part(const std::string& conninfo, const std::string& key) {
  const std::string opening = key + "='";
  const std::size_t at = conninfo.find(opening) + opening.size();
  return conninfo.substr(at, conninfo.find('\'', at) - at);
}

// A server of somebody else's, with rows that matter.
class Production {
 public:
  Production() : server_(ParseServerSpec("local").Start({})) {
    server_->Admin().Execute("CREATE DATABASE production");
    Session session(conninfo());
    session.Execute(
        "CREATE SCHEMA shop; CREATE TABLE shop.t (id serial PRIMARY KEY, note text); CREATE TABLE t (id int);"
        "INSERT INTO shop.t (note) SELECT repeat('x', g % 7) FROM generate_series(1, 1000) AS g;"
        "INSERT INTO t SELECT generate_series(1, 10); CREATE TYPE mood AS ENUM ('fine');"
        "CREATE TABLE migproof_ledger (revision text)");
  }

  std::string conninfo() const { return server_->Conninfo("production"); }
  std::string directory() const { return Part(conninfo(), "host"); }
  const Server& server() const { return *server_; }

  // Everything in it, its rows included, and which databases and roles there are beside it.
  std::string Contents() const {
    const std::string pg_dump = FindBinaries("", {}, FindServerUser()).directory + "/pg_dump";
    ProgramOptions options;
    options.program = std::filesystem::exists(pg_dump) ? pg_dump : "pg_dump";
    const ProgramRun dump = RunProgram({"--create", "-d", conninfo()}, options);
    EXPECT_EQ(dump.status, 0) << dump.err;
    EXPECT_THAT(dump.out, HasSubstr("CREATE TABLE shop.t"));
    std::string contents = WithoutKeys(dump.out);
    for (const char* sql : {"SELECT datname FROM pg_database ORDER BY 1", "SELECT rolname FROM pg_roles ORDER BY 1"}) {
      const Rows rows = server_->Admin().Query(sql);
      for (int i = 0; i < rows.size(); ++i) contents += std::string(rows.Get(i, 0)) + "\n";
    }
    Session session(conninfo());
    return contents + std::string(session.Query("SELECT count(*) FROM shop.t").Get(0, 0));
  }

 private:
  // pg_dump prints random keys with \restrict and \unrestrict.
  static std::string WithoutKeys(const std::string& dump) {
    std::istringstream lines(dump);
    std::string kept;
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("\\restrict ") && !line.starts_with("\\unrestrict ")) kept += line + "\n";
    }
    return kept;
  }

  std::unique_ptr<Server> server_;
};

class WrongDatabase : public testing::Test {
 protected:
  WrongDatabase() {
    project_.Revision("r1", "", "CREATE TABLE t (id int);\nINSERT INTO t VALUES (1);", "DROP TABLE t;");
    project_.Revision("r2", "r1", "DELETE FROM t;\nCREATE TYPE mood AS ENUM ('fine');", "DROP TYPE mood;");
    project_.Write("services.conf", fmt::format("[elsewhere]\nhost={}\nport=5432\ndbname=production\nuser=postgres\n",
                                                Elsewhere().directory()));
    project_.Write("migproof.json", R"({"database_url_env": "DATABASE_URL"})");
  }

  // One for all tests: a test that changes it fails.
  static const Production& Elsewhere() {
    static const Production production;
    return production;
  }

  // With an environment of which every word names the other database.
  ProgramRun Run(const std::vector<std::string>& arguments) const {
    ProgramOptions options;
    options.environment = {{"PGHOST", Elsewhere().directory()},  {"PGPORT", "5432"},
                           {"PGDATABASE", "production"},         {"PGUSER", "postgres"},
                           {"PGSERVICE", "elsewhere"},           {"PGSERVICEFILE", project_.path() / "services.conf"},
                           {"PGOPTIONS", "-c search_path=shop"}, {"DATABASE_URL", Elsewhere().conninfo()}};
    return project_.Run(arguments, options);
  }

  const Project project_;
  const std::string before_ = Elsewhere().Contents();
};

TEST_F(WrongDatabase, IsNotWhereTheEnvironmentLeads) {
  const ProgramRun run = Run({"verify", "--law=upgrade_succeeds", "--law=schema_fidelity", "--model=model.sql"});
  EXPECT_EQ(run.status, 2) << "the model is not there yet";
  project_.Write("model.sql", "CREATE TABLE t (id int);\nCREATE TYPE mood AS ENUM ('fine');\n");
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"verify", "--law=upgrade_succeeds", "--law=schema_fidelity", "--model=model.sql"},
           {"drift", "model.sql", "head"},
           {"catalog", "--at=head"}}) {
    const ProgramRun there = Run(arguments);
    EXPECT_EQ(there.status, 0) << there;
    EXPECT_THAT(there.out, Not(HasSubstr("shop"))) << there;
  }
  EXPECT_EQ(Elsewhere().Contents(), before_);
}

TEST_F(WrongDatabase, IsNotItsNeighbourOnAnExistingServer) {
  const ProgramRun run = Run({"verify", "--postgres", "existing:" + Elsewhere().conninfo()});
  EXPECT_EQ(run.status, 1) << run;  // r2 does not bring back the row
  EXPECT_THAT(run.out, HasSubstr("upgrade_succeeds     2 held"));
  EXPECT_EQ(Elsewhere().Contents(), before_);
}

TEST_F(WrongDatabase, IsNotWhereAScriptConnects) {
  project_.Revision("r3", "r2", "\\connect production\nDROP TABLE shop.t;", "SELECT 1;");
  for (const std::string& postgres : {std::string("local"), "existing:" + Elsewhere().conninfo()}) {
    const ProgramRun run = Run({"verify", "--postgres", postgres, "--law=upgrade_succeeds"});
    EXPECT_EQ(run.status, 2) << run;
    EXPECT_THAT(run.out, HasSubstr("migrations/r3.sql:4"));
    EXPECT_THAT(run.out, HasSubstr("'\\connect production'"));
  }
  EXPECT_EQ(Elsewhere().Contents(), before_);
}

// A pooler on a socket of its own that sends every connection to one of our databases to "production" instead.
class Rerouter {
 public:
  explicit Rerouter(const std::string& target) : target_(target) {
    const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = Address(directory_.path());
    if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(listener, 16) != 0) {
      throw std::runtime_error("can't listen");
    }
    pid_ = fork();
    if (pid_ == 0) Serve(listener);
    close(listener);
  }
  ~Rerouter() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Rerouter(const Rerouter&) = delete;
  Rerouter& operator=(const Rerouter&) = delete;

  std::string Conninfo() const {
    return fmt::format("host='{}' port=5432 user=postgres dbname=postgres", directory_.path().string());
  }

 private:
  static sockaddr_un Address(const std::string& directory) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, (directory + "/.s.PGSQL.5432").c_str(), sizeof address.sun_path - 1);
    return address;
  }

  [[noreturn]] void Serve(int listener) const {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGCHLD, SIG_IGN);
    while (true) {
      const int client = accept(listener, nullptr, nullptr);
      if (client < 0) _exit(1);
      if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        Relay(client);
      }
      close(client);
    }
  }

  [[noreturn]] void Relay(int client) const {
    const int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = Address(target_);
    if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) _exit(1);
    const std::string startup = Rerouted(ReadStartup(client));
    if (write(server, startup.data(), startup.size()) < 0) _exit(1);
    std::array<pollfd, 2> ends{{{client, POLLIN, 0}, {server, POLLIN, 0}}};
    while (poll(ends.data(), ends.size(), -1) > 0) {
      for (int i = 0; i < 2; ++i) {
        if (ends[static_cast<std::size_t>(i)].revents == 0) continue;
        char chunk[65536];
        const ssize_t got = read(i == 0 ? client : server, chunk, sizeof chunk);
        if (got <= 0 || write(i == 0 ? server : client, chunk, static_cast<std::size_t>(got)) != got) _exit(0);
      }
    }
    _exit(0);
  }

  // Length, protocol and pairs of strings (manual, "Message Formats": StartupMessage).
  static std::string ReadStartup(int client) {
    unsigned char length[4];
    if (recv(client, length, 4, MSG_WAITALL | MSG_PEEK) != 4) _exit(0);
    std::string message(static_cast<std::size_t>(length[2] << 8 | length[3]), '\0');
    if (recv(client, message.data(), message.size(), MSG_WAITALL) != static_cast<ssize_t>(message.size())) _exit(0);
    return message;
  }

  static std::string Rerouted(std::string message) {
    const std::string key = std::string("database\0", 9) + "migproof_";
    const std::size_t at = message.find(key);
    if (at == std::string::npos) return message;
    const std::size_t begin = at + 9;
    message.replace(begin, message.find('\0', begin) - begin, "production");
    message[2] = static_cast<char>(message.size() >> 8);
    message[3] = static_cast<char>(message.size() & 255);
    return message;
  }

  const std::string target_;
  const TempDirectory directory_;
  pid_t pid_ = 0;
};

TEST_F(WrongDatabase, IsRefusedWhereAPoolerReroutes) {
  const Rerouter pooler(Elsewhere().directory());
  project_.Write("model.sql", "DROP SCHEMA shop CASCADE;\n");
  project_.Write("before.sql", "DROP SCHEMA shop CASCADE;\n");
  const std::string postgres = "--postgres=existing:" + pooler.Conninfo();
  ASSERT_EQ(Session(WithDatabase(pooler.Conninfo(), "migproof_x")).Query("SELECT current_database()").Get(0, 0),
            "production");
  for (const auto& arguments : std::vector<std::vector<std::string>>{{"verify", postgres},
                                                                     {"verify", postgres, "--before=before.sql"},
                                                                     {"catalog", "--at=head", postgres},
                                                                     {"catalog", "--at=model.sql", postgres},
                                                                     {"drift", "model.sql", "head", postgres}}) {
    const ProgramRun run = project_.Run(arguments);
    EXPECT_EQ(run.status, 2) << arguments[0] << arguments[1] << run;
    EXPECT_THAT(run.err, HasSubstr("the connection is to database 'production'"));
    EXPECT_EQ(Elsewhere().Contents(), before_);
  }
}

TEST_F(WrongDatabase, IsKnownByItsTokenThoughItHasOurName) {
  const auto ours = Database::Create(TestServer());
  Session admin(Elsewhere().server().Conninfo("postgres"));
  admin.Execute("CREATE DATABASE " + ours->name());
  {
    Session twin(Elsewhere().server().Conninfo(ours->name()));
    const Error error = ErrorOf([&] { ours->CheckToken(twin); });
    EXPECT_EQ(error.kind(), ErrorKind::kServer);
    EXPECT_THAT(error.message(), HasSubstr("does not carry our token"));
  }
  Session elsewhere(Elsewhere().conninfo());
  EXPECT_EQ(ErrorOf([&] { ours->CheckToken(elsewhere); }).kind(), ErrorKind::kServer);
  EXPECT_NO_THROW(ours->CheckToken(*ours->Connect()));
  admin.Execute(fmt::format("DROP DATABASE {} WITH (FORCE)", ours->name()));
  EXPECT_EQ(Elsewhere().Contents(), before_);
}

TEST_F(WrongDatabase, IsRefusedBeforeTheFirstStatementOfAStep) {
  const auto ours = Database::Create(TestServer());
  const Format& format = Registry<Format>::Get("native");
  const auto ledger = format.MakeLedger();
  const History history(format.Read(project_.path() / "migrations"));
  Session elsewhere(Elsewhere().conninfo());
  Runner runner(elsewhere, history, *ledger,
                {.lock_timeout_ms = 0, .statement_timeout_ms = 0, .guard = [&](Session& s) { ours->CheckToken(s); }});
  const Revision& r2 = history.Get("r2");
  EXPECT_EQ(ErrorOf([&] { runner.Apply({Direction::kUpgrade, &r2}); }).kind(), ErrorKind::kServer);
  EXPECT_EQ(ErrorOf([&] { runner.Apply({Direction::kDowngrade, &r2}); }).kind(), ErrorKind::kServer);
  EXPECT_EQ(ErrorOf([&] { runner.ApplyLeavingOutFailures({Direction::kUpgrade, &r2}); }).kind(), ErrorKind::kServer);
  EXPECT_EQ(ErrorOf([&] { runner.Stamp({"r1"}); }).kind(), ErrorKind::kServer);
  EXPECT_EQ(Elsewhere().Contents(), before_);
}

}  // namespace
}  // namespace migproof
