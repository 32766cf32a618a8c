// Bad input, as a user meets it: exit status 2, an error that quotes its subject, a hint, nothing on standard output,
// and no server: each run is pointed at server programs that are not there, which would be the error otherwise.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <functional>
#include <sstream>

#include "ci/project.h"
#include "harness/postgres/prepared_data.h"
#include "harness/postgres/run_directory.h"
#include "harness/postgres/server_process.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr uid_t kNobody = 65534;
constexpr const char* kNoServer = "--binaries=/nonexistent";

void ExpectRefusal(const ProgramRun& run, const std::vector<std::string>& said) {
  EXPECT_EQ(run.status, 2) << run;
  EXPECT_EQ(run.out, "");
  EXPECT_THAT(run.err, StartsWith("error: "));
  EXPECT_THAT(run.err, HasSubstr("\nhint: "));
  EXPECT_THAT(run.err, Not(HasSubstr("/nonexistent"))) << "a server was asked for";
  for (const std::string& text : said) EXPECT_THAT(run.err, HasSubstr(text));
}

// One bad input: what is done to a sound project, the flags beside it, and what must be said.
struct BadInput {
  std::string name;
  std::function<void(const Project&)> spoil;
  std::vector<std::string> flags;
  std::vector<std::string> said;
};

void PrintTo(const BadInput& input, std::ostream* out) { *out << input.name; }

class BadInputTest : public testing::TestWithParam<BadInput> {};

TEST_P(BadInputTest, IsRefusedBeforeAServerStarts) {
  const Project project;
  project.SoundRevision();
  if (GetParam().spoil) GetParam().spoil(project);
  std::vector<std::string> flags = GetParam().flags;
  flags.emplace_back(kNoServer);
  ExpectRefusal(project.Verify(flags), GetParam().said);
}

std::function<void(const Project&)> File(const std::string& name, const std::string& text) {
  return [=](const Project& project) { project.Write(name, text); };
}

std::function<void(const Project&)> Second(const std::string& id, const std::string& parents,
                                           const std::string& header = "") {
  return [=](const Project& project) { project.Revision(id, parents, "SELECT 1;", "", header); };
}

const std::string kHead = "-- migproof: revision r2\n-- migproof: parents r1\n";

std::vector<BadInput> Histories() {
  return {
      {"NoDirectory", nullptr, {"--path=nowhere"}, {"'nowhere'", "No such file"}},
      {"AFileForADirectory", nullptr, {"--path=migrations/r1.sql"}, {"'migrations/r1.sql'", "Not a directory"}},
      {"EmptyDirectory",
       [](const Project& p) { fs::create_directory(p.path() / "empty"); },
       {"--path=empty"},
       {"'empty' holds no revisions"}},
      {"NoRevisions", File("texts/readme.txt", "nothing here"), {"--path=texts"}, {"'texts' holds no revisions"}},
      {"Cycle",
       [](const Project& p) {
         p.Revision("r2", "r3", "SELECT 1;", "");
         p.Revision("r3", "r2", "SELECT 1;", "");
       },
       {},
       {"r2", "r3", "its own ancestor"}},
      {"MissingParent", Second("r2", "r01"), {}, {"'r2'", "'r01'", "did you mean 'r1'?"}},
      {"MissingDependency", Second("r2", "r1", "-- migproof: depends_on elsewhere"), {}, {"'r2'", "'elsewhere'"}},
      {"DuplicateKey",
       File("migrations/again.sql", "-- migproof: revision r1\n-- migproof: upgrade\n"),
       {},
       {"'r1'", "migrations/again.sql", "migrations/r1.sql"}},
      {"UnterminatedQuote",
       File("migrations/r2.sql", kHead + "-- migproof: upgrade\nSELECT 'open;\n"),
       {},
       {"migrations/r2.sql:4"}},
      {"MissingSection", File("migrations/r2.sql", kHead), {}, {"'r2'", "'upgrade'"}},
      {"NoRevisionNamed", File("migrations/r2.sql", "SELECT 1;\n"), {}, {"migrations/r2.sql"}},
      {"UnknownDirective",
       File("migrations/r2.sql", kHead + "-- migproof: idempotnt\n-- migproof: upgrade\n"),
       {},
       {"'idempotnt'", "did you mean 'idempotent'?"}},
      {"NotUtf8",
       File("migrations/r2.sql", kHead + "-- migproof: upgrade\nSELECT '\xE9';\n"),
       {},
       {"'migrations/r2.sql'", "not UTF-8", "0xe9"}},
      {"FiftyMegabytes", File("migrations/r2.sql", std::string(50 << 20, ' ')), {}, {"'migrations/r2.sql'", "32 MiB"}},
      {"Fifo",
       [](const Project& p) { ASSERT_EQ(mkfifo((p.path() / "migrations/r2.sql").c_str(), 0600), 0); },
       {},
       {"'migrations/r2.sql'", "not a regular file"}},
  };
}

