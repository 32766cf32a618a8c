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

// In this order: `options.binaries` alone if given; else those that `major` ("" for any) fits among PATH and
// /usr/lib/postgresql/*/bin, the newest first; then those of InstalledRoots, the newest first. (The machine's own come
// first: they have client programs beside them.) Directories that `user` can't enter are passed over. Error(usage) when
// `major` is no number; Error(server), with what to install, when there is none.
Binaries FindBinaries(const std::string& major, const StartOptions& options, const ServerUser& user);

// All of them, in that order, those that nobody may enter among them.
std::vector<Binaries> AllBinaries(const StartOptions& options);

// The majors that a server can be started from, each once, the oldest first.
std::vector<int> MajorsThere(const StartOptions& options, const ServerUser& user);

// Directories in which `migproof servers install` keeps servers, as <major>/bin: <cache>/postgres, and what root
// installs for users that can't enter root's cache: /var/cache/migproof/postgres.
std::vector<std::string> InstalledRoots(const StartOptions& options);

// The one of InstalledRoots that a new server belongs in. Error(server) where it is not there and `user` could not
// enter it.
std::string InstallRoot(const StartOptions& options, const ServerUser& user);

// Whether `user` may pass through every directory of the path, as far as it is there. Access lists and further groups
// don't count.
bool CanEnter(const std::string& directory, const ServerUser& user);

// Our directory for what may be kept between runs: `options.cache_directory`, $MIGPROOF_CACHE,
// ${XDG_CACHE_HOME:-~/.cache}/migproof; the directory for temporary files where there is no home.
std::string CacheDirectory(const StartOptions& options);

// "15.20", as `postgres --version` says. Error(server) when the program can't be run.
std::string ServerVersion(const std::string& directory);

}  // namespace migproof
