// migproof.json: how this project is verified and migrated.
//
//   {
//     "format": "native",                       // how it is written: 'migproof list formats'; "auto": as it looks
//     "path": "migrations",                     // its directory
//     "database_url_env": "DATABASE_URL",       // the environment variable that names the database to migrate
//     "model": "model.json",                    // what the heads are held against: a catalog, or an .sql file
//     "squash": "squash.sql",                   // what stands for the first revisions on new databases
//     "tool": {"python": ".venv/bin/python"},   // what the format's own tool is told (see the format)
//     "before": ["extensions.sql"],             // SQL files that prepare a database before the first revision
//     "postgres": "local:15",                   // where throw-away servers come from: 'migproof list providers';
//                                              // several: "13,14,15" or ["13", "14", "15"]
//     "untrusted": true,                        // the history runs as a guest that can't reach beyond its databases
//     "extensions": ["postgis"],                // made for it beforehand, by the superuser
//     "laws": ["round_trip"],                   // the laws to check; left out: all of them
//     "jobs": 2,                                // worker processes; 0: one per processor
//     "seed": 7,                                // fixes every random choice; left out: 0
//     "cases": 100,                             // sets of generated rows for each revision; 0: none
//     "shrink_budget_evaluations": 1000,        // sets of rows tried to make a counterexample smaller
//     "shrink_budget_ms": 5000,                 // the time for that, for each finding
//     "step_timeout_ms": 30000,                 // a statement that takes longer with generated rows fails; 0: none
//     does "regressions": "migproof-regressions.json",  // rows that broke a law before, tried first "waivers":
//     "migproof-waivers.json",       // findings that were accepted "lock_timeout_ms": 5000,                  //
//     lock_timeout of each step; 0: the server's own "statement_timeout_ms": 0,                // statement_timeout of
//     each step; 0: the server's own "profile": "forward-only",                // downgrades are not looked at;
//     "both-ways": they are "declarations": {"a1b2c3": ["loses orders.note \"dropped on purpose\""]}  // as if written
//     in that revision
//   }
//
// Every key may be left out; an unknown one is refused. Relative paths count from the file's directory. Comments
// (// and /* */) are allowed. There is no key for a connection string: secrets do not belong in a file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "migrations/format.h"
#include "migrations/history.h"
#include "migrations/revision.h"

namespace migproof {

inline constexpr const char* kConfigFileName = "migproof.json";

struct Config {
  std::filesystem::path file;  // where it was read from; "" for the defaults
  std::string format = "native";
  bool names_format = false;  // the file or a flag does
  std::filesystem::path path = "migrations";
  std::string database_url_env = "DATABASE_URL";
  std::filesystem::path model;   // "": none
  std::filesystem::path squash;  // likewise
  std::vector<std::filesystem::path> before;
  std::string postgres = "local";
  bool names_postgres = false;  // the file or a flag does
  bool untrusted = false;
  std::vector<std::string> extensions;
  std::vector<std::string> laws;  // empty: all
  int jobs = 0;
  std::uint64_t seed = 0;
  int cases = 100;
  int shrink_budget_evaluations = 1'000;
  int shrink_budget_ms = 5'000;
  int step_timeout_ms = 30'000;
  std::filesystem::path regressions = "migproof-regressions.json";
  std::filesystem::path waivers = "migproof-waivers.json";
  bool forward_only = false;  // as if no revision had a downgrade
  int lock_timeout_ms = 0;
  int statement_timeout_ms = 0;
  std::map<std::string, std::vector<std::string>> declarations;  // by revision id
  std::map<std::string, std::string> tool;
};

// Error(usage), with the file, where it can't be read, is not JSON, names a key twice, or holds a key or value that is
// not as above.
Config LoadConfig(const std::filesystem::path& file);

// As LoadConfig where `file` is there; else the defaults, relative to the working directory.
Config LoadConfigIfThere(const std::filesystem::path& file);

// "forward-only" is true, "both-ways" false; Error(usage) with the near name for anything else.
bool IsForwardOnly(const std::string& profile);

// Adds the configuration's declarations to the revisions they name. Error(usage) with the near name for a revision that
// is not there; Error(history) for a declaration that can't be read.
void ApplyDeclarations(const Config& config, std::vector<Revision>& revisions);

// What the configuration says to the tool of its format.
ToolSettings ToolSettingsOf(const Config& config);

// Puts the format that the directory looks like in the place of "auto" and of a format that nobody named, and says by
// what on `err`. Error(usage) where it looks like several, and for "auto" where it looks like none; a format that
// nobody named stays the native one then.
void SettleFormat(Config& config, std::ostream& err);

// The revisions of config.path in config.format, with the configuration's declarations. May be empty.
std::vector<Revision> ReadRevisions(const Config& config);

// As ReadRevisions; Error(history) where there are none.
std::vector<Revision> ReadHistory(const Config& config);

// The history that the configuration names.
History LoadHistory(const Config& config);

// `given` (--database) or else the environment variable that the configuration names; Error(usage) where there is
// neither. A driver's name in the scheme ("postgresql+asyncpg://") is left out.
std::string DatabaseUrl(const Config& config, const std::string& given);

}  // namespace migproof
