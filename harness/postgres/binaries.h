// Finds the PostgreSQL server programs on this machine, of any major version.
//
//   const Binaries binaries = FindBinaries("15", options);   // directory "/usr/lib/postgresql/15/bin", major 15
#pragma once

#include <string>
#include <vector>

#include "harness/postgres/provider.h"
#include "harness/postgres/server_user.h"

namespace migproof {

struct Binaries {
  std::string directory;  // holds postgres and initdb
  int major = 0;
};

// In this order: `options.binaries` alone if given; else those that `major` ("" for any) fits among PATH,
// /usr/lib/postgresql/*/bin and <cache>/postgres/*/bin, the newest first. Directories that `user` can't enter are
// passed over. Error(usage) when `major` is no number; Error(server), with what to install, when there is none.
Binaries FindBinaries(const std::string& major, const StartOptions& options, const ServerUser& user);

// Our directory for what may be kept between runs: `options.cache_directory`, $MIGPROOF_CACHE,
// ${XDG_CACHE_HOME:-~/.cache}/migproof; the directory for temporary files where there is no home.
std::string CacheDirectory(const StartOptions& options);

// "15.20", as `postgres --version` says. Error(server) when the program can't be run.
std::string ServerVersion(const std::string& directory);

}  // namespace migproof
