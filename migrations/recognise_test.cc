#include "migrations/recognise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ci/expect_error.h"
#include "ci/temp_directory.h"

namespace migproof {
namespace {

using testing::HasSubstr;

TEST(RecogniseFormat, SaysByWhat) {
  const TempDirectory directory;
  directory.Write("1_a.sql", "-- a comment\n-- +goose Up\nSELECT 1;\n");
  EXPECT_EQ(RecogniseFormat(directory.path()).by, "1 file holds '-- +goose Up'");
  directory.Write("2_b.sql", "-- +goose UP\n-- +goose Dwon\n");  // a fault in it is for the reader to say
  directory.Write("3_c.sql", "SELECT 1;\n");
  const RecognisedFormat found = RecogniseFormat(directory.path());
  EXPECT_EQ(found.name, "goose");
  EXPECT_EQ(found.by, "2 files hold '-- +goose Up'");
}

TEST(RecogniseFormat, RefusesWhatLooksLikeSeveral) {
  const TempDirectory directory;
  directory.Write("20240317090000_a.up.sql", "SELECT 1;");
  const Error names = ErrorOf([&] { RecogniseFormat(directory.path()); });
  EXPECT_EQ(names.kind(), ErrorKind::kUsage);
  EXPECT_THAT(names.Render(), HasSubstr("looks like 2 formats: golang-migrate (1 file is named N_title.up.sql or "
                                        ".down.sql), sqlx (1 file is named N_title.sql)\nhint: say which one"));
  directory.Write("1_a.sql", "-- migrate:up\n-- migrate:down\n");  // a certain one outranks names
  EXPECT_EQ(RecogniseFormat(directory.path()).name, "dbmate");
  directory.Write("2_b.sql", "-- +migrate Up\n");
  EXPECT_THAT(RenderedErrorOf([&] { RecogniseFormat(directory.path()); }),
              HasSubstr("looks like 2 formats: dbmate (1 file holds '-- migrate:up'), sql-migrate (1 file holds "));
}

TEST(RecogniseFormat, AFileLeftFromAnotherToolDecidesNothing) {
  const TempDirectory directory;
  for (int i = 0; i < 100; ++i) {
    const std::string version = std::to_string(20'200'000'000'000ULL + static_cast<unsigned>(i)) + "000000";
    directory.Write(version + "_a.up.sql", i == 0 ? "-- +migrate Up\n" : "SELECT 1;");
    directory.Write(version + "_a.postgres.down.sql", "SELECT 1;");
  }
  EXPECT_EQ(RecogniseFormat(directory.path()).name, "popx");
}

TEST(RecogniseFormat, TheProjectDecidesBetweenNames) {
  const TempDirectory directory;
  directory.Write("db/migrations/20240317090000_a.up.sql", "SELECT 1;");
  directory.Write("go.mod", "require github.com/golang-migrate/migrate/v4 v4.17.0\n");
  const RecognisedFormat found = RecogniseFormat(directory.path() / "db/migrations");
  EXPECT_EQ(found.name, "golang-migrate");
  EXPECT_EQ(found.by, "go.mod names it; 1 file is named N_title.up.sql or .down.sql");
}

TEST(RecogniseFormat, RefusesWhatLooksLikeNone) {
  const TempDirectory directory;
  directory.Write("notes.txt", "hello");
  EXPECT_FALSE(RecogniseFormatIfAny(directory.path()));
  const Error error = ErrorOf([&] { RecogniseFormat(directory.path()); });
  EXPECT_EQ(error.kind(), ErrorKind::kUsage);
  EXPECT_THAT(error.Render(),
              HasSubstr("looks like none of the formats (1 entry there)\nhint: say which one: --format "));
  EXPECT_THAT(error.Render(), HasSubstr("goose"));
  EXPECT_THAT(RenderedErrorOf([&] { RecogniseFormat(directory.path() / "nowhere"); }),
              HasSubstr("can't read directory"));
}

}  // namespace
}  // namespace migproof
