#include "harness/verify/injection.h"

#include <gtest/gtest.h>

#include "ci/temp_directory.h"

namespace migproof {
namespace {

Section Parsed(const std::string& text, Execution execution) { return {Script::Parse(text, {"x.sql", 1}), execution}; }

TEST(Injection, GoesBeforeEachStatementBehindTheLastAndBehindTheEntry) {
  const Section section = Parsed("SELECT 1;\n-- why\nSELECT 2;\n", Execution::kTransaction);
  const std::vector<StepPlace> places = PlacesIn(section);
  ASSERT_EQ(places.size(), 4U);
  EXPECT_EQ(places[0].ToString(), "before statement 1 of 2");
  EXPECT_EQ(places[2].ToString(), "after the last of 2 statements");
  EXPECT_EQ(places[3].ToString(), "after the ledger entry");
  EXPECT_EQ(WhereIs(section, places[1]).line, 3);
}

TEST(Injection, LeavesAStatementAloneThatCanShareNoQuery) {
  const Section alone = Parsed("CREATE INDEX CONCURRENTLY i ON t (a);", Execution::kOneQuery);
  ASSERT_EQ(PlacesIn(alone).size(), 2U);
  EXPECT_TRUE(PlacesIn(alone).front().behind_script());
  EXPECT_EQ(PlacesIn(Parsed("CREATE INDEX CONCURRENTLY i ON t (a);", Execution::kStatements)).size(), 3U);
}

TEST(Injection, StandsInTheScriptOnTheSameLineOrInTheEntry) {
  const TempDirectory directory;
  directory.Write("r1.sql", "-- migproof: revision r1\n-- migproof: upgrade\nSELECT 1;\nSELECT\n2;\n");
  const Subject subject("native", directory.path(), {}, Registry<Format>::Get("native").Read(directory.path()));
  const Revision& revision = *subject.order().front();
  const Interrupted middle(subject, revision, Direction::kUpgrade, {1, 2}, "SELECT 9");
  const Script& script = middle.step().revision->upgrade.script;
  ASSERT_EQ(script.statements().size(), 3U);
  EXPECT_EQ(script.Text(script.statements()[1]), "SELECT 9");
  EXPECT_EQ(script.statements()[2].line, revision.upgrade.script.statements()[1].line);
  EXPECT_EQ(middle.ledger().AfterSql(middle.step(), subject.history()).size(), 1U);

  const Interrupted before_entry(subject, revision, Direction::kUpgrade, {2, 2}, "SELECT 9");
  EXPECT_EQ(before_entry.ledger().AfterSql(before_entry.step(), subject.history()).front(), "SELECT 9");
  const Interrupted behind_entry(subject, revision, Direction::kUpgrade, {3, 2}, "SELECT 9");
  EXPECT_EQ(behind_entry.ledger().AfterSql(behind_entry.step(), subject.history()).back(), "SELECT 9");
}

}  // namespace
}  // namespace migproof
