// `--untrusted`, the way a user would run it: what is more than SQL is refused before any server starts, nothing that a
// history leaves in its database runs with other rights than its own, and sound histories get the verdicts they get
// without it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ci/project.h"
#include "harness/postgres/run_directory.h"
#include "harness/postgres/token.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// A file that is not there yet, where every account may make it. Attacks call it MARK.
class Mark {
 public:
  Mark() : directory_(RunDirectory::ChooseBase("") + "/migproof-test-" + RandomToken(6)) {
    fs::create_directory(directory_);
    fs::permissions(directory_, fs::perms::all);
  }
  ~Mark() { fs::remove_all(directory_); }
  Mark(const Mark&) = delete;
  Mark& operator=(const Mark&) = delete;

  std::string In(const std::string& text) const { return Replaced(text, "MARK", directory_ / "mark"); }
  bool Take() const { return fs::remove(directory_ / "mark"); }

 private:
  fs::path directory_;
};

std::vector<std::string> Guarded(std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--untrusted", "--postgres", "local"});
  return arguments;
}

struct Attack {
  std::string name;
  std::string text;
};
void PrintTo(const Attack& attack, std::ostream* out) { *out << attack.name; }

const auto kName = [](const auto& instance) { return instance.param.name; };

// In scripts that psql runs, as those of sqitch may be.
class HostileMetaCommand : public testing::TestWithParam<Attack> {};

TEST_P(HostileMetaCommand, RunsOnlyWhereItIsTrusted) {
  const Mark mark;
  const Project project;
  project.Write("sqitch.conf", "[core]\n\tengine = pg\n");
  project.Write("sqitch.plan",
                "%syntax-version=1.0.0\n%project=p\n\none 2024-03-17T09:00:00Z Ada <ada@example.org> # One\n");
  project.Write("outside.sql", mark.In("\\! touch MARK\n"));
  project.Write("deploy/one.sql", mark.In(GetParam().text + "\n"));
  project.Write("revert/one.sql", "SELECT 1;\n");
  const std::vector<std::string> verify = {"--format", "sqitch", "--path", ".", "--law", "upgrade_succeeds"};
  project.Verify(verify);
  EXPECT_TRUE(mark.Take()) << "the attack itself must work";
  const ProgramRun run = project.Verify(Guarded(verify));
  EXPECT_FALSE(mark.Take());
  EXPECT_EQ(run.status, 2) << run;
  EXPECT_THAT(run.err, testing::ContainsRegex("untrusted")) << run;
  EXPECT_EQ(run.out, "") << "no server has started";
}

INSTANTIATE_TEST_SUITE_P(
    All, HostileMetaCommand,
    testing::Values(Attack{"Shell", "\\! touch MARK"},
                    Attack{"CopyToProgram", "\\copy (SELECT 1) TO PROGRAM 'touch MARK'"},
                    Attack{"CopyToFile", "\\copy (SELECT 1) TO 'MARK'"}, Attack{"OutputToProgram", "\\o |touch MARK"},
                    Attack{"OutputToFile", "\\o MARK"}, Attack{"QueryToProgram", "SELECT 1 \\g |touch MARK"},
                    Attack{"WriteToFile", "SELECT 1\n\\w MARK"}, Attack{"Backticks", "\\set x `touch MARK`"},
                    Attack{"Include", "\\i outside.sql"}, Attack{"IncludeRelative", "\\ir ../outside.sql"},
                    Attack{"MadeByAQuery", "SELECT 'SELECT 1' \\gexec\n\\! touch MARK"},
                    Attack{"BehindSql", "SELECT 1; \\! touch MARK"}),
    kName);

// Work that the harness does later on with what a history left in its database: it reads it, fills it with rows,
// compares it. evil.touch() reaches the host, where it has the rights.
class HostileObject : public testing::TestWithParam<Attack> {};

TEST_P(HostileObject, RunsWithNoOtherRightsThanTheHistory) {
  const Mark mark;
  const Project project;
  const std::string evil = mark.In(
      "CREATE SCHEMA evil;\n"
      "CREATE FUNCTION evil.work() RETURNS int LANGUAGE plpgsql AS $$ BEGIN\n"
      "  IF pg_catalog.current_setting('is_superuser') = 'on' THEN EXECUTE 'COPY (SELECT 1) TO PROGRAM ''touch "
      "MARK'''; END IF;\n"
      "  RETURN 1; END $$;\n"
      "CREATE FUNCTION evil.touch() RETURNS int LANGUAGE plpgsql IMMUTABLE AS "
      "$$ BEGIN RETURN evil.work(); END $$;\n");
  project.Revision("r1", "", evil + GetParam().text, "DROP SCHEMA evil CASCADE;");
  project.Revision("r2", "r1", "CREATE TABLE beside (id int PRIMARY KEY);", "DROP TABLE beside;");
  std::vector<std::string> verify = {"--no-save", "--cases", "3"};
  for (const char* law : {"upgrade_succeeds", "round_trip", "data_preservation", "determinism", "offline_agreement",
                          "concurrent_runners"}) {
    verify.insert(verify.end(), {"--law", law});
  }
  const ProgramRun trusted = project.Verify(verify);
  EXPECT_TRUE(mark.Take()) << "the attack itself must work: " << trusted;
  const ProgramRun run = project.Verify(Guarded(verify));
  EXPECT_FALSE(mark.Take()) << run;
  EXPECT_THAT(run.out, HasSubstr("as a guest")) << run;
}

