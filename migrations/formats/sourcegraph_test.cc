#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "ci/expect_error.h"
#include "ci/temp_directory.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/format.h"
#include "migrations/history.h"
#include "migrations/runner.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Format& Sourcegraph() { return Registry<Format>::Get("sourcegraph"); }

void WriteMigration(const TempDirectory& directory, const std::string& name, const std::string& metadata,
                    const std::string& up = "SELECT 1;", const std::string& down = "SELECT 2;") {
  directory.Write(name + "/up.sql", up);
  directory.Write(name + "/down.sql", down);
  directory.Write(name + "/metadata.yaml", metadata);
}

std::string Complaint(const TempDirectory& directory) {
  const Error error = ErrorOf([&] { History(Sourcegraph().Read(directory.path())); });
  EXPECT_EQ(error.kind(), ErrorKind::kHistory);
  return error.Render();
}

// What is said about one migration with this metadata.
std::string ComplaintAbout(const std::string& metadata, const std::string& up = "SELECT 1;",
                           const std::string& down = "SELECT 2;") {
  const TempDirectory directory;
  WriteMigration(directory, "1", metadata, up, down);
  return Complaint(directory);
}

TEST(Sourcegraph, ReadsAGraphWhateverWayParentsAreWritten) {
  const TempDirectory directory;
  WriteMigration(directory, "10", "name: base\nparents: []\n");
  WriteMigration(directory, "9_left", "name: 'left one'\nparent: 10\n");
  WriteMigration(directory, "11", "name: right\nparents:\n  - 10\n");
  WriteMigration(directory, "12", "parents: [11, 9]\nnonIdempotent: true\n", "", "");
  directory.Write("notes/README.md", "ignored by the tool");
  directory.Write("13", "a file, ignored by the tool");
  const History history(Sourcegraph().Read(directory.path()));
  ASSERT_EQ(history.size(), 4U);
  EXPECT_EQ(history.Get("9_left").title, "left one");
  EXPECT_EQ(history.Get("9_left").ledger_key, "9");
  EXPECT_THAT(history.Get("12").parents, ElementsAre("9_left", "11"));
  EXPECT_EQ(history.Get("12").title, "12");
  EXPECT_EQ(history.Bases().size(), 1U);
  EXPECT_FALSE(history.IsLinear());
  EXPECT_EQ(history.Get("10").upgrade.execution, Execution::kTransaction);
  EXPECT_TRUE(history.Get("12").downgrade);
}

TEST(Sourcegraph, AnIndexIsCreatedConcurrentlyOnlyWhereBothSaySo) {
  const TempDirectory directory;
  WriteMigration(directory, "1", "name: a\ncreateIndexConcurrently: true\n",
                 "-- why\nCREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a);", "DROP INDEX CONCURRENTLY i;");
  EXPECT_EQ(Sourcegraph().Read(directory.path())[0].upgrade.execution, Execution::kOneQuery);
  EXPECT_THAT(ComplaintAbout("name: a\n", "SELECT 1;\nCREATE INDEX CONCURRENTLY i ON t (a);"),
              HasSubstr("up.sql:2: an index is created CONCURRENTLY, and metadata.yaml does not say so"));
  EXPECT_THAT(ComplaintAbout("createIndexConcurrently: true\n"), HasSubstr("without up.sql being one"));
  EXPECT_THAT(ComplaintAbout("createIndexConcurrently: true\n", "CREATE INDEX CONCURRENTLY i ON t (a); SELECT 1;"),
              HasSubstr("without up.sql being one CREATE INDEX CONCURRENTLY"));
  EXPECT_THAT(ComplaintAbout("name: a\n", "SELECT 1;", "CREATE INDEX CONCURRENTLY i ON t (a);"),
              HasSubstr("down.sql:1: a downgrade that creates an index CONCURRENTLY"));
}

TEST(Sourcegraph, ExtensionsWantPrivilege) {
  EXPECT_THAT(ComplaintAbout("name: a\n", "CREATE EXTENSION hstore;"),
              HasSubstr("up.sql:1: an extension is touched, and metadata.yaml does not say 'privileged'"));
  EXPECT_THAT(ComplaintAbout("privileged: false\n", "SELECT 1;", "COMMENT ON EXTENSION hstore IS 'x';"),
              HasSubstr("down.sql:1: an extension is touched"));
  const TempDirectory directory;
  WriteMigration(directory, "1", "privileged: true\n", "CREATE EXTENSION hstore;", "DROP EXTENSION hstore;");
  EXPECT_EQ(Sourcegraph().Read(directory.path()).size(), 1U);
}

TEST(Sourcegraph, RefusesWhatIsNotItsYaml) {
  EXPECT_THAT(ComplaintAbout("name: [a\n"), HasSubstr("metadata.yaml:2: not YAML: "));
  EXPECT_THAT(ComplaintAbout("- a\n"), HasSubstr("metadata.yaml:1: no keys and values"));
  EXPECT_THAT(ComplaintAbout("name: a\nparrents: [1]\n"),
              HasSubstr("metadata.yaml:2: unknown key 'parrents'\nhint: did you mean 'parents'?"));
  EXPECT_THAT(ComplaintAbout("name: a\nname: b\n"), HasSubstr("metadata.yaml:2: the key 'name' is there twice"));
  EXPECT_THAT(ComplaintAbout("parents: [one]\n"),
              HasSubstr("metadata.yaml:1: 'parents' names a version by its number, found 'one'"));
  EXPECT_THAT(ComplaintAbout("parents: 7\n"), HasSubstr("'parents' is no list of versions"));
  EXPECT_THAT(ComplaintAbout("privileged: perhaps\n"), HasSubstr("'privileged' is neither true nor false"));
}

