#include "migrations/flyway/files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <system_error>

#include "migrations/annotated_text.h"
#include "migrations/format.h"

namespace migproof {

namespace {

namespace fs = std::filesystem;

constexpr std::array kOtherLanguages = {".java", ".class", ".kt",  ".groovy", ".py",
                                        ".sh",   ".bash",  ".ps1", ".bat",    ".cmd"};

bool EndsWithSql(std::string_view name) {
  if (name.size() < 4) return false;
  std::string end(name.substr(name.size() - 4));
  std::transform(end.begin(), end.end(), end.begin(), [](unsigned char c) { return std::tolower(c); });
  return end == ".sql";
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool LooksLikeMigration(std::string_view stem) {
  if (stem.size() < 2) return false;
  const bool versioned = std::string_view("VUB").find(stem.front()) != std::string_view::npos && IsDigit(stem[1]);
  return versioned || stem.rfind("R__", 0) == 0 || stem.rfind("V__", 0) == 0 || (stem.rfind("R_", 0) == 0);
}

// The parts of a name without its extension.
std::optional<FlywayFile> ParseStem(std::string_view stem) {
  FlywayFile file;
  if (stem.empty() || std::string_view("VUBR").find(stem.front()) == std::string_view::npos) return std::nullopt;
  file.kind = static_cast<FlywayKind>(stem.front());
  const std::size_t separator = stem.find("__", 1);
  // A name without a separator is a version alone.
  const std::string_view version = stem.substr(1, separator == std::string_view::npos ? separator : separator - 1);
  if (file.kind == FlywayKind::kRepeatable) {
    if (separator != 1) return std::nullopt;
  } else if (!FlywayVersion::Parse(version, file.version)) {
    return std::nullopt;
  }
  if (separator != std::string_view::npos) file.description = stem.substr(separator + 2);
  std::replace(file.description.begin(), file.description.end(), '_', ' ');
  return file;
}

bool IsCallback(std::string_view stem) {
  const std::string_view event = stem.substr(0, stem.find("__"));
  for (const std::string_view prefix : {"before", "after"}) {
    if (event.rfind(prefix, 0) == 0 && event.size() > prefix.size() &&
        std::isupper(static_cast<unsigned char>(event[prefix.size()])) != 0) {
      return true;
    }
  }
  return event == "createSchema";
}

class FlywayScan {
 public:
  FlywayScan(const fs::path& root, bool without_callbacks) : root_(root), without_callbacks_(without_callbacks) {}

  std::vector<FlywayFile> Run() {
    Scan(root_);
    for (const fs::path& settings : settings_) {
      const std::string script =
          settings.string().substr(0, settings.string().size() - std::string_view(".conf").size());
      const auto file =
          std::find_if(files_.begin(), files_.end(), [&](const FlywayFile& f) { return f.path == script; });
      if (file == files_.end()) {
        throw Error(ErrorKind::kHistory, fmt::format("'{}' belongs to no migration", settings.string()));
      }
      file->settings = settings;
    }
    return std::move(files_);
  }

 private:
  void Scan(const fs::path& directory) {
    for (const fs::path& entry : ListDirectory(directory)) {
      std::error_code failure;
      if (!fs::is_directory(entry, failure)) {
        Take(entry);
      } else if (entry.filename().native().front() != '.' && !fs::is_symlink(entry, failure)) {
        Scan(entry);
      }
    }
  }

  void Take(const fs::path& path) {
    const std::string name = path.filename().string();
    if (name.ends_with(".sql.conf")) {
      settings_.push_back(path);
    } else if (EndsWithSql(name)) {
      TakeSql(path, name.substr(0, name.size() - 4));
    } else if (const auto other = std::find(kOtherLanguages.begin(), kOtherLanguages.end(), path.extension().string());
               other != kOtherLanguages.end() && ParseStem(path.stem().string())) {
      throw Error(ErrorKind::kHistory, fmt::format("'{}' is a migration that is not SQL", path.string()))
          .WithHint("later migrations can depend on it, so it can't be left out");
    }
  }

  void TakeSql(const fs::path& path, const std::string& stem) {
    if (std::optional<FlywayFile> file = ParseStem(stem)) {
      file->path = path;
      file->script = fs::relative(path, root_).string();
      files_.push_back(std::move(*file));
    } else if (LooksLikeMigration(stem)) {
      throw Error(
          ErrorKind::kHistory,
          fmt::format("'{}' is not named as a migration, and Flyway leaves it out without a word", path.string()))
          .WithHint("V1_2__title.sql, U1_2__title.sql, B1_2__title.sql or R__title.sql, with two '_' before the title");
    } else if (IsCallback(stem) && !without_callbacks_) {
      throw Error(ErrorKind::kHistory, fmt::format("'{}' is a callback, which only Flyway runs", path.string()))
          .WithHint("where nothing depends on it, leave callbacks out: \"tool\": {\"callbacks\": \"ignore\"}");
    }
  }

  fs::path root_;
  bool without_callbacks_;
  std::vector<FlywayFile> files_;
  std::vector<fs::path> settings_;
};

}  // namespace

bool FlywayVersion::Parse(std::string_view text, FlywayVersion& version) {
  version = {};
  std::string part;
  bool digits = false;
  for (const char c : std::string(text) + ".") {
    if (IsDigit(c)) {
      digits = true;
      if (c != '0' || !part.empty()) part += c;
    } else if ((c == '.' || c == '_') && digits) {
      version.parts_.push_back(part);
      part.clear();
      digits = false;
    } else {
      return false;
    }
  }
  version.text_ = text;
  std::replace(version.text_.begin(), version.text_.end(), '_', '.');
  while (!version.parts_.empty() && version.parts_.back().empty()) version.parts_.pop_back();
  return true;
}

std::strong_ordering FlywayVersion::operator<=>(const FlywayVersion& other) const {
  static const std::string kZero;
  for (std::size_t i = 0; i < std::max(parts_.size(), other.parts_.size()); ++i) {
    const std::string& mine = i < parts_.size() ? parts_[i] : kZero;
    const std::string& its = i < other.parts_.size() ? other.parts_[i] : kZero;
    if (mine.size() != its.size()) return mine.size() <=> its.size();
    if (const int order = mine.compare(its); order != 0) return order <=> 0;
  }
  return std::strong_ordering::equal;
}

bool IsFlywayName(std::string_view name) {
  if (!EndsWithSql(name) || name.find("__") == std::string_view::npos) return false;
  const auto file = ParseStem(name.substr(0, name.size() - 4));
  return file && file->kind != FlywayKind::kRepeatable;
}

std::vector<FlywayFile> FindFlywayFiles(const fs::path& directory, bool without_callbacks) {
  return FlywayScan(directory, without_callbacks).Run();
}

}  // namespace migproof
