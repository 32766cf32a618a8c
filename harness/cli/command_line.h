// The command line of `migproof`: the only place that knows the argument parser.
#pragma once

#include <ostream>

namespace migproof {

// Runs what `argv` asks for. 0, 1 (something is falsified, or drifts) or 2 (could not: usage, files, servers); an Error
// is written to `err`, whole.
int RunCommandLine(int argc, const char* const* argv, std::ostream& out, std::ostream& err);

}  // namespace migproof
