// golang-migrate: NNNNNN_title.up.sql and NNNNNN_title.down.sql, applied in the order of the number.
//
// Facts of the tool that this file imitates:
// - The version is the leading integer alone; the titles of up and down may differ. Files that do not match
//   ^([0-9]+)_(.*)\.(down|up)\.(.*)$ are ignored, and so are directories.
// - Each file is sent as one simple query.
// - The ledger is one row (version, dirty): the target version is written dirty before the script and clean after it,
// each
//   time by TRUNCATE and INSERT in a transaction. Everything up to that version counts as applied. After the first
//   version was undone the table is empty; while that runs it says -1, dirty.
// A down file that is missing: the revision can't be undone (the tool would step over it silently). One that holds only
// comments undoes nothing.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>

#include "migrations/format.h"
#include "migrations/linear_format.h"
#include "migrations/recognise.h"
#include "migrations/session.h"

namespace migproof {

namespace {

struct GolangName {
  std::uint64_t version = 0;
  std::string title;
  bool up = false;
  std::string extension;
};

// The parts of a file name by the tool's own pattern; nothing where it does not match.
std::optional<GolangName> ParseGolangName(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  const std::size_t digits = std::min(name.find_first_not_of("0123456789"), name.size());
  if (digits == 0 || digits == name.size() || name[digits] != '_') return std::nullopt;
  // The pattern's title is greedy: the last ".up." or ".down." ends it.
  const std::size_t up = name.rfind(".up.");
  const std::size_t down = name.rfind(".down.");
  const bool is_up = up != std::string::npos && (down == std::string::npos || up > down);
  const std::size_t mark = is_up ? up : down;
  if (mark == std::string::npos || mark <= digits) return std::nullopt;
  GolangName parsed;
  const auto [end, failure] = std::from_chars(name.data(), name.data() + digits, parsed.version);
  if (failure != std::errc() || parsed.version > static_cast<std::uint64_t>(INT64_MAX)) {
    throw Error(ErrorKind::kHistory,
                fmt::format("version '{}' does not fit the ledger's bigint", name.substr(0, digits)))
        .WithLocation({path.string(), 0});
  }
  parsed.title = name.substr(digits + 1, mark - digits - 1);
  parsed.up = is_up;
  parsed.extension = name.substr(mark + (is_up ? 4 : 6));
  return parsed;
}

struct GolangPair {
  SectionFiles files;
  std::string title;
};

std::map<std::uint64_t, GolangPair> PairFiles(const std::filesystem::path& directory) {
  std::map<std::uint64_t, GolangPair> pairs;
  for (const auto& entry : ListDirectory(directory)) {
    if (std::filesystem::is_directory(entry)) continue;
    const auto name = ParseGolangName(entry);
    if (!name) continue;
    if (name->extension != "sql") {
      throw Error(ErrorKind::kHistory, fmt::format("'{}' is a migration that is not SQL", entry.string()))
          .WithHint("later migrations can depend on it, so it can't be left out");
    }
    GolangPair& pair = pairs[name->version];
    ClaimPlace(name->up ? pair.files.up : pair.files.down, entry, std::to_string(name->version),
               "the tool knows a migration by its number alone");
    if (name->up) pair.title = name->title;
  }
  return pairs;
}

Revision ReadGolangPair(std::uint64_t version, const GolangPair& pair) {
  Revision revision = ReadSectionFiles(pair.files, std::to_string(version), Execution::kOneQuery);
  revision.id = pair.files.up.filename().string();
  revision.id.resize(revision.id.size() - std::string_view(".up.sql").size());
  revision.title = pair.title;
  std::replace(revision.title.begin(), revision.title.end(), '_', ' ');
  revision.ledger_key = std::to_string(version);
  return revision;
}

constexpr std::string_view kGolangTable = "public.schema_migrations";

std::int64_t GolangVersion(const Revision& revision) {
  std::int64_t version = -1;
  std::from_chars(revision.ledger_key.data(), revision.ledger_key.data() + revision.ledger_key.size(), version);
  return version;
}

// The version before `version` in the history; -1, the tool's "nothing", below the first.
std::int64_t VersionBefore(std::int64_t version, const History& history) {
  std::int64_t before = -1;
  for (const Revision& revision : history.revisions()) {
    const std::int64_t candidate = GolangVersion(revision);
    if (candidate < version) before = std::max(before, candidate);
  }
  return before;
}

std::vector<std::string> SetVersion(std::int64_t version, bool dirty) {
  std::vector<std::string> sql = {fmt::format("TRUNCATE {}", kGolangTable)};
  if (version >= 0 || dirty) {
    sql.push_back(fmt::format("INSERT INTO {} (version, dirty) VALUES ({}, {})", kGolangTable, version, dirty));
  }
  return sql;
}

class GolangLedger : public Ledger {
 public:
  std::vector<std::string> Tables() const override { return {std::string(kGolangTable)}; }

