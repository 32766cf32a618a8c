#include "harness/cli/catalog_commands.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/catalog/drift.h"
#include "harness/cli/verify_command.h"
#include "harness/verify/model.h"

namespace migproof {

namespace {

// Gets catalogs from any source, starting a server when one is first needed.
class CatalogSource {
 public:
  explicit CatalogSource(const CatalogCommand& command) : command_(command) {}

  Catalog Read(const std::string& source) {
    if (source.rfind("postgresql://", 0) == 0 || source.rfind("postgres://", 0) == 0) {
      return ReadDatabase(source, LedgerTables());
    }
    if (source.ends_with(".json")) return ReadModelFile(source);
    if (source.ends_with(".sql")) return RunScriptFile(source);
    return Migrated(source);
  }

 private:
  std::vector<std::string> LedgerTables() const {
    return Registry<Format>::Get(command_.config.format).MakeLedger()->Tables();
  }

  Catalog RunScriptFile(const std::string& file) {
    const Script script = Script::Parse(ReadTextFile(file), {file, 1});
    const auto database = Database::Create(ThrowAwayServer());
    const auto session = database->Connect();
    RunScript(*session, script);
    return CatalogReader(*session, {}).Read();
  }

  Catalog Migrated(const std::string& target) {
    const Subject subject = ReadSubject(command_.config);
    const auto wanted = subject.history().Resolve(target);
    const Bench bench(subject, [&] { return ParseServerSpec(command_.config.postgres).Start(command_.start); });
    const auto database = bench.Fresh();
    const auto session = database->Connect();
    Runner runner(*session, subject.history(), subject.ledger(), {});
    const History::Applied closure = subject.history().Closure(wanted);
    for (const Revision* revision : subject.order()) {
      if (closure.contains(revision->id)) runner.Apply({Direction::kUpgrade, revision});
    }
    return CatalogReader(*session, {.leave_out_tables = subject.ledger().Tables()}).Read();
  }

  const Server& ThrowAwayServer() {
    if (server_ == nullptr) server_ = ParseServerSpec(command_.config.postgres).Start(command_.start);
    return *server_;
  }

  const CatalogCommand& command_;
  std::unique_ptr<Server> server_;
};

}  // namespace

void WriteCatalog(const CatalogCommand& command, const std::string& source, std::ostream& out) {
  out << ToJson(CatalogSource(command).Read(source)).dump(2) << '\n';
}

int WriteDrift(const CatalogCommand& command, const std::string& was, const std::string& is, std::ostream& out) {
  CatalogSource source(command);
  const Catalog before = source.Read(was);
  const Drift drift = Compare(before, source.Read(is));
  for (const Difference& difference : drift.differences) {
    out << (difference.note ? "note: " : "") << difference.ToLine() << '\n';
  }
  if (drift.empty()) out << fmt::format("no drift: {} objects are equal\n", before.objects().size());
  return drift.empty() ? 0 : 1;
}

}  // namespace migproof
