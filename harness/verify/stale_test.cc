#include "harness/verify/stale.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ci/temp_directory.h"
#include "migrations/format.h"

namespace migproof {
namespace {

// r1 makes the ground, the last one is the one that declares.
class StaleTest : public testing::Test {
 protected:
  const Subject& SubjectOf(const std::vector<std::pair<std::string, std::string>>& steps) {
    int number = 0;
    for (const auto& [upgrade, downgrade] : steps) {
      ++number;
      std::string text = "-- migproof: revision r" + std::to_string(number) + "\n";
      if (number > 1) text += "-- migproof: parents r" + std::to_string(number - 1) + "\n";
      text += fmt::format("-- migproof: upgrade\n{}\n-- migproof: downgrade\n{}\n", upgrade, downgrade);
      directory_.Write("r" + std::to_string(number) + ".sql", text);
    }
    subject_.emplace("native", directory_.path(), std::vector<std::filesystem::path>(),
                     Registry<Format>::Get("native").Read(directory_.path()));
    return *subject_;
  }

  // Whether "owns settings", declared by the last revision, keeps rows out of nothing; the table is there throughout.
  bool OwnsNothingIn(const std::vector<std::pair<std::string, std::string>>& steps) {
    const Subject& subject = SubjectOf(steps);
    return OwnsNothing(subject, *subject.order().back(), "settings", there_, there_);
  }

  static Catalog With(const std::string& table) {
    Catalog catalog;
    catalog.objects().emplace({"table", table}, {"", {}});
    return catalog;
  }

