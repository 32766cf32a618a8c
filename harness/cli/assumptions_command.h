// `migproof assumptions`: what the rows of a real database make of what the history assumes of them.
#pragma once

#include <iosfwd>

#include "harness/cli/runner_commands.h"

namespace migproof {

// One line for each `assumes` declaration, in the history's order: how many rows break it (its condition is false).
// Declarations about a table or column that is not there are said so. Only reads, in one READ ONLY transaction. Returns
// 1 where a row breaks any of them, else 0; Error(migration) where a condition can't be evaluated.
int AssumptionsCommand(const DatabaseCommand& command, std::ostream& out);

}  // namespace migproof
