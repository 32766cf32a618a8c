// What the local provider says when the machine can't serve it, and what it keeps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "harness/postgres/binaries.h"
#include "harness/postgres/database.h"
#include "harness/postgres/provider.h"
#include "harness/postgres/run_directory.h"
#include "harness/postgres/token.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;

// A directory of the test's own, open to every user.
class Scratch {
 public:
  Scratch() : path_(RunDirectory::ChooseBase("") + "/migproof-test-" + RandomToken(6)) { fs::create_directory(path_); }
  ~Scratch() { fs::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string operator/(const std::string& name) const { return path_ / name; }
  std::string path() const { return path_; }

 private:
  fs::path path_;
};

void WriteProgram(const std::string& path, const std::string& body) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << "#!/bin/sh\n" << body << "\n";
  fs::permissions(path, fs::perms::owner_all | fs::perms::group_all | fs::perms::others_exec | fs::perms::others_read);
}

// The Error that starting gives.
std::optional<Error> Refusal(const StartOptions& options, const std::string& argument = "") {
  try {
    Registry<Provider>::Get("local").Start(argument, options);
  } catch (const Error& e) {
    return e;
  }
  ADD_FAILURE() << "it started";
  return std::nullopt;
}

std::string MajorHere() { return std::to_string(FindBinaries("", {}, FindServerUser()).major); }

TEST(LocalProvider, SaysWhatToInstall) {
  const auto error = Refusal({}, "99");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::kServer);
  EXPECT_THAT(error->message(), HasSubstr("no PostgreSQL 99 server found in PATH"));
  EXPECT_THAT(error->message(), HasSubstr(MajorHere())) << "what there is instead";
  EXPECT_EQ(error->hint(), "migproof servers install 99, or: apt-get install postgresql-99");
  EXPECT_THAT(Registry<Provider>::Get("local").WhyUnavailable("99", {}), HasSubstr("apt-get install postgresql-99"));
}

TEST(LocalProvider, RefusesAMajorThatIsNoNumber) {
  const auto error = Refusal({}, "15x");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::kUsage);
  EXPECT_THAT(error->message(), HasSubstr("'15x'"));
}

TEST(LocalProvider, RefusesADirectoryWithoutPrograms) {
  const Scratch scratch;
  StartOptions options;
  options.binaries = scratch / "nowhere";
  const auto error = Refusal(options);
  ASSERT_TRUE(error);
  EXPECT_THAT(error->message(), HasSubstr("nowhere' does not hold the programs postgres and initdb"));
}

TEST(LocalProvider, RefusesProgramsOfAnotherMajor) {
  const Scratch scratch;
  WriteProgram(scratch / "bin/postgres", "echo 'postgres (PostgreSQL) 98.7'");
  WriteProgram(scratch / "bin/initdb", "exit 0");
  StartOptions options;
  options.binaries = scratch / "bin";
  const auto error = Refusal(options, "15");
  ASSERT_TRUE(error);
  EXPECT_THAT(error->message(), HasSubstr("holds PostgreSQL 98, not 15"));
}

TEST(LocalProvider, FindsOtherMajorsInTheCache) {
  const Scratch scratch;
  WriteProgram(scratch / "postgres/98/bin/postgres", "echo 'postgres (PostgreSQL) 98.7'");
  WriteProgram(scratch / "postgres/98/bin/initdb", "exit 0");
  StartOptions options;
  options.cache_directory = scratch.path();
  const ServerUser user = FindServerUser();
  EXPECT_EQ(FindBinaries("98", options, user).directory, scratch / "postgres/98/bin");
  EXPECT_EQ(std::to_string(FindBinaries("", options, user).major), MajorHere())
      << "what is installed here goes before the cache, whose servers are asked for by name";
}

TEST(LocalProvider, SaysThatTheServersUserCantEnter) {
  if (geteuid() != 0) GTEST_SKIP() << "only root changes the user";
  const Scratch scratch;
  WriteProgram(scratch / "closed/postgres", "echo 'postgres (PostgreSQL) 98.7'");
  WriteProgram(scratch / "closed/initdb", "exit 0");
  fs::permissions(scratch / "closed", fs::perms::owner_all);
  StartOptions options;
  options.binaries = scratch / "closed";
  const auto error = Refusal(options);
  ASSERT_TRUE(error);
  EXPECT_THAT(error->message(), HasSubstr("can't enter"));
}

TEST(LocalProvider, QuotesWhatInitdbSaid) {
  const Scratch scratch;
  WriteProgram(scratch / "bin/postgres", "echo 'postgres (PostgreSQL) 98.7'");
  WriteProgram(scratch / "bin/initdb", "echo 'initdb: error: the moon is full' >&2; exit 3");
  StartOptions options;
  options.binaries = scratch / "bin";
  options.cache_directory = scratch / "cache";
  const auto error = Refusal(options);
  ASSERT_TRUE(error);
  EXPECT_THAT(error->message(), HasSubstr("failed with exit code 3"));
  EXPECT_THAT(error->context(), Contains(HasSubstr("the moon is full")));
}