TEST(Sourcegraph, RefusesAGraphThatTheToolRefuses) {
  const TempDirectory twice;
  WriteMigration(twice, "1", "name: a\n");
  WriteMigration(twice, "01_b", "name: b\n");
  EXPECT_THAT(Complaint(twice), HasSubstr("version 1 is there twice: '"));
  const TempDirectory roots;
  WriteMigration(roots, "1", "name: a\n");
  WriteMigration(roots, "2", "name: b\n");
  EXPECT_THAT(Complaint(roots), HasSubstr("'1' and '2' both have no parents, and the tool wants one root"));
  const TempDirectory cycle;
  WriteMigration(cycle, "1", "name: a\n");
  WriteMigration(cycle, "2", "parents: [1, 3]\n");
  WriteMigration(cycle, "3", "parent: 2\n");
  EXPECT_THAT(Complaint(cycle), HasSubstr("'2'"));
  EXPECT_THAT(Complaint(cycle), HasSubstr("its own ancestor"));
  const TempDirectory missing;
  WriteMigration(missing, "1", "name: a\n");
  WriteMigration(missing, "2", "parent: 7\n");
  EXPECT_THAT(Complaint(missing), HasSubstr("names parent '7'"));
}

TEST(Sourcegraph, RefusesAMigrationWithoutOneOfItsFiles) {
  for (const char* name : {"up.sql", "down.sql", "metadata.yaml"}) {
    const TempDirectory directory;
    WriteMigration(directory, "1", "name: a\n");
    std::filesystem::remove(directory.path() / "1" / name);
    EXPECT_THAT(Complaint(directory), HasSubstr(std::string("holds no ") + name));
  }
  const TempDirectory wide;
  WriteMigration(wide, "99999999999", "name: a\n");
  EXPECT_THAT(Complaint(wide), HasSubstr("version '99999999999' does not fit the ledger's integer"));
}

TEST(Sourcegraph, TheLedgerIsSharedByNameOfTheHistory) {
  const TempDirectory directory;
  WriteMigration(directory, "frontend/1", "name: a\n", "CREATE TABLE t (a int);", "DROP TABLE t;");
  const History history(Sourcegraph().Read(directory.path() / "frontend"));
  const auto ours = Sourcegraph().MakeLedger({directory.path() / "frontend", "", {}});
  const auto others = Sourcegraph().MakeLedger({directory.path() / "frontend", "", {{"schema", "codeintel"}}});
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  Runner runner(*session, history, *ours, {});
  runner.Prepare();
  runner.Apply({Direction::kUpgrade, &history.Get("1")});
  EXPECT_EQ(ours->Read(*session, history).size(), 1U);
  EXPECT_TRUE(others->Read(*session, history).empty());
  runner.Apply({Direction::kDowngrade, &history.Get("1")});
  EXPECT_TRUE(ours->Read(*session, history).empty());
  const Rows lines = session->Query("SELECT schema, up, success FROM migration_logs ORDER BY id");
  ASSERT_EQ(lines.size(), 2);
  EXPECT_EQ(lines.Get(1, 0), "frontend");
  EXPECT_TRUE(lines.GetBool(0, 1) && lines.GetBool(0, 2) && !lines.GetBool(1, 1) && lines.GetBool(1, 2));
}

TEST(Sourcegraph, AFailedStepIsDirtyAndAnInvalidIndexIsMadeAnew) {
  const TempDirectory directory;
  WriteMigration(directory, "1", "createIndexConcurrently: true\n",
                 "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON t (a);", "DROP INDEX IF EXISTS i;");
  const History history(Sourcegraph().Read(directory.path()));
  const auto ledger = Sourcegraph().MakeLedger({directory.path(), "", {}});
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  session->Execute("CREATE TABLE t (a int); INSERT INTO t VALUES (1), (1)");
  Runner runner(*session, history, *ledger, {});
  runner.Prepare();
  const Step step{Direction::kUpgrade, &history.Get("1")};
  EXPECT_EQ(ErrorOf([&] { runner.Apply(step); }).sqlstate(), "23505");
  EXPECT_TRUE(ledger->Read(*session, history).at(0).dirty);
  EXPECT_FALSE(session->Query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass").GetBool(0, 0));
  runner.Stamp({});
  session->Execute("DELETE FROM t");
  runner.Apply(step);
  EXPECT_TRUE(session->Query("SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass").GetBool(0, 0));
  EXPECT_EQ(runner.Applied().size(), 1U);
}

TEST(Sourcegraph, ReadsPublicHistories) {
  const char* corpora = std::getenv("MIGPROOF_CORPORA");  // NOLINT(concurrency-mt-unsafe)
  const auto directory = std::filesystem::path(corpora == nullptr ? "" : corpora) / "sg_frontend";
  if (corpora == nullptr || !std::filesystem::is_directory(directory)) {
    GTEST_SKIP() << "MIGPROOF_CORPORA names no directory with sg_frontend";
  }
  const History history(Sourcegraph().Read(directory));
  EXPECT_EQ(history.size(), 43U);
  int merges = 0;
  for (const Revision& revision : history.revisions()) merges += revision.parents.size() > 1 ? 1 : 0;
  EXPECT_EQ(merges, 3);
}

}  // namespace
}  // namespace migproof
