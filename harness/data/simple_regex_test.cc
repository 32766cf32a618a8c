#include "harness/data/simple_regex.h"

#include <gtest/gtest.h>

#include "harness/postgres/test_server.h"

namespace migproof {
namespace {

const std::vector<std::string>& Patterns() {
  static const std::vector<std::string> patterns = {
      "",
      "a",
      "^a",
      "a$",
      "^a$",
      "^$",
      "^[a-c]+$",
      "[^a]",
      "a|b",
      "^(a|bc)*d$",
      "^a{2,3}$",
      "^a{2}$",
      "^a{2,}$",
      "a.b",
      "^.$",
      "^\\d+$",
      "\\D",
      "^\\w+$",
      "\\s",
      "^[[:alpha:]]",
      "[[:upper:]]",
      "^[]a]+$",
      "^[a\\-z]+$",
      "^[a-]+$",
      "a\\.b",
      "^\\(a\\)$",
      "^(?:ab)+$",
      R"(^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?$)",
      "^a*?$",
      "^(a?)*$",
      "^é+$",
      "^[éa]+$",
      "^[\\w.]+@\\w+$",
      "^(a|^b)c$",
      "a{0}b",
      "^a,{1}$",
      "x\\tz",
      "^[^[:space:]]*$",
      "^(|a)$",
      "^\\$[0-9]+\\.[0-9]{2}$"};
  return patterns;
}

const std::vector<std::string>& SampleTexts() {
  static const std::vector<std::string> texts = {"",     "a",   "b",      "A",     "aa",  "aaa",  "aaaa", "ab",
                                                 "abab", "bcd", "abcbcd", "a.b",   "axb", "a\nb", "7",    "42",
                                                 "a-z",  "]a",  "(a)",    "é",     "éé",  "😀",    "x\tz", " ",
                                                 "a b",  "a_1", "a@b",    "a.c@d", "bc",  "ac",   "a,",   "$1.50"};
  return texts;
}

TEST(SimpleRegex, MatchesWhatTheServerMatches) {
  Session session(TestServer().Conninfo("postgres"));
  for (const std::string& pattern : Patterns()) {
    for (const bool ignore_case : {false, true}) {
      const auto regex = SimpleRegex::Parse(pattern, ignore_case);
      ASSERT_TRUE(regex) << pattern;
      for (const std::string& text : SampleTexts()) {
        const Rows rows =
            session.Query(ignore_case ? "SELECT $1::text ~* $2::text" : "SELECT $1::text ~ $2::text", {text, pattern});
        EXPECT_EQ(regex->Matches(text).value_or(rows.GetBool(0, 0)), rows.GetBool(0, 0))
            << "'" << text << "' against '" << pattern << "'";
      }
    }
  }
}

TEST(SimpleRegex, MatchesLikeAsTheServerDoes) {
  Session session(TestServer().Conninfo("postgres"));
  for (const char* pattern : {"", "%", "_", "a%", "%b", "%.%", "a_b", "\\%", "(a)", "a%b%c%d", "$%", "%_1"}) {
    for (const bool ignore_case : {false, true}) {
      const auto like = SimpleRegex::ParseLike(pattern, ignore_case);
      ASSERT_TRUE(like) << pattern;
      for (const std::string& text : SampleTexts()) {
        const Rows rows = session.Query(
            ignore_case ? "SELECT $1::text ILIKE $2::text" : "SELECT $1::text LIKE $2::text", {text, pattern});
        EXPECT_EQ(like->Matches(text).value_or(rows.GetBool(0, 0)), rows.GetBool(0, 0))
            << "'" << text << "' like '" << pattern << "'";
      }
    }
  }
}

TEST(SimpleRegex, GivesExamplesThatMatch) {
  Session session(TestServer().Conninfo("postgres"));
  Random random(1);
  for (const std::string& pattern : Patterns()) {
    if (pattern == "^(a|^b)c$") continue;  // of its branches one can't match behind another
    const auto regex = SimpleRegex::Parse(pattern);
    for (const std::size_t extra : {0, 1, 5}) {
      const std::string example = regex->Example(random, extra);
      EXPECT_TRUE(session.Query("SELECT $1::text ~ $2::text", {example, pattern}).GetBool(0, 0))
          << "'" << example << "' against '" << pattern << "'";
    }
  }
}

TEST(SimpleRegex, LeavesAloneWhatIsNotSimple) {
  for (const char* pattern : {"(a)\\1", "a(?=b)", "(?i)a", "***:a", "(a", "a)", "[a", "a{2,1}", "*a", "\\ma", "[[.a.]]",
                              "a\\", "a{x", "\\y"}) {
    EXPECT_FALSE(SimpleRegex::Parse(pattern)) << pattern;
  }
}

TEST(SimpleRegex, DoesNotGuessAtTheLocale) {
  EXPECT_EQ(SimpleRegex::Parse("^[[:alpha:]]$")->Matches("é"), std::nullopt);
  EXPECT_EQ(SimpleRegex::Parse("^É$", true)->Matches("é"), std::nullopt);
  EXPECT_EQ(SimpleRegex::Parse("^é$")->Matches("é"), true);
  EXPECT_EQ(SimpleRegex::Parse("^[a-z]+$", true)->Matches("é"), false);  // no letter of ASCII has a case beyond it
  EXPECT_EQ(SimpleRegex::Parse("^\\w$")->Matches("e"), true);
}

TEST(SimpleRegex, EndsOnPatternsThatBlowUp) {
  const auto regex = SimpleRegex::Parse("^(a*)*(a*)*b$");
  ASSERT_TRUE(regex);
  EXPECT_FALSE(regex->Matches(std::string(200, 'a')).value_or(false));
}

}  // namespace
}  // namespace migproof
