// diesel: a directory per migration with up.sql, down.sql and metadata.toml.
//
// Facts of the tool that this file imitates:
// - The version is the directory's name up to the first '_' with '-' taken out; versions are compared as text.
// - Stray files beside the directories, hidden ones and other files within them are ignored; a directory without
//   up.sql is refused. A missing down.sql: the migration can't be undone.
// - A file of no bytes at all is refused when it is to be run (one that holds only comments is not). An empty up.sql is
//   an error here. An empty down.sql is read as a downgrade that does nothing: what stays behind is worth a finding,
//   and who means it declares the revision irreversible.
// - metadata.toml: `run_in_transaction = false` holds for both directions. Other keys are ignored.
// - A file is sent as one batch; within the step's transaction that is the same as statement by statement.
// - The ledger must be there before the first migration runs: some histories put a trigger on it.
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <map>
#include <system_error>

#include "migrations/format.h"
#include "migrations/recognise.h"
#include "migrations/session.h"

namespace migproof {

namespace {

std::string DieselVersion(const std::string& directory_name) {
  std::string version = directory_name.substr(0, directory_name.find('_'));
  version.erase(std::remove(version.begin(), version.end(), '-'), version.end());
  return version;
}

bool ReadRunInTransaction(const std::filesystem::path& metadata) {
  if (!std::filesystem::exists(metadata)) return true;
  try {
    const toml::table table = toml::parse(ReadTextFile(metadata));
    const toml::node* node = table.get("run_in_transaction");
    if (node == nullptr) return true;
    if (const auto value = node->value_exact<bool>()) return *value;
    throw Error(ErrorKind::kHistory, "'run_in_transaction' is neither true nor false")
        .WithLocation({metadata.string(), static_cast<int>(node->source().begin.line)});
  } catch (const toml::parse_error& failure) {
    throw Error(ErrorKind::kHistory, fmt::format("not TOML: {}", failure.description()))
        .WithLocation({metadata.string(), static_cast<int>(failure.source().begin.line)});
  }
}

Section ReadDieselFile(std::string text, const std::filesystem::path& path, Execution execution,
                       std::vector<Declaration>& declarations) {
  Section section{Script::Parse(std::move(text), {path.string(), 1}), execution};
  const std::vector<Declaration> found = ReadDeclarations(section.script, {});
  declarations.insert(declarations.end(), found.begin(), found.end());
  return section;
}

Revision ReadDieselDirectory(const std::filesystem::path& directory) {
  const std::filesystem::path up = directory / "up.sql";
  const std::filesystem::path down = directory / "down.sql";
  if (!std::filesystem::exists(up)) {
    throw Error(ErrorKind::kHistory, fmt::format("'{}' holds no up.sql", directory.string()))
        .WithHint("the tool takes each directory for a migration");
  }
  const Execution execution =
      ReadRunInTransaction(directory / "metadata.toml") ? Execution::kTransaction : Execution::kOneQuery;
  Revision revision;
  revision.id = directory.filename().string();
  revision.ledger_key = DieselVersion(revision.id);
  revision.title = revision.id.substr(std::min(revision.id.find('_') + 1, revision.id.size()));
  std::replace(revision.title.begin(), revision.title.end(), '_', ' ');
  revision.where = {up.string(), 1};
  std::string text = ReadTextFile(up);
  if (text.empty()) {
    throw Error(ErrorKind::kHistory, fmt::format("'{}' is empty, which the tool refuses to run", up.string()))
        .WithHint("a comment is enough for a migration that does nothing");
  }
  revision.upgrade = ReadDieselFile(std::move(text), up, execution, revision.declarations);
  if (std::filesystem::exists(down)) {
    revision.downgrade = ReadDieselFile(ReadTextFile(down), down, execution, revision.declarations);
  }
  return revision;
}

constexpr std::string_view kDieselTable = "public.__diesel_schema_migrations";

class DieselLedger : public Ledger {
 public:
  std::vector<std::string> Tables() const override { return {std::string(kDieselTable)}; }

  std::vector<std::string> CreateSql() const override {
    return {
        fmt::format("CREATE TABLE IF NOT EXISTS {} (version varchar(50) PRIMARY KEY NOT NULL, "
                    "run_on timestamp NOT NULL DEFAULT current_timestamp)",
                    kDieselTable)};
  }

  std::vector<std::string> BeforeSql(const Step&, const History&) const override { return {}; }

