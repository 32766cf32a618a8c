#include "harness/postgres/process_identity.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace migproof {

namespace {

std::string Boot() {
  std::ifstream in("/proc/sys/kernel/random/boot_id");
  std::string id;
  in >> id;
  return id;
}

std::string PidNamespace() {
  std::error_code failed;
  return std::filesystem::read_symlink("/proc/self/ns/pid", failed);
}

// In the kernel's ticks since the boot; "" for a process that has ended, though nobody has reaped it yet. proc(5): the
// name may hold anything; behind it stands the state, and as the 20th word the start.
std::string StartOf(pid_t pid) {
  std::ifstream in(fmt::format("/proc/{}/stat", pid));
  const std::string stat{std::istreambuf_iterator<char>(in), {}};
  const std::size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return "";
  std::istringstream words(stat.substr(name_end + 1));
  std::string word;
  words >> word;
  if (word == "Z" || word == "X") return "";
  for (int i = 1; i < 20; ++i) words >> word;
  return word;
}

}  // namespace

std::string IdentityOf(pid_t pid) {
  const std::string start = StartOf(pid);
  return start.empty() ? "" : fmt::format("{} {} {} {}", Boot(), PidNamespace(), pid, start);
}

Presence PresenceOf(const std::string& identity) {
  std::istringstream words(identity);
  std::string boot;
  std::string pid_namespace;
  std::string start;
  pid_t pid = 0;
  if (!(words >> boot >> pid_namespace >> pid >> start)) return Presence::kUnknown;
  if (boot != Boot()) return Presence::kGone;
  if (pid_namespace != PidNamespace()) return Presence::kUnknown;
  return StartOf(pid) == start ? Presence::kAlive : Presence::kGone;
}

}  // namespace migproof
