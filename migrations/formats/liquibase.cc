// Liquibase: changelogs in formatted SQL.
//
// Facts of the tool that this file imitates:
// - The .sql files of the directory in the order of their names, folders to the bottom, as `includeAll` reads them; or,
//   with `"tool": {"changelog": "main.sql"}`, that file with what it includes. A changelog in XML, YAML or JSON can't
//   be read and is an error, since changes may stand in it.
// - A changeset is known by file, id and author. Each is a transaction with its entry, unless `runInTransaction:false`.
// - Without contexts asked for (`"tool": {"contexts": "test,prod"}`) all changesets run, whatever theirs are.
// - `--rollback` makes a changeset reversible, "empty" too; without one it can't be undone.
// - `runOnChange` and `runAlways` run a changeset again: it is held to be idempotent.
// - The table keeps no checksum of ours: a NULL there is filled in by the tool when it next runs.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "migrations/format.h"
#include "migrations/liquibase/changelog.h"
#include "migrations/liquibase/text.h"
#include "migrations/session.h"

namespace migproof {

namespace {

namespace fs = std::filesystem;

std::vector<std::string> SplitContexts(const std::string& text) {
  std::vector<std::string> contexts;
  std::string one;
  for (const char c : text + ",") {
    if (c != ',' && c != ' ') {
      one += c;
    } else if (!one.empty()) {
      contexts.push_back(std::exchange(one, {}));
    }
  }
  return contexts;
}

// The changesets of a project, those that the tool would pass over left out.
class LiquibaseProject {
 public:
  explicit LiquibaseProject(const ToolSettings& settings) : directory_(settings.directory) {
    constexpr std::string_view kProperty = "property.";
    for (const auto& [key, value] : settings.values) {
      if (key.rfind(kProperty, 0) == 0) properties_[key.substr(kProperty.size())] = value;
      if (key == "contexts") contexts_ = SplitContexts(value);
      if (key == "changelog") changelog_ = value;
    }
  }

  std::vector<LiquibaseChangeset> Read() {
    if (!changelog_.empty()) {
      ReadFile(directory_ / changelog_, {directory_.string(), 0});
    } else {
      ReadAll(directory_);
    }
    return std::move(changesets_);
  }

 private:
  void ReadAll(const fs::path& directory) {
    for (const fs::path& entry : ListDirectory(directory)) {
      const std::string name = entry.filename().string();
      if (name.front() == '.') continue;
      if (fs::is_directory(entry)) {
        ReadAll(entry);
      } else if (entry.extension() == ".sql") {
        ReadFile(entry, {entry.string(), 0});
      } else {
        RefuseOtherChangelog(entry);
      }
    }
  }

  static void RefuseOtherChangelog(const fs::path& file) {
    const std::string extension = file.extension().string();
    const bool may_be = extension == ".xml" || extension == ".yaml" || extension == ".yml" || extension == ".json";
    if (!may_be || ReadTextFile(file).find("databaseChangeLog") == std::string::npos) return;
    throw Error(ErrorKind::kHistory, fmt::format("'{}' is a changelog that is not SQL", file.string()))
        .WithHint("changes may stand in it. Where it only includes, --path is the folder of the SQL files");
  }

  void ReadFile(const fs::path& file, const SourceLocation& asked) {
    const fs::path normal = file.lexically_normal();
    if (!fs::exists(normal)) {
      throw Error(ErrorKind::kHistory, fmt::format("the changelog '{}' is not there", normal.string()))
          .WithLocation(asked);
    }
    if (normal.extension() != ".sql") RefuseOtherChangelog(normal);
    if (!open_.insert(normal).second) {
      throw Error(ErrorKind::kHistory, fmt::format("'{}' includes itself", normal.string())).WithLocation(asked);
    }
    const std::string path = normal.lexically_relative(directory_.lexically_normal()).generic_string();
    LiquibaseChangelog log = LiquibaseChangelog::Parse(ReadTextFile(normal), path, normal.string(), properties_);
    properties_ = log.properties;
    for (LiquibaseChangelog::Entry& entry : log.entries) {
      if (entry.include) Follow(*entry.include, normal);
      if (entry.changeset) Take(std::move(*entry.changeset));
    }
    open_.erase(normal);
  }

  void Follow(const LiquibaseInclude& include, const fs::path& from) {
    if (changelog_.empty()) {
      throw Error(ErrorKind::kHistory, "a changelog that includes others, where all are read by name")
          .WithLocation(include.where)
          .WithHint(fmt::format("\"tool\": {{\"changelog\": \"{}\"}} in migproof.json begins with this one",
                                from.filename().string()));
    }
    const fs::path path = (include.relative ? from.parent_path() : directory_) / include.path;
    include.all ? ReadAll(path) : ReadFile(path, include.where);
  }