INSTANTIATE_TEST_SUITE_P(
    All, HostileObject,
    testing::Values(
        Attack{"Default", "CREATE TABLE evil.t (id int PRIMARY KEY, a int DEFAULT evil.touch());"},
        Attack{"GeneratedColumn",
               "CREATE TABLE evil.t (id int PRIMARY KEY, a int GENERATED ALWAYS AS (evil.touch()) STORED);"},
        Attack{"Check", "CREATE TABLE evil.t (id int PRIMARY KEY CHECK (evil.touch() = 1));"},
        Attack{"Domain", "CREATE DOMAIN evil.d AS int CHECK (evil.touch() = 1); CREATE TABLE evil.t (id evil.d);"},
        Attack{"Index", "CREATE TABLE evil.t (id int PRIMARY KEY); CREATE INDEX ON evil.t ((id + evil.touch()));"},
        Attack{"Trigger",
               "CREATE TABLE evil.t (id int PRIMARY KEY);\n"
               "CREATE FUNCTION evil.fire() RETURNS trigger LANGUAGE plpgsql AS "
               "$$ BEGIN PERFORM evil.touch(); RETURN NEW; END $$;\n"
               "CREATE TRIGGER fire BEFORE INSERT ON evil.t FOR EACH ROW EXECUTE FUNCTION evil.fire();"},
        Attack{"RowSecurity",
               "CREATE TABLE evil.t (id int PRIMARY KEY); ALTER TABLE evil.t ENABLE ROW LEVEL SECURITY;\n"
               "CREATE POLICY p ON evil.t USING (evil.touch() = 1);\n"
               "DO $$ BEGIN PERFORM evil.touch(); END $$;"},
        Attack{"FunctionThatShadows",
               "CREATE FUNCTION evil.pg_try_advisory_lock(bigint) RETURNS boolean LANGUAGE plpgsql AS "
               "$$ BEGIN PERFORM evil.touch(); RETURN pg_catalog.pg_try_advisory_lock($1); END $$;\n"
               "CREATE FUNCTION evil.pg_advisory_lock(bigint) RETURNS void LANGUAGE plpgsql AS "
               "$$ BEGIN PERFORM evil.touch(); PERFORM pg_catalog.pg_advisory_lock($1); END $$;\n"
               "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = evil, pg_catalog, public', "
               "pg_catalog.current_database()); END $$;"},
        Attack{"OperatorThatShadows",
               "CREATE FUNCTION evil.equal(name, name) RETURNS boolean LANGUAGE plpgsql AS "
               "$$ BEGIN PERFORM evil.touch(); RETURN $1 OPERATOR(pg_catalog.=) $2; END $$;\n"
               "CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = name, FUNCTION = evil.equal);\n"
               "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = evil, pg_catalog, public', "
               "pg_catalog.current_database()); END $$;"}),
    kName);

// What our reader takes for a string is a meta-command to a psql that was told to read backslashes in strings. Only
// psql is told: it says who it is.
TEST(Untrusted, KeepsPsqlFromMetaCommandsThatTheReaderDoesNotSee) {
  const Mark mark;
  const Project project;
  project.Revision("r1", "",
                   mark.In("SELECT set_config('standard_conforming_strings', CASE WHEN "
                           "current_setting('application_name') = 'psql' THEN 'off' ELSE 'on' END, false);\n"
                           "SELECT 'a\\', '\n\\! touch MARK\n';"),
                   "SELECT 1;", "-- migproof: transaction off");
  const std::vector<std::string> verify = {"--law", "offline_agreement"};
  const ProgramRun trusted = project.Verify(verify);
  EXPECT_TRUE(mark.Take()) << "the attack itself must work: " << trusted;
  const ProgramRun run = project.Verify(Guarded(verify));
  EXPECT_FALSE(mark.Take()) << run;
  EXPECT_NE(run.status, 0) << run;
}

TEST(Untrusted, SkipsWhatNeedsASuperuser) {
  const Project project;
  project.Revision("r1", "", "CREATE ROLE somebody;", "DROP ROLE somebody;");
  EXPECT_EQ(project.Verify({"--law", "upgrade_succeeds"}).status, 0);
  const ProgramRun run = project.Verify(Guarded({"--law", "upgrade_succeeds"}));
  EXPECT_EQ(run.status, 2) << run;
  EXPECT_THAT(run.out, HasSubstr("an untrusted history may not do this: permission denied")) << run;
}

