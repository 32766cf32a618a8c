// The runner under the laws it is used to check: over the four systems, no failure makes it lose or claim anything, and
// runners that start together never meet. MIGPROOF_THOROUGH asks for all of it, otherwise a part is tried.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ci/temp_directory.h"
#include "ci/thorough.h"
#include "harness/cli/config.h"
#include "harness/postgres/test_server.h"
#include "harness/verify/failures.h"
#include "harness/verify/race.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;

Subject System(const std::string& name) {
  Config config = LoadConfig(fs::path(MIGPROOF_SOURCE_DIR) / "fixtures/systems" / name / "migproof.json");
  return Subject(config.format, config.path, config.before, ReadHistory(config));
}

ServerFactory Mortal() {
  return [] { return ParseServerSpec("local").Start({.durable = true}); };
}

std::string Told(const BrokenFailure& broken) {
  std::string text =
      broken.failure.ToString() + " in " + broken.failure.where.ToString() + ": the ledger says " + broken.ledger;
  for (const Error& refusal : broken.refusals) text += "\n" + EvidenceLine(refusal);
  return text;
}

class SystemFailures : public testing::TestWithParam<const char*> {
 protected:
  static void TearDownTestSuite() {
    std::int64_t total = 0;
    for (const auto& [system, failures] : tried_) {
      std::cout << system << ": " << failures << " failures injected\n";
      total += failures;
    }
    if (Thorough() && tried_.size() == 4) {
      EXPECT_GE(total, 1000);
    }
  }

  static std::map<std::string, std::int64_t> tried_;
};

std::map<std::string, std::int64_t> SystemFailures::tried_;

TEST_P(SystemFailures, LoseNothingAndClaimNothing) {
  const Subject subject = System(GetParam());
  std::size_t statements = 0;
  for (const Revision* revision : subject.order()) statements += revision->upgrade.script.statements().size();
  constexpr std::size_t kQuick = 60;
  if (!Thorough() && statements > kQuick) GTEST_SKIP() << "long scripts: MIGPROOF_THOROUGH asks for them";
  TestServer();
  const Bench bench(subject, LendTestServer, {.durable = Thorough() ? Mortal() : ServerFactory(), .seed = 4});
  FailureTrials trials(bench);
  const std::int64_t wanted = Thorough() ? 500 : 20;  // where there are revisions enough to go round
  std::int64_t failures = 0;
  for (std::size_t index = 0; failures < wanted; index = (index + 1) % subject.order().size()) {
    const FailureResult& result = trials.At(index);
    failures += result.exercised.at("failures");
    for (const BrokenFailure& broken : result.broken) {
      ADD_FAILURE() << subject.order()[index]->id << ": " << Told(broken);
    }
    if (subject.order().size() == 1) break;
  }
  EXPECT_GT(failures, 0);
  tried_[GetParam()] = failures;
}

INSTANTIATE_TEST_SUITE_P(Of, SystemFailures, testing::Values("aria", "aria_engine", "change_control", "soma"),
                         [](const auto& instance) { return std::string(instance.param); });

// Steps whose own doing it is not that they end where they should not: what other laws say of them this one does not.
struct OwnWay {
  const char* name;
  std::vector<std::pair<std::string, std::string>> revisions;  // upgrade and downgrade; "": none
};

void PrintTo(const OwnWay& way, std::ostream* out) { *out << way.name; }

class OwnWays : public testing::TestWithParam<OwnWay> {};

// In a format that marks the ledger before a step, and where what is behind a script is done whatever comes then.
TEST_P(OwnWays, AreNoFailuresOfTheirs) {
  const TempDirectory directory;
  int number = 0;
  for (const auto& [up, down] : GetParam().revisions) {
    const std::string stem = std::to_string(++number) + "_step";
    directory.Write(stem + ".up.sql", up);
    if (!down.empty()) directory.Write(stem + ".down.sql", down);
  }
  const Subject subject("golang-migrate", directory.path(), {},
                        Registry<Format>::Get("golang-migrate").Read(directory.path()));
  TestServer();
  const Bench bench(subject, LendTestServer, {.durable = Mortal(), .seed = 4});
  FailureTrials trials(bench);
  for (std::size_t index = 0; index < subject.order().size(); ++index) {
    const FailureResult& result = trials.At(index);
    EXPECT_GT(result.exercised.at("failures"), 3);
    // Where a step is refused before it comes to the place, nobody can die there: a note says so.
    const auto deaths = result.exercised.contains("deaths") ? result.exercised.at("deaths") : 0;
    EXPECT_EQ(deaths + std::ssize(result.notes), subject.order()[index]->downgrade ? 6 : 3);
    for (const BrokenFailure& broken : result.broken) {
      ADD_FAILURE() << subject.order()[index]->id << ": " << Told(broken);
    }
  }
}

const std::pair<std::string, std::string> kMakesCustomers = {"CREATE TABLE customers (id int);",
                                                             "DROP TABLE customers;"};