  std::vector<std::string> CreateSql() const override {
    return {fmt::format("CREATE TABLE IF NOT EXISTS {} (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)",
                        kGolangTable)};
  }

  std::vector<std::string> BeforeSql(const Step& step, const History& history) const override {
    if (step.direction == Direction::kStamp) return {};
    return SetVersion(Target(step, history), true);
  }

  std::vector<std::string> AfterSql(const Step& step, const History& history) const override {
    return SetVersion(Target(step, history), false);
  }

  std::vector<std::string> ForgetSql(const Revision& revision, const History& history) const override {
    return SetVersion(VersionBefore(GolangVersion(revision), history), false);
  }

  std::vector<LedgerEntry> Read(Session& session, const History& history) const override {
    const Rows rows =
        ReadTableIfThere(session, kGolangTable, fmt::format("SELECT version, dirty FROM {} LIMIT 1", kGolangTable));
    std::vector<LedgerEntry> entries;
    if (rows.empty()) return entries;
    const std::int64_t top = rows.GetInt(0, 0);
    bool known = false;
    for (const Revision* revision : history.Linear()) {
      if (GolangVersion(*revision) > top) continue;
      known = known || GolangVersion(*revision) == top;
      entries.push_back({revision->id, "", false});
    }
    if (!known) entries.push_back({std::to_string(top), "", false});
    entries.back().dirty = rows.GetBool(0, 1);
    return entries;
  }

 private:
  static std::int64_t Target(const Step& step, const History& history) {
    const std::int64_t version = GolangVersion(*step.revision);
    return step.direction == Direction::kDowngrade ? VersionBefore(version, history) : version;
  }
};

std::string GolangSlug(std::string_view title) {
  std::string slug;
  for (const char c : title) slug += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return slug;
}

class GolangMigrateFormat : public Format {
 public:
  std::string_view Summary() const override { return "golang-migrate: N_title.up.sql and N_title.down.sql"; }

  bool SharesSession() const override { return true; }

  std::vector<Revision> Read(const std::filesystem::path& directory) const override {
    std::vector<Revision> revisions;
    for (const auto& [version, pair] : PairFiles(directory)) {
      Revision revision = ReadGolangPair(version, pair);
      if (!revisions.empty()) revision.parents = {revisions.back().id};
      revisions.push_back(std::move(revision));
    }
    return revisions;
  }

  std::unique_ptr<Ledger> MakeLedger(const ToolSettings&) const override { return std::make_unique<GolangLedger>(); }

  // Other tools name files so, too: go.mod decides where it names this one.
  Recognition Recognise(const std::filesystem::path& directory) const override {
    std::size_t files = 0;
    for (const std::string& name : NamesIn(directory)) {
      const std::size_t digits = std::min(name.find_first_not_of("0123456789"), name.size());
      const bool numbered = digits > 0 && digits < name.size() && name[digits] == '_';
      files += numbered && (name.ends_with(".up.sql") || name.ends_with(".down.sql")) ? 1 : 0;
    }
    Recognition found = RecogniseByNames(files, "N_title.up.sql or .down.sql", false);
    if (found && ProjectNames(directory, "go.mod", "golang-migrate/migrate")) {
      return {fmt::format("go.mod names it; {}", found.by), true};
    }
    return found;
  }

  // The number is the parent's plus one, as wide as the parent's.
  std::vector<NewFile> MakeRevision(const Revision& revision) const override {
    if (revision.parents.size() > 1) {
      throw Error(ErrorKind::kUsage, "golang-migrate keeps one line of versions: there is nothing to merge");
    }
    std::uint64_t number = 0;
    std::size_t width = 6;
    if (!revision.parents.empty()) {
      const std::string& parent = revision.parents.front();
      width = std::min(parent.find('_'), parent.size());
      std::from_chars(parent.data(), parent.data() + width, number);
    }
    const std::string stem = fmt::format("{:0{}}_{}", number + 1, width, GolangSlug(revision.title));
    return {{stem + ".up.sql", "-- what this migration does\n"}, {stem + ".down.sql", "-- what undoes it\n"}};
  }
};

const Registered<Format, GolangMigrateFormat> kGolangMigrate("golang-migrate");

}  // namespace

}  // namespace migproof