TEST(Untrusted, RefusesCode) {
  const fs::path alembic = fs::path(MIGPROOF_SOURCE_DIR) / "fixtures/systems/change_control/alembic";
  const Project project;
  project.SoundRevision();
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--format", "alembic", "--path", alembic.string()},
        std::vector<std::string>{"--model", "python:shop.models:metadata"}}) {
    const ProgramRun run = project.Verify(Guarded(arguments));
    EXPECT_EQ(run.status, 2) << run;
    EXPECT_THAT(run.err, HasSubstr("--untrusted can't be kept")) << run;
    EXPECT_THAT(run.err, HasSubstr("in a container")) << run;
  }
}

TEST(Untrusted, RefusesLinksThatLeadOut) {
  const Project project;
  project.SoundRevision();
  const fs::path outside = project.Write("outside.sql", "the secret");
  fs::create_symlink(outside, project.path() / "migrations/r2.sql");
  EXPECT_THAT(project.Verify().err, HasSubstr("r2.sql")) << "it is read";
  const ProgramRun run = project.Verify(Guarded({}));
  EXPECT_EQ(run.status, 2) << run;
  EXPECT_THAT(run.err, HasSubstr("migrations/r2.sql")) << run;
  EXPECT_THAT(run.err, HasSubstr("a symbolic link leads out")) << run;
}

TEST(Untrusted, RefusesServersOfOthersAndExtensionsThatOpenTheWall) {
  const Project project;
  project.SoundRevision();
  const ProgramRun existing = project.Verify({"--untrusted", "--postgres", "existing:postgresql://localhost/"});
  EXPECT_EQ(existing.status, 2) << existing;
  EXPECT_THAT(existing.err, HasSubstr("a server that nobody else uses"));
  const ProgramRun extension = project.Verify(Guarded({"--extension", "dblink"}));
  EXPECT_EQ(extension.status, 2) << extension;
  EXPECT_THAT(extension.err, HasSubstr("'dblink' can't be allowed"));
}

TEST(Untrusted, IsAlsoAKeyOfTheConfiguration) {
  const Project project;
  project.Revision("r1", "", "CREATE EXTENSION IF NOT EXISTS pageinspect; CREATE TABLE t (id int);", "DROP TABLE t;");
  project.Write("migproof.json", R"({"untrusted": true, "extensions": ["pageinspect"], "postgres": "local"})");
  const ProgramRun run = project.Verify({"--law", "round_trip"});
  EXPECT_EQ(run.status, 0) << run;
  EXPECT_THAT(run.out, HasSubstr("as a guest")) << run;
  const ProgramRun catalog = project.Run({"catalog", "--at", "head"});
  EXPECT_EQ(catalog.status, 0) << catalog;
  EXPECT_THAT(catalog.out, HasSubstr("\"pageinspect\"")) << catalog;
}

// Law, revision and outcome, in order.
std::vector<std::string> Verdicts(const std::string& system, const std::string& path,
                                  const std::vector<std::string>& further) {
  const fs::path root = fs::path(MIGPROOF_SOURCE_DIR) / "fixtures/systems" / system;
  std::vector<std::string> arguments = {
      "verify",   "--config", root / "migproof.json", "--path", root / path, "--no-save", "--cases", "2",
      "--report", "json"};
  for (const char* law :
       {"upgrade_succeeds", "round_trip", "idempotent_upgrade", "schema_fidelity", "data_preservation",
        "session_isolation", "determinism", "offline_agreement", "stamp_agreement"}) {
    arguments.insert(arguments.end(), {"--law", law});
  }
  arguments.insert(arguments.end(), further.begin(), further.end());
  const ProgramRun run = RunProgram(arguments);
  const auto report = nlohmann::json::parse(run.out, nullptr, false);
  std::vector<std::string> lines;
  if (report.is_discarded()) return {run.err};
  for (const auto& verdict : report.at("verdicts")) {
    lines.push_back(fmt::format("{} {} {}", verdict.at("law").get<std::string>(), verdict.value("revision", ""),
                                verdict.at("outcome").get<std::string>()));
  }
  return lines;
}

struct GuestSystem {
  std::string system;
  std::string path;
  std::vector<std::string> further;  // flags
};
void PrintTo(const GuestSystem& system, std::ostream* out) { *out << system.system << "/" << system.path; }

class SystemsAsGuests : public testing::TestWithParam<GuestSystem> {};

TEST_P(SystemsAsGuests, GetTheSameVerdicts) {
  const auto& [system, path, further] = GetParam();
  const std::vector<std::string> usual = Verdicts(system, path, {});
  EXPECT_GT(usual.size(), 8U);
  EXPECT_EQ(Verdicts(system, path, Guarded(further)), usual);
}

// Those that need nothing of a superuser but an extension: mended/ of aria and soma drop and make `vector` by
// themselves.
INSTANTIATE_TEST_SUITE_P(All, SystemsAsGuests,
                         testing::Values(GuestSystem{"change_control", "mended", {}},
                                         GuestSystem{"change_control", "history", {}},
                                         GuestSystem{"aria_engine", "mended", {}},
                                         GuestSystem{"aria_engine", "history", {}},
                                         GuestSystem{"soma", "history", {"--extension", "vector"}}),
                         [](const auto& instance) { return instance.param.system + "_" + instance.param.path; });

}  // namespace
}  // namespace migproof
