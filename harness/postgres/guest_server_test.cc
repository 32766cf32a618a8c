// What a hostile history may try by SQL alone: each attack reaches its aim on a server that trusts everybody, and is
// refused to a guest.
#include "harness/postgres/guest_server.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "ci/expect_error.h"
#include "harness/postgres/database.h"
#include "harness/postgres/run_directory.h"
#include "harness/postgres/server_user.h"
#include "harness/postgres/token.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

// A directory on this machine that the server's account may write to, with a secret in it. Attacks call it DIR.
class Host {
 public:
  Host() : path_(RunDirectory::ChooseBase("") + "/migproof-test-" + RandomToken(6)) {
    fs::create_directory(path_);
    fs::create_directory(path_ / "space");
    std::ofstream(path_ / "secret") << "the secret\n";
    const ServerUser user = FindServerUser();
    for (const char* name : {"", "space", "secret"}) {
      EXPECT_EQ(chown((path_ / name).c_str(), user.uid, user.gid), 0);
    }
  }
  ~Host() { fs::remove_all(path_); }
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  std::string Replaced(std::string sql) const {
    for (std::size_t at = 0; (at = sql.find("DIR", at)) != std::string::npos;) sql.replace(at, 3, path_.string());
    return sql;
  }
  // Whether the mark is there; it is taken away.
  bool TakeMark() const { return fs::remove(path_ / "mark"); }

 private:
  fs::path path_;
};

struct Attack {
  std::string name;
  std::vector<std::string> statements;
  bool leaves_mark = false;  // the file DIR/mark is the aim; else that no statement is refused
};

void PrintTo(const Attack& attack, std::ostream* out) { *out << attack.name; }

