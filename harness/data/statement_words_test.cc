#include "harness/data/statement_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace migproof {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsSupersetOf;

TEST(StatementWords, TellNamesLiteralsNumbersAndCasts) {
  const StatementWords words = WordsOf("UPDATE t SET a = b::int + 1 WHERE \"Kind\" = 'it''s' -- c\n AND d > 2.5");
  EXPECT_THAT(words.words, IsSupersetOf({"update", "t", "a", "b", "Kind"}));
  EXPECT_FALSE(words.Has("c"));
  EXPECT_THAT(words.literals, ElementsAre("it's"));
  EXPECT_THAT(words.numbers, ElementsAre("1", "2.5"));
  EXPECT_THAT(words.casts, ElementsAre("int"));
  EXPECT_TRUE(words.calculates);
}

TEST(StatementWords, TellWhatIsExecutedToo) {
  const StatementWords words = WordsOf(
      "CREATE PROCEDURE p() AS $$ BEGIN EXECUTE '\n update t SET a = CAST(b AS date) WHERE kind = 7 AND c = ''x y'''; "
      "END $$");
  EXPECT_THAT(words.words, IsSupersetOf({"procedure", "t", "kind"}));
  EXPECT_THAT(words.literals, Contains("x y"));
  EXPECT_THAT(words.numbers, ElementsAre("7"));
  EXPECT_THAT(words.casts, ElementsAre("date"));
}

TEST(StatementWords, TakeOtherStringsForLiterals) {
  const StatementWords words = WordsOf("INSERT INTO t VALUES ('update', 'updates 3', 'one select 4')");
  EXPECT_THAT(words.literals, ElementsAre("update", "updates 3", "one select 4"));
  EXPECT_TRUE(words.numbers.empty());
  EXPECT_FALSE(words.Has("one"));
}

}  // namespace
}  // namespace migproof
