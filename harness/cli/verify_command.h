// `migproof verify`: options in, report out, exit status back.
#pragma once

#include <filesystem>
#include <ostream>
#include <string>
#include <vector>

#include "harness/cli/config.h"
#include "harness/verify/verify.h"

namespace migproof {

struct VerifyCommand {
  Config config;  // format, path, model, before, postgres, laws, jobs, seed, waivers, declarations
  StartOptions start;
  std::vector<std::string> revisions;           // targets: ids, prefixes, labels, "heads"
  std::string since;                            // only revisions that are neither this one nor its ancestors
  std::string git_base;                         // a git ref: only what is new against the merge base with it
  std::filesystem::path expect;                 // empty: the exit status follows from the verdicts
  bool bless = false;                           // write `expect` instead of comparing
  std::vector<std::string> reports = {"text"};  // NAME or NAME=FILE
  bool save = true;               // what rows break goes to the regressions file, unless `expect` is given
  bool nightly = false;           // all that takes long: VerifyOptions::nightly
  std::string progress = "auto";  // as ChooseProgress takes it
  Shard shard;                    // the part of the run to take
  std::int64_t budget_ms = 0;     // VerifyOptions::budget_ms
  std::string command_line;       // for reproductions: "migproof verify --format native --path db"
};

// 0, 1 or 2 as DESIGN says; with `expect`, 0 exactly when the verdicts are those. Reports without a file go to `out`;
// progress goes to `err` where that is a terminal.
int RunVerify(const VerifyCommand& command, std::ostream& out, std::ostream& err);

// `migproof reproduce TOKEN`: tries the rows of one saved regression again and reports what they do; with `sql`, writes
// the script that shows it with psql alone. Error(usage) with the near name for a token that the file does not hold.
int RunReproduce(const VerifyCommand& command, const std::string& token, bool sql, std::ostream& out);

// How `command` has a history verified; `revisions` and `since` are left to the caller.
VerifyOptions OptionsOf(const VerifyCommand& command);

// The rows that broke a law before, as the configuration's file keeps them, to be tried first. Error(usage) for a file
// that can't be understood.
void AddRegressions(const Config& config, VerifyOptions& options);

// The history that the configuration names, with its model: everything that can be wrong with the files is an Error
// here.
Subject ReadSubject(const Config& config);

// "2/8": the second of eight. Error(usage) for anything else.
Shard ParseShard(const std::string& text);

// "90s", "500ms", "5m", "2h" in milliseconds. Error(usage) for anything else.
std::int64_t ParseBudget(const std::string& text);

// Removes what the environment says about PostgreSQL: it must not lead a connection elsewhere nor change a session.
void ScrubEnvironment();

}  // namespace migproof
