// How long it takes to look at a database: the 36 tables of the system aria.
#include <cstdlib>
#include <memory>

#include "ci/bench/bench.h"
#include "harness/catalog/read.h"
#include "harness/postgres/cpu_seat.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "harness/verify/stand.h"
#include "migrations/format.h"

namespace migproof {
namespace {

constexpr int kInARow = 10;  // `verify` reads a catalog again and again, in one session

// aria's model on a database, with a session whose queries are prepared.
struct Aria {
  Aria() : database(Database::Create(TestServer())), session(database->Connect()), reader(*session, {.alone = true}) {
    const std::string file = MIGPROOF_SOURCE_DIR "/fixtures/systems/aria/model.sql";
    RunScript(*session, Script::Parse(ReadTextFile(file), {file, 1}));
    reader.Read();
  }

  double Take() {
    return Milliseconds([&] { reader.Read(); });
  }
  double TakeAll() {
    return MedianInARow(kInARow, [&] { return Milliseconds([&] { reader.ReadAll(); }); });
  }

  std::unique_ptr<Database> database;
  std::unique_ptr<Session> session;
  CatalogReader reader;
};

Aria& TheAria() {
  static Aria aria;
  return aria;
}

class ReadAll : public Measurement {
 public:
  std::string_view Summary() const override { return "the whole catalog of 36 tables, against pg_dump -s"; }
  int rounds() const override { return 9; }
  Limits limits() const override { return {10, 0}; }
  Round Measure() const override {
    const CpuSeat seat(&TestServer());  // as every worker of `verify` has one
    Aria& aria = TheAria();
    const std::string dump = "pg_dump -s \"" + aria.database->Conninfo() + "\" > /dev/null";
    return {aria.TakeAll(), Milliseconds([&] {
              const AllCpus as_others_run(TestServer());
              if (std::system(dump.c_str()) != 0) throw Error(ErrorKind::kInternal, "pg_dump failed");
            })};
  }
};

class ReadOneTable : public Measurement {
 public:
  std::string_view Summary() const override { return "the catalog after a change of one table, against all of it"; }
  int rounds() const override { return 9; }
  Limits limits() const override { return {1.5, 0}; }
  Round Measure() const override {
    const CpuSeat seat(&TestServer());
    Aria& aria = TheAria();
    const double ours = MedianInARow(kInARow, [&] {
      aria.session->Execute("ALTER TABLE goals ADD COLUMN bench int");
      const double took = aria.Take();
      aria.session->Execute("ALTER TABLE goals DROP COLUMN bench");
      aria.reader.Read();
      return took;
    });
    return {ours, aria.TakeAll()};
  }
};

class ReadUnchanged : public Measurement {
 public:
  std::string_view Summary() const override { return "the catalog when nothing has changed, against all of it"; }
  int rounds() const override { return 9; }
  Round Measure() const override {
    const CpuSeat seat(&TestServer());
    Aria& aria = TheAria();
    return {MedianInARow(kInARow, [&] { return aria.Take(); }), aria.TakeAll()};
  }
};

const Registered<Measurement, ReadAll> kReadAll("catalog_all");
const Registered<Measurement, ReadOneTable> kReadOneTable("catalog_one_table");
const Registered<Measurement, ReadUnchanged> kReadUnchanged("catalog_unchanged");

}  // namespace
}  // namespace migproof