std::vector<BadInput> Flags() {
  return {
      {"UnknownLaw", nullptr, {"--law=roundtrip"}, {"'roundtrip'", "did you mean 'round_trip'?"}},
      {"UnknownFormat", nullptr, {"--format=golang-migrat"}, {"'golang-migrat'", "did you mean 'golang-migrate'?"}},
      {"UnknownProvider", nullptr, {"--postgres=locl"}, {"'locl'", "did you mean 'local'?"}},
      {"UnknownReporter", nullptr, {"--report=jsn"}, {"'jsn'", "did you mean 'json'?"}},
      {"UnknownFlag", nullptr, {"--revison", "r1"}, {"'--revison'", "did you mean '--revision'?"}},
      {"UnknownRevision", nullptr, {"--revision=r2"}, {"'r2'", "did you mean 'r1'?"}},
      {"NotANumber", nullptr, {"--jobs=many"}, {"--jobs", "many"}},
      {"TwoReportsToStandardOutput", nullptr, {"--report=text", "--report=json"}, {"2 reports", "--report json="}},
      {"SinceTheNewest", nullptr, {"--since=r1"}, {"newer than 'r1'"}},
      {"ExistingWithoutUrl", nullptr, {"--postgres=existing:"}, {"'existing'"}},
      {"MajorThatIsNoNumber", nullptr, {"--postgres=local:new"}, {"'new'"}},
  };
}

std::vector<BadInput> OtherFiles() {
  return {
      {"NoExpectation", nullptr, {"--expect=nowhere.json"}, {"'nowhere.json'", "No such file"}},
      {"MalformedExpectation", File("e.json", "{"), {"--expect=e.json"}, {"'e.json'"}},
      {"ExpectationOfAnotherShape", File("e.json", R"({"verdicts": []})"), {"--expect=e.json"}, {"'e.json'"}},
      {"UnknownKeyInExpectation",
       File("e.json", R"({"expected": [{"law": "x", "revision": "", "outcom": ""}]})"),
       {"--expect=e.json"},
       {"'outcom'", "did you mean 'outcome'?"}},
      {"MalformedWaivers", File("w.json", "[]"), {"--waivers=w.json"}, {"'w.json'"}},
      {"NoConfiguration", nullptr, {"--config=nowhere.json"}, {"'nowhere.json'", "No such file"}},
      {"UnknownConfigurationKey", File("migproof.json", R"({"pth": "x"})"), {}, {"'pth'", "did you mean 'path'?"}},
      {"MalformedConfiguration", File("migproof.json", "{\n\"path\": }"), {}, {"migproof.json:2"}},
      {"DeclarationForAnUnknownRevision",
       File("migproof.json", R"({"declarations": {"r01": ["idempotent"]}})"),
       {},
       {"'r01'", "did you mean 'r1'?"}},
      {"NoModel", nullptr, {"--model=nowhere.json"}, {"'nowhere.json'", "No such file"}},
      {"MalformedModel", File("m.json", R"({"migproof_model": 1})"), {"--model=m.json"}, {"'m.json'"}},
      {"UnterminatedQuoteInModel", File("m.sql", "SELECT 'open"), {"--model=m.sql"}, {"m.sql:1"}},
      {"NoBefore", nullptr, {"--before=nowhere.sql"}, {"'nowhere.sql'", "No such file"}},
      {"UnterminatedQuoteInBefore", File("b.sql", "SELECT 'open"), {"--before=b.sql"}, {"b.sql:1"}},
  };
}

std::string BadInputName(const testing::TestParamInfo<BadInput>& instance) { return instance.param.name; }

INSTANTIATE_TEST_SUITE_P(Histories, BadInputTest, testing::ValuesIn(Histories()), BadInputName);
INSTANTIATE_TEST_SUITE_P(Flags, BadInputTest, testing::ValuesIn(Flags()), BadInputName);
INSTANTIATE_TEST_SUITE_P(OtherFiles, BadInputTest, testing::ValuesIn(OtherFiles()), BadInputName);

// Runs a copy of the program that every user may run.
TEST(BadPermissions, AreReported) {
  const Project project;
  project.SoundRevision();
  const fs::path program = project.path() / "migproof";
  fs::copy_file(MIGPROOF_PROGRAM, program);
  ProgramOptions options;
  options.program = program;
  options.user = geteuid() == 0 ? kNobody : 0;
  fs::permissions(project.path(), fs::perms(0755));
  fs::permissions(project.path() / "migrations/r1.sql", fs::perms(0));
  ExpectRefusal(project.Verify({kNoServer}, options), {"'migrations/r1.sql'", "Permission denied"});
  fs::permissions(project.path() / "migrations", fs::perms(0));
  ExpectRefusal(project.Verify({kNoServer}, options), {"'migrations'", "Permission denied"});
  fs::permissions(project.path() / "migrations", fs::perms(0755));
}

