// popx (Ory): VERSION_name[.dialect][.autocommit].{up,down}.sql, in the order of the version, compared as text.
//
// Facts of the tool that this file imitates:
// - Of the files of one version and direction the one for the dialect wins over the one without; files for other
//   dialects are left alone, and so is a version that has none for PostgreSQL. Folders are searched to the bottom. A
//   name that does not match is an error, unless it does not end in ".sql".
// - A file is one transaction with its ledger entry; ".autocommit" says otherwise, for its direction alone: then it is
//   sent as one query. One that holds nothing but comments is not sent.
// - Versions have 20 digits. Those that share the first 14 were one migration once, and only together can they be
//   undone: that group is a revision here. Its files run one after the other up and in reverse order down; where none
//   of them is autocommit, in one transaction. A group of which the ledger has a part counts as dirty. After a failure
//   the tool goes on with the file that failed; here the group begins anew.
// - Every up has a down. A group is without downgrade where it is declared irreversible and its downs are empty.
// - Files are Go templates. What stands in braces can't be filled here, and is an error.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <map>
#include <optional>
#include <set>

#include "migrations/format.h"
#include "migrations/session.h"

namespace migproof {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kGroupDigits = 14;
constexpr std::string_view kPopxAll = "all";

struct PopxName {
  std::string version;
  std::string title;
  std::string dialect;  // kPopxAll: for any
  bool autocommit = false;
  bool up = false;
};

// The dialect that a part of a file name means; "" where the tool knows none of that name, and leaves the file alone.
std::string PopxDialect(const std::string& name) {
  static const std::map<std::string, std::string> kDialects = {
      {"postgres", "postgres"},   {"postgresql", "postgres"},   {"pg", "postgres"},    {"pgx", "postgres"},
      {"cockroach", "cockroach"}, {"cockroachdb", "cockroach"}, {"crdb", "cockroach"}, {"mysql", "mysql"},
      {"mariadb", "mysql"},       {"sqlite3", "sqlite3"},       {"sqlite", "sqlite3"}};
  const auto found = kDialects.find(name);
  return found == kDialects.end() ? "" : found->second;
}

// The parts of a file name; nothing where it is not one of the tool's.
std::optional<PopxName> ParsePopxName(const std::string& name) {
  std::vector<std::string> parts;
  for (std::size_t from = 0; from <= name.size();) {
    const std::size_t dot = std::min(name.find('.', from), name.size());
    parts.push_back(name.substr(from, dot - from));
    from = dot + 1;
  }
  if (parts.size() < 3 || parts.size() > 5 || parts.back() != "sql") return std::nullopt;
  const std::string& direction = parts[parts.size() - 2];
  if (direction != "up" && direction != "down") return std::nullopt;
  const std::size_t digits = parts[0].find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string::npos || parts[0][digits] != '_' || digits + 1 == parts[0].size()) {
    return std::nullopt;
  }
  PopxName parsed{parts[0].substr(0, digits), parts[0].substr(digits + 1), std::string(kPopxAll), false,
                  direction == "up"};
  std::vector<std::string> middle(parts.begin() + 1, parts.end() - 2);
  if (!middle.empty() && middle.back() == "autocommit") {
    parsed.autocommit = true;
    middle.pop_back();
  }
  if (middle.size() > 1) return std::nullopt;
  if (!middle.empty()) parsed.dialect = PopxDialect(middle[0]);
  return parsed;
}

struct PopxFile {
  fs::path path;
  PopxName name;
};

// One version: what runs of it on PostgreSQL.
struct PopxStep {
  std::optional<PopxFile> up;
  std::optional<PopxFile> down;
  bool has_down = false;  // for any dialect
};

void CollectPopx(const fs::path& directory, std::vector<fs::path>& files) {
  for (const fs::path& entry : ListDirectory(directory)) {
    if (fs::is_directory(entry)) {
      CollectPopx(entry, files);
    } else if (entry.extension() == ".sql") {
      files.push_back(entry);
    }
  }
}

// Takes a file in where it is for PostgreSQL and no other is nearer.
void TakePopxFile(PopxFile file, std::optional<PopxFile>& place) {
  if (file.name.dialect != kPopxAll && file.name.dialect != "postgres") return;
  if (place && place->name.dialect == file.name.dialect) {
    throw Error(ErrorKind::kHistory, fmt::format("version {} is there twice: '{}' and '{}'", file.name.version,
                                                 place->path.string(), file.path.string()))
        .WithHint("the tool knows a migration by its number alone");
  }
  if (!place || place->name.dialect == kPopxAll) place = std::move(file);
}

