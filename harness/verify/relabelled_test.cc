#include "harness/verify/relabelled.h"

#include <gtest/gtest.h>

namespace migproof {
namespace {

using OldByNew = std::map<std::string, std::string>;

TEST(RenamedLabels, StandWhereTheOldOnesStood) {
  EXPECT_EQ(RenamedLabels({"low", "high"}, {"low", "top"}), (OldByNew{{"top", "high"}}));
  EXPECT_EQ(RenamedLabels({"low", "mid", "high"}, {"base", "mid", "top"}),
            (OldByNew{{"base", "low"}, {"top", "high"}}));
  // A label more at the end changes nothing for the others.
  EXPECT_EQ(RenamedLabels({"low", "high"}, {"base", "high", "top"}), (OldByNew{{"base", "low"}}));
  EXPECT_EQ(RenamedLabels({"low", "high"}, {"base", "top", "peak"}), (OldByNew{{"base", "low"}, {"top", "high"}}));
}

TEST(RenamedLabels, AreThoseThatTheScriptSays) {
  const Renamings said = SaidRenamings(
      "ALTER TYPE k RENAME VALUE 'it''s' TO 'was';\nDO $$ BEGIN EXECUTE 'ALTER TYPE k rename  value ''mid'' TO "
      "''half'''; "
      "END $$; ALTER TYPE other RENAME VALUE 'high' TO 'elsewhere'");
  EXPECT_EQ(said, (Renamings{{"it's", "was"}, {"mid", "half"}, {"high", "elsewhere"}}));
  EXPECT_EQ(RenamedLabels({"it's", "mid", "high"}, {"was", "first", "half", "second", "high", "third"}, said),
            (OldByNew{{"half", "mid"}, {"was", "it's"}}));
  EXPECT_EQ(RenamedLabels({"a", "b"}, {"b", "a"}, {{"a", "c"}, {"b", "a"}, {"c", "b"}}),
            (OldByNew{{"a", "b"}, {"b", "a"}}));
  EXPECT_EQ(RenamedLabels({"low", "mid", "high"}, {"base", "mid", "top", "peak"}, {{"low", "base"}}),
            (OldByNew{{"base", "low"}, {"top", "high"}}));
}

TEST(RenamedLabels, AreNotGuessedAt) {
  EXPECT_EQ(RenamedLabels({"low", "high"}, {"low", "high"}), OldByNew());
  EXPECT_EQ(RenamedLabels({"low", "high"}, {"high", "low"}), OldByNew());
  EXPECT_EQ(RenamedLabels({"low", "mid", "high"}, {"low", "top"}), OldByNew());
  EXPECT_EQ(RenamedLabels({"low"}, {"low", "high"}), OldByNew());
  EXPECT_EQ(RenamedLabels({"low", "high"}, {"base", "below", "high"}), OldByNew());
  EXPECT_EQ(RenamedLabels({"low", "mid", "high"}, {"high", "mid", "base"}), OldByNew());
}

}  // namespace
}  // namespace migproof
