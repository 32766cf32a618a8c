// The directory that one running server lives in: data, socket and log. Gone with the server, or swept by the next one.
//
// Its name carries our prefix, and its living owner holds a lock (flock) on the directory itself, which the kernel
// releases however the owner dies.
#pragma once

#include <string>

#include "harness/postgres/server_user.h"

namespace migproof {

class RunDirectory {
 public:
  // Makes one below `base`, owned by `user`, mode 0700. Error(server) when it can't.
  RunDirectory(const std::string& base, const ServerUser& user);
  ~RunDirectory();
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  const std::string& path() const { return path_; }

  // Where server directories go: `wanted` if given, else /dev/shm where it is a tmpfs with space, else the directory
  // for temporary files. Error(server) where the path of a socket in there would be too long, or nothing can be
  // written.
  static std::string ChooseBase(const std::string& wanted);

  // Removes what dead owners left below `base`: server processes, their shared memory, directories.
  static void SweepStale(const std::string& base);

  // Ends the server of the data directory below `path`, if one is alive, and removes its System V shared memory.
  static void EndServer(const std::string& path);

 private:
  std::string path_;
  int lock_ = -1;
};

}  // namespace migproof
