// A server for histories that nobody vouches for. Whatever is not ours runs as a guest: a login that owns the databases
// we make, and may do nothing beyond them.
//
//   options.untrusted = true;
//   const auto server = ParseServerSpec("local").Start(options);   // Conninfo() connects as the guest
//
// No session of the superuser ever enters a database that the guest has entered, so nothing that a history leaves there
// (functions, operators, settings of the database) runs with other rights than the guest's. The superuser has a
// password of its own, since the guest is let in without one: by socket, in a private directory.
//
// What keeps a guest in: PostgreSQL's own rules for roles without attributes (manual, "Role Attributes" and "Predefined
// Roles"). Extensions that the server calls trusted it may make by itself.
#pragma once

#include <memory>
#include <string>

#include "harness/postgres/provider.h"

namespace migproof {

inline constexpr const char* kGuest = "migproof_guest";

// Error(usage) for `existing`, whose server others use too, and for an extension that can't be allowed; Error(server)
// where no server can be started, or can't be closed to others.
std::unique_ptr<Server> StartGuestServer(const ServerSpec& spec, const StartOptions& options);

// Why an extension would let a guest reach beyond its database ("reads the server's files"); "" where none is known.
std::string WhyNeverAllowed(const std::string& extension);

}  // namespace migproof
