// A server that several commands use one after the other or at once: started by one, stopped by another, and ended at
// the latest with the process that ran the first.
//
//   KeepServer(ParseServerSpec("local"), {}, getppid(), "build/shop.server");
//   Session session(ReadKeptServer("build/shop.server").conninfo);
//   StopKeptServer("build/shop.server");
//
// The file is readable by its owner only. The server is a `local` one or a container, never one that is there already.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>

#include "harness/postgres/provider.h"

namespace migproof {

struct KeptServer {
  pid_t keeper = 0;         // the process that holds the server
  pid_t ends_with = 0;      // the process whose end ends the server
  std::string conninfo;     // for the argument of the provider `existing`
  std::string description;  // as Server::Description
};

// Starts a server in a process of its own, and returns when it answers and `file` says where. It is stopped, and the
// file removed, by StopKeptServer, and by the end of `ends_with`. Error(server) as Provider::Start; Error(usage) where
// the file can't be written, or `spec` names a server that is there already.
KeptServer KeepServer(const ServerSpec& spec, const StartOptions& options, pid_t ends_with,
                      const std::filesystem::path& file);

// Error(usage) where `file` is not there or says something else; Error(server) where its keeper is gone.
KeptServer ReadKeptServer(const std::filesystem::path& file);

// Returns when nothing of the server is left; true where there was one. A missing file, or a keeper that is gone, is no
// error.
bool StopKeptServer(const std::filesystem::path& file);

}  // namespace migproof
