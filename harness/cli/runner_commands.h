// The runner's commands, as plain functions: what `migproof upgrade`, `downgrade`, `stamp`, `current`, `heads`,
// `history`, `show`, `check-history`, `init`, `revision` and `merge` do once the command line is read.
//
//   DatabaseCommand command{.config = LoadConfigIfThere("migproof.json")};
//   UpgradeCommand(command, "heads", std::cout);
//
// Each writes what a person wants to know to `out`, and throws Error for everything else. With `sql` set, upgrade,
// downgrade and stamp write the script for psql instead and connect to nothing.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "harness/cli/config.h"

namespace migproof {

struct DatabaseCommand {
  Config config;
  std::string database_url;             // --database; "" takes the configuration's environment variable
  bool sql = false;                     // write the offline script
  bool allow_out_of_order = false;      // apply a revision although one that stands above it is applied already
  int runner_lock_timeout_ms = 60'000;  // how long to wait for another runner on the same database
};

// Runs what lies between the database and `target` (see History::UpgradePath). Refuses, before anything runs, where an
// applied revision was edited since, where the ledger holds something that the history does not know or a step that
// did not end, where an applied revision misses an ancestor, and where one requires another server. With `sql`: target
// is "b" (from the base) or "a:b".
void UpgradeCommand(const DatabaseCommand& command, std::string_view target, std::ostream& out);

// Undoes down to `target` (see History::DowngradePath). Refuses, before anything runs, where one of the revisions has
// no downgrade. With `sql`: target is "a:b", from a down to b.
void DowngradeCommand(const DatabaseCommand& command, std::string_view target, std::ostream& out);

// Records exactly `target` and its ancestors as applied, whatever the ledger says; runs no script. With `sql`: "b", or
// "a:b" where a is recorded now.
void StampCommand(const DatabaseCommand& command, std::string_view target, std::ostream& out);

// The applied heads, what is pending, and what is wrong with the ledger.
void CurrentCommand(const DatabaseCommand& command, std::ostream& out);

void HeadsCommand(const Config& config, std::ostream& out);

// All revisions, the newest first; `range` ("a:b") or "" for all.
void HistoryCommand(const Config& config, std::string_view range, std::ostream& out);

// One revision (or each of several heads), whatever `target` names.
void ShowCommand(const Config& config, std::string_view target, std::ostream& out);

// Reads the whole history and says what it consists of.
void CheckHistoryCommand(const Config& config, std::ostream& out);

// Writes `file` (migproof.json) and makes the directory. Error(usage) where the file is there already.
void InitCommand(const std::filesystem::path& file, const std::string& format, const std::string& path,
                 std::ostream& out);

struct NewRevision {
  std::string message;               // -m: the title
  std::string id;                    // --id; "" draws one where the format does not number by itself
  std::vector<std::string> parents;  // --parent; none: the head. Error(usage) where there are several
  std::vector<std::string> depends_on;
  std::vector<std::string> labels;
};

// Writes the file of a new revision. A file that the history could not be read with is taken away again.
void NewRevisionCommand(const Config& config, const NewRevision& wanted, std::ostream& out);

// A new revision whose parents are `wanted.parents`, or all heads where it names none; Error(usage) for fewer than two.
void MergeCommand(const Config& config, const NewRevision& wanted, std::ostream& out);

}  // namespace migproof
