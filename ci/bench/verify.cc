// The whole `migproof verify` of a public history, against its raw floor: every upgrade once through psql, on a server
// with the same settings that is already there. The histories are looked for in the directory that MIGPROOF_CORPORA
// names.
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "ci/bench/bench.h"
#include "ci/bench/corpus.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/format.h"
#include "migrations/history.h"

namespace migproof {
namespace {

void Run(const std::string& command) {
  if (std::system(command.c_str()) < 0) throw Error(ErrorKind::kInternal, "can't run: " + command);
}

class VerifyHistory : public Measurement {
 public:
  int rounds() const override { return 5; }
  Limits limits() const override { return {0, 8}; }

  Round Measure() const override {
    const std::filesystem::path directory = Corpus(Name());
    const History history(Registry<Format>::Get(FormatName()).Read(directory));
    const auto database = Database::Create(TestServer());
    if (std::string(FormatName()) == "diesel") {  // some histories put a trigger on the ledger
      for (const std::string& sql : Registry<Format>::Get(FormatName()).MakeLedger()->CreateSql()) {
        database->Connect()->Execute(sql);
      }
    }
    const std::filesystem::path script = std::filesystem::temp_directory_path() / fmt::format("bench_{}.sql", Name());
    std::ofstream out(script);
    for (const Revision* revision : history.Linear()) out << "\\i '" << revision->upgrade.script.file() << "'\n";
    out.close();
    const std::string psql =
        fmt::format("psql -X -q -o /dev/null -f {} \"{}\" > /dev/null 2>&1", script.string(), database->Conninfo());
    const std::string ours = fmt::format(
        "{} verify --cases 0 --law upgrade_succeeds --law data_preservation --law round_trip "
        "--law idempotent_upgrade --law schema_fidelity --format {} --path {} > /dev/null 2>&1",
        MIGPROOF_PROGRAM, FormatName(), directory.string());
    const Round round{Milliseconds([&] { Run(ours); }), Milliseconds([&] { Run(psql); })};
    std::filesystem::remove(script);
    return round;
  }

 protected:
  virtual const char* Name() const = 0;
  virtual const char* FormatName() const = 0;
};

class VerifyMattermost : public VerifyHistory {
 public:
  std::string_view Summary() const override {
    return "verify of 158 revisions, against all upgrades once through psql";
  }

 protected:
  const char* Name() const override { return "mattermost"; }
  const char* FormatName() const override { return "golang-migrate"; }
};

class VerifyCratesIo : public VerifyHistory {
 public:
  std::string_view Summary() const override {
    return "verify of 285 revisions, against all upgrades once through psql";
  }

 protected:
  const char* Name() const override { return "crates_io"; }
  const char* FormatName() const override { return "diesel"; }
};

const Registered<Measurement, VerifyMattermost> kVerifyMattermost("verify_mattermost");
const Registered<Measurement, VerifyCratesIo> kVerifyCratesIo("verify_crates_io");

}  // namespace
}  // namespace migproof
