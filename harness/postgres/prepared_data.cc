#include "harness/postgres/prepared_data.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <locale.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <filesystem>
#include <vector>

#include "harness/postgres/data_image.h"
#include "migrations/error.h"
#include "migrations/session.h"

namespace migproof {

namespace {

namespace fs = std::filesystem;

// Raise it when the recipe below changes.
constexpr int kRecipeVersion = 2;

bool HasLocale(const char* name) {
  const locale_t found = newlocale(LC_ALL_MASK, name, nullptr);
  if (found == nullptr) return false;
  freelocale(found);
  return true;
}

std::vector<std::string> InitdbOptions() {
  return {"--wal-segsize=1", "--no-sync",       "--username=postgres",
          "--auth=trust",    "--encoding=UTF8", HasLocale("C.UTF-8") ? "--locale=C.UTF-8" : "--locale=C"};
}

// Everything that the image depends on, as text; its hash names the image.
std::string Ingredients(const Binaries& binaries, const ServerUser& user) {
  const std::string program = fs::canonical(binaries.directory + "/postgres");
  struct stat info {};
  if (stat(program.c_str(), &info) != 0) throw Error(ErrorKind::kServer, fmt::format("can't read '{}'", program));
  return fmt::format("{} {} {}.{} recipe {} user {} options {}", program, info.st_size, info.st_mtim.tv_sec,
                     info.st_mtim.tv_nsec, kRecipeVersion, user.name, fmt::join(InitdbOptions(), " "));
}

std::string ImagePath(const Binaries& binaries, const StartOptions& options, const std::string& ingredients) {
  const XXH128_hash_t hash = XXH3_128bits(ingredients.data(), ingredients.size());
  return fmt::format("{}/{}-{:016x}{:016x}.image", CacheDirectory(options), binaries.major, hash.high64, hash.low64);
}

bool EndsWith(const std::string& text, std::string_view end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// Free space and visibility maps are hints that the server makes again when it wants them: a quarter of the files.
void RemoveMaps(const std::string& data) {
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(data)) {
    const std::string name = entry.path().filename();
    if (EndsWith(name, "_fsm") || EndsWith(name, "_vm")) fs::remove(entry.path());
  }
}

// Begins a segment of its own for what the shutdown will write, and names it: 1 MB takes it for sure.
std::string LastWalSegment(const ServerProcess& process) {
  Session session(process.Conninfo("postgres"));
  session.Execute("SELECT pg_switch_wal()");
  session.Execute("CHECKPOINT");
  return std::string(session.Query("SELECT pg_walfile_name(pg_current_wal_lsn())").Get(0, 0));
}

// After an orderly shutdown only the segment of the last checkpoint is read.
void RemoveOtherWal(const std::string& data, const std::string& kept) {
  for (const fs::directory_entry& entry : fs::directory_iterator(data + "/pg_wal")) {
    if (entry.is_regular_file() && entry.path().filename() != kept) fs::remove(entry.path());
  }
}

void MakeData(ServerProcess& process, const Binaries& binaries, int timeout_ms) {
  std::vector<std::string> initdb = {binaries.directory + "/initdb", "-D", process.data()};
  for (const std::string& option : InitdbOptions()) initdb.push_back(option);
  process.Run(initdb, timeout_ms);
  process.Start(binaries.directory, ServerSettings(false), timeout_ms);
  const std::string last = LastWalSegment(process);
  process.Stop(timeout_ms);
  RemoveOtherWal(process.data(), last);
  RemoveMaps(process.data());
}

// Keeps the data directory for later runs. Where the cache can't be written, that is an error only if it was asked for.
void Keep(const ServerProcess& process, const std::string& image, const std::string& made_by,
          const StartOptions& options) {
  try {
    fs::create_directories(fs::path(image).parent_path());
    PackDirectory(process.data(), image, made_by);
  } catch (const fs::filesystem_error& e) {
    if (options.cache_directory.empty()) return;
    throw Error(ErrorKind::kServer,
                fmt::format("the cache directory '{}' can't be made: {}", options.cache_directory, e.code().message()));
  } catch (Error& e) {
    if (options.cache_directory.empty()) return;
    e.AddContext(fmt::format("while filling the cache directory '{}'", options.cache_directory));
    throw;
  }
}

}  // namespace

std::string PrepareData(ServerProcess& process, const Binaries& binaries, const ServerUser& user,
                        const StartOptions& options) {
  const std::string ingredients = Ingredients(binaries, user);
  const std::string image = ImagePath(binaries, options, ingredients);
  if (fs::exists(image)) {
    const DataImage cached(image);
    cached.Unpack(process.data(), user);
    return cached.made_by();
  }
  const std::string version = ServerVersion(binaries.directory);
  MakeData(process, binaries, options.start_timeout_ms);
  Keep(process, image, version, options);
  return version;
}

std::vector<std::string> ServerSettings(bool durable) {
  return {"listen_addresses=", "port=5432", "unix_socket_permissions=0700", "fsync=off", "full_page_writes=off",
          durable ? "synchronous_commit=on" : "synchronous_commit=off", "wal_level=minimal", "max_wal_senders=0",
          "wal_init_zero=off", "max_wal_size=256MB", "checkpoint_timeout=1h", "autovacuum=off",
          "max_locks_per_transaction=1024", "max_connections=48", "shared_buffers=64MB",
          // Files in the data directory, so that a killed server leaves none in /dev/shm.
          "dynamic_shared_memory_type=mmap", "max_logical_replication_workers=0", "max_parallel_workers_per_gather=0",
          "max_parallel_maintenance_workers=0", "jit=off", "logging_collector=off", "log_destination=stderr",
          "timezone=UTC", "log_timezone=UTC"};
}

}  // namespace migproof