TEST(LocalProvider, QuotesTheLogOfAServerThatEnds) {
  const Scratch scratch;
  WriteProgram(
      scratch / "bin/postgres",
      "[ \"$1\" = --version ] && { echo 'postgres (PostgreSQL) 98.7'; exit 0; }; echo 'FATAL:  no tide' >&2; exit 1");
  WriteProgram(scratch / "bin/initdb", "mkdir -p \"$2\"");
  StartOptions options;
  options.binaries = scratch / "bin";
  options.cache_directory = scratch / "cache";
  options.run_directory = scratch.path();
  const auto error = Refusal(options);
  ASSERT_TRUE(error);
  EXPECT_THAT(error->message(), HasSubstr("ended while starting, exit code 1"));
  EXPECT_THAT(error->context(), Contains(HasSubstr("no tide")));
  EXPECT_FALSE(fs::exists(scratch / "cache"));
}

TEST(LocalProvider, SaysThatAServerDidNotGetReady) {
  const Scratch scratch;
  WriteProgram(scratch / "bin/postgres",
               "[ \"$1\" = --version ] && { echo 'postgres (PostgreSQL) 98.7'; exit 0; }; exec sleep 1000");
  WriteProgram(scratch / "bin/initdb", "mkdir -p \"$2\"");
  StartOptions options;
  options.binaries = scratch / "bin";
  options.cache_directory = scratch / "cache";
  options.start_timeout_ms = 200;
  const auto error = Refusal(options);
  ASSERT_TRUE(error);
  EXPECT_THAT(error->message(), HasSubstr("did not get ready within 200 ms"));
}

TEST(LocalProvider, RefusesADirectoryTooLongForSockets) {
  StartOptions options;
  options.run_directory = "/tmp/" + std::string(80, 'x');
  const auto error = Refusal(options);
  ASSERT_TRUE(error);
  EXPECT_THAT(error->message(), HasSubstr("too long"));
  EXPECT_THAT(error->hint(), HasSubstr("shorter"));
}

TEST(LocalProvider, RefusesARunDirectoryThatCantBeWritten) {
  StartOptions options;
  options.run_directory = "/proc";
  const auto error = Refusal(options);
  ASSERT_TRUE(error);
  EXPECT_THAT(error->message(), HasSubstr("can't make a directory in '/proc'"));
}

TEST(LocalProvider, SaysThatTheDiskIsFull) {
  const Scratch scratch;
  if (mount("tmpfs", scratch.path().c_str(), "tmpfs", 0, "size=4m") != 0) GTEST_SKIP() << "can't mount a tmpfs";
  StartOptions options;
  options.run_directory = scratch.path();
  const auto error = Refusal(options);
  EXPECT_TRUE(fs::is_empty(scratch.path()));
  umount(scratch.path().c_str());
  ASSERT_TRUE(error);
  EXPECT_THAT(error->Render(), HasSubstr("No space left on device"));
}

TEST(LocalProvider, RefusesACacheThatCantBeWrittenOnlyIfAskedFor) {
  StartOptions options;
  options.cache_directory = "/proc/cache";
  const auto error = Refusal(options);
  ASSERT_TRUE(error);
  EXPECT_THAT(error->message(), HasSubstr("cache directory '/proc/cache' can't be used"));
}

TEST(LocalProvider, MakesABrokenImageAgain) {
  const Scratch scratch;
  StartOptions options;
  options.cache_directory = scratch.path();
  Registry<Provider>::Get("local").Start("", options);
  const fs::path image = fs::directory_iterator(scratch.path())->path();
  const auto size = fs::file_size(image);
  fs::resize_file(image, size / 2);
  const auto server = Registry<Provider>::Get("local").Start("", options);
  EXPECT_EQ(server->Admin().Query("SELECT 1").GetInt(0, 0), 1);
  EXPECT_EQ(std::distance(fs::directory_iterator(scratch.path()), {}), 1);
  EXPECT_GT(fs::file_size(image), size / 2);
}

TEST(LocalProvider, RunsAsAnotherUserThanRootWithTheSettingsOfAThrowAway) {
  StartOptions options;
  options.durable = true;
  const auto server = Registry<Provider>::Get("local").Start("", options);
  const auto setting = [&](const std::string& name) {
    return std::string(server->Admin().Query("SELECT current_setting($1)", {name}).Get(0, 0));
  };
  EXPECT_EQ(setting("synchronous_commit"), "on");
  EXPECT_EQ(setting("fsync"), "off");
  EXPECT_EQ(setting("listen_addresses"), "");
  EXPECT_EQ(setting("TimeZone"), "UTC");
  EXPECT_EQ(setting("server_encoding"), "UTF8");
  const fs::path data = setting("data_directory");
  EXPECT_EQ(fs::status(data.parent_path()).permissions(), fs::perms::owner_all);
}

TEST(LocalProvider, BringsAKilledServerBackWithWhatWasCommitted) {
  const auto server = Registry<Provider>::Get("local").Start("", {.durable = true});
  ASSERT_TRUE(server->CanBeKilled());
  const auto database = Database::Create(*server);
  Session session(database->Conninfo());
  session.Execute("CREATE TABLE t (a int); CREATE UNLOGGED TABLE u (a int)");
  session.Execute("INSERT INTO t VALUES (1)");
  session.Execute("INSERT INTO u VALUES (1)");
  session.Execute("BEGIN; INSERT INTO t VALUES (2)");
  server->Kill();
  EXPECT_THROW(session.Execute("SELECT 1"), Error);
  Session after(database->Conninfo());
  EXPECT_EQ(after.Query("SELECT count(*) FROM t").GetInt(0, 0), 1);
  EXPECT_EQ(after.Query("SELECT count(*) FROM u").GetInt(0, 0), 0);
}

}  // namespace
}  // namespace migproof
