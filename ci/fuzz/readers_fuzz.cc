// Throws bytes at the reader of each format and checks that it reads them or refuses them by an Error that names the
// file. ci/fuzz/run gives each reader its share of time; by hand:
//   cmake --preset debug -B build/fuzz -DCMAKE_CXX_COMPILER=clang++ -DMIGPROOF_FUZZ=ON -DMIGPROOF_TESTS=OFF
//   cmake --build build/fuzz --target readers_fuzz && build/fuzz/readers_fuzz -dict=ci/fuzz/formats.dict
// The first byte chooses the format and the names of the files (among those of MIGPROOF_FUZZ_FORMAT, if that is set);
// a next file follows behind a line of one 0x1E.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "migrations/format.h"
#include "migrations/history.h"
#include "migrations/recognise.h"

namespace {

using migproof::Error;
using migproof::Format;
using migproof::Registry;
using migproof::Revision;

namespace fs = std::filesystem;

constexpr std::string_view kNextFile = "\n\x1E\n";

struct Place {
  const char* format;
  std::vector<const char*> files;
};

// Names that each reader takes for its own.
const Place kPlaces[] = {
    {"native", {"r1.sql", "r2.sql"}},
    {"golang-migrate", {"1_a.up.sql", "1_a.down.sql"}},
    {"diesel", {"1_a/up.sql", "1_a/metadata.toml", "1_a/down.sql"}},
    {"goose", {"1_a.sql", "2_b.sql"}},
    {"dbmate", {"1_a.sql", "2_b.sql"}},
    {"sql-migrate", {"1_a.sql", "2_b.sql"}},
    {"sqlx", {"1_a.up.sql", "1_a.down.sql"}},
    {"maragudk", {"1-a.up.sql", "1-a.down.sql"}},
    {"authelia", {"V0001.A.up.sql", "V0001.A.down.sql"}},
    {"flyway", {"V1__a.sql", "V1__a.sql.conf", "U1__a.sql"}},
    {"flyway", {"R__a.sql", "flyway.toml", "B2__b.sql"}},
    {"alembic", {"env.py", "versions/a.py", "versions/b.py"}},
    {"sqitch", {"sqitch.plan", "deploy/a.sql", "revert/a.sql", "verify/a.sql", "sqitch.conf"}},
    {"sourcegraph", {"1/metadata.yaml", "1/up.sql", "1/down.sql"}},
    {"sourcegraph", {"2/metadata.yaml", "2/up.sql", "1/metadata.yaml"}},
    {"popx",
     {"20240317090000000000_a.up.sql", "20240317090000000000_a.postgres.autocommit.up.sql",
      "20240317090000000000_a.down.sql"}},
    {"liquibase", {"a.sql", "b.sql"}},
};

// The places of MIGPROOF_FUZZ_FORMAT, else all. Ends the program if a registered format has none: it'd never be read.
std::vector<const Place*> ChosenPlaces() {
  const std::vector<std::string> registered = Registry<Format>::Names();
  std::set<std::string> without(registered.begin(), registered.end());
  std::vector<const Place*> chosen;
  const char* only = std::getenv("MIGPROOF_FUZZ_FORMAT");
  for (const Place& place : kPlaces) {
    without.erase(place.format);
    if (only == nullptr || std::string_view(only) == place.format) chosen.push_back(&place);
  }
  for (const std::string& name : without)
    std::fprintf(stderr, "readers_fuzz: no files for the format %s\n", name.c_str());
  if (chosen.empty()) std::fprintf(stderr, "readers_fuzz: no such format: %s\n", only);
  if (!without.empty() || chosen.empty()) std::exit(2);
  return chosen;
}

void Require(bool holds, const char* format, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "readers_fuzz: %s: does not hold: %s\n", format, what);
  std::abort();
}

// One directory for the whole run, in memory where that is there.
class RunDirectory {
 public:
  RunDirectory() : path_(fs::is_directory("/dev/shm") ? "/dev/shm" : fs::temp_directory_path()) {
    path_ /= "migproof_fuzz_" + std::to_string(getpid());
    fs::create_directories(path_);
  }
  ~RunDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

const fs::path& Root() {
  static const RunDirectory directory;
  return directory.path();
}

void Write(const fs::path& path, std::string_view text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

void CheckRevision(const char* format, const Revision& revision) {
  Require(!revision.id.empty() && !revision.ledger_key.empty(), format, "a revision has an id and a key");
  Require(!revision.where.file.empty(), format, "a revision says where it stands");
  static_cast<void>(revision.Checksum());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const std::vector<const Place*> chosen = ChosenPlaces();
  const Place& place = *chosen[data[0] % chosen.size()];
  std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const fs::path directory = Root() / std::to_string(&place - kPlaces);
  for (const char* file : place.files) {
    const std::size_t cut = text.find(kNextFile);
    Write(directory / file, text.substr(0, cut));
    text = cut == std::string_view::npos ? std::string_view() : text.substr(cut + kNextFile.size());
  }
  const Format& format = Registry<Format>::Get(place.format);
  static_cast<void>(format.Recognise(directory));
  try {
    for (const Revision& revision : format.ReadWith({directory, "", {{"env.A", "a"}, {"placeholders.a", "b"}}})) {
      CheckRevision(place.format, revision);
    }
  } catch (const Error& error) {
    Require(error.kind() == migproof::ErrorKind::kHistory || error.kind() == migproof::ErrorKind::kUsage, place.format,
            "a refusal is the author's business");
    Require(error.Render().find(Root().string()) != std::string::npos, place.format, "a refusal names the file");
  }
  return 0;
}