const std::vector<Attack> kAttacks = {
    {"CopyToProgram", {"COPY (SELECT 1) TO PROGRAM 'touch DIR/mark'"}, true},
    {"CopyFromProgram",
     {"CREATE TABLE loot (a text)", "COPY loot FROM PROGRAM 'cat DIR/secret; touch DIR/mark'"},
     true},
    {"CopyToFile", {"COPY (SELECT 1) TO 'DIR/mark'"}, true},
    {"CopyFromFile", {"CREATE TABLE loot (a text)", "COPY loot FROM 'DIR/secret'"}},
    {"ReadFile", {"SELECT pg_read_file('DIR/secret')"}},
    {"ReadBinaryFile", {"SELECT pg_read_binary_file('DIR/secret')"}},
    {"ListDirectory", {"SELECT pg_ls_dir('DIR')"}},
    {"StatFile", {"SELECT pg_stat_file('DIR/secret')"}},
    {"ReadTheServersRules", {"SELECT * FROM pg_hba_file_rules"}},
    {"ImportLargeObject", {"SELECT lo_import('DIR/secret')"}},
    {"ExportLargeObject", {"SELECT lo_from_bytea(424242, 'x')", "SELECT lo_export(424242, 'DIR/mark')"}, true},
    {"GrantItselfPrograms",
     {"GRANT pg_execute_server_program TO CURRENT_USER", "COPY (SELECT 1) TO PROGRAM 'touch DIR/mark'"},
     true},
    {"GrantItselfFiles",
     {"GRANT pg_read_server_files, pg_write_server_files TO CURRENT_USER", "COPY (SELECT 1) TO 'DIR/mark'"},
     true},
    {"BuildCopyInABlock",
     {"DO $$ BEGIN EXECUTE 'CO' || 'PY (SELECT 1) TO PRO' || 'GRAM ''touch DIR/mark'''; END $$"},
     true},
    {"BuildGrantInABlock",
     {"DO $$ BEGIN EXECUTE format('GRANT %I TO %I', 'pg_execute_' || 'server_program', current_user); "
      "EXECUTE 'COPY (SELECT 1) TO PROG' || 'RAM ''touch DIR/mark'''; END $$"},
     true},
    {"BuildAFunctionInABlock",
     {"DO $$ BEGIN EXECUTE 'CREATE FUNCTION sneak() RETURNS uuid AS ''$libdir/pgcrypto'', ''pg_random_uuid'' "
      "LANGU' || 'AGE c'; END $$"}},
    {"RunAsDefiner",
     {"CREATE FUNCTION sneak() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS "
      "$$ BEGIN EXECUTE 'COPY (SELECT 1) TO PROGRAM ''touch DIR/mark'''; END $$",
      "SELECT sneak()"},
     true},
    {"FunctionInC", {"CREATE FUNCTION sneak() RETURNS uuid AS '$libdir/pgcrypto', 'pg_random_uuid' LANGUAGE c"}},
    {"FunctionOfTheServer", {"CREATE FUNCTION sneak(text) RETURNS int AS 'textlen' LANGUAGE internal"}},
    {"Load", {"LOAD '$libdir/pgcrypto'"}},
    {"PreloadForTheSession",
     {"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET session_preload_libraries = auto_explain', "
      "current_database()); END $$"}},
    {"LibrariesFromElsewhere", {"SET dynamic_library_path = 'DIR'"}},
    {"LanguageWithAHandler", {"CREATE LANGUAGE sneak HANDLER plpgsql_call_handler"}},
    {"TrustALanguage", {"UPDATE pg_language SET lanpltrusted = true WHERE lanname = 'c'"}},
    {"PlPerlU",
     {"CREATE EXTENSION plperlu", "DO LANGUAGE plperlu $$ open(my $f, '>', 'DIR/mark'); close($f); $$"},
     true},
    {"PlPython3U", {"CREATE EXTENSION plpython3u", "DO LANGUAGE plpython3u $$ open('DIR/mark', 'w') $$"}, true},
    {"FileFdw",
     {"CREATE EXTENSION file_fdw", "CREATE SERVER files FOREIGN DATA WRAPPER file_fdw",
      "CREATE FOREIGN TABLE loot (a text) SERVER files OPTIONS (program 'touch DIR/mark; echo x')",
      "SELECT * FROM loot"},
     true},
    {"Dblink",
     {"CREATE EXTENSION dblink",
      "SELECT dblink_exec('user=postgres dbname=postgres host=' || current_setting('unix_socket_directories') || "
      "coalesce(nullif(' password=' || coalesce(current_setting('test.password', true), ''), ' password='), ''), "
      "'COPY (SELECT 1) TO PROGRAM ''touch DIR/mark''')"},
     true},
    {"PostgresFdw", {"CREATE EXTENSION postgres_fdw", "CREATE SERVER itself FOREIGN DATA WRAPPER postgres_fdw"}},
    {"Subscription",
     {"CREATE SUBSCRIPTION sneak CONNECTION 'user=postgres dbname=postgres' PUBLICATION x WITH (connect = false)",
      "ALTER SUBSCRIPTION sneak SET (slot_name = NONE)", "DROP SUBSCRIPTION sneak"}},
    {"Adminpack", {"CREATE EXTENSION adminpack", "SELECT pg_file_write('DIR/mark', 'x', false)"}, true},
    {"Tablespace", {"CREATE TABLESPACE sneak LOCATION 'DIR/space'", "DROP TABLESPACE sneak"}},
    {"AlterSystem", {"ALTER SYSTEM SET archive_command = 'touch DIR/mark'", "ALTER SYSTEM RESET archive_command"}},
    {"ReloadTheServer", {"SELECT pg_reload_conf()"}},
    {"SetRole", {"SET ROLE postgres", "COPY (SELECT 1) TO PROGRAM 'touch DIR/mark'"}, true},
    {"SetSessionAuthorization",
     {"SET SESSION AUTHORIZATION postgres", "COPY (SELECT 1) TO PROGRAM 'touch DIR/mark'"},
     true},
    {"ResetSessionAuthorization", {"RESET SESSION AUTHORIZATION", "COPY (SELECT 1) TO PROGRAM 'touch DIR/mark'"}, true},
    {"SetRoleAsASetting",
     {"SELECT set_config('role', 'postgres', false)", "COPY (SELECT 1) TO PROGRAM 'touch DIR/mark'"},
     true},
    {"MakeItselfSuperuser", {"ALTER ROLE CURRENT_USER SUPERUSER"}},
    {"MakeASuperuser", {"CREATE ROLE sneak SUPERUSER LOGIN", "DROP ROLE sneak"}},
    {"MakeAnyRole", {"CREATE ROLE sneak CREATEROLE", "DROP ROLE sneak"}},
    {"SetTheSuperusersPassword", {"ALTER ROLE postgres PASSWORD NULL"}},
    {"ReadPasswords", {"SELECT rolpassword FROM pg_authid"}},
    {"WriteToCatalogs", {"UPDATE pg_authid SET rolsuper = true WHERE rolname = current_user"}},
    {"EventTrigger",
     {"CREATE FUNCTION sneak() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$",
      "CREATE EVENT TRIGGER sneak ON ddl_command_end EXECUTE FUNCTION sneak()"}},
    {"AnothersTemplate", {"ALTER DATABASE template1 SET search_path = 'sneak'"}},
    {"AnothersSettings", {"ALTER ROLE postgres SET search_path = 'sneak'", "ALTER ROLE postgres RESET search_path"}},
    {"MakeADatabase", {"CREATE DATABASE sneak", "DROP DATABASE sneak"}},
};

class HostileSql : public testing::TestWithParam<Attack> {
 protected:
  static void SetUpTestSuite() {
    trusting_ = ParseServerSpec("local").Start({});
    StartOptions options;
    options.untrusted = true;
    guarded_ = ParseServerSpec("local").Start(options);
  }
  static void TearDownTestSuite() {
    trusting_.reset();
    guarded_.reset();
  }

  // What the server refused, or "" where the attack reached its aim.
  std::string WhyNot(const Server& server) {
    const auto database = Database::Create(server);
    const auto session = database->Connect();
    std::string refused = GetParam().leaves_mark ? "no mark was left" : "";
    try {
      for (const std::string& statement : GetParam().statements) session->Execute(host_.Replaced(statement));
    } catch (const Error& error) {
      refused = error.message();
    }
    return host_.TakeMark() ? "" : refused;
  }

