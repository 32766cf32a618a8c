// What Flyway takes for migrations, and in which order: by names alone.
#pragma once

#include <compare>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace migproof {

// "1_2.3": numbers of any length, compared part by part; parts that are missing are zeros.
class FlywayVersion {
 public:
  // False where `text` is no version.
  static bool Parse(std::string_view text, FlywayVersion& version);

  const std::string& text() const { return text_; }  // with points: "1.2.3"
  std::strong_ordering operator<=>(const FlywayVersion& other) const;
  bool operator==(const FlywayVersion& other) const { return (*this <=> other) == 0; }

 private:
  std::vector<std::string> parts_;  // without leading zeros, "" for zero; the last is none
  std::string text_;
};

// Its prefix.
enum class FlywayKind { kVersioned = 'V', kUndo = 'U', kBaseline = 'B', kRepeatable = 'R' };

struct FlywayFile {
  FlywayKind kind = FlywayKind::kVersioned;
  FlywayVersion version;    // kRepeatable: none
  std::string description;  // "add groups"
  std::string script;       // relative to the directory
  std::filesystem::path path;
  std::filesystem::path settings;  // V1__x.sql.conf; "" for none
};

// Whether a name is a versioned migration's: "V1_2__add_groups.sql".
bool IsFlywayName(std::string_view name);

// All below `directory`, hidden directories left out, in the order of their paths. Error(history) for what Flyway runs
// and this program can't (other languages; callbacks, unless they are to be left out), and for a name that only looks
// like a migration's, which Flyway leaves out without a word.
std::vector<FlywayFile> FindFlywayFiles(const std::filesystem::path& directory, bool without_callbacks);

}  // namespace migproof
