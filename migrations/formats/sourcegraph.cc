// sourcegraph: a directory per migration, named by its number, with up.sql, down.sql and metadata.yaml, in any graph
// with one root.
//
// Facts of the tool that this file imitates:
// - Directories whose name is a number, alone or with "_title" behind it; all else in the folder is ignored.
// - metadata.yaml: `name`, `parents: [a, b]` (flow or block list) or `parent: a`, `privileged`, `nonIdempotent`,
//   `createIndexConcurrently`. The tool ignores other keys; here they are refused, since each is a misspelling.
// - All three files must be there. A down.sql without statements undoes nothing; in a revision that is declared
//   irreversible it is taken for none, since the tool doesn't let its author leave it away.
// - Each script is one transaction. `createIndexConcurrently` says that up.sql is one CREATE INDEX CONCURRENTLY: it and
//   its down are sent as they are; an INVALID index of that name is dropped before. The key and the statement must go
//   together, and no down may create an index concurrently. Extensions are touched by `privileged` migrations only.
// - Several histories share one ledger, each under the name of its directory ("frontend"); `"tool": {"schema": ...}`
//   says another. A line is written before each step and completed after it; the last line of each version counts, and
//   one that is not completed is dirty.
#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>

#include "migrations/format.h"
#include "migrations/lexer.h"
#include "migrations/session.h"
#include "migrations/sourcegraph/metadata.h"

namespace migproof {

namespace {

namespace fs = std::filesystem;

// The number that a directory's name begins with, where the tool takes it for a migration.
std::optional<std::int64_t> SourcegraphVersion(const std::string& name) {
  const std::size_t digits = std::min(name.find_first_not_of("0123456789"), name.size());
  if (digits == 0 || (digits < name.size() && name[digits] != '_')) return std::nullopt;
  std::int64_t version = 0;
  const auto [end, failure] = std::from_chars(name.data(), name.data() + digits, version);
  if (failure != std::errc() || version > INT32_MAX) {
    throw Error(ErrorKind::kHistory,
                fmt::format("version '{}' does not fit the ledger's integer", name.substr(0, digits)));
  }
  return version;
}

// The index that a statement creates concurrently; "" where it creates none.
std::string ConcurrentIndex(std::string_view statement) {
  Lexer lexer(statement);
  const auto next = [&] { return lexer.Text(lexer.Next()); };
  if (!EqualsWord(next(), "CREATE")) return "";
  std::string_view word = next();
  if (EqualsWord(word, "UNIQUE")) word = next();
  if (!EqualsWord(word, "INDEX") || !EqualsWord(next(), "CONCURRENTLY")) return "";
  word = next();
  if (!EqualsWord(word, "IF")) return std::string(word);
  next();
  next();
  return std::string(next());
}

const Statement* FindConcurrentIndex(const Script& script) {
  for (const Statement& statement : script.statements()) {
    if (!ConcurrentIndex(script.Text(statement)).empty()) return &statement;
  }
  return nullptr;
}

const Statement* FindExtension(const Script& script) {
  for (const Statement& statement : script.statements()) {
    const std::string words = LeadingWords(script.Text(statement), 3);
    for (const char* touched : {"CREATE EXTENSION", "DROP EXTENSION", "COMMENT ON EXTENSION"}) {
      if (words.rfind(touched, 0) == 0) return &statement;
    }
  }
  return nullptr;
}

class SourcegraphDirectory {
 public:
  explicit SourcegraphDirectory(fs::path directory) : directory_(std::move(directory)) {}

  Revision Read(std::int64_t version) {
    const SourcegraphMetadata metadata = ReadMetadata();
    revision_.id = directory_.filename().string();
    revision_.ledger_key = std::to_string(version);
    revision_.title = metadata.name.empty() ? revision_.id : metadata.name;
    for (const std::int64_t parent : metadata.parents) revision_.parents.push_back(std::to_string(parent));
    const Execution execution = metadata.concurrent_index ? Execution::kOneQuery : Execution::kTransaction;
    revision_.upgrade = ReadSection("up.sql", execution);
    revision_.downgrade = ReadSection("down.sql", execution);
    revision_.where = {revision_.upgrade.script.file(), 1};
    CheckConcurrentIndex(metadata);
    CheckExtensions(metadata);
    if (revision_.downgrade->script.empty() && revision_.Declares("irreversible")) revision_.downgrade.reset();
    return std::move(revision_);
  }

 private:
  fs::path File(const char* name) const {
    const fs::path file = directory_ / name;
    if (fs::exists(file)) return file;
    throw Error(ErrorKind::kHistory, fmt::format("'{}' holds no {}", directory_.string(), name))
        .WithHint("the tool takes each directory named by a number for a migration: up.sql, down.sql, metadata.yaml");
  }

  SourcegraphMetadata ReadMetadata() const {
    const fs::path file = File("metadata.yaml");
    return SourcegraphMetadata::Parse(ReadTextFile(file), file.string());
  }

