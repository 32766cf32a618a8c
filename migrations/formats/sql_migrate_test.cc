#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "ci/expect_error.h"
#include "ci/temp_directory.h"
#include "migrations/format.h"
#include "migrations/history.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Format& SqlMigrate() { return Registry<Format>::Get("sql-migrate"); }

std::string SqlMigrateComplaint(const std::string& text) {
  const TempDirectory directory;
  directory.Write("1_a.sql", text);
  const Error error = ErrorOf([&] { SqlMigrate().Read(directory.path()); });
  EXPECT_EQ(error.kind(), ErrorKind::kHistory);
  return error.Render();
}

Revision ReadSqlMigrate(const std::string& text) {
  const TempDirectory directory;
  directory.Write("1_a.sql", text);
  return SqlMigrate().Read(directory.path()).at(0);
}

TEST(SqlMigrate, NumberedFilesComeFirstByNumberAndThenByName) {
  const TempDirectory directory;
  for (const char* name : {"19_b.sql", "8_b.sql", "08_a.sql", "8_a.sql", "init.sql", "add.sql"}) {
    directory.Write(name, "-- +migrate Up\n");
  }
  directory.Write("README.md", "ignored by the tool");
  const std::vector<Revision> revisions = SqlMigrate().Read(directory.path());
  std::vector<std::string> keys;
  for (const Revision& revision : revisions) keys.push_back(revision.ledger_key);
  EXPECT_THAT(keys, ElementsAre("08_a.sql", "8_a.sql", "8_b.sql", "19_b.sql", "add.sql", "init.sql"));
  EXPECT_EQ(revisions[3].id, "19_b");
  EXPECT_EQ(revisions[4].title, "add");
}

TEST(SqlMigrate, JoinsTheSectionsOfEachDirectionWhateverComesFirst) {
  const Revision revision = ReadSqlMigrate(
      "-- +migrate Down\nSELECT 11;\n-- +migrate Up\nSELECT 1;\n-- left out;\n-- +migrate StatementBegin\n"
      "DO $$\nBEGIN\n  NULL;\nEND $$;\n-- +migrate StatementEnd\n-- +migrate Down\nSELECT 12; -- why\n"
      "-- +migrate Up\nSELECT 3;\n");
  ASSERT_EQ(revision.upgrade.script.statements().size(), 3U);
  EXPECT_EQ(revision.upgrade.script.statements()[1].line, 7);
  EXPECT_EQ(revision.upgrade.script.statements()[2].line, 15);
  ASSERT_EQ(revision.downgrade->script.statements().size(), 2U);
  EXPECT_EQ(revision.downgrade->script.statements()[1].line, 13);
  EXPECT_FALSE(ReadSqlMigrate("-- +migrate Up\n").downgrade);
  EXPECT_TRUE(ReadSqlMigrate("-- +migrate Up\n-- +migrate Down\n-- nothing\n").downgrade);
}

TEST(SqlMigrate, NotransactionHoldsForOneDirection) {
  const Revision revision = ReadSqlMigrate(
      "-- +migrate Up notransaction\nCREATE INDEX CONCURRENTLY i ON t (a);\nSELECT 1;\n-- +migrate Down\nDROP INDEX "
      "i;\n");
  EXPECT_EQ(revision.upgrade.execution, Execution::kStatements);
  EXPECT_EQ(revision.downgrade->execution, Execution::kTransaction);
}

TEST(SqlMigrate, RefusesWhatTheToolRefusesOrMisreads) {
  EXPECT_THAT(SqlMigrateComplaint("-- nothing\n"), HasSubstr("1_a.sql: the file holds no '-- +migrate Up'"));
  EXPECT_THAT(SqlMigrateComplaint("-- +migrate Down\nSELECT 1;\n"), HasSubstr("the file holds no '-- +migrate Up'"));
  EXPECT_THAT(SqlMigrateComplaint("SELECT 1;\n-- +migrate Up\n"),
              HasSubstr("1_a.sql:1: text before the first '-- +migrate'"));
  EXPECT_THAT(SqlMigrateComplaint("-- +migrate Up\nSELECT 1;\n  -- +migrate Down\nSELECT 2;\n"),
              HasSubstr("1_a.sql:3: white space before the annotation '-- +migrate Down'"));
  EXPECT_THAT(SqlMigrateComplaint("--+migrate Up\nSELECT 1;\n"),
              HasSubstr("1_a.sql:1: '--+migrate Up' is no annotation to sql-migrate\n"
                        "hint: an annotation is spelled '-- +migrate Up', from the first column on"));
  EXPECT_THAT(SqlMigrateComplaint("-- +migrate Up\n-- +migrate Dwn\n"),
              HasSubstr("1_a.sql:2: unknown annotation '-- +migrate Dwn'\nhint: did you mean 'Down'?"));
  EXPECT_THAT(SqlMigrateComplaint("-- +migrate up\n"), HasSubstr("unknown annotation '-- +migrate up'"));
  EXPECT_THAT(SqlMigrateComplaint("-- +migrate Up notransactions\n"),
              HasSubstr("1_a.sql:1: unknown option 'notransactions'\nhint: did you mean 'notransaction'?"));
  EXPECT_THAT(SqlMigrateComplaint("-- +migrate Up\nSELECT 1\n"), HasSubstr("1_a.sql:2: this statement does not end"));
  EXPECT_THAT(SqlMigrateComplaint("-- +migrate Up\nSELECT 1\n-- +migrate Down\n"),
              HasSubstr("1_a.sql:2: this statement does not end"));
  EXPECT_THAT(SqlMigrateComplaint("-- +migrate Up\n-- +migrate StatementBegin\nSELECT 1;\n"),
              HasSubstr("1_a.sql:2: '-- +migrate StatementBegin' without"));
  EXPECT_THAT(SqlMigrateComplaint("-- +migrate Up\n-- +migrate StatementBegin\n-- +migrate Down\n"),
              HasSubstr("1_a.sql:3: a section begins inside"));
  EXPECT_THAT(SqlMigrateComplaint("-- +migrate StatementBegin\n-- +migrate Up\n"),
              HasSubstr("before the first section"));
  EXPECT_THAT(SqlMigrateComplaint("-- +migrate Up\nDO $$\nBEGIN\n  NULL;\nEND $$;\n"),
              HasSubstr("1_a.sql:4: the tool ends a statement on this line"));
  const TempDirectory large;
  large.Write("99999999999999999999_a.sql", "-- +migrate Up\n");
  EXPECT_THAT(RenderedErrorOf([&] { SqlMigrate().Read(large.path()); }),
              HasSubstr("the number '99999999999999999999' is too large for sql-migrate"));
}

TEST(SqlMigrate, ReadsPublicHistories) {
  const char* corpora = std::getenv("MIGPROOF_CORPORA");  // NOLINT(concurrency-mt-unsafe)
  if (corpora == nullptr) GTEST_SKIP() << "MIGPROOF_CORPORA names no directory with public histories";
  EXPECT_EQ(History(SqlMigrate().Read(std::filesystem::path(corpora) / "horizon")).size(), 72U);
}

}  // namespace
}  // namespace migproof
