#include "migrations/revision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ci/expect_error.h"

namespace migproof {
namespace {

using testing::HasSubstr;

Declaration ParsedDeclaration(std::string_view text) { return ParseDeclaration(text, {"db/1.sql", 7}); }

std::string Complaint(std::string_view text) {
  return RenderedErrorOf([&] { ParsedDeclaration(text); });
}

TEST(Declaration, EachKindIsRead) {
  const SourceLocation where{"db/1.sql", 7};
  EXPECT_EQ(ParsedDeclaration("idempotent"), (Declaration{"idempotent", "", "", where}));
  EXPECT_EQ(ParsedDeclaration("irreversible \"the old hashes are gone\""),
            (Declaration{"irreversible", "", "the old hashes are gone", where}));
  EXPECT_EQ(ParsedDeclaration("loses orders.note \"on purpose\""),
            (Declaration{"loses", "orders.note", "on purpose", where}));
  EXPECT_EQ(ParsedDeclaration("changes t.c \"why\""), (Declaration{"changes", "t.c", "why", where}));
  EXPECT_EQ(ParsedDeclaration("leaves  extension   vector \"why\""),
            (Declaration{"leaves", "extension vector", "why", where}));
  EXPECT_EQ(ParsedDeclaration("owns settings"), (Declaration{"owns", "settings", "", where}));
  EXPECT_EQ(ParsedDeclaration("assumes orders: note IS NOT NULL \"since v41\""),
            (Declaration{"assumes", "orders: note IS NOT NULL", "since v41", where}));
  EXPECT_EQ(ParsedDeclaration("requires  server >=  15 \"why\""),
            (Declaration{"requires", "server >= 15", "why", where}));
}

TEST(Declaration, ARequirementIsMetByTheServersItNames) {
  const auto meets = [](const std::string& text, int major) {
    Revision revision;
    revision.declarations = {ParsedDeclaration("idempotent"), ParsedDeclaration(text)};
    return revision.UnmetBy(major) == nullptr;
  };
  EXPECT_TRUE(meets("requires server >= 15", 15));
  EXPECT_FALSE(meets("requires server >= 15", 14));
  EXPECT_FALSE(meets("requires server > 15", 15));
  EXPECT_TRUE(meets("requires server < 15", 14));
  EXPECT_FALSE(meets("requires server < 15", 15));
  EXPECT_TRUE(meets("requires server<=15", 15));
  EXPECT_FALSE(meets("requires server<=15", 16));
  EXPECT_TRUE(meets("irreversible", 9));
}

TEST(Declaration, AReasonMayHoldQuotesAndANameMayBeQuoted) {
  EXPECT_EQ(ParsedDeclaration("loses a.b \"he said \"\"no\"\" twice\"").reason, "he said \"no\" twice");
  EXPECT_EQ(ParsedDeclaration("loses \"My Orders\".\"Note\"").object, "\"My Orders\".\"Note\"");
  EXPECT_EQ(ParsedDeclaration("loses \"My Orders\".\"Note\"").reason, "");
  EXPECT_EQ(ParsedDeclaration("loses \"My  Orders\".\"Note\" \"why\"").object, "\"My  Orders\".\"Note\"");
  EXPECT_EQ(ParsedDeclaration("assumes t: x <> 'a  b'   AND y").object, "t: x <> 'a  b' AND y");
}

TEST(Declaration, UnknownWordsNameTheNearestAndThePlace) {
  EXPECT_EQ(Complaint("idempotant"),
            "error: db/1.sql:7: unknown word 'idempotant' behind '-- migproof:'\nhint: did you mean 'idempotent'?");
  EXPECT_THAT(Complaint("zzzzzzzz"), HasSubstr("the words there are: idempotent, irreversible, loses"));
  EXPECT_EQ(ErrorOf([] { ParsedDeclaration("zzz"); }).kind(), ErrorKind::kHistory);
}

TEST(Declaration, MissingAndUnexpectedObjectsAreRefused) {
  EXPECT_THAT(Complaint("idempotent orders"), HasSubstr("'idempotent' takes no object, found 'orders'"));
  EXPECT_THAT(Complaint("irreversible because of it"), HasSubstr("takes no object, found 'because of it'"));
  EXPECT_THAT(Complaint("loses"), HasSubstr("'loses' names no object"));
  EXPECT_THAT(Complaint("loses \"why\""), HasSubstr("'loses' names no object"));
  EXPECT_THAT(Complaint("loses orders.note dropped on purpose"),
              HasSubstr("takes one name, found 'orders.note dropped"));
  EXPECT_THAT(Complaint("leaves vector"), HasSubstr("'leaves' takes a kind and a name, found 'vector'"));
  EXPECT_THAT(Complaint("assumes orders"), HasSubstr("takes a table, a colon and an expression, found 'orders'"));
  EXPECT_THAT(Complaint("assumes orders:"), HasSubstr("takes a table, a colon and an expression"));
  for (const char* text : {"requires", "requires 15", "requires server 15", "requires server >= 15.2",
                           "requires server == 15", "requires extension vector"}) {
    EXPECT_THAT(Complaint(text), HasSubstr("'requires' takes 'server', a sign")) << text;
  }
  EXPECT_THAT(Complaint("assumes : x"), HasSubstr("takes a table, a colon and an expression"));
}

TEST(DirectiveOf, AcceptsWhiteSpaceAndCase) {
  EXPECT_EQ(DirectiveOf("-- migproof: idempotent"), "idempotent");
  EXPECT_EQ(DirectiveOf("   --migproof:idempotent \r"), "idempotent");
  EXPECT_EQ(DirectiveOf("-- Migproof : owns t"), "owns t");
  EXPECT_EQ(DirectiveOf("-- migproof:"), "");
  EXPECT_EQ(DirectiveOf("SELECT 1; -- migproof: idempotent"), std::nullopt);
  EXPECT_EQ(DirectiveOf("-- migproof is a tool"), std::nullopt);
  EXPECT_EQ(DirectiveOf("-- migproofs: x"), std::nullopt);
}

std::vector<std::string> WordsIn(const std::string& sql) {
  std::vector<std::string> words;
  for (const Directive& directive : ReadDirectives(Script::Parse(sql, {"f.sql", 10}))) {
    words.push_back(directive.text + " @" + std::to_string(directive.where.line));
  }
  return words;
}

TEST(Directives, AreFoundInCommentsOnly) {
  EXPECT_EQ(WordsIn("-- migproof: a\nSELECT 1;\n  -- migproof: b\n"), (std::vector<std::string>{"a @10", "b @12"}));
  EXPECT_EQ(WordsIn("CREATE TABLE t (\n-- migproof: inside\nid int);\n-- migproof: last"),
            (std::vector<std::string>{"inside @11", "last @13"}));
  EXPECT_EQ(WordsIn("SELECT '\n-- migproof: string\n';"), std::vector<std::string>{});
  EXPECT_EQ(WordsIn("DO $$\n-- migproof: body\n$$;\n-- migproof: behind\n"), std::vector<std::string>{"behind @13"});
  EXPECT_EQ(WordsIn("/*\n-- migproof: block\n*/ SELECT 1;"), std::vector<std::string>{});
  EXPECT_EQ(WordsIn("COPY t FROM STDIN;\n-- migproof: data\n\\.\n-- migproof: behind\n"),
            std::vector<std::string>{"behind @13"});
}

TEST(ReadDeclarations, LeavesAFormatsOwnWordsAlone) {
  const Script script = Script::Parse("-- migproof: transaction off\n-- migproof: owns t\nSELECT 1;", {"f.sql", 1});
  const auto declarations = ReadDeclarations(script, {"transaction"});
  ASSERT_EQ(declarations.size(), 1U);
  EXPECT_EQ(declarations[0], (Declaration{"owns", "t", "", {"f.sql", 2}}));
  EXPECT_THAT(RenderedErrorOf([] {
                ReadDeclarations(Script::Parse("-- migproof: transacton off\n", {"f.sql", 1}), {"transaction"});
              }),
              HasSubstr("did you mean 'transaction'?"));
}

TEST(Revision, ChecksumCoversCommentsAndIgnoresLineEnds) {
  const auto checksum = [](const std::string& sql) {
    Revision revision;
    revision.upgrade.script = Script::Parse(sql, {"f.sql", 1});
    return revision.Checksum();
  };
  EXPECT_EQ(checksum("SELECT 1;\n").size(), 32U);
  EXPECT_EQ(checksum("SELECT 1;\n"), checksum("SELECT 1;\r\n"));
  EXPECT_NE(checksum("SELECT 1;\n"), checksum("SELECT 2;\n"));
  EXPECT_NE(checksum("SELECT 1;\n"), checksum("SELECT 1; -- one\n"));
  // Written into databases: never to change.
  EXPECT_EQ(checksum(""), "99aa06d3014798d86001c324468d497f");
}

TEST(Revision, FindsItsDeclarations) {
  Revision revision;
  revision.declarations = {ParsedDeclaration("loses a.b \"x\""), ParsedDeclaration("idempotent")};
  EXPECT_TRUE(revision.Declares("idempotent"));
  EXPECT_FALSE(revision.Declares("irreversible"));
  ASSERT_NE(revision.FindDeclaration("loses", "a.b"), nullptr);
  EXPECT_EQ(revision.FindDeclaration("loses", "a.b")->reason, "x");
  EXPECT_EQ(revision.FindDeclaration("loses", "a.c"), nullptr);
}

}  // namespace
}  // namespace migproof
