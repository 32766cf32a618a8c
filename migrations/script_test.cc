#include "migrations/script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> Texts(const Script& script) {
  std::vector<std::string> texts;
  for (const Statement& statement : script.statements()) texts.emplace_back(script.Text(statement));
  return texts;
}

std::vector<std::string> Split(std::string text) { return Texts(Script::Parse(std::move(text), {"a.sql", 1})); }

std::vector<StatementKind> Kinds(const std::string& text) {
  std::vector<StatementKind> kinds;
  const Script script = Script::Parse(text, {"a.sql", 1});
  for (const Statement& statement : script.statements()) kinds.push_back(statement.kind);
  return kinds;
}

Error Refusal(const std::string& text, int first_line = 1) {
  try {
    Script::Parse(text, {"a.sql", first_line});
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "accepted: " << text;
  return Error(ErrorKind::kInternal, "accepted");
}

TEST(Script, CutsAtSemicolonsAndLeavesCommentsAroundOut) {
  EXPECT_THAT(Split("-- one\nSELECT 1; /* two */ SELECT /* in */ 2 -- end\n ; SELECT 3 /* ; */ -- ;"),
              ElementsAre("SELECT 1", "SELECT /* in */ 2", "SELECT 3"));
}

TEST(Script, SkipsWhatDoesNothing) {
  EXPECT_THAT(Split(""), IsEmpty());
  EXPECT_THAT(Split(" \t\r\n\f-- c\n/* c */;;\n ; "), IsEmpty());
  EXPECT_THAT(Split(";;SELECT 1;;SELECT 2;;"), ElementsAre("SELECT 1", "SELECT 2"));
  EXPECT_THAT(Split("SELECT 1\\;\\; SELECT 2"), ElementsAre("SELECT 1", "SELECT 2"));
}

TEST(Script, KeepsQuotesTogether) {
  for (const char* text : {
           "SELECT 'a;b'",
           "SELECT 'it''s;'",
           "SELECT ';\n;'",
           "SELECT '\\', ''';'",
           R"(SELECT E'\';')",
           R"(SELECT E'a''\';')",
           R"(SELECT e'\\\';')",
           "SELECT U&'d\\0061;'",
           "SELECT u&\"d;\" UESCAPE '!'",
           "SELECT B'0;', x'1;', N'n;'",
           "SELECT \"a;b\", \"c\"\"; d\"",
           "SELECT 'a' -- ;\n';'",
           "SELECT E'a' -- b\n\n  -- ' c\n '\\';'",
           "SELECT $$;$$",
           "SELECT $a$ ; $$ ; $b$ ; $a$",
           "SELECT $_1$;$_1$",
           "SELECT $\xC3\xA4$;$\xC3\xA4$",
           "SELECT $a$;$b$a$",
           "SELECT 1$$;$$",
           "SELECT $1$$;$$",
           "SELECT 1.5e10$$;$$",
           "SELECT 0x1F$a$;$a$",
           "SELECT a.\"b;\".c",
           "SELECT :'v;', :\"w;\", x::text",
           "DO $$BEGIN ; END$$",
       }) {
    EXPECT_THAT(Split(std::string(text) + ";SELECT 2"), ElementsAre(text, "SELECT 2"));
  }
}

TEST(Script, TakesNoQuoteForOneThatIsNone) {
  EXPECT_THAT(Split("SELECT a$b$;SELECT c$b$"), ElementsAre("SELECT a$b$", "SELECT c$b$"));
  EXPECT_THAT(Split("SELECT _$$;SELECT $1;SELECT $2$"), ElementsAre("SELECT _$$", "SELECT $1", "SELECT $2$"));
  EXPECT_THAT(Split("SELECT $a;SELECT $a"), ElementsAre("SELECT $a", "SELECT $a"));
  EXPECT_THAT(Split("SELECT $1a$;SELECT $1a$"), ElementsAre("SELECT $1a$", "SELECT $1a$"));
  EXPECT_THAT(Split("SELECT fee'\\';SELECT ''"), ElementsAre("SELECT fee'\\'", "SELECT ''"));
  EXPECT_THAT(Split("SELECT 'a\\';SELECT E 'b\\';"), ElementsAre("SELECT 'a\\'", "SELECT E 'b\\'"));
  EXPECT_THAT(Split("SELECT E'a' 'b\\';SELECT ''"), ElementsAre("SELECT E'a' 'b\\'", "SELECT ''"));
  EXPECT_THAT(Split("SELECT E'a' /*\n*/ 'b\\';SELECT ''"), ElementsAre("SELECT E'a' /*\n*/ 'b\\'", "SELECT ''"));
}

TEST(Script, ReadsComments) {
  EXPECT_THAT(Split("SELECT 1 /* /* ; */ ' ; */ + 2; SELECT 3"),
              ElementsAre("SELECT 1 /* /* ; */ ' ; */ + 2", "SELECT 3"));
  EXPECT_THAT(Split("SELECT 1 /*/ ; */; /***/ SELECT 2 /**/; SELECT 3 /*;**/"),
              ElementsAre("SELECT 1", "SELECT 2", "SELECT 3"));
  EXPECT_THAT(Split("SELECT 1 +-- ;'\n2; SELECT 3 */* ;' */ 4"),
              ElementsAre("SELECT 1 +-- ;'\n2", "SELECT 3 */* ;' */ 4"));
  EXPECT_THAT(Split("SELECT 5 - -1; SELECT 1 -- a\r;SELECT 2"), ElementsAre("SELECT 5 - -1", "SELECT 1", "SELECT 2"));
  EXPECT_THAT(Split("SELECT '--'; SELECT '/*'; SELECT $$--$$; SELECT \"/*\""),
              ElementsAre("SELECT '--'", "SELECT '/*'", "SELECT $$--$$", "SELECT \"/*\""));
}

TEST(Script, DoesNotCutInsideParentheses) {
  EXPECT_THAT(
      Split("CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; (SELECT 1); SELECT ')');SELECT 2"),
      ElementsAre("CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM a; (SELECT 1); SELECT ')')", "SELECT 2"));
  EXPECT_THAT(Split("SELECT 1);SELECT (2);"), ElementsAre("SELECT 1)", "SELECT (2)"));
  EXPECT_THAT(Split("SELECT a[1;2]"), ElementsAre("SELECT a[1", "2]"));
}

TEST(Script, KeepsRoutineBodiesTogether) {
  for (const char* text : {
           "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END",
           "create or replace procedure p() begin /* c */ atomic\nend",
           "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC; END",
           "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC\n"
           "SELECT CASE WHEN a > 1 THEN CASE a WHEN 2 THEN 3 END ELSE 4 END; SELECT (CASE WHEN true THEN 1 END); END",
           "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS end; SELECT 1 AS \"case\"; SELECT t.end FROM t; "
           "END",
           "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS begin; SELECT 1 case; END",
           "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 'END;'; SELECT $$;END$$ /* ;END */; END COST 3",
           "CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS 'SELECT 1'",
           "CREATE FUNCTION f(begin int) RETURNS begin LANGUAGE sql RETURN begin + 1",
           "CREATE FUNCTION begin.atomic() RETURNS int LANGUAGE sql AS 'SELECT 1'",
           "CREATE FUNCTION f(a int DEFAULT CASE WHEN true THEN 1 END) RETURNS int BEGIN ATOMIC SELECT 1; END",
       }) {
    EXPECT_THAT(Split(std::string(text) + ";SELECT 2"), ElementsAre(text, "SELECT 2"));
  }
}

TEST(Script, KnowsBodiesOnlyInRoutines) {
  EXPECT_THAT(Split("BEGIN; SELECT 1; END; BEGIN ATOMIC; SELECT 2"),
              ElementsAre("BEGIN", "SELECT 1", "END", "BEGIN ATOMIC", "SELECT 2"));
  EXPECT_THAT(Split("CREATE VIEW v AS SELECT begin atomic; SELECT 2"),
              ElementsAre("CREATE VIEW v AS SELECT begin atomic", "SELECT 2"));
  EXPECT_THAT(Split("CREATE TABLE function (a int); CREATE FUNCTION \"begin\" atomic; SELECT 2"),
              ElementsAre("CREATE TABLE function (a int)", "CREATE FUNCTION \"begin\" atomic", "SELECT 2"));
}

TEST(Script, KeepsMetaCommandsApart) {
  const std::string text =
      "\\set x 'a;b'\r\nSELECT 1;  \\echo \"it's; \n SELECT 2 \\gset  \n-- \\a\n'\\b' SELECT 3 /* \\c */;\\q";
  EXPECT_THAT(Split(text), ElementsAre("\\set x 'a;b'", "SELECT 1", "\\echo \"it's;", "SELECT 2", "\\gset",
                                       "'\\b' SELECT 3", "\\q"));
  using enum StatementKind;
  EXPECT_THAT(Kinds(text), ElementsAre(kMetaCommand, kSql, kMetaCommand, kSql, kMetaCommand, kSql, kMetaCommand));
  EXPECT_THAT(Split("\\"), ElementsAre("\\"));
}

TEST(Script, KeepsCopyDataApart) {
  const std::string text =
      "COPY t (a, b) FROM STDIN WITH (FORMAT csv); -- the rows\n"
      "it's;\n\\.x\n \\.\n\n\\.\r\n"
      "copy public.u from stdin where a is distinct from 'x' ;\r\n"
      "\\.\n"
      "COPY t FROM STDOUT\\g\n1\n\\.\n"
      "\\copy t (a) from stdin\n2\n\\.";
  EXPECT_THAT(Split(text), ElementsAre("COPY t (a, b) FROM STDIN WITH (FORMAT csv)", "it's;\n\\.x\n \\.\n\n",
                                       "copy public.u from stdin where a is distinct from 'x'", "",
                                       "COPY t FROM STDOUT", "\\g", "1\n", "\\copy t (a) from stdin", "2\n"));
  using enum StatementKind;
  EXPECT_THAT(Kinds(text),
              ElementsAre(kSql, kCopyData, kSql, kCopyData, kSql, kMetaCommand, kCopyData, kMetaCommand, kCopyData));
}

TEST(Script, ReadsDataOnlyWhereTheServerAsksForThem) {
  for (const char* text : {
           "COPY t FROM '/tmp/stdin'",
           "COPY t FROM PROGRAM 'stdin'",
           "COPY t TO STDOUT",
           "COPY (SELECT 1 FROM stdin) TO STDOUT",
           "SELECT 1 FROM stdin",
           "INSERT INTO copy SELECT * FROM stdin",
           "COPY t TO STDIN",
           "COPY \"from\" TO stdin",
           "\"copy\" t FROM STDIN",
       }) {
    EXPECT_THAT(Split(std::string(text) + ";SELECT 2"), ElementsAre(text, "SELECT 2"));
  }
  EXPECT_THAT(Split("\\copy t from pstdin\nSELECT 1;\\copy (select 1 from stdin) to x\nSELECT 2"),
              ElementsAre("\\copy t from pstdin", "SELECT 1", "\\copy (select 1 from stdin) to x", "SELECT 2"));
}

TEST(Script, CountsLinesOfTheFile) {
  const std::string text = "\xEF\xBB\xBF-- c\r\n\r\nSELECT\r\n 1;SELECT 2;\r\n\r\nSELECT\n3";
  const Script script = Script::Parse(text, {"a.sql", 10});
  EXPECT_EQ(script.text(), text.substr(3));
  ASSERT_THAT(Texts(script), ElementsAre("SELECT\r\n 1", "SELECT 2", "SELECT\n3"));
  EXPECT_EQ(script.statements()[0].line, 12);
  EXPECT_EQ(script.statements()[1].line, 13);
  EXPECT_EQ(script.statements()[2].line, 15);
  for (std::size_t offset = 0; offset <= script.text().size(); ++offset) {
    const std::string before = script.text().substr(0, offset);
    const int line = 10 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
    EXPECT_EQ(script.At(offset), (SourceLocation{"a.sql", line})) << offset;
  }
  EXPECT_EQ(script.At(1'000'000).line, 16);
}

TEST(Script, TakesLineZeroForTheFirst) {
  const Script script = Script::Parse("\nSELECT 1", {"a.sql", 0});
  EXPECT_EQ(script.first_line(), 1);
  EXPECT_EQ(script.statements().at(0).line, 2);
  EXPECT_EQ(script.At(0).line, 1);
  EXPECT_EQ(Script().At(0).line, 1);
}

TEST(Script, RefusesWhatDoesNotEnd) {
  const struct {
    const char* text;
    int line;
    const char* message;
    const char* hint;
  } cases[] = {
      {"SELECT 1;\nSELECT 'a;\n", 2, "unterminated string", "single quote"},
      {"SELECT 'a'\n'b\n", 2, "unterminated string", "single quote"},
      {"SELECT\nE'a\\'", 2, "unterminated string", "single quote"},
      {"SELECT E'a\\", 1, "unterminated string", "single quote"},
      {"SELECT U&'", 1, "unterminated string", "single quote"},
      {"\n\nSELECT \"a;\"\"", 3, "unterminated quoted name", "double quote"},
      {"SELECT\n$a_1$ $$ $b$", 2, "unterminated dollar quote", "'$a_1$'"},
      {"SELECT $$ $a$", 1, "unterminated dollar quote", "'$$'"},
      {"SELECT 1;\n\n/* a\n/* b */\n", 3, "unterminated comment", "'*/'"},
      {"/*/", 1, "unterminated comment", "'*/'"},
      {"SELECT 1;\n /* c */COPY t\nFROM STDIN;\n1\n\\.x\n", 2, "COPY ... FROM STDIN whose data do not end", "'\\.'"},
      {"COPY t FROM STDIN", 1, "COPY ... FROM STDIN whose data do not end", "'\\.'"},
      {"COPY t FROM STDIN;", 1, "COPY ... FROM STDIN whose data do not end", "'\\.'"},
      {"\n\\copy t FROM STDIN\n1", 2, "COPY ... FROM STDIN whose data do not end", "'\\.'"},
      {"COPY t\nFROM STDIN; SELECT 1;\n\\.\n", 2, "text behind COPY ... FROM STDIN", "a line of its own"},
      {"SELECT 1;\nSELECT \xFF;", 2, "not UTF-8: byte 0xFF", "UTF-8"},
  };
  for (const auto& one : cases) {
    const Error error = Refusal(one.text, 101);
    EXPECT_EQ(error.kind(), ErrorKind::kHistory) << one.text;
    EXPECT_EQ(error.where(), (SourceLocation{"a.sql", 100 + one.line})) << one.text;
    EXPECT_THAT(error.message(), HasSubstr(one.message));
    EXPECT_THAT(error.hint(), HasSubstr(one.hint));
  }
}

TEST(Script, RefusesZeroBytes) {
  const Error error = Refusal(std::string("SELECT 1;\n\0", 11));
  EXPECT_EQ(error.where().line, 2);
  EXPECT_THAT(error.message(), HasSubstr("zero byte"));
}

// Processor time for parsing `piece` again and again up to `bytes`, the best of some rounds.
std::clock_t Cost(const std::string& piece, std::size_t bytes, int rounds) {
  std::string text;
  while (text.size() < bytes) text += piece;
  std::clock_t best = 0;
  for (int round = 0; round < rounds; ++round) {
    const std::clock_t start = std::clock();
    try {
      Script::Parse(text, {"a.sql", 1});
    } catch (const Error&) {
    }
    const std::clock_t cost = std::clock() - start;
    best = round == 0 ? cost : std::min(best, cost);
  }
  return best;
}

// Sixteen times the text costs about sixteen times as much; it would be 256 times if each byte's cost grew with the
// text.
TEST(Script, CostsInProportionToTheText) {
  for (const char* piece :
       {"SELECT 'x;y', $$a$$, \"n\" FROM t -- c\n;\n", "'", "$a$$b$", "$a", "/*", "*/", "(", "''\n", "E'\\''\n--x\n",
        "\\x\n", "\\copy t from stdin\n\\.\n", "COPY t FROM STDIN;\n\\.\n", "\\.\n", "a$", "-", "\"\"", ";", "\n"}) {
    ASSERT_LT(Cost(piece, 400'000, 1), 80 * (Cost(piece, 25'000, 3) + CLOCKS_PER_SEC / 1000)) << piece;
  }
}

}  // namespace
}  // namespace migproof
