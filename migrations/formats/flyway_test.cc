#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ci/expect_error.h"
#include "ci/temp_directory.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/flyway/files.h"
#include "migrations/flyway/ledger.h"
#include "migrations/format.h"
#include "migrations/history.h"
#include "migrations/runner.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Format& Flyway() { return Registry<Format>::Get("flyway"); }

std::string FlywayComplaint(const TempDirectory& directory) {
  const Error error = ErrorOf([&] { Flyway().Read(directory.path()); });
  EXPECT_EQ(error.kind(), ErrorKind::kHistory);
  return error.Render();
}

// What is said of one file.
std::string FlywayComplaint(const std::string& name, const std::string& text) {
  const TempDirectory directory;
  directory.Write(name, text);
  return FlywayComplaint(directory);
}

std::vector<std::string> FlywayIds(const std::vector<Revision>& revisions) {
  std::vector<std::string> ids;
  for (const Revision& revision : revisions) ids.push_back(revision.id);
  return ids;
}

FlywayVersion VersionNamed(const char* text) {
  FlywayVersion version;
  EXPECT_TRUE(FlywayVersion::Parse(text, version)) << text;
  return version;
}

TEST(Flyway, ComparesVersionsPartByPart) {
  EXPECT_LT(VersionNamed("1.2"), VersionNamed("1.10"));
  EXPECT_LT(VersionNamed("1"), VersionNamed("1.0.1"));
  EXPECT_EQ(VersionNamed("1"), VersionNamed("1_0.0"));
  EXPECT_EQ(VersionNamed("007"), VersionNamed("7"));
  EXPECT_LT(VersionNamed("0"), VersionNamed("0.0.1"));
  EXPECT_LT(VersionNamed("99999999999999999999999999"), VersionNamed("100000000000000000000000000"));
  EXPECT_EQ(VersionNamed("1_2").text(), "1.2");
  FlywayVersion version;
  for (const char* text : {"", ".", "1.", "1..2", "a", "1a"}) EXPECT_FALSE(FlywayVersion::Parse(text, version)) << text;
}

TEST(Flyway, ReadsVersionsThenRepeatableOnes) {
  const TempDirectory directory;
  directory.Write("V2__second.sql", "SELECT 2;");
  directory.Write("more/V1_10__tenth_part.sql", "SELECT 110;");
  directory.Write("V1.9__ninth.SQL", "SELECT 109;");
  directory.Write("U2__undo.sql", "SELECT -2;");
  directory.Write("R__b_view.sql", "SELECT 12;");
  directory.Write("R__a_view.sql", "SELECT 11;");
  directory.Write(".git/V3__x.sql", "ignored by the tool");
  directory.Write("notes.sql", "ignored by the tool");
  directory.Write("README.md", "ignored by the tool");
  const std::vector<Revision> revisions = Flyway().Read(directory.path());
  EXPECT_THAT(FlywayIds(revisions),
              ElementsAre("V1.9__ninth", "V1_10__tenth_part", "V2__second", "R__a_view", "R__b_view"));
  EXPECT_EQ(revisions[1].ledger_key, "1.10");
  EXPECT_EQ(revisions[1].title, "tenth part");
  EXPECT_TRUE(revisions[2].downgrade);
  EXPECT_FALSE(revisions[1].downgrade);
  EXPECT_TRUE(revisions[3].Declares("idempotent"));
  EXPECT_FALSE(revisions[3].downgrade);
  EXPECT_TRUE(History(revisions).IsLinear());
}

TEST(Flyway, ABaselineStandsForTheVersionsUpToIt) {
  const TempDirectory directory;
  for (const char* name : {"V1__a.sql", "V2__b.sql", "V3__c.sql", "B1__old.sql", "B2__all.sql"}) {
    directory.Write(name, "SELECT 1;");
  }
  const std::vector<Revision> revisions = Flyway().Read(directory.path());
  EXPECT_THAT(FlywayIds(revisions), ElementsAre("B2__all", "V3__c"));
  EXPECT_EQ(revisions[0].title, "all (instead of 2 versions up to 2)");
  EXPECT_THAT(FlywayIds(Flyway().ReadWith({directory.path(), "", {{"baselines", "ignore"}}})),
              ElementsAre("V1__a", "V2__b", "V3__c"));
  const Error error = ErrorOf([&] { Flyway().ReadWith({directory.path(), "", {{"baselines", "no"}}}); });
  EXPECT_THAT(error.Render(), HasSubstr("'baselines' in \"tool\" is 'use' or 'ignore', found 'no'"));
}