// The versions that have an up for PostgreSQL.
std::map<std::string, PopxStep> PopxSteps(const fs::path& directory) {
  std::vector<fs::path> files;
  CollectPopx(directory, files);
  std::map<std::string, PopxStep> steps;
  for (const fs::path& path : files) {
    const auto name = ParsePopxName(path.filename().string());
    if (!name) {
      throw Error(ErrorKind::kHistory, fmt::format("'{}' is not named as the tool wants it", path.string()))
          .WithHint("VERSION_name[.dialect][.autocommit].up.sql or .down.sql");
    }
    PopxStep& step = steps[name->version];
    step.has_down = step.has_down || !name->up;
    TakePopxFile({path, *name}, name->up ? step.up : step.down);
  }
  for (auto step = steps.begin(); step != steps.end();) {
    if (step->second.up && !step->second.has_down) {
      throw Error(ErrorKind::kHistory, fmt::format("version {} has no down file, which the tool refuses", step->first))
          .WithLocation({step->second.up->path.string(), 0})
          .WithHint("one with a comment is enough where there is nothing to undo");
    }
    step = step->second.up ? std::next(step) : steps.erase(step);
  }
  return steps;
}

Script ReadPopxScript(const fs::path& path) {
  std::string text = ReadTextFile(path);
  if (const std::size_t open = text.find("{{"); open != std::string::npos) {
    const std::size_t close = std::min(text.find("}}", open), text.size());
    const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(open), '\n') + 1;
    throw Error(ErrorKind::kHistory,
                fmt::format("the template placeholder '{}' can't be filled", text.substr(open, close + 2 - open)))
        .WithLocation({path.string(), static_cast<int>(line)})
        .WithHint("what the application puts there at run time is not known here; write a .postgres file without it");
  }
  return Script::Parse(std::move(text), {path.string(), 1});
}

// The files of a group in one direction, in the order in which they run.
Section JoinPopx(const std::vector<const PopxFile*>& files) {
  std::vector<Script> scripts;
  bool autocommit = false;
  for (const PopxFile* file : files) {
    scripts.push_back(ReadPopxScript(file->path));
    autocommit = autocommit || (file->name.autocommit && !scripts.back().empty());
  }
  if (files.size() == 1) return {scripts[0], autocommit ? Execution::kOneQuery : Execution::kTransaction};
  if (!autocommit) return {Script::Join(scripts), Execution::kTransaction};
  // Several statements sent as one query share a transaction, too.
  std::vector<Script> parts;
  for (Script& script : scripts) {
    const SourceLocation start{script.file(), 1};
    const bool several = script.statements().size() > 1;
    if (several) parts.push_back(Script::Parse("BEGIN;", start));
    parts.push_back(std::move(script));
    if (several) parts.push_back(Script::Parse("COMMIT;", start));
  }
  return {Script::Join(parts), Execution::kStatements};
}

using PopxGroup = std::vector<std::pair<std::string, PopxStep>>;  // by version

Revision ReadPopxGroup(const std::string& key, const PopxGroup& group) {
  std::vector<const PopxFile*> ups;
  std::vector<const PopxFile*> downs;
  for (const auto& [version, step] : group) {
    ups.push_back(&*step.up);
    if (step.down) downs.insert(downs.begin(), &*step.down);
  }
  Revision revision;
  revision.id = fmt::format("{}_{}", key, ups[0]->name.title);
  revision.title = ups[0]->name.title;
  std::replace(revision.title.begin(), revision.title.end(), '_', ' ');
  revision.ledger_key = key;
  revision.where = {ups[0]->path.string(), 1};
  revision.upgrade = JoinPopx(ups);
  if (!downs.empty()) revision.downgrade = JoinPopx(downs);
  std::vector<const Section*> sections = {&revision.upgrade};
  if (revision.downgrade) sections.push_back(&*revision.downgrade);
  for (const Section* section : sections) {
    const std::vector<Declaration> found = ReadDeclarations(section->script, {});
    revision.declarations.insert(revision.declarations.end(), found.begin(), found.end());
  }
  const bool undoes_nothing = revision.downgrade && revision.downgrade->script.empty();
  if (undoes_nothing && revision.Declares("irreversible")) revision.downgrade.reset();
  return revision;
}

std::map<std::string, PopxGroup> PopxGroups(const fs::path& directory) {
  std::map<std::string, PopxGroup> groups;
  for (auto& [version, step] : PopxSteps(directory)) {
    groups[version.substr(0, kGroupDigits)].emplace_back(version, std::move(step));
  }
  return groups;
}

constexpr std::string_view kPopxTable = "public.schema_migration";

class PopxLedger : public Ledger {
 public:
  // The versions of each group.
  explicit PopxLedger(std::map<std::string, std::vector<std::string>> versions) : versions_(std::move(versions)) {}

  std::vector<std::string> Tables() const override { return {std::string(kPopxTable)}; }

  std::vector<std::string> CreateSql() const override {
    return {
        fmt::format(
            "CREATE TABLE IF NOT EXISTS {} (version varchar(48) NOT NULL, version_self integer NOT NULL DEFAULT 0)",
            kPopxTable),
        fmt::format("CREATE UNIQUE INDEX IF NOT EXISTS schema_migration_version_idx ON {} (version)", kPopxTable),
        fmt::format("CREATE INDEX IF NOT EXISTS schema_migration_version_self_idx ON {} (version_self)", kPopxTable)};
  }

  std::vector<std::string> BeforeSql(const Step&, const History&) const override { return {}; }