  const Catalog there_ = With("public.settings");
  TempDirectory directory_;
  std::optional<Subject> subject_;
};

const std::pair<std::string, std::string> kMadeSettings = {"CREATE TABLE settings (id int PRIMARY KEY);",
                                                           "DROP TABLE settings;"};

TEST_F(StaleTest, OwningATableThatIsNeverThereIsStale) {
  const Subject& subject = SubjectOf({kMadeSettings, {"CREATE TABLE t (id int);", "DROP TABLE t;"}});
  EXPECT_TRUE(OwnsNothing(subject, *subject.order().back(), "setings", there_, there_));
  EXPECT_TRUE(OwnsNothing(subject, *subject.order().back(), "other.setings", there_, there_));
}

TEST_F(StaleTest, OwningATableThatComesLaterIsNot) {
  const Subject& subject =
      SubjectOf({{"SELECT 1;", "SELECT 1;"}, {"CREATE TABLE settings AS SELECT 1 AS id;", "DROP TABLE settings;"}});
  EXPECT_FALSE(OwnsNothing(subject, *subject.order().front(), "settings", Catalog(), Catalog()));
}

TEST_F(StaleTest, OwningATableThatNothingWritesIsStale) {
  EXPECT_TRUE(OwnsNothingIn({kMadeSettings}));
  EXPECT_TRUE(OwnsNothingIn({kMadeSettings,
                             {"ALTER TABLE settings ADD COLUMN note text; COMMENT ON TABLE settings IS 'x';",
                              "ALTER TABLE settings DROP COLUMN note;"}}));
  EXPECT_TRUE(OwnsNothingIn({kMadeSettings, {"INSERT INTO others VALUES (1);", "DELETE FROM others;"}}));
}

TEST_F(StaleTest, OwningATableThatIsWrittenIsNot) {
  for (const char* upgrade : {"INSERT INTO settings VALUES (1);", "UPDATE public.settings SET id = 2;",
                              "COPY \"settings\" FROM stdin;\n\\.\n", "DO $$ BEGIN DELETE FROM settings; END $$;",
                              "CREATE TABLE x AS SELECT * FROM settings;",
                              "DO $$ BEGIN EXECUTE format('INSERT INTO %I VALUES (1)', 'set' || 'tings'); END $$;"}) {
    EXPECT_FALSE(OwnsNothingIn({kMadeSettings, {upgrade, "SELECT 1;"}})) << upgrade;
  }
  EXPECT_FALSE(OwnsNothingIn({kMadeSettings, {"SELECT 1;", "DELETE FROM settings;"}}));
}

TEST_F(StaleTest, OwningATableWhoseRowsCouldBeRefusedIsNot) {
  for (const char* upgrade :
       {"ALTER TABLE settings ADD COLUMN note text NOT NULL;", "ALTER TABLE settings ALTER COLUMN id TYPE smallint;",
        "CREATE UNIQUE INDEX i ON settings (id);", "ALTER DOMAIN word ADD CHECK (VALUE <> '');",
        "DROP TYPE mood CASCADE;", "CREATE TABLE parts (setting int REFERENCES settings ON DELETE CASCADE);",
        "ALTER TABLE settings DROP COLUMN id;", "DROP TABLE settings;"}) {
    EXPECT_FALSE(OwnsNothingIn({kMadeSettings, {upgrade, "SELECT 1;"}})) << upgrade;
  }
}

TEST_F(StaleTest, OwningATableThatNoStatementMakesIsNot) {
  EXPECT_FALSE(OwnsNothingIn({{"CREATE EXTENSION hstore;", "DROP EXTENSION hstore;"}}));
}

TEST_F(StaleTest, OwningATableThatOthersMayWriteThroughIsNot) {
  Catalog linked = there_;
  linked.objects().emplace(
      {"foreign key", "settings_fkey on public.settings"},
      {"public.settings", {{"definition", "FOREIGN KEY (id) REFERENCES o(id) ON DELETE CASCADE"}}});
  const Subject& subject = SubjectOf({kMadeSettings, {"DELETE FROM o;", "SELECT 1;"}});
  EXPECT_TRUE(OwnsNothing(subject, *subject.order().back(), "settings", there_, there_));
  EXPECT_FALSE(OwnsNothing(subject, *subject.order().back(), "settings", linked, linked));
}

TEST_F(StaleTest, AssumptionsMayMatterToEarlierRevisionsThatNameTheTable) {
  const auto matters = [&](const std::vector<std::pair<std::string, std::string>>& steps) {
    const Subject& subject = SubjectOf(steps);
    return MayMatterBefore(subject, *subject.order().back(), "public.settings");
  };
  const std::pair<std::string, std::string> last = {"ALTER TABLE settings ALTER COLUMN id TYPE bigint;", "SELECT 1;"};
  EXPECT_FALSE(matters({kMadeSettings, last}));
  EXPECT_FALSE(matters({kMadeSettings, {"CREATE TABLE my_settings (id int);", "DROP TABLE my_settings;"}, last}));
  EXPECT_TRUE(matters({kMadeSettings, {"ALTER TABLE settings ADD note text;", "SELECT 1;"}, last}));
  EXPECT_TRUE(matters({kMadeSettings, {"ALTER DOMAIN word ADD CHECK (VALUE <> '');", "SELECT 1;"}, last}));
  EXPECT_TRUE(matters({kMadeSettings, {"DROP TYPE mood CASCADE;", "SELECT 1;"}, last}));
  EXPECT_FALSE(matters(
      {kMadeSettings, {"CREATE TABLE o (a int REFERENCES p ON UPDATE CASCADE);", "DROP TABLE o CASCADE;"}, last}));
  EXPECT_TRUE(matters({kMadeSettings, {"SELECT 1;", "UPDATE Settings SET id = 1;"}, last}));
}

TEST(RequiresNothing, IsWhatEverySupportedServerMeets) {
  const auto stale = [](const std::string& object) { return RequiresNothing({"requires", object, "", {}}); };
  EXPECT_TRUE(stale("server >= 13"));
  EXPECT_TRUE(stale("server > 9"));
  EXPECT_TRUE(stale("server <= 18"));
  EXPECT_TRUE(stale("server < 19"));
  EXPECT_FALSE(stale("server >= 14"));
  EXPECT_FALSE(stale("server < 18"));
  EXPECT_FALSE(stale("server >= 200"));
  EXPECT_FALSE(RequiresNothing({"owns", "settings", "", {}}));
}

}  // namespace
}  // namespace migproof
