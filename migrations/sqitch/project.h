// A sqitch project as it lies on disk: its configuration, its plan, and where the scripts of each change are.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migrations/revision.h"
#include "migrations/sqitch/plan.h"

namespace migproof {

struct SqitchProject {
  enum class Script { kDeploy, kRevert, kVerify };

  std::filesystem::path root;  // where sqitch.conf lies, and sqitch runs
  std::filesystem::path plan_file;
  std::map<Script, std::filesystem::path> directories;
  std::map<Script, std::filesystem::path> reworked_directories;
  std::string extension = "sql";
  std::string registry = "sqitch";
  std::map<Script, std::map<std::string, std::string>> variables;  // what psql is given, besides `registry`
  std::string user_name = "migproof";
  std::string user_email = "migproof@localhost";
  SqitchPlan plan;

  // Reads configuration and plan. Error(usage) where there is no plan, Error(history) for what is wrong in them: a
  // project for another engine than PostgreSQL among that.
  static SqitchProject Open(const std::filesystem::path& directory);

  // "name", or "name@tag" of a change that is planned again further down: unique in the plan.
  std::string RevisionId(const SqitchChange& change) const;
  // Where the tool looks for a script of the change.
  std::filesystem::path FileOf(const SqitchChange& change, Script script) const;
  // The SHA-1 of the deploy script's bytes; "" where there is none.
  std::string ScriptHash(const SqitchChange& change) const;

  // What psql is given when it runs such a script, `registry` among it.
  std::map<std::string, std::string> VariablesFor(Script script) const;
};

// How psql would see a script.
struct PsqlScript {
  migproof::Script script;
  // The place and text of what only psql can run: a meta-command, or a variable that is set; nothing where the
  // statements can be sent as they are.
  std::optional<std::pair<SourceLocation, std::string>> needs_psql;
  std::vector<std::string> texts;  // of all SQL statements where psql is needed, those of included files among them
};

// Reads a script and everything that it includes (\i, \ir). Error(history) for an included file that is missing or
// includes itself, and for \connect: it would leave the database that the step belongs to.
PsqlScript ReadPsqlScript(const std::filesystem::path& file, const std::filesystem::path& root,
                          const std::map<std::string, std::string>& variables);

}  // namespace migproof
