#include "harness/postgres/server_user.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <optional>
#include <vector>

#include "harness/postgres/child.h"
#include "migrations/error.h"

namespace migproof {

namespace {

constexpr const char* kOwnUser = "migproof";
constexpr int kAddUserTimeoutMs = 10'000;

std::optional<ServerUser> LookUp(const std::string& name) {
  passwd entry;
  passwd* found = nullptr;
  std::vector<char> buffer(16'384);
  getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr || found->pw_uid == 0) return std::nullopt;
  return ServerUser{name, found->pw_uid, found->pw_gid, true};
}

void AddOwnUser() {
  RunToEnd({"useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell",
            "/usr/sbin/nologin", kOwnUser},
           kAddUserTimeoutMs);
}

}  // namespace

ServerUser FindServerUser() {
  if (geteuid() != 0) {
    const passwd* self = getpwuid(geteuid());  // NOLINT(concurrency-mt-unsafe)
    return {self == nullptr ? std::to_string(geteuid()) : self->pw_name, geteuid(), getegid(), false};
  }
  if (!LookUp(kOwnUser)) AddOwnUser();
  for (const char* name : {kOwnUser, "postgres", "nobody"}) {
    if (const auto user = LookUp(name)) return *user;
  }
  throw Error(ErrorKind::kServer,
              fmt::format("PostgreSQL refuses to run as root, and no user '{}' can be made", kOwnUser))
      .WithHint("run as another user, or: useradd --system migproof");
}

bool BecomeUser(const ServerUser& user) {
  if (!user.switched) return true;
  return setgroups(0, nullptr) == 0 && setresgid(user.gid, user.gid, user.gid) == 0 &&
         setresuid(user.uid, user.uid, user.uid) == 0;
}

}  // namespace migproof
