// Flyway: V1_2__title.sql, undone by U1_2__title.sql; R__title.sql runs again when it changes; B1_2__title.sql.
//
// Facts of the tool that this file imitates:
// - Directories below are read too. Versions are numbers between points or '_', compared part by part; 1 and 1.0 are
// the
//   same. Repeatable migrations come behind all versions, by their description.
// - A new database begins with the newest baseline (B) instead of the versions up to it, and so does what is read here;
//   "tool": {"baselines": "ignore"} reads those versions instead.
// - ${name} is filled in everywhere, comments included; a name without a value is refused.
// - A script runs in a transaction, unless it holds statements that can't (as Flyway knows them); both kinds in one are
//   refused, unless `mixed`. V1__x.sql.conf decides with executeInTransaction.
// - Undo scripts add a row to the ledger. A repeatable migration has none: it must bear to be run again, which it
// declares
//   here (idempotent).
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "migrations/annotated_text.h"
#include "migrations/flyway/files.h"
#include "migrations/flyway/ledger.h"
#include "migrations/flyway/project.h"
#include "migrations/format.h"
#include "migrations/linear_format.h"
#include "migrations/recognise.h"

namespace migproof {

namespace {

// Whether Flyway holds a statement for one that can't run in a transaction.
bool IsFlywayNonTransactional(std::string_view statement) {
  const std::vector<std::string> words = SplitWords(LeadingWords(statement, 4));
  const auto word = [&](std::size_t i) { return i < words.size() ? words[i] : std::string(); };
  if (word(0) == "VACUUM") return true;
  if (word(0) == "ALTER") return word(1) == "SYSTEM";
  if (word(0) == "DISCARD") return word(1) == "ALL";
  if (word(0) == "REINDEX") {
    const std::string what = word(word(1) == "VERBOSE" ? 2 : 1);
    return what == "SCHEMA" || what == "DATABASE" || what == "SYSTEM";
  }
  if (word(0) != "CREATE" && word(0) != "DROP") return false;
  if (word(1) == "DATABASE" || word(1) == "TABLESPACE" || word(1) == "SUBSCRIPTION") return true;
  const std::size_t index = word(1) == "UNIQUE" ? 2 : 1;
  return word(index) == "INDEX" && word(index + 1) == "CONCURRENTLY";
}

class FlywayReader {
 public:
  explicit FlywayReader(const ToolSettings& settings)
      : project_(FlywayProject::Find(settings)), directory_(settings.directory) {}

  std::vector<Revision> Read() {
    for (FlywayFile& file : FindFlywayFiles(directory_, project_.ignores_callbacks)) {
      if (file.kind == FlywayKind::kRepeatable) {
        Keep(repeatable_, file.description, file, fmt::format("the repeatable migration '{}'", file.description));
      } else if (file.kind == FlywayKind::kVersioned) {
        Keep(versioned_, file.version, file, fmt::format("version '{}'", file.version.text()));
      } else if (file.kind == FlywayKind::kUndo) {
        Keep(undo_, file.version, file, fmt::format("the undo of version '{}'", file.version.text()));
      } else if (!project_.ignores_baselines) {
        Keep(baselines_, file.version, file, fmt::format("the baseline of version '{}'", file.version.text()));
      }
    }
    for (const auto& [version, file] : undo_) {
      if (versioned_.contains(version)) continue;
      throw Error(ErrorKind::kHistory, fmt::format("there is no version '{}' to undo", version.text()))
          .WithLocation({file.path.string(), 0});
    }
    return ReadAll();
  }

 private:
  template <typename Key>
  static void Keep(std::map<Key, FlywayFile>& files, const Key& key, const FlywayFile& file, const std::string& what) {
    const auto [there, added] = files.emplace(key, file);
    if (added) return;
    throw Error(ErrorKind::kHistory,
                fmt::format("{} is there twice: '{}' and '{}'", what, there->second.path.string(), file.path.string()));
  }

  std::vector<Revision> ReadAll() {
    std::vector<Revision> revisions;
    auto version = versioned_.begin();
    if (!baselines_.empty()) {
      const FlywayFile& baseline = baselines_.rbegin()->second;
      std::size_t replaced = 0;
      for (; version != versioned_.end() && version->first <= baseline.version; ++version) ++replaced;
      Add(baseline, revisions);
      if (replaced > 0 && !revisions.empty()) {
        revisions.back().title += fmt::format(" (instead of {} version{} up to {})", replaced, replaced == 1 ? "" : "s",
                                              baseline.version.text());
      }
    }
    for (; version != versioned_.end(); ++version) Add(version->second, revisions);
    for (const auto& [description, file] : repeatable_) Add(file, revisions);
    return revisions;
  }

  void Add(const FlywayFile& file, std::vector<Revision>& revisions) {
    const FlywayScriptSettings settings = FlywayScriptSettings::Read(file.settings, project_);
    if (!settings.should_execute) return;
    Revision revision;
    revision.id = file.path.stem().string();
    const bool repeatable = file.kind == FlywayKind::kRepeatable;
    revision.ledger_key = repeatable ? revision.id : file.version.text();
    revision.title = file.description.empty() ? revision.id : file.description;
    revision.where = {file.path.string(), 1};
    if (!revisions.empty()) revision.parents = {revisions.back().id};
    revision.upgrade = ReadScript(file, settings, revision.declarations);
    if (repeatable && !revision.Declares("idempotent")) {
      revision.declarations.push_back({"idempotent", "", "Flyway runs it again when it changes", revision.where});
    }
    if (const auto undo = undo_.find(file.version); file.kind == FlywayKind::kVersioned && undo != undo_.end()) {
      revision.downgrade =
          ReadScript(undo->second, FlywayScriptSettings::Read(undo->second.settings, project_), revision.declarations);
    }
    revisions.push_back(std::move(revision));
  }

