#include "harness/postgres/prepared_data.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <xxhash.h>

#include <clocale>
#include <filesystem>
#include <optional>
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

std::vector<std::string> InitdbOptions(int major) {
  std::vector<std::string> options = {"--wal-segsize=1",     "--no-sync",
                                      "--username=postgres", "--auth=trust",
                                      "--encoding=UTF8",     HasLocale("C.UTF-8") ? "--locale=C.UTF-8" : "--locale=C"};
  if (major >= 18) options.emplace_back("--no-data-checksums");
  return options;
}

// Everything that the image depends on, as text; its hash names the image.
std::string Ingredients(const Binaries& binaries, const ServerUser& user) {
  const std::string program = fs::canonical(binaries.directory + "/postgres");
  struct stat info {};
  if (stat(program.c_str(), &info) != 0) throw Error(ErrorKind::kServer, fmt::format("can't read '{}'", program));
  return fmt::format("{} {} {}.{} recipe {} user {} options {}", program, info.st_size, info.st_mtim.tv_sec,
                     info.st_mtim.tv_nsec, kRecipeVersion, user.name, fmt::join(InitdbOptions(binaries.major), " "));
}

std::string Hash(const std::string& text) { return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size())); }

// Images of one program begin alike; the newest of them replaces the others.
std::string ImagePrefix(const Binaries& binaries) {
  return fmt::format("{}-{}-", binaries.major, Hash(fs::canonical(binaries.directory)));
}

std::string ImagePath(const Binaries& binaries, const StartOptions& options, const std::string& ingredients) {
  return fmt::format("{}/{}{}.image", CacheDirectory(options), ImagePrefix(binaries), Hash(ingredients));
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
  for (const std::string& option : InitdbOptions(binaries.major)) initdb.push_back(option);
  process.Run(initdb, timeout_ms);
  process.Start(binaries.directory, ServerSettings(false, binaries.major), timeout_ms);
  const std::string last = LastWalSegment(process);
  process.Stop(timeout_ms);
  RemoveOtherWal(process.data(), last);
  RemoveMaps(process.data());
}

// Images that another version of the program, or of ours, has made; and a broken one of this name.
void RemoveSuperseded(const fs::path& cache, const std::string& prefix) {
  for (const fs::directory_entry& entry : fs::directory_iterator(cache)) {
    const std::string name = entry.path().filename();
    if (name.compare(0, prefix.size(), prefix) == 0) fs::remove(entry.path());
  }
}

// Keeps the data directory for later runs. Where the cache can't be written, that is an error only if it was asked for.
void KeepImage(const ServerProcess& process, const Binaries& binaries, const std::string& image,
               const std::string& version, const StartOptions& options) {
  const fs::path cache = fs::path(image).parent_path();
  try {
    fs::create_directories(cache);
    RemoveSuperseded(cache, ImagePrefix(binaries));
    PackDirectory(process.data(), image, version);
  } catch (const fs::filesystem_error& e) {
    if (options.cache_directory.empty()) return;
    throw Error(ErrorKind::kServer,
                fmt::format("the cache directory '{}' can't be used: {}", cache.string(), e.code().message()));
  } catch (Error& e) {
    if (options.cache_directory.empty()) return;
    e.AddContext(fmt::format("while filling the cache directory '{}'", cache.string()));
    throw;
  }
}

// The image, where there is a whole one.
std::optional<DataImage> OpenImage(const std::string& path) {
  try {
    if (fs::exists(path)) return std::optional<DataImage>(std::in_place, path);
  } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): it is made again
  }
  return std::nullopt;
}

}  // namespace

std::string PrepareData(ServerProcess& process, const Binaries& binaries, const ServerUser& user,
                        const StartOptions& options) {
  const std::string image = ImagePath(binaries, options, Ingredients(binaries, user));
  if (const std::optional<DataImage> cached = OpenImage(image)) {
    cached->Unpack(process.data(), user);
    return cached->made_by();
  }
  const std::string version = ServerVersion(binaries.directory);
  MakeData(process, binaries, options.start_timeout_ms);
  KeepImage(process, binaries, image, version, options);
  return version;
}

std::vector<std::string> ServerSettings(bool durable, int major) {
  std::vector<std::string> settings = {
      "listen_addresses=", "port=5432", "unix_socket_permissions=0700", "fsync=off", "full_page_writes=off",
      durable ? "synchronous_commit=on" : "synchronous_commit=off", "wal_level=minimal", "max_wal_senders=0",
      "wal_init_zero=off", "max_wal_size=256MB", "checkpoint_timeout=1h", "autovacuum=off",
      // Room for some 15,000 locks, twice that of a server as it is installed: one for 60,000 takes longer to start.
      "max_locks_per_transaction=256", "max_connections=48", "shared_buffers=64MB",
      // Files in the data directory, so that a killed server leaves none in /dev/shm.
      "dynamic_shared_memory_type=mmap", "update_process_title=off", "max_logical_replication_workers=0",
      "max_parallel_workers_per_gather=0", "max_parallel_maintenance_workers=0", "jit=off", "logging_collector=off",
      "log_destination=stderr", "timezone=UTC", "log_timezone=UTC",
      // Nobody waits for ever for a statement that never ends, nor for a disk that its files fill.
      "statement_timeout=10min", "temp_file_limit=4GB"};
  if (major >= 18) settings.emplace_back("io_method=sync");  // no processes for reading ahead
  return settings;
}

}  // namespace migproof