TEST(Flyway, StatementsDecideAboutTheTransactionUnlessTheSettingsDo) {
  const TempDirectory directory;
  directory.Write("V1__a.sql", "CREATE TABLE t (a int);");
  directory.Write("V2__b.sql", "CREATE UNIQUE INDEX CONCURRENTLY i ON t (a);");
  directory.Write("V3__c.sql", "SELECT 1; VACUUM;");
  directory.Write("V3__c.sql.conf", "# both\nexecuteInTransaction=false\n");
  directory.Write("V4__d.sql", "REINDEX TABLE CONCURRENTLY t;");  // which Flyway does not know
  directory.Write("V5__e.sql", "SELECT 1;");
  directory.Write("V5__e.sql.conf", "shouldExecute = false\nencoding: x\n");
  EXPECT_THAT(FlywayComplaint(directory), HasSubstr("V5__e.sql.conf:2: unknown key 'encoding: x'"));
  directory.Write("V5__e.sql.conf", "shouldExecute = false\nencoding = UTF-8\n");
  const std::vector<Revision> revisions = Flyway().Read(directory.path());
  ASSERT_EQ(revisions.size(), 4U);
  EXPECT_EQ(revisions[0].upgrade.execution, Execution::kTransaction);
  EXPECT_EQ(revisions[1].upgrade.execution, Execution::kStatements);
  EXPECT_EQ(revisions[2].upgrade.execution, Execution::kStatements);
  EXPECT_EQ(revisions[3].upgrade.execution, Execution::kTransaction);
  EXPECT_THAT(FlywayComplaint("V1__a.sql", "SELECT 1;\nVACUUM;\n"),
              HasSubstr("V1__a.sql:2: statements that can run in a transaction stand beside one that can't"));
}

TEST(Flyway, FillsInPlaceholders) {
  const TempDirectory directory;
  directory.Write("db/V1__a.sql", "-- ${Owner}\nSELECT '${owner}', '${flyway:table}', '${flyway:filename}';\n");
  const std::filesystem::path db = directory.path() / "db";
  EXPECT_THAT(RenderedErrorOf([&] { Flyway().Read(db); }),
              HasSubstr("V1__a.sql:1: nothing says what the placeholder '${Owner}' is"));
  const auto text = [](const std::vector<Revision>& revisions) { return revisions.at(0).upgrade.script.text(); };
  EXPECT_THAT(text(Flyway().ReadWith({db, "", {{"placeholders.owner", "app"}}})),
              HasSubstr("'app', 'flyway_schema_history', 'V1__a.sql'"));
  directory.Write("flyway.toml", "[flyway]\ntable = \"history\"\n[flyway.placeholders]\nowner = \"web\"\n");
  EXPECT_THAT(text(Flyway().Read(db)), HasSubstr("'web', 'history', 'V1__a.sql'"));
  EXPECT_THAT(Flyway().MakeLedger({db, "", {}})->Tables(), ElementsAre("public.history"));
  directory.Write("db/V1__a.sql.conf", "placeholderReplacement=false");
  EXPECT_THAT(text(Flyway().Read(db)), HasSubstr("'${owner}'"));
  EXPECT_THAT(FlywayComplaint("V1__a.sql", "\nSELECT '${x';\n"),
              HasSubstr("V1__a.sql:2: the placeholder that begins here does not end"));
}

