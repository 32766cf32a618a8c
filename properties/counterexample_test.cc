// Counterexamples keep their two promises: no row and no cell of one can be spared or made plainer, as far as somebody
// can tell who knows nothing of how they were made small; and psql alone sees the same fault with the script. What the
// fixtures of all laws must show, these show here.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "ci/psql.h"
#include "harness/verify/case.h"
#include "properties/rows_fixtures.h"

namespace migproof {
namespace {

namespace fs = std::filesystem;

// A value of the type that nobody could call complicated; NULL where none comes to mind.
Cell Zero(const std::string& type) {
  static const std::pair<const char*, const char*> kZeros[] = {{"[]", "{}"},
                                                               {"boolean", "f"},
                                                               {"timestamp", "2000-01-01 00:00:00"},
                                                               {"date", "2000-01-01"},
                                                               {"time", "00:00:00"},
                                                               {"interval", "00:00:00"},
                                                               {"json", "null"},
                                                               {"uuid", "00000000-0000-0000-0000-000000000000"},
                                                               {"range", "empty"},
                                                               {"bytea", "\\x"},
                                                               {"text", ""},
                                                               {"character", ""},
                                                               {"int", "0"},
                                                               {"numeric", "0"},
                                                               {"real", "0"},
                                                               {"double", "0"},
                                                               {"inet", "0.0.0.0"}};
  for (const auto& [part, zero] : kZeros) {
    if (type.find(part) != std::string::npos) return Cell(zero);
  }
  return std::nullopt;
}

// Half of a value: of a number, or of a text, cut between characters.
Cell Half(const std::string& value) {
  char* end = nullptr;
  const long long number = std::strtoll(value.c_str(), &end, 10);
  if (end != value.c_str() && *end == '\0') return Cell(std::to_string(number / 2));
  std::size_t middle = value.size() / 2;
  while (middle > 0 && (static_cast<unsigned char>(value[middle]) & 0xC0U) == 0x80U) --middle;
  return Cell(value.substr(0, middle));
}

// All datasets that differ from this one by a row that is not there or by a plainer cell, each with what was done.
std::vector<std::pair<std::string, Dataset>> Plainer(const Dataset& rows, const Catalog& catalog) {
  std::vector<std::pair<std::string, Dataset>> plainer;
  for (std::size_t t = 0; t < rows.tables.size(); ++t) {
    const DatasetTable& table = rows.tables[t];
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
      Dataset less = rows;
      less.tables[t].rows.erase(less.tables[t].rows.begin() + static_cast<std::ptrdiff_t>(row));
      if (less.tables[t].rows.empty()) less.tables.erase(less.tables.begin() + static_cast<std::ptrdiff_t>(t));
      plainer.emplace_back(fmt::format("without row {} of {}", row + 1, table.table), std::move(less));
      for (std::size_t column = 0; column < table.columns.size(); ++column) {
        const Cell& cell = table.rows[row][column];
        if (!cell) continue;
        const std::string name = table.table + "." + table.columns[column];
        const Cell zero = Zero(catalog.Attribute("column", name, "type"));
        // A halved zero, or one with a tail ('2000-01-01 00:00:00+00' at Greenwich), is no plainer than zero.
        const bool is_zero = zero && !zero->empty() && cell->starts_with(*zero);
        std::vector<Cell> cells = {std::nullopt};
        if (!is_zero && zero) cells.push_back(zero);
        if (!is_zero && !cell->empty()) cells.push_back(Half(*cell));
        for (const Cell& other : cells) {
          if (other == cell) continue;
          Dataset changed = rows;
          changed.tables[t].rows[row][column] = other;
          plainer.emplace_back(
              fmt::format("with {} = {} instead of {} in row {}", name, other.value_or("NULL"), *cell, row + 1),
              std::move(changed));
        }
      }
    }
  }
  return plainer;
}

// A database that stands before a revision, where a law can be asked about single sets of rows, with real commits.
class Ground {
 public:
  Ground(const RowsFixture& fixture, const Subject& subject, const std::string& revision)
      : law_(Registry<Property>::Get(fixture.law)),
        subject_(subject),
        bench_(subject, LendTestServer),
        walk_(bench_, false),
        ground_(bench_, walk_) {
    const auto& order = subject.order();
    const auto at = std::find_if(order.begin(), order.end(), [&](const Revision* r) { return r->id == revision; });
    const auto index = static_cast<std::size_t>(at - order.begin());
    walk_.GoTo(index);
    ground_.GoTo(index);
    // Rows that are declared not to be there are no counterexample, but to the law about such rows.
    ground_.set_assumptions(ReadAssumptions(ground_.session(), subject, index, Before()).all);
  }