  std::vector<std::string> AfterSql(const Step& step, const History& history) const override {
    if (step.direction == Direction::kDowngrade) return ForgetSql(*step.revision, history);
    return {fmt::format("INSERT INTO {} (version) VALUES ({}){}", kDieselTable, SqlLiteral(step.revision->ledger_key),
                        step.direction == Direction::kStamp ? " ON CONFLICT (version) DO NOTHING" : "")};
  }

  std::vector<std::string> ForgetSql(const Revision& revision, const History&) const override {
    return {fmt::format("DELETE FROM {} WHERE version = {}", kDieselTable, SqlLiteral(revision.ledger_key))};
  }

  std::vector<LedgerEntry> Read(Session& session, const History& history) const override {
    const Rows rows = ReadTableIfThere(
        session, kDieselTable, fmt::format("SELECT version FROM {} ORDER BY version COLLATE \"C\"", kDieselTable));
    std::map<std::string_view, const Revision*> by_version;
    for (const Revision& revision : history.revisions()) by_version.emplace(revision.ledger_key, &revision);
    std::vector<LedgerEntry> entries;
    for (int i = 0; i < rows.size(); ++i) {
      const auto known = by_version.find(rows.Get(i, 0));
      entries.push_back({known == by_version.end() ? std::string(rows.Get(i, 0)) : known->second->id, "", false});
    }
    return entries;
  }
};

class DieselFormat : public Format {
 public:
  std::string_view Summary() const override { return "diesel: VERSION_title/up.sql, down.sql and metadata.toml"; }

  bool SharesSession() const override { return true; }

  std::vector<Revision> Read(const std::filesystem::path& directory) const override {
    std::map<std::string, Revision> by_version;
    for (const auto& entry : ListDirectory(directory)) {
      if (entry.filename().native().front() == '.' || !std::filesystem::is_directory(entry)) continue;
      Revision revision = ReadDieselDirectory(entry);
      const std::string version = revision.ledger_key;
      const auto [there, added] = by_version.emplace(version, std::move(revision));
      if (!added) {
        throw Error(ErrorKind::kHistory, fmt::format("version '{}' is there twice: '{}' and '{}'", version,
                                                     there->second.id, entry.filename().string()))
            .WithHint("the version is the name up to the first '_', without '-'");
      }
    }
    std::vector<Revision> revisions;
    for (auto& [version, revision] : by_version) {
      if (!revisions.empty()) revision.parents = {revisions.back().id};
      revisions.push_back(std::move(revision));
    }
    return revisions;
  }

  std::unique_ptr<Ledger> MakeLedger(const ToolSettings&) const override { return std::make_unique<DieselLedger>(); }

  // A metadata.yaml beside up.sql is another tool's.
  Recognition Recognise(const std::filesystem::path& directory) const override {
    std::size_t found = 0;
    for (const std::string& name : NamesIn(directory, true)) {
      std::error_code failure;
      if (std::filesystem::exists(directory / name / "metadata.yaml", failure)) return {};
      const bool numbered = name.front() >= '0' && name.front() <= '9';
      found += numbered && std::filesystem::is_regular_file(directory / name / "up.sql", failure) ? 1 : 0;
    }
    if (found == 0) return {};
    return {fmt::format("{} with an up.sql", found == 1 ? "1 directory" : fmt::format("{} directories", found)), true};
  }

  // Named by the time of day, in UTC, as the tool does.
  std::vector<NewFile> MakeRevision(const Revision& revision) const override {
    if (revision.parents.size() > 1) {
      throw Error(ErrorKind::kUsage, "diesel keeps one line of versions: there is nothing to merge");
    }
    const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    std::tm utc{};
    gmtime_r(&now, &utc);
    std::string name = fmt::format("{:04}-{:02}-{:02}-{:02}{:02}{:02}_", utc.tm_year + 1900, utc.tm_mon + 1,
                                   utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
    if (!revision.parents.empty() && DieselVersion(name) <= DieselVersion(revision.parents.front())) {
      throw Error(ErrorKind::kUsage,
                  fmt::format("version '{}' does not come behind '{}'", DieselVersion(name), revision.parents.front()))
          .WithHint("is the clock right?");
    }
    for (const char c : revision.title) name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
    const std::filesystem::path directory = name;
    return {{directory / "up.sql", "-- what this migration does\n"}, {directory / "down.sql", "-- what undoes it\n"}};
  }
};

const Registered<Format, DieselFormat> kDiesel("diesel");

}  // namespace

}  // namespace migproof
