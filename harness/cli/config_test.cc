#include "harness/cli/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

#include "ci/expect_error.h"
#include "ci/temp_directory.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ConfigTest : public testing::Test {
 protected:
  Config Load(const std::string& text) { return LoadConfig(directory_.Write("migproof.json", text)); }
  // Without the path of the file.
  std::string Complaint(const std::string& text) {
    const Error error = ErrorOf([&] { Load(text); });
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    const std::string rendered = error.Render();
    const std::size_t name = rendered.find("migproof.json");
    return name == std::string::npos ? rendered : rendered.substr(name);
  }

  TempDirectory directory_;
};

TEST_F(ConfigTest, ReadsEveryKey) {
  const Config config = Load(R"({
    // comments are allowed
    "format": "diesel", "path": "db/migrations", "database_url_env": "APP_DSN",
    "model": "model.json", "before": ["ext.sql", "/abs/ground.sql"], "postgres": "local:15",
    "laws": ["round_trip"], "jobs": 3, "seed": 18446744073709551615, "waivers": "w.json",
    "lock_timeout_ms": 5000, "statement_timeout_ms": 60000,
    "declarations": {"a1": ["idempotent", "loses a.b \"why\""]}
  })");
  const std::filesystem::path here = directory_.path();
  EXPECT_EQ(config.format, "diesel");
  EXPECT_EQ(config.path, here / "db/migrations");
  EXPECT_EQ(config.database_url_env, "APP_DSN");
  EXPECT_EQ(config.model, here / "model.json");
  EXPECT_THAT(config.before, ElementsAre(here / "ext.sql", std::filesystem::path("/abs/ground.sql")));
  EXPECT_EQ(config.postgres, "local:15");
  EXPECT_THAT(config.laws, ElementsAre("round_trip"));
  EXPECT_EQ(config.jobs, 3);
  EXPECT_EQ(config.seed, 18446744073709551615U);
  EXPECT_EQ(config.waivers, here / "w.json");
  EXPECT_EQ(config.lock_timeout_ms, 5000);
  EXPECT_EQ(config.statement_timeout_ms, 60000);
  EXPECT_THAT(config.declarations.at("a1"), ElementsAre("idempotent", "loses a.b \"why\""));
}

TEST_F(ConfigTest, SeveralServersAreAListOrOneText) {
  EXPECT_EQ(Load(R"({"postgres": "13,15"})").postgres, "13,15");
  EXPECT_EQ(Load(R"({"postgres": ["13", "local:15"]})").postgres, "13,local:15");
}

TEST_F(ConfigTest, EveryKeyMayBeLeftOut) {
  const Config config = Load("{}");
  EXPECT_EQ(config.format, "native");
  EXPECT_EQ(config.path, directory_.path() / "migrations");
  EXPECT_EQ(config.waivers, directory_.path() / "migproof-waivers.json");
  EXPECT_EQ(config.database_url_env, "DATABASE_URL");
  EXPECT_TRUE(config.model.empty());
  EXPECT_EQ(LoadConfigIfThere(directory_.path() / "none.json").path, "migrations");
}

TEST_F(ConfigTest, TheDirectoryDecidesAboutAFormatThatNobodyNames) {
  directory_.Write("migrations/1_a.sql", "-- +goose Up\nSELECT 1;\n");
  std::ostringstream said;
  Config config = Load("{}");
  SettleFormat(config, said);
  EXPECT_EQ(config.format, "goose");
  EXPECT_EQ(said.str(), "format: goose, since 1 file holds '-- +goose Up'\n");
  Config named = Load(R"({"format": "native"})");
  SettleFormat(named, said);
  EXPECT_EQ(named.format, "native");
  Config automatic = Load(R"({"format": "auto"})");
  SettleFormat(automatic, said);
  EXPECT_EQ(automatic.format, "goose");
}

TEST_F(ConfigTest, AFormatThatNobodyNamesStaysNativeWhereNothingIsRecognised) {
  std::filesystem::create_directory(directory_.path() / "migrations");
  std::ostringstream said;
  Config config = Load("{}");
  SettleFormat(config, said);
  EXPECT_EQ(config.format, "native");
  EXPECT_EQ(said.str(), "");
  Config automatic = Load(R"({"format": "auto"})");
  EXPECT_THAT(RenderedErrorOf([&] { SettleFormat(automatic, said); }), HasSubstr("looks like none of the formats"));
  directory_.Write("migrations/1_a.sql", "-- +goose Up\n");
  directory_.Write("migrations/2_b.sql", "-- migrate:up\n");
  EXPECT_THAT(RenderedErrorOf([&] { SettleFormat(config = Load("{}"), said); }),
              HasSubstr("looks like 2 formats: dbmate ("));
}

TEST_F(ConfigTest, RefusesUnknownAndDoubleKeys) {
  EXPECT_EQ(Complaint(R"({"formatt": "native"})"),
            "migproof.json: unknown key 'formatt'\nhint: did you mean 'format'?");
  EXPECT_THAT(Complaint(R"({"zzzzzz": 1})"),
              HasSubstr("hint: the keys there are: before, cases, database_url_env, declarations"));
  EXPECT_THAT(Complaint(R"({"jobs": 1, "jobs": 2})"), HasSubstr("the key 'jobs' is there twice"));
  EXPECT_THAT(Complaint(R"({"declarations": {"a": [], "a": []}})"), HasSubstr("the key 'a' is there twice"));
}

