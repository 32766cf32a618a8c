#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ci/expect_error.h"
#include "ci/temp_directory.h"
#include "migrations/format.h"
#include "migrations/history.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Format& Dbmate() { return Registry<Format>::Get("dbmate"); }

std::string DbmateComplaint(const std::string& text) {
  const TempDirectory directory;
  directory.Write("1_a.sql", text);
  const Error error = ErrorOf([&] { Dbmate().Read(directory.path()); });
  EXPECT_EQ(error.kind(), ErrorKind::kHistory);
  return error.Render();
}

Revision ReadDbmate(const std::string& text) {
  const TempDirectory directory;
  directory.Write("1_a.sql", text);
  return Dbmate().Read(directory.path()).at(0);
}

TEST(Dbmate, ReadsFilesInTheOrderOfTheirNames) {
  const TempDirectory directory;
  for (const char* name : {"9_b.sql", "10_a.sql", "20240317090000_add_groups.sql", "0011x.sql"}) {
    directory.Write(name, "-- migrate:up\n-- migrate:down\n");
  }
  directory.Write("schema.sql", "ignored by the tool");
  directory.Write("12_x.txt", "ignored by the tool");
  const std::vector<Revision> revisions = Dbmate().Read(directory.path());
  std::vector<std::string> keys;
  for (const Revision& revision : revisions) keys.push_back(revision.ledger_key);
  EXPECT_THAT(keys, ElementsAre("0011", "10", "20240317090000", "9"));
  EXPECT_EQ(revisions[2].title, "add groups");
  EXPECT_EQ(revisions[3].id, "9_b");
}

TEST(Dbmate, JoinsThePairsOfAFile) {
  const Revision revision = ReadDbmate(
      "-- a comment\n--migrate:up\nSELECT 1;\n-- migrate:down transaction:true\nSELECT 11;\n"
      "-- migrate:up\nSELECT 2\n-- migrate:down\nSELECT 12;\n");
  ASSERT_EQ(revision.upgrade.script.statements().size(), 2U);
  EXPECT_EQ(revision.upgrade.script.statements()[0].line, 3);
  EXPECT_EQ(revision.upgrade.script.statements()[1].line, 7);
  EXPECT_EQ(revision.downgrade->script.statements()[1].line, 9);
  EXPECT_EQ(revision.upgrade.execution, Execution::kTransaction);
}

TEST(Dbmate, ABlockMayGoWithoutATransaction) {
  const Revision revision = ReadDbmate(
      "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY i ON t (a);\n-- migrate:down\nDROP INDEX i;\n");
  EXPECT_EQ(revision.upgrade.execution, Execution::kOneQuery);
  EXPECT_EQ(revision.downgrade->execution, Execution::kTransaction);
  EXPECT_THAT(DbmateComplaint("-- migrate:up\n-- migrate:down\n-- migrate:up transaction:false\n-- migrate:down\n"),
              HasSubstr("1_a.sql:3: blocks of one file that differ in 'transaction'"));
}

TEST(Dbmate, ADownOfNothingIsNoneWhereTheRevisionSaysSo) {
  const std::string up = "-- migrate:up\nSELECT 1;\n";
  EXPECT_TRUE(ReadDbmate(up + "-- migrate:down\n").downgrade);
  EXPECT_FALSE(ReadDbmate(up + "-- migrate:down\n-- migproof: irreversible \"why\"\n").downgrade);
  EXPECT_TRUE(ReadDbmate(up + "-- migrate:down\nSELECT 2;\n-- migproof: irreversible \"why\"\n").downgrade);
}

TEST(Dbmate, RefusesWhatTheToolRefusesOrMisreads) {
  EXPECT_THAT(DbmateComplaint("SELECT 1;\n"), HasSubstr("1_a.sql:1: text before '-- migrate:up'"));
  EXPECT_THAT(DbmateComplaint("-- nothing\n"), HasSubstr("1_a.sql: the file holds no '-- migrate:up'"));
  EXPECT_THAT(DbmateComplaint("-- migrate:up\nSELECT 1;\n"),
              HasSubstr("1_a.sql:1: no '-- migrate:down' behind this '-- migrate:up'"));
  EXPECT_THAT(DbmateComplaint("-- migrate:up\n-- migrate:up\n-- migrate:down\n"),
              HasSubstr("1_a.sql:1: no '-- migrate:down' between this '-- migrate:up' and the next"));
  EXPECT_THAT(DbmateComplaint("-- migrate:down\n-- migrate:up\n"),
              HasSubstr("1_a.sql:1: '-- migrate:down' comes before '-- migrate:up'"));
  EXPECT_THAT(DbmateComplaint("-- migrate:up\n-- migrate:down\n-- migrate:down\n"),
              HasSubstr("1_a.sql:3: a second '-- migrate:down'"));
  EXPECT_THAT(DbmateComplaint("-- migrate:up\n -- migrate:down\n"),
              HasSubstr("1_a.sql:2: white space before the annotation '-- migrate:down'\n"
                        "hint: dbmate takes it for a comment: the line begins with '--'"));
  EXPECT_THAT(DbmateComplaint("-- migrate:up\n-- migrate:dwon\n"),
              HasSubstr("1_a.sql:2: unknown annotation '-- migrate:dwon'\nhint: did you mean 'migrate:down'?"));
  EXPECT_THAT(DbmateComplaint("-- migrate:up transacton:false\n-- migrate:down\n"),
              HasSubstr("1_a.sql:1: unknown option 'transacton:false'\nhint: did you mean 'transaction'?"));
  EXPECT_THAT(DbmateComplaint("-- migrate:up transaction:off\n-- migrate:down\n"),
              HasSubstr("1_a.sql:1: 'transaction' is 'true' or 'false', found 'off'"));
  const TempDirectory twice;
  twice.Write("001_a.sql", "-- migrate:up\n-- migrate:down\n");
  twice.Write("001_b.sql", "-- migrate:up\n-- migrate:down\n");
  EXPECT_THAT(RenderedErrorOf([&] { Dbmate().Read(twice.path()); }),
              HasSubstr("version '001' is there twice: '001_a.sql' and '001_b.sql'"));
}

TEST(Dbmate, KeepsItsTableWhereTheProjectSays) {
  EXPECT_THAT(Dbmate().MakeLedger({"", "", {{"table", "meta.versions"}}})->Tables(), ElementsAre("meta.versions"));
  const Error error = ErrorOf([] { Dbmate().MakeLedger({"", "", {{"table", "t; DROP TABLE x"}}}); });
  EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  EXPECT_THAT(error.Render(), HasSubstr("'t; DROP TABLE x' is no name of a table"));
}

}  // namespace
}  // namespace migproof
