#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "ci/expect_error.h"
#include "ci/temp_directory.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/digest.h"
#include "migrations/format.h"
#include "migrations/history.h"
#include "migrations/runner.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Format& Sqlx() { return Registry<Format>::Get("sqlx"); }

std::string SqlxComplaint(const TempDirectory& directory) {
  const Error error = ErrorOf([&] { Sqlx().Read(directory.path()); });
  EXPECT_EQ(error.kind(), ErrorKind::kHistory);
  return error.Render();
}

TEST(Sqlx, ReadsSimpleAndReversibleFilesInTheOrderOfTheirNumbers) {
  const TempDirectory directory;
  directory.Write("10_add_groups.up.sql", "SELECT 1;");
  directory.Write("10_add_groups.down.sql", "-- no-transaction\nSELECT 2; SELECT 3;");
  directory.Write("0009_first.sql", "SELECT 1;");
  directory.Write("README.md", "ignored by the tool");
  directory.Write("schema.sql", "ignored by the tool: no '_'");
  directory.Write("11_x.sql/y", "a directory: ignored by the tool");
  const std::vector<Revision> revisions = Sqlx().Read(directory.path());
  ASSERT_EQ(revisions.size(), 2U);
  EXPECT_EQ(revisions[0].id, "0009_first");
  EXPECT_EQ(revisions[0].ledger_key, "9");
  EXPECT_FALSE(revisions[0].downgrade);
  EXPECT_EQ(revisions[1].title, "add groups");
  EXPECT_EQ(revisions[1].upgrade.execution, Execution::kTransaction);
  EXPECT_EQ(revisions[1].downgrade->execution, Execution::kOneQuery);
}

TEST(Sqlx, RefusesWhatTheToolRefusesOrMisreads) {
  const TempDirectory name;
  name.Write("v1_a.sql", "");
  EXPECT_THAT(SqlxComplaint(name), HasSubstr("v1_a.sql: 'v1' is no version: sqlx wants a number before the first '_'"));
  const TempDirectory twice;
  twice.Write("01_a.sql", "");
  twice.Write("1_b.up.sql", "");
  EXPECT_THAT(SqlxComplaint(twice), HasSubstr("version 1 is there twice"));
  const TempDirectory down;
  down.Write("1_a.down.sql", "");
  EXPECT_THAT(SqlxComplaint(down), HasSubstr("1_a.down.sql: version 1 has a down file and no up file"));
  for (const char* text : {" -- no-transaction\nVACUUM;", "-- why\n-- no-transaction\nVACUUM;"}) {
    const TempDirectory late;
    late.Write("1_a.sql", text);
    EXPECT_THAT(SqlxComplaint(late), HasSubstr("'-- no-transaction' stands where sqlx does not see it"));
    EXPECT_THAT(SqlxComplaint(late), HasSubstr("hint: it must be the first bytes of the file"));
  }
}

TEST(Sqlx, TheLedgerHoldsTheSumThatTheToolKeeps) {
  const TempDirectory directory;
  directory.Write("1_create.up.sql", "CREATE TABLE t (id int);\r\n");
  directory.Write("1_create.down.sql", "DROP TABLE t;");
  const History history(Sqlx().Read(directory.path()));
  const auto ledger = Sqlx().MakeLedger();
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  Runner runner(*session, history, *ledger, {});
  runner.Prepare();
  runner.Apply({Direction::kUpgrade, &history.Get("1_create")});
  const Rows row = session->Query(
      "SELECT version, description, success, checksum = sha384(convert_to(E'CREATE TABLE t (id int);\\r\\n', 'UTF8')) "
      "FROM _sqlx_migrations");
  EXPECT_EQ(row.Get(0, 0), "1");
  EXPECT_EQ(row.Get(0, 1), "create");
  EXPECT_TRUE(row.GetBool(0, 2));
  EXPECT_TRUE(row.GetBool(0, 3));
  EXPECT_THAT(runner.Edited(), IsEmpty());
  directory.Write("1_create.up.sql", "CREATE TABLE t (id bigint);\n");
  const History edited(Sqlx().Read(directory.path()));
  EXPECT_THAT(Runner(*session, edited, *ledger, {}).Edited(), ElementsAre(&edited.Get("1_create")));
  session->Execute("UPDATE _sqlx_migrations SET success = false");
  EXPECT_THAT(RenderedErrorOf([&] { runner.Applied(); }), HasSubstr("the step to '1_create' began and did not end"));
}

TEST(Sqlx, SumsAreThoseOfTheServer) {
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  for (const std::size_t length : {0, 1, 3, 110, 111, 112, 113, 127, 128, 129, 239, 240, 1000}) {
    const std::string text(length, 'x');
    EXPECT_EQ(session->Query("SELECT encode(sha384(convert_to($1, 'UTF8')), 'hex')", {text}).Get(0, 0), Sha384Hex(text))
        << length;
  }
}

TEST(Sqlx, IsRecognisedByItsMarkItsProjectOrTheWidthOfItsNumbers) {
  const TempDirectory directory;
  directory.Write("migrations/20240317090000_a.sql", "SELECT 1;");
  const std::filesystem::path migrations = directory.path() / "migrations";
  EXPECT_EQ(Sqlx().Recognise(migrations).by, "1 file is named N_title.sql");
  EXPECT_FALSE(Sqlx().Recognise(migrations).certain);
  directory.Write("Cargo.toml", "[dependencies]\nsqlx = \"0.8\"\n");
  EXPECT_EQ(Sqlx().Recognise(migrations).by, "Cargo.toml names sqlx; 1 file is named N_title.sql");
  EXPECT_TRUE(Sqlx().Recognise(migrations).certain);
  const TempDirectory marked;
  marked.Write("7_a.sql", "-- no-transaction\nVACUUM;");
  EXPECT_EQ(Sqlx().Recognise(marked.path()).by, "1 file holds '-- no-transaction'");
  const TempDirectory other;
  other.Write("000007_a.up.sql", "SELECT 1;");
  EXPECT_FALSE(Sqlx().Recognise(other.path()));
}

TEST(Sqlx, ReadsPublicHistories) {
  const char* corpora = std::getenv("MIGPROOF_CORPORA");  // NOLINT(concurrency-mt-unsafe)
  if (corpora == nullptr) GTEST_SKIP() << "MIGPROOF_CORPORA names no directory with public histories";
  EXPECT_EQ(History(Sqlx().Read(std::filesystem::path(corpora) / "docs_rs")).size(), 33U);
}

}  // namespace
}  // namespace migproof