TEST(Flyway, RefusesSettingsItCannotRead) {
  const TempDirectory directory;
  directory.Write("V1__a.sql", "SELECT 1;");
  directory.Write("flyway.toml", "[flyway]\nmixed = \n");
  EXPECT_THAT(FlywayComplaint(directory), HasSubstr("flyway.toml:2: not TOML"));
  directory.Write("flyway.toml", "[flyway]\nmixed = \"yes\"\n");
  EXPECT_THAT(FlywayComplaint(directory), HasSubstr("flyway.toml:2: 'mixed' is neither true nor false"));
  directory.Write("flyway.toml", "[flyway]\nsqlMigrationPrefix = \"M\"\n");
  EXPECT_THAT(FlywayComplaint(directory), HasSubstr("flyway.toml:2: 'sqlMigrationPrefix' is set"));
  directory.Write("flyway.toml", "[flyway.placeholders]\nn = 1\n");
  EXPECT_THAT(FlywayComplaint(directory), HasSubstr("flyway.toml:2: the placeholder 'n' is no text"));
  directory.Write("flyway.toml", "");
  for (const auto& [text, complaint] : std::map<std::string, std::string>{
           {"executeInTransactoin=false",
            "V1__a.sql.conf:1: unknown key 'executeInTransactoin'\nhint: did you mean 'executeInTransaction'?"},
           {"executeInTransaction=no", "V1__a.sql.conf:1: 'executeInTransaction' is neither true nor false: 'no'"},
           {"shouldExecute=${env}==prod", "'shouldExecute' is neither true nor false: '${env}==prod'"},
           {"encoding=ISO-8859-1", "the encoding 'ISO-8859-1': only UTF-8 is read"}}) {
    directory.Write("V1__a.sql.conf", text);
    EXPECT_THAT(FlywayComplaint(directory), HasSubstr(complaint));
  }
  EXPECT_THAT(FlywayComplaint("V1__a.sql.conf", ""), HasSubstr("V1__a.sql.conf' belongs to no migration"));
}

TEST(Flyway, RefusesWhatTheToolRefusesOrLeavesOutInSilence) {
  const auto two = [](const char* first, const char* second) {
    const TempDirectory directory;
    directory.Write(first, "SELECT 1;");
    directory.Write(second, "SELECT 1;");
    return FlywayComplaint(directory);
  };
  EXPECT_THAT(two("V1__a.sql", "V1_0__b.sql"), HasSubstr("version '1' is there twice"));
  EXPECT_THAT(two("R__a_b.sql", "more/R__a_b.sql"), HasSubstr("the repeatable migration 'a b' is there twice"));
  EXPECT_THAT(two("V1__a.sql", "U2__a.sql"), HasSubstr("U2__a.sql: there is no version '2' to undo"));
  EXPECT_THAT(FlywayComplaint("V1_a.sql", ""),
              HasSubstr("V1_a.sql' is not named as a migration, and Flyway leaves it out"));
  EXPECT_THAT(FlywayComplaint("R_a.sql", ""), HasSubstr("R_a.sql' is not named as a migration"));
  EXPECT_THAT(FlywayComplaint("V2__fill.java", ""), HasSubstr("V2__fill.java' is a migration that is not SQL"));
  EXPECT_THAT(FlywayComplaint("afterMigrate.sql", ""),
              HasSubstr("afterMigrate.sql' is a callback, which only Flyway runs"));
  const TempDirectory callback;
  callback.Write("V1__a.sql", "");
  callback.Write("beforeEachMigrate__log.sql", "");
  EXPECT_EQ(Flyway().ReadWith({callback.path(), "", {{"callbacks", "ignore"}}}).size(), 1U);
}

TEST(Flyway, SumsUpLinesWithoutTheirEnds) {
  EXPECT_EQ(FlywayChecksum(""), 0);
  EXPECT_EQ(FlywayChecksum("123456789"), static_cast<int>(0xCBF43926U));
  EXPECT_EQ(FlywayChecksum("1234\r\n5678\n9\n"), static_cast<int>(0xCBF43926U));
}

class FlywayLedgerTest : public testing::Test {
 protected:
  History Read() const { return History(Flyway().Read(directory_.path())); }
  History::Applied Applied(const History& history) { return Runner(*session_, history, *ledger_, {}).Applied(); }
  void Run(Direction direction, const History& history, const char* id) {
    Runner runner(*session_, history, *ledger_, {});
    runner.Prepare();
    runner.Apply({direction, &history.Get(id)});
  }
  std::string Types() {
    return std::string(
        session_
            ->Query("SELECT string_agg(installed_rank || coalesce(' ' || version, '') || ' ' || type, ', ' ORDER BY "
                    "installed_rank) FROM flyway_schema_history")
            .Get(0, 0));
  }

  TempDirectory directory_;
  std::unique_ptr<Ledger> ledger_ = Flyway().MakeLedger();
  std::unique_ptr<Database> database_ = Database::Create(TestServer());
  std::unique_ptr<Session> session_ = database_->Connect();
};

