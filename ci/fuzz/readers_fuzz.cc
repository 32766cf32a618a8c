// Throws bytes at the reader of each format and checks that it reads them or refuses them by an Error that names the
// file:
//   cmake --preset debug -B build/fuzz -DCMAKE_CXX_COMPILER=clang++ -DMIGPROOF_FUZZ=ON -DMIGPROOF_TESTS=OFF
//   cmake --build build/fuzz --target readers_fuzz && build/fuzz/readers_fuzz -dict=ci/fuzz/formats.dict
// The first byte chooses the format and the name of the file; a second file follows behind a line of one 0x1E.
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "migrations/format.h"
#include "migrations/history.h"
#include "migrations/recognise.h"

namespace {

using migproof::Error;
using migproof::Format;
using migproof::Registry;
using migproof::Revision;

namespace fs = std::filesystem;

struct Place {
  const char* format;
  const char* first;
  const char* second;  // "": none
};

// Names that each reader takes for its own.
constexpr Place kPlaces[] = {
    {"native", "r1.sql", ""},
    {"golang-migrate", "1_a.up.sql", "1_a.down.sql"},
    {"diesel", "1_a/up.sql", "1_a/metadata.toml"},
    {"goose", "1_a.sql", ""},
    {"dbmate", "1_a.sql", ""},
    {"sql-migrate", "1_a.sql", ""},
    {"sqlx", "1_a.up.sql", "1_a.down.sql"},
    {"maragudk", "1-a.up.sql", "1-a.down.sql"},
    {"authelia", "V0001.A.up.sql", "V0001.A.down.sql"},
    {"flyway", "V1__a.sql", "V1__a.sql.conf"},
    {"flyway", "R__a.sql", "flyway.toml"},
    {"alembic", "env.py", "versions/a.py"},
};

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
  const Place& place = kPlaces[data[0] % std::size(kPlaces)];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t cut = text.find("\n\x1E\n");
  const fs::path directory = Root() / place.format;
  Write(directory / place.first, text.substr(0, cut));
  if (*place.second != '\0') {
    Write(directory / place.second, cut == std::string_view::npos ? "" : text.substr(cut + 3));
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