const std::pair<std::string, std::string> kMakesOrders = {"CREATE TABLE orders (id serial PRIMARY KEY, note text);",
                                                          "DROP TABLE orders;"};

INSTANTIATE_TEST_SUITE_P(
    Of, OwnWays,
    testing::Values(
        OwnWay{"DowngradeIsRefused",
               {kMakesOrders, {"ALTER TABLE orders ADD a int;", "DROP TABLE nowhere;"}, kMakesCustomers}},
        OwnWay{"BothAreRefused", {{"CREATE TABLE nowhere.a (id int);", "DROP TABLE nowhere.a;"}, kMakesOrders}},
        OwnWay{"DowngradeForgets",
               {kMakesOrders, {"CREATE TABLE a (id int); CREATE TABLE b (id int);", "DROP TABLE b;"}}},
        OwnWay{"ThereIsNoWayBack", {kMakesOrders, {"CREATE TABLE a (id int);", ""}, {"DROP TABLE a;", ""}}},
        OwnWay{"NothingIsDone", {kMakesOrders, {"SELECT 1;", "SELECT 1;"}, {"", "SELECT 1;"}}},
        OwnWay{"SequencesGoOn",
               {kMakesOrders,
                {"SELECT nextval('orders_id_seq');", "SELECT 1;"},
                {"INSERT INTO orders (note) VALUES ('x');", "DELETE FROM orders;"},
                {"UPDATE orders SET note = 'y' WHERE id = 1;", "UPDATE orders SET note = 'x' WHERE id = 1;"}}},
        OwnWay{"TheClockIsAsked",
               {{"CREATE TABLE a (at timestamptz DEFAULT clock_timestamp()); INSERT INTO a DEFAULT VALUES;",
                 "DROP TABLE a;"},
                {"UPDATE a SET at = clock_timestamp();", "UPDATE a SET at = clock_timestamp();"}}},
        OwnWay{"ServersForget",
               {{"CREATE UNLOGGED TABLE a (id serial); INSERT INTO a DEFAULT VALUES;", "DROP TABLE a;"},
                {"ALTER TABLE a ADD b int;", "ALTER TABLE a DROP b;"}}}),
    [](const auto& instance) { return std::string(instance.param.name); });

// Three revisions, one of which no transaction may hold.
Subject Racecourse(const TempDirectory& directory) {
  directory.Write("r1.sql",
                  "-- migproof: revision r1\n-- migproof: upgrade\nCREATE TABLE orders (id bigint, note text);\n"
                  "INSERT INTO orders SELECT n, 'x' FROM generate_series(1, 50) n;\n");
  directory.Write("r2.sql",
                  "-- migproof: revision r2\n-- migproof: parents r1\n-- migproof: transaction off\n"
                  "-- migproof: upgrade\nCREATE INDEX CONCURRENTLY orders_note ON orders (note);\n");
  directory.Write("r3.sql",
                  "-- migproof: revision r3\n-- migproof: parents r2\n-- migproof: upgrade\n"
                  "UPDATE orders SET note = note || 'y';\n");
  return Subject("native", directory.path(), {}, Registry<Format>::Get("native").Read(directory.path()));
}

TEST(Runners, ThatStartTogetherApplyEachRevisionOnceAndNeverDeadlock) {
  const TempDirectory directory;
  const Subject subject = Racecourse(directory);
  TestServer();
  const Bench bench(subject, LendTestServer);
  const int rounds = Thorough() ? 200 : 5;
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    // In every fifth round one is killed while it holds the lock, after each revision in turn.
    const RaceResult race = Race(bench, {.runners = 8, .killed_after = round % 5 == 4 ? 1 + round / 5 % 3 : -1});
    EXPECT_TRUE(race.complaints.empty()) << race.complaints.front().Render();
    EXPECT_EQ(race.applied, (std::map<std::string, int>{{"r1", 1}, {"r2", 1}, {"r3", 1}}));
    EXPECT_EQ(race.ledger.ToString(), "r1, r2, r3");
    EXPECT_EQ(race.end.catalog->Attribute("index", "public.orders_note", "valid"), "true");
    EXPECT_EQ(race.end.rows->tables.at("public.orders")->rows.front().back(), "xy");
  }
}

TEST(Runners, ThatLetTheLockGoAreNamed) {
  const TempDirectory directory;
  directory.Write("r1.sql", "-- migproof: revision r1\n-- migproof: upgrade\nSELECT pg_advisory_unlock_all();\n");
  directory.Write("r2.sql", "-- migproof: revision r2\n-- migproof: parents r1\n-- migproof: upgrade\nSELECT 1;\n");
  const Subject subject("native", directory.path(), {}, Registry<Format>::Get("native").Read(directory.path()));
  TestServer();
  const Bench bench(subject, LendTestServer);
  EXPECT_EQ(LockLetGo(bench).front(), "r1");
}

}  // namespace
}  // namespace migproof
