// Faults that take rows are found whatever the seed is, and where there is no fault none is found: by itself, and
// beside tables that have nothing to do with it. MIGPROOF_THOROUGH=1 tries every seed that is promised.
#include "properties/rows_fixtures.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "ci/thorough.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;

// What is wrong with the verdicts of one run, or "".
std::string Wrong(const RowsFixture& fixture, const Report& report) {
  std::string wrong;
  bool any_held = false;
  for (const Verdict& verdict : report.verdicts) {
    const bool held = verdict.outcome == Outcome::kHeld;
    any_held = any_held || held;
    const bool right = fixture.breaking.empty() ? held || verdict.outcome == Outcome::kNotApplicable
                                                : verdict.outcome == Outcome::kFalsified;
    if (!right) wrong += Told(verdict);
  }
  if (report.verdicts.empty() || (fixture.breaking.empty() && !any_held)) wrong += "nothing was looked at\n";
  return wrong;
}

// Tables of every common kind that no fixture has a word about.
fs::path TenUnrelatedTables(const fs::path& directory) {
  const fs::path file = directory / "unrelated.sql";
  std::ofstream out(file);
  out << "CREATE SCHEMA unrelated;\n"
         "CREATE TYPE unrelated.colour AS ENUM ('red', 'green');\n"
         "CREATE TABLE unrelated.t1 (id serial PRIMARY KEY, a text, b integer);\n"
         "CREATE TABLE unrelated.t2 (id uuid PRIMARY KEY, t1 integer REFERENCES unrelated.t1 (id));\n"
         "CREATE TABLE unrelated.t3 (a text, b text, at timestamptz DEFAULT now(), UNIQUE (a, b));\n"
         "CREATE TABLE unrelated.t4 (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, doc jsonb, tags text[]);\n"
         "CREATE TABLE unrelated.t5 (n numeric(10, 2) CHECK (n >= 0), colour unrelated.colour);\n"
         "CREATE TABLE unrelated.t6 (parent integer REFERENCES unrelated.t1 (id) ON DELETE CASCADE, note text);\n"
         "CREATE TABLE unrelated.t7 (d date, t time, f double precision, flag boolean NOT NULL);\n"
         "CREATE TABLE unrelated.t8 (ip inet, span int4range, raw bytea);\n"
         "CREATE TABLE unrelated.t9 (id integer PRIMARY KEY, up integer REFERENCES unrelated.t9 (id));\n"
         "CREATE TABLE unrelated.t10 (id integer, part text NOT NULL, PRIMARY KEY (id, part));\n";
  return file;
}

class RowsFixtureTest : public testing::TestWithParam<RowsFixture> {
 protected:
  // The verdict must be right with each of `seeds` seeds.
  void TrySeeds(int seeds, const std::vector<fs::path>& beside) {
    const std::unique_ptr<Subject> subject = SubjectOf(GetParam(), beside);
    int right = 0;
    std::string wrong;
    for (int seed = 1; seed <= seeds; ++seed) {
      SearchOptions rows;
      rows.seed = static_cast<std::uint64_t>(seed);
      rows.shrink_budget_evaluations = 0;  // what is found is asked here, not how small it can be made
      const std::string complaint = Wrong(GetParam(), VerifyFixture(GetParam(), *subject, rows));
      right += complaint.empty() ? 1 : 0;
      if (!complaint.empty()) wrong += fmt::format("seed {}: {}", seed, complaint);
    }
    RecordProperty("right", fmt::format("{} of {}", right, seeds));
    EXPECT_EQ(right, seeds) << wrong;
  }
};

TEST_P(RowsFixtureTest, GetsItsVerdictWithEverySeed) {
  if (!Thorough()) GTEST_SKIP() << "the fixtures of all laws try one seed: MIGPROOF_THOROUGH asks for ten";
  TrySeeds(10, {});
}

TEST_P(RowsFixtureTest, GetsItsVerdictBesideUnrelatedTables) {
  const fs::path directory = fs::temp_directory_path() / fmt::format("migproof-beside-{}", getpid());
  fs::create_directories(directory);
  TrySeeds(Thorough() ? 10 : 1, {TenUnrelatedTables(directory)});
  fs::remove_all(directory);
}

std::vector<RowsFixture> AllRowsFixtures() {
  std::vector<RowsFixture> all = RowsFixtures("breaks");
  for (RowsFixture& fixture : RowsFixtures("holds")) all.push_back(std::move(fixture));
  return all;
}

INSTANTIATE_TEST_SUITE_P(Fixtures, RowsFixtureTest, testing::ValuesIn(AllRowsFixtures()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace migproof
