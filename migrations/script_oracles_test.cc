// The splitter against two that were written by others: psql, which cuts scripts as it sends them, and libpg_query, the
// server's own parser. Where they differ from it, the case says why.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ci/temp_directory.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/script.h"

#ifdef MIGPROOF_HAVE_PG_QUERY
#include <pg_query.h>
#endif

namespace migproof {
namespace {

namespace fs = std::filesystem;

struct SplitCase {
  std::string_view name;
  std::string_view text;
  std::string_view psql_differs = "";      // why psql cuts elsewhere; "" where it agrees
  std::string_view pg_query_differs = "";  // why libpg_query gives no verdict or another one
};

// A body with `statements`, ready to be followed by another statement.
#define BODY(statements) "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC " statements " END;\nSELECT 2;"

constexpr SplitCase kSplitCases[] = {
    {"nothing", ""},
    {"only comments", "-- a\n/* b; */\n -- c"},
    {"empty statements", ";; SELECT 1;; ; SELECT 2;;"},
    {"no last semicolon", "SELECT 1;\nSELECT 2 -- end"},
    {"several on one line", "SELECT 1; SELECT 2;SELECT 3;"},
    {"doubled quotes", "SELECT 'it''s;'; SELECT '''', ''';'; SELECT \"a;\"\"b\" FROM (SELECT 1 AS \"a;\"\"b\") s;"},
    {"standard string ending in a backslash", "SELECT 'a\\'; SELECT '\\';"},
    {"escape string", "SELECT E'\\';', e'\\\\'; SELECT E'\\\\\\'; '; SELECT E'\\x41\\u0042\\101;';"},
    {"escape string over lines", "SELECT E'a\\\n;b\\\n'; SELECT 2;"},
    {"prefixed strings", "SELECT B'01', x'1F', N'n;', U&'d\\0061;', U&'!0061' UESCAPE '!'; SELECT U&\"d;\" FROM t;"},
    {"a name that ends like a prefix", "SELECT foe'\\'; SELECT 2;"},
    {"a prefix apart from its quote", "SELECT E '\\'; SELECT u & '\\'; SELECT 2;"},
    {"string continued on the next line", "SELECT 'a;'\n  ';b'\r\n\n';c'; SELECT 2;"},
    {"string continued behind comments", "SELECT 'a;' -- ;'\n -- ;'\n ';e'; SELECT 2;", "",
     "its comments are tokens, which the server's are not"},
    {"escape string continued", "SELECT E'a'\n'b\\';SELECT 2'; SELECT 3;",
     "psql reads line by line and forgets that the first part was an E'' string; the server does not"},
    {"no continuation on the same line", "SELECT 'a' AS \"x\", 'b\\'; SELECT 2;"},
    {"dollar quotes", "SELECT $$;$$, $a$ ; $$ $b$ $a$, $_$;$_$; SELECT $a$;$b$a$; DO $do$BEGIN NULL; END$do$;"},
    {"non-ASCII tag and name", "SELECT $\xC3\xA4$;$\xC3\xA4$ AS \xC3\xA4\xC2\xA0; SELECT '\xF0\x9F\x98\x80;';"},
    {"dollars in names", "SELECT a$b$ FROM t; SELECT c$$ FROM t; SELECT _$a$ FROM t;"},
    {"parameters", "PREPARE p AS SELECT $1, $2; PREPARE q (int) AS SELECT $1+$2; SELECT 3;"},
    {"tags are case-sensitive", "SELECT $a$ ; $A$ ; $a$; SELECT 2;"},
    {"comments nest", "SELECT 1 /* /* ; */ ' ; */ + 2; SELECT /*/ ; */ 3; /***/ SELECT 4 /**/; /* ;**/"},
    {"comments end operators", "SELECT 1 +-- ;\n2; SELECT 3 */* ; */ 4; SELECT 5 - -1; SELECT 6 @-- ;\n 7;"},
    {"comment marks in quotes", "SELECT '--', '/*', \"--\", $$/*$$; SELECT 2; SELECT '*/';"},
    {"quotes in comments", "SELECT 1; -- it's\nSELECT 2; /* \" $$ ' */ SELECT 3;"},
    {"carriage return ends a line comment", "SELECT 1 -- a\r + 2; SELECT 3;"},
    {"CRLF", "-- a\r\nSELECT 1,\r\n 'b;\r\n'\r\n 'd';\r\n\r\nSELECT 2;\r\n"},
    {"byte order mark", "\xEF\xBB\xBFSELECT 1; SELECT 2;"},
    {"tabs and form feeds", "\f\tSELECT\f1\t;\f\tSELECT 2;"},
    {"rule with several actions", "CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM t; SELECT (1); ); SELECT 2;"},
    {"brackets don't hold", "SELECT (ARRAY[1,2])[1]; SELECT 2;"},
    {"typecasts and slices", "SELECT a::text, b[1:2] FROM t; SELECT c::int;"},
    {"BEGIN and END as statements", "BEGIN; SELECT 1; END; BEGIN WORK; COMMIT AND CHAIN; ABORT;"},
    {"body", BODY("SELECT 1; SELECT 2;")},
    {"empty body", BODY("")},
    {"body of empty statements", BODY("; ;")},
    {"body with CASE",
     BODY("SELECT CASE WHEN true THEN CASE 1 WHEN 1 THEN 2 END END; SELECT (CASE WHEN true THEN 1 END);")},
    {"body with quotes", BODY("SELECT 'END;'; SELECT $$; END;$$, \"END;\" /* ; END; */ FROM t; -- ; END;\n")},
    {"body in lower case over lines",
     "create procedure p()\nlanguage sql\nbegin -- c\n /* ; */ atomic\n  insert into t values ('x');\nend\n;\nselect "
     "2;"},
    {"body in a body", BODY("SELECT 1; CREATE FUNCTION g() RETURNS int BEGIN ATOMIC SELECT 1; END;")},
    {"columns called begin in a body", BODY("CREATE FUNCTION g() RETURNS int RETURN 1; SELECT begin atomic; SELECT 2;"),
     "psql takes any word BEGIN for the beginning of a body"},
    {"body with RETURN", "CREATE FUNCTION f(a int) RETURNS int RETURN a + CASE WHEN a > 1 THEN 1 END; SELECT 2;"},
    {"label END in a body", BODY("SELECT 1 AS end;"), "psql takes any word END for the end of a block"},
    {"label CASE in a body", BODY("SELECT 1 AS case;"), "psql takes any word CASE for the beginning of a block"},
    {"a routine called begin", "CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT 2;",
     "psql takes any word BEGIN for the beginning of a body"},
    {"a routine of a namespace called begin", "CREATE FUNCTION begin.f() RETURNS int LANGUAGE sql AS $$1$$; SELECT 2;",
     "psql takes any word BEGIN for the beginning of a body"},
    {"a parameter called begin", "CREATE FUNCTION f(begin int) RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT 2;"},
    {"function without a body", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$SELECT 1; SELECT 2$$; SELECT 2;"},
    {"begin atomic elsewhere", "CREATE VIEW v AS SELECT begin atomic FROM t; SELECT 2;"},
    {"psql variables", "SELECT :a, :'b;', :\"c;\", 1::int; SELECT 2;", "", "no SQL before psql replaced them"},
    {"separator within a query", "SELECT 1\\; SELECT 2; SELECT 3;",
     "psql sends what stands around its \\; as one query of several statements", "no SQL: \\; is psql's"},
    {"meta-commands",
     "\\set x 'a;b'\nSELECT 1; \\echo \"it's;\nSELECT 2 \\g /dev/null\n-- \\a\nSELECT '\\q';\n\\echo $$\n"},
    {"meta-command in a statement", "SELECT 1\n\\echo x\n+ 2; SELECT 3;",
     "psql goes on with a statement below a meta-command that doesn't send it", "no SQL: the rest of the statement"},
    {"meta-command in parentheses", "SELECT (1 \\r\nSELECT 2;\nSELECT 3;", "psql forgets the statement at \\r",
     "no SQL: the parenthesis is open"},
    {"data",
     "COPY t FROM STDIN;\nit's;\t$$\n/*\n\\.\nSELECT 1;\ncopy t (a, b) from stdin (format csv); -- "
     "c\n\"a;\n\",b\n\\.\nSELECT 2;"},
    {"no data", "COPY t FROM STDIN;\n\\.\nSELECT 1;"},
    {"data with CRLF", "COPY t FROM STDIN;\r\na\t;\r\n\\.\r\nSELECT 1;\r\n"},
    {"data of \\copy", "\\copy t from stdin\nit's;\tb\n\\.\nSELECT 1;", "psql sends a COPY of its own making"},
    {"data behind \\g", "COPY t FROM STDIN \\g\nit's;\tb\n\\.\nSELECT 1;"},
    {"COPY without data",
     "COPY t TO STDOUT; COPY (SELECT 1 FROM stdin) TO STDOUT; COPY t FROM '/nowhere/stdin'; SELECT 1;"},
};

#undef BODY

// --- Comparing -------------------------------------------------------------------------------------------------------

// Passes over white space, comments and semicolons; shares nothing with the lexer, being part of its test.
std::string_view SkipIdle(std::string_view text) {
  while (!text.empty()) {
    if (std::string_view(" \t\r\n\f\v;").find(text.front()) != std::string_view::npos) {
      text.remove_prefix(1);
    } else if (text.substr(0, 2) == "--") {
      text.remove_prefix(std::min(text.find_first_of("\r\n"), text.size()));
    } else if (text.substr(0, 2) == "/*") {
      std::size_t at = 0;
      int depth = 0;
      do {
        const std::string_view mark = text.substr(at, 2);
        depth += mark == "/*" ? 1 : mark == "*/" ? -1 : 0;
        at += mark == "/*" || mark == "*/" ? 2 : 1;
      } while (depth > 0 && at < text.size());
      text.remove_prefix(at);
    } else {
      break;
    }
  }
  return text;
}

std::string Show(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += fmt::format("\n  <<{}>>", text);
  return all;
}

// psql leaves empty lines out of what it sends.
std::string WithoutEmptyLines(std::string_view text) {
  std::string kept;
  for (const char c : text) {
    if (c != '\n' || kept.empty() || kept.back() != '\n') kept += c;
  }
  return kept;
}

bool IsSameStatement(const std::string& ours, const std::string& theirs) {
  const std::string our = WithoutEmptyLines(ours);
  const std::string their = WithoutEmptyLines(SkipIdle(theirs));
  return their.compare(0, our.size(), our) == 0 && SkipIdle(std::string_view(their).substr(our.size())).empty();
}

// "" where the other side saw the same statements, whatever comments and semicolons it counts to them.
std::string Difference(const std::vector<std::string>& ours, std::vector<std::string> theirs) {
  std::erase_if(theirs, [](const std::string& text) { return SkipIdle(text).empty(); });
  if (std::equal(ours.begin(), ours.end(), theirs.begin(), theirs.end(), IsSameStatement)) return "";
  return fmt::format("\n{} statements of ours:{}\n{} of theirs:{}", ours.size(), Show(ours), theirs.size(),
                     Show(theirs));
}

std::vector<std::string> SqlOf(const Script& script) {
  std::vector<std::string> texts;
  for (const Statement& statement : script.statements()) {
    if (statement.kind == StatementKind::kSql) texts.emplace_back(script.Text(statement));
  }
  return texts;
}

// --- Files -----------------------------------------------------------------------------------------------------------

std::string ReadWhole(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<fs::path> SqlFilesBelow(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const auto& entry : fs::recursive_directory_iterator(directory, ignored)) {
    if (entry.is_regular_file() && entry.path().extension() == ".sql") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// SQL that this machine has anyway: what initdb runs, and the scripts of extensions.
std::vector<fs::path> ServersOwnFiles() { return SqlFilesBelow("/usr/share/postgresql"); }

std::vector<fs::path> PublicHistories() {
  const char* directory = std::getenv("MIGPROOF_CORPORA");
  return directory == nullptr ? std::vector<fs::path>{} : SqlFilesBelow(directory);
}

// --- psql ------------------------------------------------------------------------------------------------------------

// False where there is no psql. What it prints goes nowhere.
bool RunPsql(const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, "psql", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return false;
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) != 127;
}

// The queries in psql's log (option -L), which frames each one by lines of asterisks, since version 16 within slashes.
std::vector<std::string> QueriesIn(const std::string& log) {
  constexpr std::pair<std::string_view, std::string_view> kFrames[] = {
      {"********* QUERY **********\n", "\n**************************\n\n"},
      {"/******** QUERY *********/\n", "\n/************************/\n\n"}};
  std::vector<std::string> queries;
  for (const auto& [open, close] : kFrames) {
    for (std::size_t at = log.find(open); at != std::string::npos; at = log.find(open, at)) {
      at += open.size();
      const std::size_t end = log.find(close, at - 1);
      if (end == std::string::npos) break;
      queries.push_back(log.substr(at, std::max(end, at) - at));
      at = end + close.size();
    }
  }
  return queries;
}

// What psql sends for each file, in one session. `before` runs ahead of each.
std::vector<std::vector<std::string>> SentByPsql(const std::vector<fs::path>& files,
                                                 const std::vector<std::string>& before) {
  const TempDirectory scratch;
  const std::string log = (scratch.path() / "log").string();
  const auto database = Database::Create(TestServer());
  std::vector<std::string> arguments = {"psql", "-X", "-q", "-L", log, "-d", database->Conninfo()};
  const std::string mark = "SELECT 'next file'";
  for (const fs::path& file : files) {
    for (const std::string& command : before) arguments.insert(arguments.end(), {"-c", command});
    arguments.insert(arguments.end(), {"-c", mark, "-f", file.string()});
  }
  std::vector<std::vector<std::string>> sent;
  if (!RunPsql(arguments)) return sent;
  for (const std::string& query : QueriesIn(ReadWhole(log))) {
    if (query == mark) {
      if (!sent.empty()) sent.back().resize(sent.back().size() - before.size());
      sent.emplace_back();
    } else if (!sent.empty()) {
      sent.back().push_back(query);
    }
  }
  return sent;
}

// Each statement fails at once: what a file does is of no interest, and COPY asks for no data. Files that end the
// transaction and go on do so in a database of ours.
const std::vector<std::string> kAllFails = {"ROLLBACK", "BEGIN", "SELECT 1/0"};

void ExpectPsqlAgrees(const std::vector<fs::path>& files) {
  const auto sent = SentByPsql(files, kAllFails);
  if (sent.empty()) GTEST_SKIP() << "there is no psql here: apt-get install postgresql-client";
  ASSERT_EQ(sent.size(), files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    const Script script = Script::Parse(ReadWhole(files[i]), {files[i].string(), 1});
    const std::string difference = Difference(SqlOf(script), sent[i]);
    EXPECT_TRUE(difference.empty()) << files[i] << difference;
  }
}

TEST(ScriptOracles, PsqlAgreesOnHardCases) {
  const TempDirectory scratch;
  std::vector<fs::path> files;
  for (const SplitCase& one : kSplitCases) {
    files.push_back(scratch.path() / fmt::format("{}.sql", files.size()));
    std::ofstream(files.back(), std::ios::binary) << one.text;
  }
  const auto sent = SentByPsql(files, {"ROLLBACK", "DROP TABLE IF EXISTS t", "CREATE TABLE t (a text, b text)"});
  if (sent.empty()) GTEST_SKIP() << "there is no psql here: apt-get install postgresql-client";
  ASSERT_EQ(sent.size(), std::size(kSplitCases));
  for (std::size_t i = 0; i < files.size(); ++i) {
    const SplitCase& one = kSplitCases[i];
    const std::string difference = Difference(SqlOf(Script::Parse(std::string(one.text), {})), sent[i]);
    EXPECT_EQ(difference.empty(), one.psql_differs.empty()) << one.name << ": " << one.psql_differs << difference;
  }
}

TEST(ScriptOracles, PsqlAgreesOnPublicHistories) {
  if (PublicHistories().empty()) GTEST_SKIP() << "MIGPROOF_CORPORA names no directory with public histories";
  ExpectPsqlAgrees(PublicHistories());
}

// --- libpg_query -----------------------------------------------------------------------------------------------------

#ifdef MIGPROOF_HAVE_PG_QUERY

// The script with meta-commands and the data of COPY blanked out: the server's grammar has neither.
std::string WithoutPsqlParts(const Script& script) {
  std::string text = script.text();
  for (const Statement& statement : script.statements()) {
    if (statement.kind == StatementKind::kSql) continue;
    std::size_t end = statement.end;
    if (statement.kind == StatementKind::kCopyData) end += std::string_view("\\.").size();
    std::fill(text.begin() + static_cast<std::ptrdiff_t>(statement.begin),
              text.begin() + static_cast<std::ptrdiff_t>(end), ' ');
    if (statement.kind == StatementKind::kMetaCommand) text[statement.begin] = ';';
  }
  return text;
}

// Nothing where the text is no SQL for libpg_query's version: that is no verdict.
std::optional<std::vector<std::string>> SplitByPgQuery(const std::string& text) {
  PgQuerySplitResult result = pg_query_split_with_parser(text.c_str());
  std::optional<std::vector<std::string>> texts;
  if (result.error == nullptr) {
    texts.emplace();
    for (int i = 0; i < result.n_stmts; ++i) {
      const PgQuerySplitStmt& one = *result.stmts[i];
      texts->push_back(
          text.substr(static_cast<std::size_t>(one.stmt_location), static_cast<std::size_t>(one.stmt_len)));
    }
  }
  pg_query_free_split_result(result);
  return texts;
}

TEST(ScriptOracles, PgQueryAgreesOnHardCases) {
  for (const SplitCase& one : kSplitCases) {
    const Script script = Script::Parse(std::string(one.text), {});
    const auto theirs = SplitByPgQuery(WithoutPsqlParts(script));
    const std::string difference = theirs ? Difference(SqlOf(script), *theirs) : "it does not parse";
    EXPECT_EQ(difference.empty(), one.pg_query_differs.empty())
        << one.name << ": " << one.pg_query_differs << difference;
  }
}

TEST(ScriptOracles, PgQueryRefusesWhatDoesNotEnd) {
  for (const char* text : {"SELECT 'a;", "SELECT E'\\'", "SELECT 'a'\n'b", "SELECT \"a\"\"", "SELECT $a$ $$ $A$",
                           "SELECT 1 /* /* */", "SELECT 1; /*/", "SELECT U&'", "SELECT $$ $ $a$"}) {
    EXPECT_THROW(Script::Parse(text, {}), Error) << text;
    EXPECT_FALSE(SplitByPgQuery(text)) << text;
  }
}

void ExpectPgQueryAgrees(const std::vector<fs::path>& files) {
  std::size_t compared = 0;
  for (const fs::path& file : files) {
    const Script script = Script::Parse(ReadWhole(file), {file.string(), 1});
    const auto theirs = SplitByPgQuery(WithoutPsqlParts(script));
    if (!theirs) continue;
    ++compared;
    const std::string difference = Difference(SqlOf(script), *theirs);
    EXPECT_TRUE(difference.empty()) << file << difference;
  }
  EXPECT_GE(compared * 100, files.size() * 95) << compared << " of " << files.size() << " files could be compared";
}

TEST(ScriptOracles, PgQueryAgreesOnPublicHistories) {
  if (PublicHistories().empty()) GTEST_SKIP() << "MIGPROOF_CORPORA names no directory with public histories";
  ExpectPgQueryAgrees(PublicHistories());
}

TEST(ScriptOracles, PgQueryAgreesOnTheServersOwnFiles) {
  if (ServersOwnFiles().empty()) GTEST_SKIP() << "no SQL below /usr/share/postgresql";
  ExpectPgQueryAgrees(ServersOwnFiles());
}

#endif

}  // namespace
}  // namespace migproof
