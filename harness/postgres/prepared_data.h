// A fresh data directory, from the cache where there is one: initdb takes 600 ms, unpacking 15.
//
//   ServerProcess process(base, user);
//   const std::string version = PrepareData(process, binaries, user, options);   // fills process.data()
#pragma once

#include <string>

#include "harness/postgres/binaries.h"
#include "harness/postgres/server_process.h"

namespace migproof {

// Fills process.data() with what initdb makes, and gives the server's version ("15.20"). The cache is keyed by
// everything that made its value: the program (path, size, time), our options, our version of the recipe, the user.
// Several processes may do this at once. Error(server) when initdb fails or a cache directory that was asked for can't
// be written.
std::string PrepareData(ServerProcess& process, const Binaries& binaries, const ServerUser& user,
                        const StartOptions& options);

// How servers run (fast, and nothing that outlives the directory), as "name=value"; without `major` only what every
// supported version understands.
std::vector<std::string> ServerSettings(bool durable, int major = 0);

}  // namespace migproof
