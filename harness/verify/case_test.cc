#include "harness/verify/case.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "ci/temp_directory.h"
#include "harness/postgres/test_server.h"
#include "migrations/format.h"

namespace migproof {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr int kTables = 8;

// A history of two revisions, and cases before the second one.
class SecondRevisionTest : public testing::Test {
 protected:
  void Stand() {
    subject_.emplace("native", directory_.path() / "history", std::vector<std::filesystem::path>{},
                     Registry<Format>::Get("native").Read(directory_.path() / "history"));
    bench_.emplace(*subject_, LendTestServer);
    walk_.emplace(*bench_, false);
    walk_->GoTo(1);
    ground_.emplace(*bench_, *walk_);
    ground_->GoTo(1);
  }

  TempDirectory directory_;
  std::optional<Subject> subject_;
  std::optional<Bench> bench_;
  std::optional<Walk> walk_;
  std::optional<CaseGround> ground_;
};

// A revision that alters t0 and copies rows of t1 into t2, before which kTables tables have a row each.
class CaseTest : public SecondRevisionTest {
 protected:
  CaseTest() {
    std::string before;
    Dataset rows;
    for (int i = 0; i < kTables; ++i) {
      before += fmt::format("CREATE TABLE t{} (id int PRIMARY KEY, note text);\n", i);
      rows.tables.push_back({fmt::format("public.t{}", i), {"id", "note"}, {{"7", fmt::format("row of {}", i)}}, i});
    }
    directory_.Write("history/1.sql", "-- migproof: revision r1\n-- migproof: upgrade\n" + before);
    directory_.Write("history/2.sql",
                     "-- migproof: revision r2\n-- migproof: parents r1\n-- migproof: upgrade\n"
                     "ALTER TABLE t0 ADD COLUMN more int;\nINSERT INTO t2 SELECT id + 1, note FROM t1;\n");
    Stand();
    rows_ = std::move(rows);
  }

  RowsCase Make() { return {*ground_, std::make_shared<const Dataset>(rows_), false}; }

  Dataset rows_;
};

TEST_F(CaseTest, BeginsAgainWhereRowsThatWereNotReadAreLookedAt) {
  int times = 0;
  const auto before = [&](const std::string& table) {
    return Asking(*ground_, [&] {
      ++times;
      RowsCase one = Make();
      return one.Before().rows->tables.at(table)->rows;
    });
  };
  EXPECT_THAT(before("public.t5"), SizeIs(1));
  EXPECT_EQ(times, 2);
  EXPECT_EQ(before("public.t5")[0][1], "row of 5");
  EXPECT_EQ(times, 3) << "the table is wanted now";
}

TEST_F(CaseTest, BeginsAgainWhereTheRevisionTouchesRowsThatWereNotRead) {
  int times = 0;
  Asking(*ground_, [&] {
    ++times;
    RowsCase one = Make();
    const Observation& after = one.After({Move::kUpgrade});
    EXPECT_THAT(after.refusals, IsEmpty());
    EXPECT_EQ(after.rows->tables.at("public.t2")->rows.size(), 2U);
    EXPECT_EQ(after.rows->tables.at("public.t0")->columns.size(), 3U);
    // Nobody has touched what is left.
    EXPECT_TRUE(after.rows->tables.at("public.t1").IsUnread());
    EXPECT_TRUE(after.rows->tables.at("public.t7").IsUnread());
    return true;
  });
  EXPECT_EQ(times, 2);
}

TEST_F(CaseTest, ReadsAllWhereTablesAreLookedAtOneByOne) {
  int times = 0;
  const std::int64_t rows = Asking(*ground_, [&] {
    ++times;
    RowsCase one = Make();
    std::int64_t count = 0;
    for (const auto& [name, table] : one.Before().rows->tables) count += static_cast<std::int64_t>(table->rows.size());
    return count;
  });
  EXPECT_EQ(rows, kTables);
  EXPECT_EQ(times, 4);
}

// A revision that says each time what it does, with a way down.
class UpgradeAgainTest : public SecondRevisionTest {
 protected:
  void Prepare(const std::string& upgrade, const std::string& downgrade) {
    directory_.Write(
        "history/1.sql",
        "-- migproof: revision r1\n-- migproof: upgrade\nCREATE TABLE t (id int PRIMARY KEY, note text);\n");
    directory_.Write("history/2.sql",
                     fmt::format("-- migproof: revision r2\n-- migproof: parents r1\n-- migproof: upgrade\n{};\n"
                                 "DO $$ BEGIN RAISE WARNING 'up'; END $$;\n-- migproof: downgrade\n{};\n",
                                 upgrade, downgrade));
    Stand();
    ground_->watch().Want({"public.t"});
  }

  // How often each of some cases upgrades on a round trip; -1: the second upgrade gives other rows.
  std::vector<int> Upgrades(int cases) {
    std::vector<int> upgrades;
    for (int i = 0; i < cases; ++i) {
      ground_->session().TakeNotices();
      const Dataset rows{{{"public.t", {"id", "note"}, {{fmt::to_string(i), "x"}}}}};
      RowsCase one(*ground_, std::make_shared<const Dataset>(rows), false);
      const RowSnapshot upgraded = *one.After({Move::kUpgrade}).rows;
      one.After({Move::kUpgrade, Move::kDowngrade});
      const Path again = {Move::kUpgrade, Move::kDowngrade, Move::kUpgrade};
      const bool differs = !one.KnowsUpgradeAgain() && *one.After(again).rows != upgraded;
      const auto told = ground_->session().TakeNotices();
      const auto ups = std::ranges::count(told, std::string("up"), &Notice::message);
      upgrades.push_back(differs ? -1 : static_cast<int>(ups));
    }
    return upgrades;
  }
};

TEST_F(UpgradeAgainTest, IsKnownFromTheVerySameDatabaseOnceItWasSeenAFewTimes) {
  Prepare("ALTER TABLE t ADD COLUMN more int NOT NULL DEFAULT 7", "ALTER TABLE t DROP COLUMN more");
  EXPECT_THAT(Upgrades(7), ElementsAre(2, 2, 2, 2, 2, 1, 1));
}

TEST_F(UpgradeAgainTest, IsGoneWhereTheDowngradeLeavesOtherRows) {
  Prepare("UPDATE t SET note = NULL", "SELECT");
  EXPECT_THAT(Upgrades(7), Each(2));
}

TEST_F(UpgradeAgainTest, IsGoneWhereTheDowngradeMakesColumnsAnew) {
  Prepare("ALTER TABLE t ADD COLUMN more int; ALTER TABLE t DROP COLUMN note",
          "ALTER TABLE t DROP COLUMN more; ALTER TABLE t ADD COLUMN note text; UPDATE t SET note = 'x'");
  EXPECT_THAT(Upgrades(7), Each(2));
}

TEST_F(UpgradeAgainTest, IsGoneWhereItOnceGaveSomethingElse) {
  // What one upgrade leaves in the session changes the next one.
  Prepare(
      "ALTER TABLE t ADD COLUMN more text DEFAULT current_setting('test.seen', true);\n"
      "SET LOCAL test.seen = 'once'",
      "ALTER TABLE t DROP COLUMN more");
  EXPECT_THAT(Upgrades(7), Each(-1));
}

}  // namespace
}  // namespace migproof