TEST(BadServer, UnreachableIsReportedWithoutThePassword) {
  const Project project;
  project.SoundRevision();
  const std::string url = "postgresql://somebody:s3cr3t@127.0.0.1:1/shop";
  ExpectRefusal(project.Verify({"--postgres", "existing:" + url}), {"'shop'", "'127.0.0.1'"});
  ExpectRefusal(project.Run({"current", "--database", url}), {"'shop'", "'127.0.0.1'"});
  for (const ProgramRun& run :
       {project.Verify({"--postgres", "existing:" + url, "--report=json"}), project.Run({"drift", url, "head"})}) {
    EXPECT_EQ(run.status, 2);
    EXPECT_THAT(run.out + run.err, Not(HasSubstr("s3cr3t")));
  }
}

// A server that lets nobody but `postgres` in without a password.
class GuardedServer {
 public:
  GuardedServer() : user_(FindServerUser()), process_(RunDirectory::ChooseBase(""), user_) {
    const Binaries binaries = FindBinaries("", {}, user_);
    PrepareData(process_, binaries, user_, {});
    std::ofstream(process_.data() + "/pg_hba.conf") << "local all postgres trust\nlocal all all scram-sha-256\n";
    process_.Start(binaries.directory, ServerSettings(binaries.major, false), 30'000);
    Session(process_.Conninfo("postgres")).Execute("CREATE ROLE guarded LOGIN SUPERUSER PASSWORD 'r1ght-w0rd'");
  }
  std::string Url(const std::string& password) const {
    return fmt::format("postgresql://guarded{}@/postgres?host={}", password.empty() ? "" : ":" + password,
                       process_.directory());
  }

 private:
  ServerUser user_;
  ServerProcess process_;
};

TEST(BadServer, WrongPasswordIsPrintedNowhere) {
  const GuardedServer server;
  const Project project;
  project.SoundRevision();
  const std::string wrong = server.Url("wr0ng-w0rd");
  for (const auto& arguments : std::vector<std::vector<std::string>>{{"verify", "--postgres", "existing:" + wrong},
                                                                     {"catalog", "--postgres", "existing:" + wrong},
                                                                     {"catalog", "--at", wrong},
                                                                     {"upgrade", "head", "--database", wrong},
                                                                     {"current", "--database", wrong}}) {
    const ProgramRun run = project.Run(arguments);
    ExpectRefusal(run, {"password authentication failed", "guarded"});
    EXPECT_THAT(run.err, Not(HasSubstr("wr0ng-w0rd"))) << arguments[0];
  }
  ProgramOptions options;
  options.environment["PGPASSWORD"] = "wr0ng-w0rd";
  const ProgramRun run = project.Verify({"--postgres", "existing:" + server.Url("")}, options);
  ExpectRefusal(run, {"password authentication failed"});
  EXPECT_THAT(run.err, Not(HasSubstr("wr0ng-w0rd")));
}

TEST(GoodServer, PasswordIsPrintedNowhere) {
  const GuardedServer server;
  const Project project;
  project.Revision("r1", "", "CREATE TABLE t (id int);", "SELECT 1;");  // a finding, and how to see it again
  const std::string right = "existing:" + server.Url("r1ght-w0rd");
  const ProgramRun run = project.Verify({"--postgres", right, "--report=text", "--report=json=report.json"});
  EXPECT_EQ(run.status, 1) << run;
  std::stringstream report;
  report << std::ifstream(project.path() / "report.json").rdbuf();
  EXPECT_THAT(report.str(), HasSubstr("reproduction"));
  EXPECT_THAT(run.out + run.err + report.str(), Not(HasSubstr("r1ght-w0rd")));
}

TEST(BadServer, NoPostgresqlSaysWhatToInstall) {
  const Project project;
  project.SoundRevision();
  ExpectRefusal(project.Verify({"--postgres=local:77"}), {"PostgreSQL 77", "apt-get install postgresql-77"});
  const ProgramRun run = project.Verify({kNoServer});
  EXPECT_EQ(run.status, 2);
  EXPECT_EQ(run.out, "");
  EXPECT_THAT(run.err, StartsWith("error: '/nonexistent'"));
  EXPECT_THAT(run.err, HasSubstr("\nhint: "));
}

TEST(BadCommand, NamesTheNearOne) {
  const Project project;
  ExpectRefusal(project.Run({"verfy"}), {"'verfy'", "did you mean 'verify'?"});
  ExpectRefusal(project.Run({}), {"migproof --help"});
  ExpectRefusal(project.Run({"list", "law"}), {"'law'", "did you mean 'laws'?"});
  ExpectRefusal(project.Run({"accept", "round_trip", "why", "--until=2099-01-01"}), {"'round_trip'"});
}

// What is no fault: a byte order mark, and lines that end as on Windows.
TEST(GoodInput, BomAndCrlfAreAccepted) {
  const Project project;
  project.Write("migrations/r1.sql",
                "\xEF\xBB\xBF-- migproof: revision r1\r\n-- migproof: upgrade\r\nCREATE TABLE t (id int);\r\n"
                "-- migproof: downgrade\r\nDROP TABLE t;\r\n");
  const ProgramRun run = project.Verify();
  EXPECT_EQ(run.status, 0) << run;
  EXPECT_THAT(run.out, HasSubstr("all 10 checks held"));
}

}  // namespace
}  // namespace migproof
