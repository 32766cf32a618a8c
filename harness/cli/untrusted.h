// What `--untrusted` means before anything runs: which histories can be tried that way, and where.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "harness/cli/config.h"
#include "migrations/error.h"
#include "migrations/revision.h"

namespace migproof {

// Error(usage): a format or model that is code, which would run on this machine with our rights. Error(history): a
// symbolic link that leads out of the history's directory. Reads no revision.
void RefuseWhatRunsHere(const Config& config);

// Error(history), with its place: a psql meta-command in a revision, a `before` file or the model. Error(usage) where
// only the format's own tool can run the steps.
void RefuseMetaCommands(const Config& config, const std::vector<Revision>& revisions);

// The Error for code: `what` is it, and what to do instead.
Error RefusedCode(const std::string& what);

// For an untrusted history whose servers nobody has chosen: containers where a container engine answers, else this
// machine's own programs, which is said on `err`.
void SettleServer(Config& config, std::ostream& err);

}  // namespace migproof
