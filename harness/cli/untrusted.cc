#include "harness/cli/untrusted.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <ostream>

#include "harness/postgres/engine.h"
#include "harness/verify/model.h"
#include "migrations/format.h"
#include "migrations/registry.h"
#include "migrations/script.h"

namespace migproof {

namespace {

namespace fs = std::filesystem;

void RefuseMetaCommands(const Script& script) {
  for (const Statement& statement : script.statements()) {
    if (statement.kind != StatementKind::kMetaCommand) continue;
    throw Error(ErrorKind::kHistory,
                fmt::format("psql meta-command '{}': with --untrusted none is run", script.Text(statement)))
        .WithLocation(script.At(statement.begin));
  }
}

void RefuseMetaCommands(const Section& section) { RefuseMetaCommands(section.script); }

// A file below `directory` that is somewhere else would be read, and what is in it shown by the report.
void RefuseLinksOut(const fs::path& directory) {
  std::error_code failed;
  const fs::path root = fs::canonical(directory, failed);
  if (failed) return;  // whoever reads it says so
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root, failed)) {
    if (!entry.is_symlink()) continue;
    const fs::path target = fs::weakly_canonical(entry.path(), failed);
    const auto [end, unused] = std::mismatch(root.begin(), root.end(), target.begin(), target.end());
    if (end == root.end() && !failed) continue;
    throw Error(ErrorKind::kHistory,
                fmt::format("a symbolic link leads out of '{}': with --untrusted none is followed", directory.string()))
        .WithLocation({(directory / entry.path().lexically_relative(root)).string(), 0});
  }
}

}  // namespace

Error RefusedCode(const std::string& what) {
  return Error(ErrorKind::kUsage,
               fmt::format("--untrusted can't be kept: {}, which would run on this machine with your rights", what))
      .WithHint("run migproof itself in a container (docker/Dockerfile), without --untrusted: then that is the wall");
}

void RefuseWhatRunsHere(const Config& config) {
  if (config.format == "alembic") throw RefusedCode("the revisions of 'alembic' are Python");
  if (config.format == "code") throw RefusedCode("the revisions of 'code' are part of this program");
  if (config.model.string().starts_with(kPythonModel)) {
    throw RefusedCode(fmt::format("the model '{}' is Python", config.model.string()));
  }
  RefuseLinksOut(config.path);
}

void RefuseMetaCommands(const Config& config, const std::vector<Revision>& revisions) {
  for (const Revision& revision : revisions) {
    RefuseMetaCommands(revision.upgrade);
    if (revision.downgrade) RefuseMetaCommands(*revision.downgrade);
    if (revision.verification) RefuseMetaCommands(*revision.verification);
  }
  for (const fs::path& file : config.before) RefuseMetaCommands(Script::Parse(ReadTextFile(file), {file.string(), 1}));
  if (!config.squash.empty()) {
    RefuseMetaCommands(Script::Parse(ReadTextFile(config.squash), {config.squash.string(), 1}));
  }
  if (config.model.extension() == ".sql") {
    RefuseMetaCommands(Script::Parse(ReadTextFile(config.model), {config.model.string(), 1}));
  }
  if (Registry<Format>::Get(config.format).MakeTool(ToolSettingsOf(config)) != nullptr) {
    throw RefusedCode(fmt::format("some steps of this history can be run by the tool of '{}' only", config.format));
  }
}

void SettleServer(Config& config, std::ostream& err) {
  if (!config.untrusted || config.names_postgres) return;
  config.names_postgres = true;
  try {
    Engine::Find();
    config.postgres = "docker";
  } catch (const Error& error) {
    config.postgres = "local";
    err << fmt::format("untrusted: the server runs on this machine, in no container: {}\n", error.message());
  }
}

}  // namespace migproof