  Section ReadScript(const FlywayFile& file, const FlywayScriptSettings& settings,
                     std::vector<Declaration>& declarations) const {
    std::string text = ReadTextFile(file.path);
    if (settings.placeholder_replacement) text = FillIn(text, file);
    Section section{Script::Parse(std::move(text), {file.path.string(), 1}),
                    settings.execute_in_transaction ? Execution::kTransaction : Execution::kStatements};
    if (!settings.says_transaction && settings.execute_in_transaction) DecideTransaction(section);
    AddDeclarations(section.script, declarations);
    return section;
  }

  void DecideTransaction(Section& section) const {
    const Statement* with = nullptr;
    const Statement* without = nullptr;
    for (const Statement& statement : section.script.statements()) {
      if (statement.kind != StatementKind::kSql) continue;
      (IsFlywayNonTransactional(section.script.Text(statement)) ? without : with) = &statement;
    }
    if (without == nullptr) return;
    section.execution = Execution::kStatements;
    if (with == nullptr || project_.mixed) return;
    throw Error(ErrorKind::kHistory, "statements that can run in a transaction stand beside one that can't")
        .WithLocation(section.script.At(without->begin))
        .WithHint(
            "Flyway refuses that: put it into a migration of its own, or write executeInTransaction=false into "
            "the migration's .sql.conf");
  }

  std::string FillIn(const std::string& text, const FlywayFile& file) const {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t mark = std::min(text.find("${", at), text.size());
      out.append(text, at, mark - at);
      if (mark == text.size()) break;
      const std::size_t end = text.find('}', mark);
      const int line =
          1 + static_cast<int>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(mark), '\n'));
      if (end == std::string::npos) {
        throw Error(ErrorKind::kHistory, "the placeholder that begins here does not end")
            .WithLocation({file.path.string(), line});
      }
      out += ValueOf(text.substr(mark + 2, end - mark - 2), file, line);
      at = end + 1;
    }
    return out;
  }

  std::string ValueOf(const std::string& name, const FlywayFile& file, int line) const {
    std::string small = name;
    std::transform(small.begin(), small.end(), small.begin(), [](unsigned char c) { return std::tolower(c); });
    if (const auto found = project_.placeholders.find(small); found != project_.placeholders.end())
      return found->second;
    const std::size_t point = project_.table.find('.');
    if (small == "flyway:defaultschema") return project_.table.substr(0, point);
    if (small == "flyway:table") return project_.table.substr(point + 1);
    if (small == "flyway:filename") return file.path.filename().string();
    throw Error(ErrorKind::kHistory, fmt::format("nothing says what the placeholder '${{{}}}' is", name))
        .WithLocation({file.path.string(), line})
        .WithHint(fmt::format("flyway.toml: [flyway.placeholders] {0} = \"...\", or migproof.json: \"tool\": "
                              "{{\"placeholders.{0}\": \"...\"}}",
                              name));
  }

  FlywayProject project_;
  std::filesystem::path directory_;
  std::map<FlywayVersion, FlywayFile> versioned_;
  std::map<FlywayVersion, FlywayFile> undo_;
  std::map<FlywayVersion, FlywayFile> baselines_;
  std::map<std::string, FlywayFile> repeatable_;
};

class FlywayFormat : public Format {
 public:
  std::string_view Summary() const override {
    return "Flyway: V1_2__title.sql, U1_2__title.sql, R__title.sql, B1_2__title.sql";
  }

  bool SharesSession() const override { return true; }

  std::vector<Revision> Read(const std::filesystem::path& directory) const override {
    return ReadWith({directory, "", {}});
  }

  std::vector<Revision> ReadWith(const ToolSettings& settings) const override { return FlywayReader(settings).Read(); }

  std::unique_ptr<Ledger> MakeLedger(const ToolSettings& settings) const override {
    return std::make_unique<FlywayLedger>(FlywayProject::Find(settings).table, settings.directory);
  }

  Recognition Recognise(const std::filesystem::path& directory) const override {
    std::size_t files = 0;
    for (const std::string& name : NamesIn(directory)) files += IsFlywayName(name) ? 1 : 0;
    return RecogniseByNames(files, "V1__title.sql", true);
  }

  // The version is the parent's, with one more in its first part.
  std::vector<NewFile> MakeRevision(const Revision& revision) const override {
    RefuseMerge(revision, "Flyway");
    std::string parent = revision.parents.empty() ? "V0" : revision.parents.front();
    if (parent.front() == 'R') {
      throw Error(ErrorKind::kUsage, fmt::format("'{}' comes behind all versions", parent))
          .WithHint("name the last version with --parent");
    }
    const std::string stem =
        fmt::format("{}__{}", NextVersion(LeadingDigits(parent.substr(1))), TitleSlug(revision.title));
    return {{"V" + stem + ".sql", "-- what this migration does\n"}, {"U" + stem + ".sql", "-- what undoes it\n"}};
  }
};

const Registered<Format, FlywayFormat> kFlyway("flyway");

}  // namespace

}  // namespace migproof