  Section ReadSection(const char* name, Execution execution) {
    const fs::path file = File(name);
    Section section{Script::Parse(ReadTextFile(file), {file.string(), 1}), execution};
    const std::vector<Declaration> found = ReadDeclarations(section.script, {});
    revision_.declarations.insert(revision_.declarations.end(), found.begin(), found.end());
    return section;
  }

  void CheckConcurrentIndex(const SourcegraphMetadata& metadata) const {
    const Script& up = revision_.upgrade.script;
    const Script& down = revision_.downgrade->script;
    if (const Statement* statement = FindConcurrentIndex(down)) {
      throw Error(ErrorKind::kHistory, "a downgrade that creates an index CONCURRENTLY, which the tool refuses")
          .WithLocation(down.At(statement->begin))
          .WithHint("leave CONCURRENTLY out");
    }
    const Statement* statement = FindConcurrentIndex(up);
    if (statement != nullptr && !metadata.concurrent_index) {
      throw Error(ErrorKind::kHistory, "an index is created CONCURRENTLY, and metadata.yaml does not say so")
          .WithLocation(up.At(statement->begin))
          .WithHint("'createIndexConcurrently: true' in metadata.yaml");
    }
    if (metadata.concurrent_index && (statement == nullptr || up.statements().size() > 1)) {
      throw Error(ErrorKind::kHistory, "'createIndexConcurrently' without up.sql being one CREATE INDEX CONCURRENTLY")
          .WithLocation({up.file(), 1})
          .WithHint("other statements belong into a migration of their own");
    }
  }

  void CheckExtensions(const SourcegraphMetadata& metadata) const {
    if (metadata.privileged) return;
    for (const Script* script : {&revision_.upgrade.script, &revision_.downgrade->script}) {
      if (const Statement* statement = FindExtension(*script)) {
        throw Error(ErrorKind::kHistory, "an extension is touched, and metadata.yaml does not say 'privileged'")
            .WithLocation(script->At(statement->begin))
            .WithHint("'privileged: true' in metadata.yaml");
      }
    }
  }

  fs::path directory_;
  Revision revision_;
};

// The directories by version, as the tool reads them.
std::map<std::int64_t, fs::path> SourcegraphDirectories(const fs::path& directory) {
  std::map<std::int64_t, fs::path> directories;
  for (const fs::path& entry : ListDirectory(directory)) {
    if (!fs::is_directory(entry)) continue;
    const auto version = SourcegraphVersion(entry.filename().string());
    if (!version) continue;
    const auto [there, added] = directories.emplace(*version, entry);
    if (!added) {
      throw Error(ErrorKind::kHistory, fmt::format("version {} is there twice: '{}' and '{}'", *version,
                                                   there->second.string(), entry.string()))
          .WithHint("the tool knows a migration by its number alone");
    }
  }
  return directories;
}

// Parents are named by their numbers: revisions by their directories.
void LinkParents(std::vector<Revision>& revisions) {
  std::map<std::string, std::string> ids;
  for (const Revision& revision : revisions) ids.emplace(revision.ledger_key, revision.id);
  const Revision* root = nullptr;
  for (Revision& revision : revisions) {
    for (std::string& parent : revision.parents) {
      if (const auto found = ids.find(parent); found != ids.end()) parent = found->second;
    }
    if (!revision.parents.empty()) continue;
    if (root != nullptr) {
      throw Error(ErrorKind::kHistory,
                  fmt::format("'{}' and '{}' both have no parents, and the tool wants one root", root->id, revision.id))
          .WithLocation(revision.where)
          .WithHint("'parents: [N]' in metadata.yaml");
    }
    root = &revision;
  }
}

constexpr std::string_view kSourcegraphTable = "public.migration_logs";
constexpr int kSourcegraphLogVersion = 2;

class SourcegraphLedger : public Ledger {
 public:
  explicit SourcegraphLedger(std::string schema) : schema_(std::move(schema)) {}

  std::vector<std::string> Tables() const override { return {std::string(kSourcegraphTable)}; }

  std::vector<std::string> CreateSql() const override {
    return {
        fmt::format("CREATE TABLE IF NOT EXISTS {} (id serial PRIMARY KEY, "
                    "migration_logs_schema_version integer NOT NULL, schema text NOT NULL, version integer NOT NULL, "
                    "up boolean NOT NULL, started_at timestamptz NOT NULL, finished_at timestamptz, success boolean, "
                    "error_message text)",
                    kSourcegraphTable)};
  }

  std::vector<std::string> BeforeSql(const Step& step, const History&) const override {
    if (step.direction == Direction::kStamp) return {};
    std::vector<std::string> sql = {Line(*step.revision, step.direction == Direction::kUpgrade, false)};
    const Script& up = step.revision->upgrade.script;
    const Statement* statement = step.direction == Direction::kUpgrade ? FindConcurrentIndex(up) : nullptr;
    if (statement != nullptr) sql.insert(sql.begin(), DropInvalid(ConcurrentIndex(up.Text(*statement))));
    return sql;
  }