  Host host_;
  static std::unique_ptr<Server> trusting_;
  static std::unique_ptr<Server> guarded_;
};

std::unique_ptr<Server> HostileSql::trusting_;
std::unique_ptr<Server> HostileSql::guarded_;

TEST_P(HostileSql, ReachesItsAimOnlyWhereItIsTrusted) {
  for (const char* language : {"plperlu", "plpython3u"}) {
    if (GetParam().statements.front() != fmt::format("CREATE EXTENSION {}", language)) continue;
    const Rows known = trusting_->Admin().Query("SELECT FROM pg_available_extensions WHERE name = $1", {language});
    if (known.empty()) GTEST_SKIP() << language << " is not installed";
  }
  EXPECT_EQ(WhyNot(*trusting_), "") << "the attack itself must work";
  EXPECT_NE(WhyNot(*guarded_), "");
}

INSTANTIATE_TEST_SUITE_P(All, HostileSql, testing::ValuesIn(kAttacks),
                         [](const auto& instance) { return instance.param.name; });

std::unique_ptr<Server> StartGuarded(StartOptions options = {}) {
  options.untrusted = true;
  return ParseServerSpec("local").Start(options);
}

TEST(GuestServer, LetsNobodyInAsTheSuperuser) {
  const auto server = StartGuarded();
  const std::string guest = server->Conninfo(Database::Create(*server)->name());
  EXPECT_EQ(guest.find("password"), std::string::npos) << "it would be in the arguments of psql";
  const std::string superuser = WithOption(guest, "user", "postgres");
  for (const char* database : {"postgres", "template1"}) {
    EXPECT_THROW(Session(WithDatabase(superuser, database)), Error) << database;
    EXPECT_THROW(Session(WithDatabase(guest, database)), Error) << database;
  }
  const auto trusting = ParseServerSpec("local").Start({});
  EXPECT_NO_THROW(Session(WithDatabase(trusting->Conninfo("postgres"), "template1")));
}

TEST(GuestServer, GivesTheGuestItsDatabases) {
  const auto server = StartGuarded();
  const auto source = Database::Create(*server);
  source->Connect()->Execute(
      "CREATE TABLE t (id int); CREATE EXTENSION pg_trgm; DROP EXTENSION pg_trgm;"
      "ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY;"
      "INSERT INTO t VALUES (1); CREATE SCHEMA s; COMMENT ON SCHEMA public IS 'ours'");
  const auto clone = Database::Clone(*server, *source);
  const auto session = clone->Connect();
  clone->CheckToken(*session);
  EXPECT_EQ(session->Query("SELECT count(*) FROM t").GetInt(0, 0), 1) << "row security hides nothing from us";
  const Rows who = session->Query("SELECT session_user, rolsuper FROM pg_roles WHERE rolname = current_user");
  EXPECT_EQ(who.Get(0, 0), kGuest);
  EXPECT_FALSE(who.GetBool(0, 1));
  session->Execute("DROP TABLE t");
}

TEST(GuestServer, MakesAllowedExtensionsBeforehand) {
  StartOptions options;
  options.extensions = {"pageinspect"};  // one that only a superuser can make
  const auto server = StartGuarded(options);
  const auto database = Database::Create(*server);
  const auto session = database->Connect();
  session->Execute("CREATE EXTENSION IF NOT EXISTS pageinspect");
  EXPECT_EQ(ErrorOf([&] { session->Execute("CREATE EXTENSION pg_buffercache"); }).sql()->sqlstate, "42501");
}

TEST(GuestServer, RefusesWhatWouldOpenIt) {
  StartOptions options;
  for (const char* extension : {"dblink", "file_fdw", "plpython3u"}) {
    options.extensions = {extension};
    const Error error = ErrorOf([&] { StartGuarded(options); });
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_THAT(error.message(), HasSubstr(extension));
  }
  options.extensions = {"no_such_extension"};
  EXPECT_THAT(ErrorOf([&] { StartGuarded(options); }).message(), HasSubstr("'no_such_extension' is not available"));
  options.extensions = {};
  options.untrusted = true;
  EXPECT_THAT(ErrorOf([&] { ParseServerSpec("existing:postgresql://localhost/").Start(options); }).message(),
              HasSubstr("a server that nobody else uses"));
}

TEST(GuestServer, ComesBackClosed) {
  StartOptions options;
  options.durable = true;
  const auto server = StartGuarded(options);
  const auto database = Database::Create(*server);
  database->Connect()->Execute("CREATE TABLE t (id int)");
  server->Kill();
  EXPECT_EQ(database->Connect()->Query("SELECT count(*) FROM t").GetInt(0, 0), 0);
  EXPECT_THROW(Session(WithOption(server->Conninfo("postgres"), "user", "postgres")), Error);
}

}  // namespace
}  // namespace migproof