  std::vector<std::string> AfterSql(const Step& step, const History& history) const override {
    if (step.direction == Direction::kDowngrade) return ForgetSql(*step.revision, history);
    std::string rows;
    for (const std::string& version : VersionsOf(*step.revision)) {
      rows += fmt::format("{}({})", rows.empty() ? "" : ", ", SqlLiteral(version));
    }
    return {fmt::format("INSERT INTO {} (version) VALUES {}{}", kPopxTable, rows,
                        step.direction == Direction::kStamp ? " ON CONFLICT (version) DO NOTHING" : "")};
  }

  std::vector<std::string> ForgetSql(const Revision& revision, const History&) const override {
    std::string list = SqlLiteral(revision.ledger_key);  // as the tool recorded it when a group was one file
    for (const std::string& version : VersionsOf(revision)) list += ", " + SqlLiteral(version);
    return {fmt::format("DELETE FROM {} WHERE version IN ({})", kPopxTable, list)};
  }

  std::vector<LedgerEntry> Read(Session& session, const History& history) const override {
    const Rows rows = ReadTableIfThere(
        session, kPopxTable, fmt::format("SELECT version FROM {} ORDER BY version COLLATE \"C\"", kPopxTable));
    std::map<std::string, std::set<std::string>> recorded;  // by group
    for (int i = 0; i < rows.size(); ++i) {
      const std::string version(rows.Get(i, 0));
      recorded[version.substr(0, kGroupDigits)].insert(version);
    }
    std::map<std::string_view, const Revision*> by_key;
    for (const Revision& revision : history.revisions()) by_key.emplace(revision.ledger_key, &revision);
    std::vector<LedgerEntry> entries;
    for (const auto& [key, versions] : recorded) {
      const auto known = by_key.find(key);
      if (known == by_key.end()) {
        for (const std::string& version : versions) entries.push_back({version, "", false});
        continue;
      }
      const std::vector<std::string> wanted = VersionsOf(*known->second);
      const bool whole = versions.contains(key) ||
                         std::all_of(wanted.begin(), wanted.end(),
                                     [&there = versions](const auto& version) { return there.contains(version); });
      entries.push_back({known->second->id, "", !whole});
    }
    return entries;
  }

 private:
  std::vector<std::string> VersionsOf(const Revision& revision) const {
    const auto found = versions_.find(revision.ledger_key);
    return found == versions_.end() ? std::vector<std::string>{revision.ledger_key} : found->second;
  }

  std::map<std::string, std::vector<std::string>> versions_;
};

class PopxFormat : public Format {
 public:
  std::string_view Summary() const override {
    return "popx (Ory): VERSION_name[.dialect][.autocommit].up.sql and .down.sql, by groups of 14 digits";
  }

  bool SharesSession() const override { return true; }

  std::vector<Revision> Read(const fs::path& directory) const override {
    std::vector<Revision> revisions;
    for (const auto& [key, group] : PopxGroups(directory)) {
      Revision revision = ReadPopxGroup(key, group);
      if (!revisions.empty()) revision.parents = {revisions.back().id};
      revisions.push_back(std::move(revision));
    }
    return revisions;
  }

  Recognition Recognise(const fs::path& directory) const override {
    std::error_code failure;
    int found = 0;
    bool certain = false;
    for (fs::directory_iterator at(directory, failure), end; !failure && at != end; at.increment(failure)) {
      const auto name = ParsePopxName(at->path().filename().string());
      if (!name || name->version.size() != 20) continue;
      ++found;
      certain = certain || name->autocommit || (name->dialect != kPopxAll && !name->dialect.empty());
    }
    if (found == 0) return {};
    return {fmt::format("{} named by 20 digits{}", found == 1 ? "1 file is" : fmt::format("{} files are", found),
                        certain ? ", some for a dialect or autocommit" : ""),
            true};
  }

  std::unique_ptr<Ledger> MakeLedger(const ToolSettings& settings) const override {
    std::map<std::string, std::vector<std::string>> versions;
    if (!settings.directory.empty()) {
      for (const auto& [key, group] : PopxGroups(settings.directory)) {
        for (const auto& [version, step] : group) versions[key].push_back(version);
      }
    }
    return std::make_unique<PopxLedger>(std::move(versions));
  }

  // Numbered by the time of day, in UTC, as the tool does.
  std::vector<NewFile> MakeRevision(const Revision& revision) const override {
    if (revision.parents.size() > 1) {
      throw Error(ErrorKind::kUsage, "popx keeps one line of versions: there is nothing to merge");
    }
    const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    std::tm utc{};
    gmtime_r(&now, &utc);
    std::string stem = fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}000000_", utc.tm_year + 1900, utc.tm_mon + 1,
                                   utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
    if (!revision.parents.empty() && stem <= revision.parents.front()) {
      throw Error(ErrorKind::kUsage, fmt::format("version '{}' does not come behind '{}'", stem.substr(0, kGroupDigits),
                                                 revision.parents.front()))
          .WithHint("is the clock right?");
    }
    for (const char c : revision.title) stem += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
    return {{stem + ".up.sql", "-- what this migration does\n"}, {stem + ".down.sql", "-- what undoes it\n"}};
  }
};

const Registered<Format, PopxFormat> kPopx("popx");

}  // namespace

}  // namespace migproof