  const Catalog& Before() { return *ground_.BeforeWithoutRows().catalog; }

  // How the law is broken by exactly these rows; nothing where it is not, or where they can't be had.
  std::optional<Suspicion> Ask(const Dataset& rows) {
    CommittedCase one(ground_, std::make_shared<const Dataset>(rows), true);
    Trial trial(subject_, &ground_.revision(), one);
    const bool broken = law_.Check(trial).has_value();
    if (!broken || *one.inserted().inserted != rows || !trial.suspicion()) return std::nullopt;
    if (trial.suspicion()->refused) refusal_ = one.After(trial.suspicion()->is).refusals.front();
    return trial.suspicion();
  }

  // What the server said when the law was last broken by a refusal.
  const std::optional<Error>& refusal() const { return refusal_; }

 private:
  const Property& law_;
  const Subject& subject_;
  Bench bench_;
  Walk walk_;
  CaseGround ground_;
  std::optional<Error> refusal_;
};

std::string Contents(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

class CounterexampleTest : public testing::TestWithParam<RowsFixture> {
 protected:
  // psql ends as for a failed script, and complains of what was found.
  static void Replay(const Counterexample& counterexample, const std::optional<Error>& refusal) {
    ASSERT_FALSE(counterexample.script.empty());
    const std::unique_ptr<Database> database = Database::Create(TestServer());
    const fs::path script = fs::temp_directory_path() / (database->name() + ".sql");
    const fs::path complaints = fs::temp_directory_path() / (database->name() + ".txt");
    std::ofstream(script, std::ios::binary) << counterexample.script;
    const int status = RunPsql(database->Conninfo(), script, complaints);
    const std::string complaint = Contents(complaints);
    fs::remove(script);
    fs::remove(complaints);
    EXPECT_EQ(status, 3) << complaint << counterexample.script;
    const std::string expected = counterexample.refused ? std::string(refusal->sqlstate()) : "P0001";
    EXPECT_NE(complaint.find("ERROR:  " + expected + ":"), std::string::npos) << complaint;
  }
};

TEST_P(CounterexampleTest, IsMinimalAndReplays) {
  const RowsFixture& fixture = GetParam();
  const std::unique_ptr<Subject> subject = SubjectOf(fixture);
  const Report report = VerifyFixture(fixture, *subject, {.seed = 1});
  int looked_at = 0;
  std::map<std::string, std::vector<std::string>> unseen = fixture.named;
  for (const Verdict& verdict : report.verdicts) {
    ASSERT_EQ(verdict.outcome, Outcome::kFalsified) << Told(verdict);
    ASSERT_TRUE(verdict.finding);
    for (const std::string& name : unseen[verdict.revision]) {
      EXPECT_NE(Told(verdict).find(name), std::string::npos) << "nothing is said about " << name << ":\n"
                                                             << Told(verdict);
    }
    unseen.erase(verdict.revision);
    if (!verdict.finding->counterexample) continue;  // it takes no rows
    const Counterexample& counterexample = *verdict.finding->counterexample;
    Ground ground(fixture, *subject, verdict.revision);
    const auto suspicion = ground.Ask(counterexample.rows);
    ASSERT_TRUE(suspicion) << "the rows of the counterexample do not break the law";
    const std::optional<Error> refusal = ground.refusal();
    for (const auto& [change, rows] : Plainer(counterexample.rows, ground.Before())) {
      const auto still = ground.Ask(rows);
      EXPECT_FALSE(still && suspicion->Matches(*still)) << change << ": it still fails in the same way\n"
                                                        << ToJson(counterexample.rows).dump();
      ++looked_at;
    }
    Replay(counterexample, refusal);
  }
  EXPECT_TRUE(unseen.empty()) << "no verdict about " << unseen.begin()->first;
  RecordProperty("plainer", looked_at);
}

INSTANTIATE_TEST_SUITE_P(Fixtures, CounterexampleTest, testing::ValuesIn(RowsFixtures("breaks")),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace migproof