  std::vector<std::string> AfterSql(const Step& step, const History&) const override {
    if (step.direction == Direction::kStamp) return {Line(*step.revision, true, true)};
    return {
        fmt::format("UPDATE {0} SET finished_at = pg_catalog.now(), success = true WHERE id = (SELECT "
                    "pg_catalog.max(id) FROM {0} WHERE schema = {1} AND version = {2})",
                    kSourcegraphTable, SqlLiteral(schema_), step.revision->ledger_key)};
  }

  std::vector<std::string> ForgetSql(const Revision& revision, const History&) const override {
    return {Line(revision, false, true)};
  }

  std::vector<LedgerEntry> Read(Session& session, const History& history) const override {
    const Rows rows = ReadTableIfThere(
        session, kSourcegraphTable,
        fmt::format("SELECT version, up, success FROM (SELECT DISTINCT ON (version) * FROM {} WHERE schema = {} "
                    "ORDER BY version, started_at DESC, id DESC) AS last ORDER BY id",
                    kSourcegraphTable, SqlLiteral(schema_)));
    std::map<std::string_view, const Revision*> by_version;
    for (const Revision& revision : history.revisions()) by_version.emplace(revision.ledger_key, &revision);
    std::vector<LedgerEntry> entries;
    for (int i = 0; i < rows.size(); ++i) {
      const bool done = rows.GetBool(i, 2);
      if (done && !rows.GetBool(i, 1)) continue;
      const auto known = by_version.find(rows.Get(i, 0));
      entries.push_back({known == by_version.end() ? std::string(rows.Get(i, 0)) : known->second->id, "", !done});
    }
    return entries;
  }

 private:
  std::string Line(const Revision& revision, bool up, bool done) const {
    return fmt::format(
        "INSERT INTO {} (migration_logs_schema_version, schema, version, up, started_at{}) VALUES "
        "({}, {}, {}, {}, pg_catalog.clock_timestamp(){})",
        kSourcegraphTable, done ? ", finished_at, success" : "", kSourcegraphLogVersion, SqlLiteral(schema_),
        revision.ledger_key, up, done ? ", pg_catalog.clock_timestamp(), true" : "");
  }

  static std::string DropInvalid(const std::string& index) {
    return fmt::format(
        "DO $invalid$ BEGIN IF EXISTS (SELECT FROM pg_catalog.pg_index WHERE indexrelid = pg_catalog.to_regclass({0}) "
        "AND NOT indisvalid) THEN DROP INDEX {1}; END IF; END $invalid$",
        SqlLiteral(index), index);
  }

  std::string schema_;
};

class SourcegraphFormat : public Format {
 public:
  std::string_view Summary() const override { return "sourcegraph: N/up.sql, down.sql and metadata.yaml, any graph"; }

  bool SharesSession() const override { return true; }

  std::vector<Revision> Read(const fs::path& directory) const override {
    std::vector<Revision> revisions;
    for (const auto& [version, entry] : SourcegraphDirectories(directory)) {
      revisions.push_back(SourcegraphDirectory(entry).Read(version));
    }
    LinkParents(revisions);
    return revisions;
  }

  Recognition Recognise(const fs::path& directory) const override {
    std::error_code failure;
    int found = 0;
    for (fs::directory_iterator at(directory, failure), end; !failure && at != end; at.increment(failure)) {
      const std::string name = at->path().filename().string();
      if (name.find_first_not_of("0123456789") == 0) continue;
      found += fs::exists(at->path() / "metadata.yaml", failure) && fs::exists(at->path() / "up.sql", failure) ? 1 : 0;
    }
    if (found == 0) return {};
    return {fmt::format("{} numbered {} up.sql and metadata.yaml", found,
                        found == 1 ? "directory holds" : "directories hold"),
            true};
  }

  std::unique_ptr<Ledger> MakeLedger(const ToolSettings& settings) const override {
    const auto given = settings.values.find("schema");
    if (given != settings.values.end()) return std::make_unique<SourcegraphLedger>(given->second);
    std::string schema = fs::absolute(settings.directory).lexically_normal().filename().string();
    if (schema.empty()) schema = fs::absolute(settings.directory).lexically_normal().parent_path().filename().string();
    return std::make_unique<SourcegraphLedger>(schema);
  }

  // Numbered by the clock, as the tool does.
  std::vector<NewFile> MakeRevision(const Revision& revision) const override {
    std::int64_t version =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    std::vector<std::int64_t> parents;
    for (const std::string& parent : revision.parents) {
      parents.push_back(SourcegraphVersion(parent).value_or(0));
      version = std::max(version, parents.back() + 1);
    }
    const fs::path directory = std::to_string(version);
    YAML::Emitter yaml;
    yaml << YAML::BeginMap << YAML::Key << "name" << YAML::Value << revision.title << YAML::Key << "parents"
         << YAML::Value << YAML::Flow << parents << YAML::EndMap;
    return {{directory / "up.sql", "-- what this migration does\n"},
            {directory / "down.sql", "-- what undoes it\n"},
            {directory / "metadata.yaml", fmt::format("{}\n", yaml.c_str())}};
  }
};

const Registered<Format, SourcegraphFormat> kSourcegraph("sourcegraph");

}  // namespace

}  // namespace migproof