  void Take(LiquibaseChangeset changeset) {
    if (!names_.insert(changeset.Name()).second) {
      throw Error(ErrorKind::kHistory, fmt::format("changeset '{}' is there twice", changeset.Name()))
          .WithLocation(changeset.where);
    }
    const bool wanted = LiquibaseContextMatches(changeset.context, contexts_, changeset.where);
    if (wanted && !changeset.ignored) changesets_.push_back(std::move(changeset));
  }

  fs::path directory_;
  std::string changelog_;
  std::vector<std::string> contexts_;
  std::map<std::string, std::string> properties_;
  std::set<fs::path> open_;
  std::set<std::string> names_;
  std::vector<LiquibaseChangeset> changesets_;
};

Revision MakeLiquibaseRevision(LiquibaseChangeset changeset) {
  Revision revision;
  revision.id = revision.ledger_key = changeset.Name();
  revision.title = changeset.comment.empty() ? fmt::format("{}:{}", changeset.author, changeset.id) : changeset.comment;
  revision.where = changeset.where;
  const Execution execution = changeset.in_transaction ? Execution::kTransaction
                              : changeset.one_query    ? Execution::kOneQuery
                                                       : Execution::kStatements;
  revision.upgrade = {std::move(changeset.upgrade), execution};
  if (changeset.rollback) revision.downgrade = Section{std::move(*changeset.rollback), execution};
  revision.declarations = ReadDeclarations(revision.upgrade.script, {});
  if (changeset.runs_again && !revision.Declares("idempotent")) {
    revision.declarations.push_back({"idempotent", "", "the tool runs it again", revision.where});
  }
  return revision;
}

constexpr std::string_view kLiquibaseTable = "public.databasechangelog";
constexpr std::string_view kLiquibaseLock = "public.databasechangeloglock";

class LiquibaseLedger : public Ledger {
 public:
  explicit LiquibaseLedger(std::vector<LiquibaseChangeset> changesets) {
    for (LiquibaseChangeset& changeset : changesets) {
      std::string name = changeset.Name();
      changesets_.emplace(std::move(name), std::move(changeset));
    }
  }

  std::vector<std::string> Tables() const override {
    return {std::string(kLiquibaseTable), std::string(kLiquibaseLock)};
  }

  std::vector<std::string> CreateSql() const override {
    return {
        fmt::format("CREATE TABLE IF NOT EXISTS {} (id varchar(255) NOT NULL, author varchar(255) NOT NULL, filename "
                    "varchar(255) NOT NULL, dateexecuted timestamp NOT NULL, orderexecuted integer NOT NULL, exectype "
                    "varchar(10) NOT NULL, md5sum varchar(35), description varchar(255), comments varchar(255), tag "
                    "varchar(255), liquibase varchar(20), contexts varchar(255), labels varchar(255), deployment_id "
                    "varchar(10))",
                    kLiquibaseTable),
        fmt::format("CREATE TABLE IF NOT EXISTS {} (id integer NOT NULL, locked boolean NOT NULL, lockgranted "
                    "timestamp, lockedby varchar(255), CONSTRAINT databasechangeloglock_pkey PRIMARY KEY (id))",
                    kLiquibaseLock),
        fmt::format("INSERT INTO {} (id, locked) VALUES (1, false) ON CONFLICT (id) DO NOTHING", kLiquibaseLock)};
  }

  std::vector<std::string> BeforeSql(const Step&, const History&) const override { return {}; }

  std::vector<std::string> AfterSql(const Step& step, const History& history) const override {
    if (step.direction == Direction::kDowngrade) return ForgetSql(*step.revision, history);
    const auto found = changesets_.find(step.revision->ledger_key);
    if (found == changesets_.end()) {
      throw Error(ErrorKind::kInternal, fmt::format("changeset '{}' is not known to the ledger", step.revision->id));
    }
    const LiquibaseChangeset& changeset = found->second;
    const auto cut = [](const std::string& text) {
      return text.empty() ? std::string("''") : fmt::format("pg_catalog.left({}, 255)", SqlLiteral(text));
    };
    std::string sql = fmt::format(
        "INSERT INTO {0} (id, author, filename, dateexecuted, orderexecuted, exectype, description, comments, "
        "contexts, "
        "labels) SELECT {1}, {2}, {3}, pg_catalog.now(), (SELECT coalesce(pg_catalog.max(orderexecuted), 0) + 1 FROM "
        "{0}), 'EXECUTED', 'sql', {4}, {5}, {6}",
        kLiquibaseTable, SqlLiteral(changeset.id), SqlLiteral(changeset.author), SqlLiteral(changeset.path),
        cut(changeset.comment), cut(changeset.context), cut(changeset.labels));
    if (step.direction == Direction::kStamp)
      sql += fmt::format(" WHERE NOT EXISTS (SELECT FROM {} WHERE {})", kLiquibaseTable, Condition(changeset.Name()));
    return {sql};
  }

