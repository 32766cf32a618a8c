// `migproof servers install`, `list` and `remove`: PostgreSQL servers of any major version for throw-away use.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "harness/postgres/provider.h"

namespace migproof {

struct ServersCommand {
  StartOptions start;                 // its cache directory is where servers go
  std::vector<std::string> versions;  // "17", "17.4"
  std::string registry;               // an npm registry; "": the environment's, or npm's own
};

// One after the other; the first that fails ends it with its Error, and those before it stay.
void InstallServers(const ServersCommand& command, std::ostream& out);

// One line for each server that `local` finds.
void ListServers(const ServersCommand& command, std::ostream& out);

// Error(usage) for a major that was not installed.
void RemoveServers(const ServersCommand& command, std::ostream& out);

}  // namespace migproof
