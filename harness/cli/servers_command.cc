#include "harness/cli/servers_command.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/postgres/installed_servers.h"
#include "harness/postgres/server_package.h"
#include "migrations/error.h"

namespace migproof {

namespace {

std::string ExtensionsText(const ServerPlace& place) {
  if (place.extensions == 0) return "no extensions";
  return fmt::format("{} extensions{}", place.extensions, place.contrib ? "" : ", contrib's not among them");
}

}  // namespace

void InstallServers(const ServersCommand& command, std::ostream& out) {
  const std::string registry = RegistryUrl(command.registry);
  for (const std::string& version : command.versions) {
    const InstalledServer server = InstallServer(version, command.start, registry);
    out << fmt::format("PostgreSQL {} {} in {}\n", server.version, server.fresh ? "installed" : "is there already,",
                       server.binaries.directory)
        << std::flush;
  }
}

void ListServers(const ServersCommand& command, std::ostream& out) {
  const std::vector<ServerPlace> places = ServersThere(command.start);
  if (places.empty()) {
    throw Error(ErrorKind::kServer, "there is no PostgreSQL server on this machine")
        .WithHint("migproof servers install 17, or: apt-get install postgresql");
  }
  for (const ServerPlace& place : places) {
    out << fmt::format("{:<4}{:<8}{}  ({}{}{})\n", place.binaries.major, place.version, place.binaries.directory,
                       place.installed ? "installed by migproof, " : "", ExtensionsText(place),
                       place.problem.empty() ? "" : ", can't be used: " + place.problem);
  }
}

void RemoveServers(const ServersCommand& command, std::ostream& out) {
  for (const std::string& version : command.versions) {
    if (!RemoveServer(version, command.start)) {
      throw Error(ErrorKind::kUsage, fmt::format("'migproof servers install' has installed no PostgreSQL {}", version))
          .WithHint("'migproof servers list' shows what is there, and where it comes from");
    }
    out << fmt::format("PostgreSQL {} removed\n", version);
  }
}

}  // namespace migproof