TEST_F(ConfigTest, RefusesValuesOfTheWrongKind) {
  EXPECT_THAT(Complaint(R"({"path": 7})"), HasSubstr("'path' is a string, found 7"));
  EXPECT_THAT(Complaint(R"({"path": ""})"), HasSubstr("'path' is a path, found \"\""));
  EXPECT_THAT(Complaint(R"({"jobs": -1})"), HasSubstr("'jobs' is a whole number from 0, found -1"));
  EXPECT_THAT(Complaint(R"({"jobs": 1.5})"), HasSubstr("'jobs' is a whole number from 0, found 1.5"));
  EXPECT_THAT(Complaint(R"({"lock_timeout_ms": 4294967296})"), HasSubstr("'lock_timeout_ms' is a whole number"));
  EXPECT_THAT(Complaint(R"({"seed": "7"})"), HasSubstr("'seed' is a whole number from 0, found \"7\""));
  EXPECT_THAT(Complaint(R"({"laws": "round_trip"})"), HasSubstr("'laws' is an array"));
  EXPECT_THAT(Complaint(R"({"laws": [1]})"), HasSubstr("'laws[0]' is a string, found 1"));
  EXPECT_THAT(Complaint(R"({"declarations": {"a": "x"}})"), HasSubstr("'declarations.a' is an array"));
  EXPECT_THAT(Complaint(R"({"declarations": []})"), HasSubstr("'declarations' is an object"));
  EXPECT_THAT(Complaint("[]"), HasSubstr("the configuration is one JSON object"));
}

TEST_F(ConfigTest, NamesTheLineThatIsNotJson) {
  EXPECT_THAT(Complaint("{\n  \"jobs\": 1,\n  oops\n}"), HasSubstr("migproof.json:3: not JSON"));
  EXPECT_THAT(Complaint(""), HasSubstr("migproof.json:1: not JSON"));
  EXPECT_EQ(ErrorOf([&] { LoadConfig(directory_.path() / "none.json"); }).kind(), ErrorKind::kUsage);
}

TEST_F(ConfigTest, DeclarationsJoinThoseOfTheFiles) {
  directory_.Write("migrations/1.sql", "-- migproof: revision a1\n-- migproof: idempotent\n-- migproof: upgrade\n");
  const Config config = Load(R"({"declarations": {"a1": ["loses a.b \"why\""]}})");
  const std::vector<Revision> revisions = ReadRevisions(config);
  ASSERT_EQ(revisions.size(), 1U);
  EXPECT_TRUE(revisions[0].Declares("idempotent"));
  const Declaration* loses = revisions[0].FindDeclaration("loses", "a.b");
  ASSERT_NE(loses, nullptr);
  EXPECT_EQ(loses->where.file, config.file.string());
  const Config wrong = Load(R"({"declarations": {"a2": ["idempotent"]}})");
  EXPECT_THAT(RenderedErrorOf([&] { ReadRevisions(wrong); }),
              HasSubstr("'declarations' names revision 'a2', which is not in"));
  EXPECT_THAT(RenderedErrorOf([&] { ReadRevisions(wrong); }), HasSubstr("hint: did you mean 'a1'?"));
  const Config word = Load(R"({"declarations": {"a1": ["idempotant"]}})");
  EXPECT_THAT(RenderedErrorOf([&] { ReadRevisions(word); }), HasSubstr("unknown word 'idempotant'"));
}

TEST_F(ConfigTest, AnEmptyHistoryIsRefused) {
  std::filesystem::create_directory(directory_.path() / "migrations");
  const Config config = Load("{}");
  EXPECT_TRUE(ReadRevisions(config).empty());
  const Error error = ErrorOf([&] { LoadHistory(config); });
  EXPECT_EQ(error.kind(), ErrorKind::kHistory);
  EXPECT_THAT(error.message(), HasSubstr("holds no revisions in the format 'native'"));
}

TEST_F(ConfigTest, TheDatabaseComesFromTheFlagOrTheNamedVariable) {
  Config config;
  config.database_url_env = "MIGPROOF_CONFIG_TEST_URL";
  unsetenv("MIGPROOF_CONFIG_TEST_URL");  // NOLINT(concurrency-mt-unsafe)
  EXPECT_EQ(RenderedErrorOf([&] { DatabaseUrl(config, ""); }),
            "error: no database is given\nhint: --database URL, or the environment variable MIGPROOF_CONFIG_TEST_URL");
  EXPECT_EQ(DatabaseUrl(config, "postgresql://a@b/c"), "postgresql://a@b/c");
  setenv("MIGPROOF_CONFIG_TEST_URL", "postgresql+asyncpg://a:x+y@b/c", 1);  // NOLINT(concurrency-mt-unsafe)
  EXPECT_EQ(DatabaseUrl(config, ""), "postgresql://a:x+y@b/c");
  EXPECT_EQ(DatabaseUrl(config, "host=b dbname=c+d"), "host=b dbname=c+d");
  unsetenv("MIGPROOF_CONFIG_TEST_URL");  // NOLINT(concurrency-mt-unsafe)
}

}  // namespace
}  // namespace migproof
