// Who else on this machine can get at a server of ours, or read its passwords.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

#include "harness/postgres/database.h"
#include "harness/postgres/provider.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Names = std::set<std::string>;

std::string Contents(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// "socket:[123]" of each open socket.
Names SocketsOf(pid_t pid) {
  Names sockets;
  for (const fs::directory_entry& entry : fs::directory_iterator(fmt::format("/proc/{}/fd", pid))) {
    std::error_code failed;
    const std::string target = fs::read_symlink(entry.path(), failed);
    if (target.rfind("socket:", 0) == 0) sockets.insert(target);
  }
  return sockets;
}

// The addresses, as the kernel writes them (hexadecimal, ADDRESS:PORT), on which a process listens by TCP. proc(5).
Names ListensOn(pid_t pid) {
  const Names sockets = SocketsOf(pid);
  Names addresses;
  for (const char* table : {"tcp", "tcp6"}) {
    std::istringstream lines(Contents(fmt::format("/proc/{}/net/{}", pid, table)));
    std::string line;
    std::getline(lines, line);  // the heading
    while (std::getline(lines, line)) {
      std::istringstream words(line);
      std::string number;
      std::string local;
      std::string remote;
      std::string state;
      words >> number >> local >> remote >> state;
      std::string word;
      for (int i = 0; i < 6; ++i) words >> word;
      if (state == "0A" && sockets.contains(fmt::format("socket:[{}]", word))) addresses.insert(local);
    }
  }
  return addresses;
}

// The process that all backends of a server are children of.
pid_t PostmasterOf(const Server& server) {
  const auto backend = server.Admin().Query("SELECT pg_catalog.pg_backend_pid()").GetInt(0, 0);
  std::istringstream stat(Contents(fmt::format("/proc/{}/stat", backend)));
  std::string word;
  pid_t parent = 0;
  stat >> word >> word >> word >> parent;
  return parent;
}

// All command lines of this machine's processes.
std::string WhatProcessesShow() {
  std::string shown;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    if (entry.path().filename().string().find_first_not_of("0123456789") != std::string::npos) continue;
    shown += Contents(entry.path() / "cmdline") + '\n';
  }
  return shown;
}

std::string ValueOf(const std::string& conninfo, const std::string& key) {
  const std::size_t at = (" " + conninfo).find(" " + key + "='");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + key.size() + 2;
  return conninfo.substr(begin, conninfo.find('\'', begin) - begin);
}

class Privacy : public testing::TestWithParam<bool> {
 protected:
  static std::unique_ptr<Server> Start() {
    StartOptions options;
    options.untrusted = GetParam();
    return ParseServerSpec("local").Start(options);
  }
};

TEST_P(Privacy, NobodyReachesItByNetwork) {
  const auto server = Start();
  const pid_t postmaster = PostmasterOf(*server);
  EXPECT_FALSE(SocketsOf(postmaster).empty()) << "it listens by a socket";
  EXPECT_THAT(ListensOn(postmaster), IsEmpty());
}

TEST_P(Privacy, ItsSocketIsInAPrivateDirectory) {
  const auto server = Start();
  const std::string directory = ValueOf(WithoutPassword(server->Conninfo("postgres")), "host");
  struct stat info {};
  ASSERT_EQ(stat(directory.c_str(), &info), 0) << directory;
  EXPECT_EQ(info.st_mode & 0777U, 0700U) << directory;
  ASSERT_EQ(stat((directory + "/.s.PGSQL.5432").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0700U);
}

INSTANTIATE_TEST_SUITE_P(All, Privacy, testing::Bool(),
                         [](const auto& instance) { return instance.param ? "Guest" : "Superuser"; });

TEST(Privacy, SeesWhoListens) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  EXPECT_EQ(ListensOn(getpid()).size(), 1U);
  close(listener);
}

TEST(Privacy, ThePasswordIsInNoDescriptionAndNoProcessList) {
  StartOptions options;
  options.superuser_password = "0b5cu2e-" + std::to_string(getpid());
  const auto server = ParseServerSpec("local").Start(options);
  const auto database = Database::Create(*server);
  EXPECT_THAT(server->Conninfo("postgres"), HasSubstr(options.superuser_password));
  EXPECT_THAT(server->Description(), Not(HasSubstr(options.superuser_password)));
  EXPECT_THAT(WithoutPassword(server->Conninfo("postgres")), Not(HasSubstr(options.superuser_password)));
  EXPECT_THAT(WhatProcessesShow(), Not(HasSubstr(options.superuser_password)));
  EXPECT_THAT(WhatProcessesShow(), HasSubstr(ValueOf(WithoutPassword(server->Conninfo("postgres")), "host")))
      << "the server's own is among them";
  try {
    const Session session(WithOption(server->Conninfo("nowhere"), "connect_timeout", "5"));
    ADD_FAILURE() << "there is no such database";
  } catch (const Error& error) {
    EXPECT_THAT(error.Render(), Not(HasSubstr(options.superuser_password)));
  }
}

}  // namespace
}  // namespace migproof
