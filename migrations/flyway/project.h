// What a project says to Flyway: flyway.toml, "tool" in migproof.json, and V1__x.sql.conf beside a migration.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "migrations/format.h"

namespace migproof {

struct FlywayProject {
  std::string table = "public.flyway_schema_history";
  std::map<std::string, std::string> placeholders;  // by name in small letters
  bool placeholder_replacement = true;
  bool execute_in_transaction = true;
  bool mixed = false;  // statements that can't run in a transaction may stand beside others
  bool ignores_baselines = false;
  bool ignores_callbacks = false;

  // flyway.toml in settings.directory or the nearest of the four above it; then "table", "placeholders.NAME",
  // "baselines" and "callbacks" ("ignore") of the settings. Error(history) for what can't be read, and for keys that
  // would change which files are migrations.
  static FlywayProject Find(const ToolSettings& settings);
};

// A migration's own file of settings.
struct FlywayScriptSettings {
  bool execute_in_transaction = true;
  bool says_transaction = false;  // the file names it, so that statements are not asked
  bool placeholder_replacement = true;
  bool should_execute = true;

  // With the project's settings where the file says nothing, or is "". Error(history) for unknown keys and values.
  static FlywayScriptSettings Read(const std::filesystem::path& file, const FlywayProject& project);
};

}  // namespace migproof
