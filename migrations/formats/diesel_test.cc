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

const Format& Diesel() { return Registry<Format>::Get("diesel"); }

std::string DieselComplaint(const TempDirectory& directory) {
  const Error error = ErrorOf([&] { Diesel().Read(directory.path()); });
  EXPECT_EQ(error.kind(), ErrorKind::kHistory);
  return error.Render();
}

TEST(Diesel, ComparesVersionsAsTextWithoutDashes) {
  const TempDirectory directory;
  for (const char* name : {"2020-12-7-190800_odd", "2020-12-08-000000_after", "20140924113530_dump",
                           "00000000000000_setup", "2020-11-30-000000", "2020-12-08-000000-9_x"}) {
    directory.Write(std::filesystem::path(name) / "up.sql", "SELECT 1;");
  }
  const std::vector<Revision> revisions = Diesel().Read(directory.path());
  std::vector<std::string> keys;
  for (const Revision& revision : revisions) keys.push_back(revision.ledger_key);
  EXPECT_THAT(keys, ElementsAre("00000000000000", "20140924113530", "20201130000000", "20201208000000",
                                "202012080000009", "2020127190800"));
  EXPECT_EQ(revisions.back().id, "2020-12-7-190800_odd");
  EXPECT_EQ(revisions.back().title, "odd");
  EXPECT_THAT(revisions.back().parents, ElementsAre("2020-12-08-000000-9_x"));
  EXPECT_TRUE(History(revisions).IsLinear());
}

TEST(Diesel, ReadsBothFilesAndTheMetadata) {
  const TempDirectory directory;
  directory.Write("1_a/up.sql", "CREATE TABLE t (id int);\n-- migproof: owns t\n");
  directory.Write("1_a/down.sql", "DROP TABLE t;");
  directory.Write("1_a/README", "ignored by the tool");
  directory.Write("1_a/.hidden.sql", "ignored by the tool");
  directory.Write("2_b/up.sql", "-- nothing\n");
  directory.Write("3_c/up.sql", "CREATE INDEX CONCURRENTLY i ON t (id);");
  directory.Write("3_c/down.sql", "DROP INDEX CONCURRENTLY i;");
  directory.Write("3_c/metadata.toml", "run_in_transaction = false\nother = 1\n");
  directory.Write("4_d/up.sql", "SELECT 1;");
  directory.Write("4_d/down.sql", "");
  directory.Write("4_d/metadata.toml", "run_in_transaction = true\n");
  directory.Write("stray.sql", "ignored by the tool");
  directory.Write(".gitkeep/x", "ignored by the tool");
  const std::vector<Revision> revisions = Diesel().Read(directory.path());
  ASSERT_EQ(revisions.size(), 4U);
  EXPECT_EQ(revisions[0].upgrade.execution, Execution::kTransaction);
  ASSERT_TRUE(revisions[0].downgrade);
  EXPECT_EQ(revisions[0].declarations.size(), 1U);
  EXPECT_TRUE(revisions[1].upgrade.script.empty());
  EXPECT_FALSE(revisions[1].downgrade);
  EXPECT_EQ(revisions[2].upgrade.execution, Execution::kOneQuery);
  EXPECT_EQ(revisions[2].downgrade->execution, Execution::kOneQuery);
  ASSERT_TRUE(revisions[3].downgrade);  // of no bytes at all: a downgrade that does nothing
  EXPECT_TRUE(revisions[3].downgrade->script.empty());
  EXPECT_EQ(revisions[3].upgrade.execution, Execution::kTransaction);
}

TEST(Diesel, RefusesWhatTheToolRefuses) {
  const TempDirectory without_up;
  without_up.Write("1_a/down.sql", "SELECT 1;");
  EXPECT_THAT(DieselComplaint(without_up), HasSubstr("1_a' holds no up.sql"));
  const TempDirectory empty;
  empty.Write("1_a/up.sql", "");
  EXPECT_THAT(DieselComplaint(empty), HasSubstr("1_a/up.sql' is empty, which the tool refuses to run"));
  const TempDirectory twice;
  twice.Write("2020-01-01_a/up.sql", "SELECT 1;");
  twice.Write("20200101_b/up.sql", "SELECT 1;");
  EXPECT_THAT(DieselComplaint(twice), HasSubstr("version '20200101' is there twice: '2020-01-01_a' and '20200101_b'"));
  const TempDirectory toml;
  toml.Write("1_a/up.sql", "SELECT 1;");
  toml.Write("1_a/metadata.toml", "\nrun_in_transaction = \"no\"\n");
  EXPECT_THAT(DieselComplaint(toml), HasSubstr("metadata.toml:2: 'run_in_transaction' is neither true nor false"));
  toml.Write("1_a/metadata.toml", "run_in_transaction = \n");
  EXPECT_THAT(DieselComplaint(toml), HasSubstr("metadata.toml:1: not TOML"));
}

TEST(Diesel, NamesARevisionByTheTime) {
  Revision wanted;
  wanted.title = "add users";
  const auto files = Diesel().MakeRevision(wanted);
  ASSERT_EQ(files.size(), 2U);
  EXPECT_THAT(files[0].path.string(), testing::MatchesRegex("[0-9]+-[0-9]+-[0-9]+-[0-9]+_add_users/up.sql"));
  EXPECT_EQ(files[1].path.filename(), "down.sql");
  wanted.parents = {"9999-01-01-000000_future"};
  EXPECT_THAT(RenderedErrorOf([&] { Diesel().MakeRevision(wanted); }), HasSubstr("does not come behind"));
}

TEST(Diesel, ReadsPublicHistories) {
  const char* corpora = std::getenv("MIGPROOF_CORPORA");  // NOLINT(concurrency-mt-unsafe)
  if (corpora == nullptr) GTEST_SKIP() << "MIGPROOF_CORPORA names no directory with public histories";
  EXPECT_EQ(History(Diesel().Read(std::filesystem::path(corpora) / "crates_io")).size(), 285U);
  EXPECT_EQ(History(Diesel().Read(std::filesystem::path(corpora) / "vaultwarden")).size(), 46U);
}

}  // namespace
}  // namespace migproof
