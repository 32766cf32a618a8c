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
using testing::IsEmpty;

const Format& Authelia() { return Registry<Format>::Get("authelia"); }

TEST(Authelia, ReadsPairsInTheOrderOfTheirNumbers) {
  const TempDirectory directory;
  directory.Write("V0002.Add_Groups.up.sql", "SELECT 1;");
  directory.Write("V0001.Initial_Schema.up.sql", "SELECT 1;");
  directory.Write("V0001.Initial_Schema.down.sql", "");
  const std::vector<Revision> revisions = Authelia().Read(directory.path());
  ASSERT_EQ(revisions.size(), 2U);
  EXPECT_EQ(revisions[0].id, "V0001.Initial_Schema");
  EXPECT_EQ(revisions[0].ledger_key, "1");
  EXPECT_TRUE(revisions[0].downgrade);
  EXPECT_EQ(revisions[1].title, "Add Groups");
  EXPECT_FALSE(revisions[1].downgrade);
}

TEST(Authelia, RefusesOtherNames) {
  for (const char* name :
       {"V1.A.up.sql", "0001.A.up.sql", "V0001.A.B.up.sql", "V0001.A.sql", "V0001..up.sql", "README.md"}) {
    const TempDirectory directory;
    directory.Write(name, "");
    EXPECT_THAT(RenderedErrorOf([&] { Authelia().Read(directory.path()); }), HasSubstr("is not named as a migration"))
        << name;
  }
  const TempDirectory twice;
  twice.Write("V0001.A.up.sql", "");
  twice.Write("V0001.B.up.sql", "");
  EXPECT_THAT(RenderedErrorOf([&] { Authelia().Read(twice.path()); }), HasSubstr("version 1 is there twice"));
  const TempDirectory down;
  down.Write("V0001.A.down.sql", "");
  EXPECT_THAT(RenderedErrorOf([&] { Authelia().Read(down.path()); }), HasSubstr("has a down file and no up file"));
}

TEST(Authelia, TheFirstDowngradeMayDropTheLedger) {
  const TempDirectory directory;
  directory.Write("V0001.A.up.sql",
                  "CREATE TABLE IF NOT EXISTS migrations (id serial PRIMARY KEY, applied timestamptz, version_before "
                  "int, version_after int NOT NULL, application_version text NOT NULL);");
  directory.Write("V0001.A.down.sql", "DROP TABLE IF EXISTS migrations;");
  const History history(Authelia().Read(directory.path()));
  const auto ledger = Authelia().MakeLedger();
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  Runner runner(*session, history, *ledger, {});
  const Revision& first = history.Get("V0001.A");
  runner.Apply({Direction::kUpgrade, &first});  // makes the table itself
  EXPECT_THAT(runner.Applied(), ElementsAre("V0001.A"));
  runner.Apply({Direction::kDowngrade, &first});
  EXPECT_TRUE(session->Query("SELECT to_regclass('migrations')").IsNull(0, 0));
  EXPECT_THAT(runner.Applied(), IsEmpty());
}

TEST(Authelia, ReadsPublicHistories) {
  const char* corpora = std::getenv("MIGPROOF_CORPORA");  // NOLINT(concurrency-mt-unsafe)
  if (corpora == nullptr) GTEST_SKIP() << "MIGPROOF_CORPORA names no directory with public histories";
  EXPECT_EQ(History(Authelia().Read(std::filesystem::path(corpora) / "authelia")).size(), 26U);
}

}  // namespace
}  // namespace migproof
