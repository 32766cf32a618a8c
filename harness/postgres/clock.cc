#include "harness/postgres/clock.h"

#include <fmt/format.h>
#include <link.h>
#include <semaphore.h>
#include <sys/mman.h>

#include <algorithm>
#include <filesystem>
#include <span>

#include "migrations/error.h"

namespace migproof {

namespace {

namespace fs = std::filesystem;

// Where distributions put it: /usr/lib/x86_64-linux-gnu/faketime, /usr/lib/faketime, /usr/lib64/faketime.
std::string FindLibrary() {
  constexpr const char* kName = "faketime/libfaketime.so.1";
  std::vector<fs::path> roots = {"/usr/lib", "/usr/lib64", "/usr/local/lib"};
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib", ignored)) {
    if (entry.path().filename().string().ends_with("-linux-gnu")) roots.push_back(entry.path());
  }
  std::sort(roots.begin(), roots.end());
  for (const fs::path& root : roots) {
    if (fs::exists(root / kName, ignored)) return root / kName;
  }
  return "";
}

// The program that loads programs here: the one that this program names in its header (PT_INTERP, elf(5)).
std::string FindLoader() {
  std::string loader;
  const auto look_at_first = [](dl_phdr_info* info, std::size_t, void* found) {
    for (const ElfW(Phdr) & part : std::span(info->dlpi_phdr, info->dlpi_phnum)) {
      if (part.p_type != PT_INTERP) continue;
      *static_cast<std::string*>(found) = reinterpret_cast<const char*>(info->dlpi_addr + part.p_vaddr);
    }
    return 1;
  };
  dl_iterate_phdr(look_at_first, &loader);
  return loader;
}

}  // namespace

std::string WhyNoOtherClock() {
  return FindLibrary().empty() ? "libfaketime is not installed: apt-get install faketime" : "";
}

std::vector<std::string> ClockLauncher(int days_later) {
  if (days_later == 0) return {};
  const std::string library = FindLibrary();
  if (library.empty()) {
    throw Error(ErrorKind::kServer, "no server can be given another clock: libfaketime is not installed")
        .WithHint("apt-get install faketime");
  }
  // Not by LD_PRELOAD, which the programs that the server starts (COPY ... PROGRAM) would inherit: each would share a
  // clock of its own, and leave it on the machine.
  return {"/usr/bin/env", fmt::format("FAKETIME={:+}d", days_later), "DONT_FAKE_MONOTONIC=1", FindLoader(), "--preload",
          library};
}

// libfaketime names a semaphore and a piece of memory after the process that loads it first, and takes them away when
// that one ends in order.
void ForgetSharedClock(pid_t program) {
  shm_unlink(fmt::format("/faketime_shm_{}", program).c_str());
  sem_unlink(fmt::format("/faketime_sem_{}", program).c_str());
}

}  // namespace migproof
