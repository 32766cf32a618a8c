// What the report says of the orders that were tried, and what it names where two revisions do not commute.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "ci/project.h"

namespace migproof {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class OrderProject : public Project {
 public:
  OrderProject() { Revision("r1", "", "CREATE TABLE t (id int);", "DROP TABLE t;"); }

  json Verdict(const std::vector<std::string>& arguments = {}) const {
    std::vector<std::string> all = {"--law=order_independence", "--report=json"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const ProgramRun run = Verify(all);
    return json::parse(run.out).at("verdicts").at(0);
  }
};

TEST(OrderIndependence, HasNothingToSayOfAChain) {
  const OrderProject project;
  project.Revision("r2", "r1", "CREATE TABLE u (id int);", "DROP TABLE u;");
  const json verdict = project.Verdict();
  EXPECT_EQ(verdict.at("outcome"), "not_applicable");
  EXPECT_EQ(verdict.at("reason"), "the history has one order only");
}

TEST(OrderIndependence, SaysHowManyOrdersOfHowMany) {
  const OrderProject project;
  for (const char* id : {"r2", "r3", "r4", "r5", "r6", "r7"}) {
    project.Revision(id, "r1", "CREATE TABLE " + std::string(id) + " (id int);", "DROP TABLE " + std::string(id) + ";");
  }
  const json verdict = project.Verdict({"--cases=0"});
  EXPECT_EQ(verdict.at("outcome"), "held") << verdict;
  EXPECT_EQ(verdict.at("exercised").at("orders"), 120);
  EXPECT_EQ(verdict.at("exercised").at("legal orders"), 720);
  EXPECT_THAT(verdict.at("notes").dump(), HasSubstr("120 of 720 orders, drawn uniformly"));
}

// r3 and r6 quarrel; whatever else there is, the finding names those two.
TEST(OrderIndependence, NamesThePairAmongMany) {
  const OrderProject project;
  project.Revision("r2", "r1", "ALTER TABLE t ADD COLUMN a int;", "ALTER TABLE t DROP COLUMN a;");
  project.Revision("r3", "r2", "ALTER TABLE t ALTER COLUMN id SET DEFAULT 3;", "");
  project.Revision("r4", "r3", "ALTER TABLE t ADD COLUMN b int;", "ALTER TABLE t DROP COLUMN b;");
  project.Revision("r5", "r1", "ALTER TABLE t ADD COLUMN c int;", "ALTER TABLE t DROP COLUMN c;");
  project.Revision("r6", "r5", "ALTER TABLE t ALTER COLUMN id SET DEFAULT 6;", "");
  project.Revision("r7", "r6", "ALTER TABLE t ADD COLUMN d int;", "ALTER TABLE t DROP COLUMN d;");
  const json verdict = project.Verdict();
  ASSERT_EQ(verdict.at("outcome"), "falsified") << verdict;
  EXPECT_THAT(verdict.at("finding").at("message"), HasSubstr("'r3' and 'r6' do not commute"));
  EXPECT_THAT(verdict.at("finding").at("drift").dump(), HasSubstr("default was 6, is 3"));
}

// What the clock leaves behind is another value at every run, whatever the order.
TEST(OrderIndependence, LeavesTheClockAlone) {
  const OrderProject project;
  project.Revision("r2", "r1",
                   "CREATE TABLE a (at timestamptz DEFAULT '2020-01-01'); INSERT INTO a VALUES (clock_timestamp()); "
                   "DO $$ BEGIN EXECUTE format('ALTER TABLE a ALTER COLUMN at SET DEFAULT %L', clock_timestamp()); "
                   "END $$;",
                   "DROP TABLE a;");
  project.Revision("r3", "r1", "CREATE TABLE b (id int);", "DROP TABLE b;");
  const json verdict = project.Verdict();
  EXPECT_EQ(verdict.at("outcome"), "held") << verdict;
}

// Both branches take numbers from one sequence, and refer to what they made.
TEST(OrderIndependence, LeavesNumbersOfASequenceAlone) {
  const OrderProject project;
  project.Revision("r2", "r1",
                   "CREATE TABLE kinds (id serial PRIMARY KEY, name text);"
                   "CREATE TABLE things (kind int REFERENCES kinds (id), name text);",
                   "DROP TABLE things; DROP TABLE kinds;");
  for (const std::string name : {"r3", "r4"}) {
    project.Revision(name, "r2",
                     fmt::format("INSERT INTO kinds (name) VALUES ('{0}');"
                                 "INSERT INTO things SELECT id, name FROM kinds WHERE name = '{0}';",
                                 name),
                     fmt::format("DELETE FROM things WHERE name = '{0}'; DELETE FROM kinds WHERE name = '{0}';", name));
  }
  const json verdict = project.Verdict();
  EXPECT_EQ(verdict.at("outcome"), "held") << verdict;
}

}  // namespace
}  // namespace migproof
