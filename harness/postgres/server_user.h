// The account that servers run as: PostgreSQL refuses to run as root.
//
//   const ServerUser user = FindServerUser();   // our own account where we aren't root
#pragma once

#include <sys/types.h>

#include <string>

namespace migproof {

struct ServerUser {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  bool switched = false;  // a process has to change to it, because we are root
};

// As root: the system user `migproof`, made when missing; where users can't be made `postgres`, then `nobody`.
// `postgres` is no first choice: peer authentication lets it into real clusters. Error(server) where there is none of
// them.
ServerUser FindServerUser();

// In a child process: becomes `user` for good. False (errno) when the kernel refuses.
bool BecomeUser(const ServerUser& user);

}  // namespace migproof
