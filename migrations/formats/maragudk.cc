// maragudk/migrate: NAME.up.sql and NAME.down.sql, in the order of the names.
//
// Facts of the tool that this file imitates:
// - NAME is letters, digits, '_' and '-'; it is the version, compared as text, byte by byte. Several files may share a
//   number. Its patterns are ^([\w-]+).up.sql$ and ^([\w-]+).down.sql, and their dots are any character: NAME_up.sql is
//   run as well. Other names are ignored; one that goes on behind ".down.sql" would be run, and is refused here.
// - Each file is one query in a transaction; there is no way around that.
// - The ledger is one row, the newest version, '' for none; everything up to it counts as applied. It is set before the
//   file runs, in its transaction. Undoing a version sets the one before it that has a down file.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>
#include <utility>

#include "migrations/annotated_text.h"
#include "migrations/format.h"
#include "migrations/linear_format.h"
#include "migrations/recognise.h"
#include "migrations/session.h"

namespace migproof {

namespace {

constexpr std::string_view kMaragudkUp = ".up.sql";
constexpr std::string_view kMaragudkDown = ".down.sql";

// The length of the version at the beginning of a name.
std::size_t MaragudkVersionLength(std::string_view name) {
  const auto end = std::find_if(name.begin(), name.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || (std::isalnum(byte) == 0 && c != '_' && c != '-');
  });
  return static_cast<std::size_t>(end - name.begin());
}

// The length of the version where the tool's pattern for `half`, "up" or "down", fits the beginning of a name, and that
// of all that fits.
std::optional<std::pair<std::size_t, std::size_t>> MaragudkFit(std::string_view name, std::string_view half) {
  for (std::size_t length = MaragudkVersionLength(name); length > 0; --length) {
    const std::size_t end = length + half.size() + std::string_view("..sql").size();
    if (name.size() < end || name.substr(length + 1, half.size()) != half) continue;
    if (name.substr(end - 3, 3) == "sql") return std::pair(length, end);
  }
  return std::nullopt;
}

void TakeMaragudkFile(std::filesystem::path& half, const std::filesystem::path& file) {
  if (!half.empty()) {
    throw Error(ErrorKind::kHistory, fmt::format("'{}' and '{}' have the same version", half.string(), file.string()))
        .WithHint("rename one of them");
  }
  half = file;
}

std::map<std::string, SectionFiles> PairMaragudkFiles(const std::filesystem::path& directory) {
  std::map<std::string, SectionFiles> pairs;
  for (const auto& entry : ListDirectory(directory)) {
    const std::string name = entry.filename().string();
    if (std::filesystem::is_directory(entry)) continue;
    const auto up = MaragudkFit(name, "up");
    if (up && up->second == name.size()) TakeMaragudkFile(pairs[name.substr(0, up->first)].up, entry);
    const auto down = MaragudkFit(name, "down");
    if (!down) continue;
    if (down->second < name.size()) {
      throw Error(ErrorKind::kHistory,
                  fmt::format("'{}' goes on behind '.down.sql', and the tool would run it", entry.string()))
          .WithHint("take it out of there");
    }
    TakeMaragudkFile(pairs[name.substr(0, down->first)].down, entry);
  }
  return pairs;
}

class MaragudkLedger : public Ledger {
 public:
  explicit MaragudkLedger(std::string table) : table_(std::move(table)) {}

  std::vector<std::string> Tables() const override { return {table_}; }

  std::vector<std::string> CreateSql() const override {
    return {fmt::format("CREATE TABLE IF NOT EXISTS {} (version text NOT NULL)", table_),
            fmt::format("INSERT INTO {0} SELECT '' WHERE NOT EXISTS (SELECT FROM {0})", table_)};
  }

  std::vector<std::string> BeforeSql(const Step&, const History&) const override { return {}; }

  std::vector<std::string> AfterSql(const Step& step, const History& history) const override {
    if (step.direction == Direction::kDowngrade) return ForgetSql(*step.revision, history);
    return Set(step.revision->ledger_key);
  }

  std::vector<std::string> ForgetSql(const Revision& revision, const History& history) const override {
    const Revision* before = RevisionBefore(revision, history);
    while (before != nullptr && !before->downgrade) before = RevisionBefore(*before, history);
    return Set(before == nullptr ? "" : before->ledger_key);
  }

  std::vector<LedgerEntry> Read(Session& session, const History& history) const override {
    const Rows rows = ReadTableIfThere(session, table_, fmt::format("SELECT version FROM {} LIMIT 1", table_));
    return EntriesUpTo(rows.empty() ? "" : rows.Get(0, 0), history);
  }

 private:
  std::vector<std::string> Set(const std::string& version) const {
    return {fmt::format("UPDATE {} SET version = {}", table_, SqlLiteral(version))};
  }

  std::string table_;
};

class MaragudkFormat : public Format {
 public:
  std::string_view Summary() const override { return "maragudk/migrate: NAME.up.sql and NAME.down.sql"; }

  bool SharesSession() const override { return true; }

  std::vector<Revision> Read(const std::filesystem::path& directory) const override {
    std::map<std::string, Revision> by_version;
    for (const auto& [version, files] : PairMaragudkFiles(directory)) {
      Revision& revision = by_version[version] = ReadSectionFiles(files, fmt::format("'{}'", version));
      revision.id = version;
      revision.ledger_key = version;
      revision.title = TitleOfName(version);
    }
    return InOneLine(std::move(by_version));
  }

  std::unique_ptr<Ledger> MakeLedger(const ToolSettings& settings) const override {
    return std::make_unique<MaragudkLedger>(TableName(settings, "public.migrations"));
  }

  // Names with a number and '_' are other tools' too: those count only where go.mod names this one.
  Recognition Recognise(const std::filesystem::path& directory) const override {
    std::size_t fitting = 0;
    std::size_t others = 0;
    for (const std::string& name : NamesIn(directory)) {
      if (!name.ends_with(kMaragudkUp)) continue;
      const std::size_t digits = LeadingDigits(name).size();
      const bool shared = digits > 0 && name[digits] == '_';
      ++(MaragudkVersionLength(name) + kMaragudkUp.size() == name.size() && !shared ? fitting : others);
    }
    const bool certain = ProjectNames(directory, "go.mod", "maragu.dev/migrate") ||
                         ProjectNames(directory, "go.mod", "maragudk/migrate");
    if (certain && fitting + others > 0) {
      return {fmt::format("go.mod names it; {}", RecogniseByNames(fitting + others, "NAME.up.sql", true).by), true};
    }
    return others > 0 ? Recognition() : RecogniseByNames(fitting, "NAME.up.sql", false);
  }

  std::vector<NewFile> MakeRevision(const Revision& revision) const override {
    RefuseMerge(revision, "maragudk/migrate");
    const std::string_view parent = revision.parents.empty() ? "" : LeadingDigits(revision.parents.front());
    const std::string stem = fmt::format("{}-{}", NextVersion(parent), TitleSlug(revision.title));
    if (!revision.parents.empty() && stem <= revision.parents.front()) {
      throw Error(ErrorKind::kUsage, fmt::format("'{}' does not come behind '{}'", stem, revision.parents.front()))
          .WithHint("versions are compared as text: choose the name yourself");
    }
    return {{stem + std::string(kMaragudkUp), "-- what this migration does\n"},
            {stem + std::string(kMaragudkDown), "-- what undoes it\n"}};
  }
};

const Registered<Format, MaragudkFormat> kMaragudk("maragudk");

}  // namespace

}  // namespace migproof