  std::vector<std::string> ForgetSql(const Revision& revision, const History&) const override {
    return {fmt::format("DELETE FROM {} WHERE {}", kLiquibaseTable, Condition(revision.ledger_key))};
  }

  std::vector<LedgerEntry> Read(Session& session, const History&) const override {
    const Rows rows =
        ReadTableIfThere(session, kLiquibaseTable,
                         fmt::format("SELECT {} FROM {} ORDER BY orderexecuted, dateexecuted", kName, kLiquibaseTable));
    std::vector<LedgerEntry> entries;
    for (int i = 0; i < rows.size(); ++i) entries.push_back({std::string(rows.Get(i, 0)), "", false});
    return entries;
  }

 private:
  static constexpr const char* kName = "filename || '::' || id || '::' || author";
  static std::string Condition(const std::string& name) { return fmt::format("{} = {}", kName, SqlLiteral(name)); }

  std::map<std::string, LiquibaseChangeset> changesets_;
};

// A file that is read behind that of the revision `parent`: numbered on where that one is numbered, else named after
// it.
std::string NameBehind(const std::string& parent, const std::string& slug) {
  if (parent.empty()) return fmt::format("001_{}.sql", slug);
  const fs::path file = parent.substr(0, parent.find("::"));
  const std::string stem = file.stem().string();
  const std::size_t digits = std::min(stem.find_first_not_of("0123456789"), stem.size());
  std::string number = stem.substr(0, digits);
  auto at = number.rbegin();
  for (; at != number.rend() && *at == '9'; ++at) *at = '0';
  const bool numbered = at != number.rend();
  if (numbered) ++*at;
  const std::string name = numbered ? number + "_" + slug : stem + "_" + slug;
  return (file.parent_path() / (name + ".sql")).generic_string();
}

class LiquibaseFormat : public Format {
 public:
  std::string_view Summary() const override { return "Liquibase: changelogs in formatted SQL"; }

  bool SharesSession() const override { return true; }

  std::vector<Revision> Read(const fs::path& directory) const override {
    return ReadWith({.directory = directory, .database_url_env = "", .values = {}});
  }

  std::vector<Revision> ReadWith(const ToolSettings& settings) const override {
    std::vector<Revision> revisions;
    for (LiquibaseChangeset& changeset : LiquibaseProject(settings).Read()) {
      Revision revision = MakeLiquibaseRevision(std::move(changeset));
      if (!revisions.empty()) revision.parents = {revisions.back().id};
      revisions.push_back(std::move(revision));
    }
    return revisions;
  }

  Recognition Recognise(const fs::path& directory) const override {
    std::error_code failure;
    int found = 0;
    for (fs::recursive_directory_iterator at(directory, failure), end; !failure && at != end; at.increment(failure)) {
      if (at->path().extension() != ".sql") continue;
      try {
        found += IsLiquibaseSql(ReadTextFile(at->path())) ? 1 : 0;
      } catch (const Error&) {  // NOLINT(bugprone-empty-catch): what can't be read is not there
      }
    }
    if (found == 0) return {};
    return {fmt::format("{} with '--liquibase formatted sql'",
                        found == 1 ? "1 file begins" : fmt::format("{} files begin", found)),
            true};
  }

  std::unique_ptr<Ledger> MakeLedger(const ToolSettings& settings) const override {
    if (settings.directory.empty()) return std::make_unique<LiquibaseLedger>(std::vector<LiquibaseChangeset>());
    return std::make_unique<LiquibaseLedger>(LiquibaseProject(settings).Read());
  }

  std::vector<NewFile> MakeRevision(const Revision& revision) const override {
    if (revision.parents.size() > 1) {
      throw Error(ErrorKind::kUsage, "Liquibase keeps one line of changesets: there is nothing to merge");
    }
    std::string slug;
    for (const char c : revision.title) slug += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
    return {{NameBehind(revision.parents.empty() ? "" : revision.parents.front(), slug),
             fmt::format("--liquibase formatted sql\n\n--changeset migproof:{}\n--comment: {}\n\n"
                         "--rollback -- what undoes it\n",
                         revision.id, revision.title)}};
  }
};

const Registered<Format, LiquibaseFormat> kLiquibase("liquibase");

}  // namespace

}  // namespace migproof