TEST_F(FlywayLedgerTest, TheNewestRowOfAVersionDecides) {
  directory_.Write("V1__a.sql", "SELECT 1;");
  directory_.Write("U1__a.sql", "SELECT 1;");
  const History history = Read();
  Run(Direction::kUpgrade, history, "V1__a");
  EXPECT_THAT(Applied(history), ElementsAre("V1__a"));
  Run(Direction::kDowngrade, history, "V1__a");
  EXPECT_THAT(Applied(history), IsEmpty());
  Run(Direction::kUpgrade, history, "V1__a");
  EXPECT_EQ(Types(), "1 1 SQL, 2 1 UNDO_SQL, 3 1 SQL");
  EXPECT_THAT(Applied(history), ElementsAre("V1__a"));
  session_->Execute("UPDATE flyway_schema_history SET success = false WHERE installed_rank = 3");
  EXPECT_THAT(RenderedErrorOf([&] { Applied(history); }), HasSubstr("the step to 'V1__a' began and did not end"));
}

TEST_F(FlywayLedgerTest, ARepeatableOneIsPendingAgainWhenItChanges) {
  directory_.Write("V1__a.sql", "SELECT 1;");
  directory_.Write("R__v.sql", "SELECT 1;");
  const History history = Read();
  Run(Direction::kUpgrade, history, "V1__a");
  Run(Direction::kUpgrade, history, "R__v");
  EXPECT_THAT(Applied(history), ElementsAre("R__v", "V1__a"));
  EXPECT_EQ(Types(), "1 1 SQL, 2 SQL");
  directory_.Write("R__v.sql", "SELECT 2;");
  EXPECT_THAT(Applied(Read()), ElementsAre("V1__a"));
  directory_.Write("R__v.sql", "SELECT 1;");
  directory_.Write("V2__b.sql", "SELECT 1;");
  EXPECT_THAT(Applied(Read()), ElementsAre("V1__a"));
}

TEST_F(FlywayLedgerTest, RowsOfABaselineStandForVersions) {
  for (const char* name : {"V1__a.sql", "V2__b.sql", "V3__c.sql"}) directory_.Write(name, "SELECT 1;");
  const History versions = Read();
  Runner(*session_, versions, *ledger_, {}).Prepare();
  session_->Execute(
      "INSERT INTO flyway_schema_history VALUES (0, NULL, '<< Flyway Schema Creation >>', 'SCHEMA', 'app', NULL, 'x', "
      "now(), 0, true), (1, '2', '<< Flyway Baseline >>', 'BASELINE', 'x', NULL, 'x', now(), 0, true)");
  EXPECT_THAT(Applied(versions), ElementsAre("V1__a", "V2__b"));
  Run(Direction::kUpgrade, versions, "V3__c");
  directory_.Write("B2__all.sql", "SELECT 1;");
  const History history = Read();
  EXPECT_THAT(Applied(history), ElementsAre("B2__all", "V3__c"));
  session_->Execute("DELETE FROM flyway_schema_history");
  Run(Direction::kUpgrade, history, "B2__all");
  EXPECT_EQ(Types(), "1 2 SQL_BASELINE");
  session_->Execute("DELETE FROM flyway_schema_history");
  Run(Direction::kUpgrade, versions, "V1__a");
  Run(Direction::kUpgrade, versions, "V2__b");
  EXPECT_THAT(Applied(history), ElementsAre("B2__all"));
}

TEST_F(FlywayLedgerTest, NamesScriptsFromTheDirectoryOn) {
  directory_.Write("more/V1__a.sql", "SELECT 1;");
  ledger_ = Flyway().MakeLedger({directory_.path(), "", {}});
  Run(Direction::kUpgrade, Read(), "V1__a");
  EXPECT_EQ(session_->Query("SELECT script FROM flyway_schema_history").Get(0, 0), "more/V1__a.sql");
}

TEST_F(FlywayLedgerTest, AnEditedVersionIsSeen) {
  directory_.Write("V1__a.sql", "SELECT 1;");
  Run(Direction::kUpgrade, Read(), "V1__a");
  const History same = Read();
  EXPECT_THAT(Runner(*session_, same, *ledger_, {}).Edited(), IsEmpty());
  directory_.Write("V1__a.sql", "SELECT 2;");
  const History edited = Read();
  EXPECT_THAT(Runner(*session_, edited, *ledger_, {}).Edited(), ElementsAre(&edited.Get("V1__a")));
}

}  // namespace
}  // namespace migproof
