#include "harness/cli/catalog_commands.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "harness/catalog/drift.h"
#include "harness/cli/untrusted.h"
#include "harness/cli/verify_command.h"
#include "harness/verify/model.h"

namespace migproof {

namespace {

bool IsUrl(const std::string& source) {
  return source.starts_with("postgresql://") || source.starts_with("postgres://");
}

// Gets catalogs from any source, starting a server when one is first needed.
class CatalogSource {
 public:
  explicit CatalogSource(const CatalogCommand& command) : command_(command) {}

  Catalog Read(const std::string& source) {
    if (IsUrl(source)) return ReadDatabase(source, LedgerTables());
    if (source.starts_with(kPythonModel)) {
      if (command_.config.untrusted) throw RefusedCode(fmt::format("the model '{}' is Python", source));
      return RunModelCode(source.substr(kPythonModel.size()), ToolSettingsOf(command_.config), ThrowAwayServer(), {},
                          {});
    }
    if (source.ends_with(".json")) return ReadModelFile(source);
    if (source.ends_with(".sql")) return RunScriptFile(source);
    return Migrated(source);
  }

 private:
  std::vector<std::string> LedgerTables() const {
    return Registry<Format>::Get(command_.config.format).MakeLedger(ToolSettingsOf(command_.config))->Tables();
  }

  std::unique_ptr<Server> Start() const {
    StartOptions options = command_.start;
    options.untrusted = command_.config.untrusted;
    options.extensions = command_.config.extensions;
    return ParseServerSpecs(command_.config.postgres).front().Start(options);
  }

  Catalog RunScriptFile(const std::string& file) {
    const Script script = Script::Parse(ReadTextFile(file), {file, 1});
    const auto database = Database::Create(ThrowAwayServer());
    const auto session = database->Connect();
    database->CheckToken(*session);
    RunScript(*session, script);
    return CatalogReader(*session, {}).Read();
  }

  Catalog Migrated(const std::string& target) {
    const Subject subject = ReadSubject(command_.config);
    const auto wanted = subject.history().Resolve(target);
    ScrubEnvironment();
    const Bench bench(subject, [&] { return Start(); });
    const auto database = bench.Fresh();
    const auto session = database->Connect();
    Runner runner(*session, subject.history(), subject.ledger(), OptionsFor(subject, *database));
    const History::Applied closure = subject.history().Closure(wanted);
    for (const Revision* revision : subject.order()) {
      if (closure.contains(revision->id)) runner.Apply({Direction::kUpgrade, revision});
    }
    return CatalogReader(*session, {.leave_out_tables = subject.ledger().Tables()}).Read();
  }

  const Server& ThrowAwayServer() {
    ScrubEnvironment();
    if (server_ == nullptr) server_ = Start();
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
  // Databases first: their URLs may lean on an environment that servers of ours must not see.
  std::map<std::string, Catalog> read;
  for (const std::string& side : {was, is}) {
    if (IsUrl(side)) read[side] = source.Read(side);
  }
  for (const std::string& side : {was, is}) {
    if (!IsUrl(side)) read[side] = source.Read(side);
  }
  const Catalog& before = read.at(was);
  const Drift drift = Compare(before, read.at(is));
  for (const Difference& difference : drift.differences) {
    out << (difference.note ? "note: " : "") << difference.ToLine() << '\n';
  }
  if (drift.empty()) out << fmt::format("no drift: {} objects are equal\n", before.objects().size());
  return drift.empty() ? 0 : 1;
}

}  // namespace migproof
