// What the existing provider may do to a server that is not ours, and what it says when it may not.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <optional>

#include "harness/postgres/binaries.h"
#include "harness/postgres/database.h"
#include "harness/postgres/owned_databases.h"
#include "harness/postgres/prepared_data.h"
#include "harness/postgres/run_directory.h"
#include "harness/postgres/server_process.h"
#include "harness/postgres/test_server.h"
#include "harness/postgres/token.h"

namespace migproof {
namespace {

using testing::HasSubstr;
using testing::Not;

// A role of the shared server, gone at the end.
class Role {
 public:
  explicit Role(const std::string& attributes) : name_("role_" + RandomToken(8)) {
    TestServer().Admin().Execute(fmt::format("CREATE ROLE {} LOGIN {}", name_, attributes));
  }
  ~Role() { TestServer().Admin().Execute("DROP ROLE " + name_); }
  Role(const Role&) = delete;
  Role& operator=(const Role&) = delete;
  std::string Url() const { return TestServer().Conninfo("postgres") + " user=" + name_; }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

std::optional<Error> Refusal(const std::string& url) {
  try {
    Registry<Provider>::Get("existing").Start(url, {});
  } catch (const Error& e) {
    return e;
  }
  ADD_FAILURE() << "it started";
  return std::nullopt;
}

TEST(ExistingProvider, NeedsAUrl) {
  const auto error = Refusal("");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::kUsage);
  EXPECT_THAT(error->hint(), HasSubstr("existing:postgresql://"));
}

TEST(ExistingProvider, NeedsARoleThatMayCreateDatabases) {
  const Role role("");
  const auto error = Refusal(role.Url());
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message(), fmt::format("role '{}' may not create databases", role.name()));
  EXPECT_THAT(error->hint(), HasSubstr("CREATEDB"));
  EXPECT_THAT(Registry<Provider>::Get("existing").WhyUnavailable(role.Url(), {}), HasSubstr("CREATEDB"));
}

TEST(ExistingProvider, NeedsNoSuperuser) {
  const Role role("CREATEDB");
  const auto server = Registry<Provider>::Get("existing").Start(role.Url(), {});
  const auto source = Database::Create(*server);
  source->Connect()->Execute("CREATE TABLE t (id int)");
  const auto clone = Database::Clone(*server, *source);
  const auto session = clone->Connect();
  clone->CheckToken(*session);
  EXPECT_EQ(session->Query("SELECT count(*) FROM t").GetInt(0, 0), 0);
}

TEST(ExistingProvider, TouchesNoDatabaseButItsOwn) {
  const std::string url = TestServer().Conninfo("postgres");
  const auto server = Registry<Provider>::Get("existing").Start(url, {});
  try {
    server->Conninfo("production");
    FAIL() << "it gave a connection to a database that is not ours";
  } catch (const Error& e) {
    EXPECT_EQ(e.kind(), ErrorKind::kUsage);
    EXPECT_THAT(e.hint(), HasSubstr("--allow-existing"));
  }
  StartOptions options;
  options.allow_existing = true;
  EXPECT_THAT(Registry<Provider>::Get("existing").Start(url, options)->Conninfo("production"), HasSubstr("production"));
}

TEST(ExistingProvider, SweepsOnlyWhatItsPrefixAndADeadOwnerMark) {
  Session& admin = TestServer().Admin();
  const std::string orphan = "migproof_" + RandomToken(12) + "_" + RandomToken(16);
  const std::string alike = "migproof_" + RandomToken(12) + "_mine";
  const std::string kept = "migproof_" + RandomToken(12) + "_" + RandomToken(16);
  for (const std::string& name : {orphan, alike, kept}) admin.Execute("CREATE DATABASE " + name);
  admin.Execute(fmt::format("COMMENT ON DATABASE {} IS 'migproof kept x'", kept));
  Registry<Provider>::Get("existing").Start(TestServer().Conninfo("postgres"), {});
  const auto exists = [&](const std::string& name) {
    return !admin.Query("SELECT FROM pg_database WHERE datname = $1", {name}).empty();
  };
  EXPECT_FALSE(exists(orphan));
  EXPECT_TRUE(exists(alike));
  EXPECT_TRUE(exists(kept));
  for (const std::string& name : {alike, kept}) admin.Execute("DROP DATABASE " + name);
}

TEST(ExistingProvider, LeavesNoRoleOfAWorkerThatWasKilled) {
  Session& admin = TestServer().Admin();
  const auto exists = [&] { return !admin.Query("SELECT FROM pg_roles WHERE rolname = $1", {kOtherOwner}).empty(); };
  {
    const auto server = Registry<Provider>::Get("existing").Start(TestServer().Conninfo("postgres"), {});
    server->Admin().Execute(fmt::format("CREATE ROLE {}", kOtherOwner));
    ASSERT_TRUE(exists());
  }
  EXPECT_FALSE(exists());
}

TEST(ExistingProvider, LeavesKeptDatabases) {
  std::string name;
  {
    const auto server = Registry<Provider>::Get("existing").Start(TestServer().Conninfo("postgres"), {});
    const auto database = Database::Create(*server);
    name = database->name();
    database->Keep();
  }
  Session& admin = TestServer().Admin();
  EXPECT_FALSE(admin.Query("SELECT FROM pg_database WHERE datname = $1", {name}).empty());
  admin.Execute("DROP DATABASE " + name);
}

TEST(ExistingProvider, UnreachableServerIsAServerErrorWithoutThePassword) {
  const auto error = Refusal("postgresql://someone:s3cret@localhost:1/postgres");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::kServer);
  EXPECT_THAT(error->Render(), HasSubstr("localhost"));
  EXPECT_THAT(error->Render(), Not(HasSubstr("s3cret")));
}

TEST(ExistingProvider, WrongPasswordIsNotPrinted) {
  const ServerUser user = FindServerUser();
  const Binaries binaries = FindBinaries("", {}, user);
  ServerProcess process(RunDirectory::ChooseBase(""), user);
  PrepareData(process, binaries, user, {});
  std::ofstream(process.data() + "/pg_hba.conf") << "local all postgres trust\nlocal all all scram-sha-256\n";
  process.Start(binaries.directory, ServerSettings(false, binaries.major), 10'000);
  Session(process.Conninfo("postgres")).Execute("CREATE ROLE guarded LOGIN CREATEDB PASSWORD 'right'");
  const std::string url = process.Conninfo("postgres") + " user=guarded password=";
  const auto error = Refusal(url + "s3cret");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::kServer);
  EXPECT_THAT(error->Render(), HasSubstr("guarded"));
  EXPECT_THAT(error->Render(), Not(HasSubstr("s3cret")));
  const auto server = Registry<Provider>::Get("existing").Start(url + "right", {});
  EXPECT_THAT(server->Description(), Not(HasSubstr("right")));
  EXPECT_NO_THROW(Database::Create(*server));
}

}  // namespace
}  // namespace migproof
