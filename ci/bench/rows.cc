// What generated rows cost: one case on the 36 tables of aria, the same among 250 tables, and a whole history.
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "ci/bench/bench.h"
#include "ci/bench/corpus.h"
#include "ci/temp_directory.h"
#include "harness/postgres/cpu_seat.h"
#include "harness/postgres/test_server.h"
#include "harness/verify/case.h"
#include "harness/verify/property.h"
#include "migrations/format.h"

namespace migproof {
namespace {

constexpr int kInARow = 20;  // as the cases of a revision follow each other in `verify`

constexpr const char* kUp =
    "ALTER TABLE goals ADD COLUMN bench text;\nUPDATE goals SET bench = 'x';\n"
    "ALTER TABLE goals ALTER COLUMN bench SET NOT NULL;\nCREATE INDEX goals_bench ON goals (bench);\n";
constexpr const char* kDown =
    "DROP INDEX goals_bench;\nALTER TABLE goals ALTER COLUMN bench DROP NOT NULL;\nUPDATE goals SET bench = NULL;\n"
    "ALTER TABLE goals DROP COLUMN bench;\n";

// aria's model with more tables beside it, and a revision of four statements up and down on one of its tables.
struct Ground {
  explicit Ground(int more_tables) {
    directory.Write(
        "history/1.sql",
        fmt::format("-- migproof: revision r1\n-- migproof: upgrade\n{}-- migproof: downgrade\n{}", kUp, kDown));
    std::string tables;
    for (int i = 0; i < more_tables; ++i) {
      tables += fmt::format("CREATE TABLE more_{} (id bigint PRIMARY KEY, note text, price numeric(10, 2));\n", i);
    }
    const std::filesystem::path more = directory.Write("more.sql", tables);
    subject = std::make_unique<Subject>(
        "native", directory.path() / "history",
        std::vector<std::filesystem::path>{MIGPROOF_SOURCE_DIR "/fixtures/systems/aria/model.sql", more},
        Registry<Format>::Get("native").Read(directory.path() / "history"));
    bench = std::make_unique<Bench>(*subject, LendTestServer);
    walk = std::make_unique<Walk>(*bench, false);
    walk->GoTo(0);
    ground = std::make_unique<CaseGround>(*bench, *walk);
    ground->GoTo(0);
    RowGeneratorOptions options;
    options.leave_out = subject->ledger().Tables();
    options.focus = {"public.goals"};
    ground->watch().Want({"public.goals"});  // what the revision touches, as the search does
    generator = std::make_unique<RowGenerator>(*walk->Before().catalog, ground->watch().base(), options);
    options.focus.clear();
    broad = std::make_unique<RowGenerator>(*walk->Before().catalog, ground->watch().base(), options);
    OneCase(broad->Draw(random));
    plain = ground->Copy();
  }

  // Drawn, inserted, up, down, up again, every row looked at after each, as the laws do it.
  double Measure(const RowGenerator& from) {
    return Milliseconds([&] { OneCase(from.Draw(random)); });
  }

  // Rows inserted, up and down as one text, on a database of its own; nothing drawn meanwhile and nothing looked at.
  double MeasurePlain(const Dataset& rows) const {
    return Milliseconds([&] {
      std::string sql = "BEGIN;\n";
      for (const std::string& statement : InsertStatements(rows)) sql += statement;
      plain->session().Execute(fmt::format("{}{}{}ROLLBACK", sql, kUp, kDown));
    });
  }

  void OneCase(Dataset rows) {
    RowsCase one(*ground, std::make_shared<const Dataset>(std::move(rows)), false);
    for (const char* law : {"upgrade_succeeds", "data_preservation", "round_trip"}) {
      Trial trial(*subject, subject->order()[0], one);
      if (Registry<Property>::Get(law).Check(trial))
        throw Error(ErrorKind::kInternal, "the benchmark's case is broken");
    }
  }

  TempDirectory directory;
  Random random{1};
  std::unique_ptr<Subject> subject;
  std::unique_ptr<Bench> bench;
  std::unique_ptr<Walk> walk;
  std::unique_ptr<CaseGround> ground;
  std::unique_ptr<RowGenerator> generator;
  std::unique_ptr<RowGenerator> broad;  // about 90 rows, in all tables
  std::unique_ptr<Stand> plain;         // before the revision, with no rows in it
};

Ground& GroundOf(int more_tables) {
  TestServer();  // before the grounds, so that it outlives them
  static std::map<int, std::unique_ptr<Ground>> grounds;
  auto& ground = grounds[more_tables];
  if (!ground) ground = std::make_unique<Ground>(more_tables);
  return *ground;
}

class CaseOnAria : public Measurement {
 public:
  std::string_view Summary() const override {
    return "one case of rows in all 36 tables, four statements up and down, against as many rows sent as one text";
  }
  int rounds() const override { return 9; }
  Limits limits() const override { return {8, 0}; }
  Round Measure() const override {
    const CpuSeat seat(&TestServer());  // as every worker of `verify` has one
    Ground& ground = GroundOf(0);
    return {MedianInARow(kInARow, [&] { return ground.Measure(*ground.broad); }),
            MedianInARow(kInARow, [&] { return ground.MeasurePlain(ground.broad->Draw(ground.random)); })};
  }
};

class CaseAmongManyTables : public Measurement {
 public:
  std::string_view Summary() const override { return "one case around a single table among 250, against among 36"; }
  int rounds() const override { return 9; }
  Limits limits() const override { return {0, 2}; }
  Round Measure() const override {
    const CpuSeat seat(&TestServer());
    Ground& many = GroundOf(214);
    Ground& few = GroundOf(0);
    return {MedianInARow(kInARow, [&] { return many.Measure(*many.generator); }),
            MedianInARow(kInARow, [&] { return few.Measure(*few.generator); })};
  }
};

class HistoryWithRows : public Measurement {
 public:
  std::string_view Summary() const override {
    return "verify of 158 revisions (mattermost) with 100 cases each, against without rows";
  }
  int rounds() const override { return 1; }
  Limits limits() const override { return {150'000, 0}; }
  Round Measure() const override {
    const std::filesystem::path path = Corpus("mattermost");
    const auto run = [&](int cases) {
      const std::string command =
          fmt::format("{} verify --no-save --cases {} --format golang-migrate --path {} > /dev/null 2>&1",
                      MIGPROOF_PROGRAM, cases, path.string());
      if (std::system(command.c_str()) < 0) throw Error(ErrorKind::kInternal, "can't run: " + command);
    };
    return {Milliseconds([&] { run(100); }), Milliseconds([&] { run(0); })};
  }
};

const Registered<Measurement, CaseOnAria> kCaseOnAria("rows_case");
const Registered<Measurement, CaseAmongManyTables> kCaseAmongManyTables("rows_case_250_tables");
const Registered<Measurement, HistoryWithRows> kHistoryWithRows("rows_mattermost");

}  // namespace
}  // namespace migproof
