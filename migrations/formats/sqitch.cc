// sqitch: deploy/, revert/ and verify/ scripts of the changes that sqitch.plan lists, in the order of the plan.
//
// Facts of the tool that this file imitates:
// - A change that is planned again further down was reworked: its earlier scripts are those of "name@tag", where the
// tag
//   is the newest between the two whose deploy script exists. That is its id here, too.
// - A change's id in the registry is a SHA-1 over its line of the plan and the id of the change before it.
// - psql runs each script in a process of its own, and stops at the first error. A script is a transaction where it
// says
//   BEGIN and COMMIT itself. Where these two enclose all of it, it is taken for one step with its entry; the tool
//   writes the entry behind the COMMIT, and reverts the change where it can't.
// - Scripts with psql's meta-commands, or with variables that sqitch.conf sets, are run by psql here as well, and with
//   them all others of the project.
// - Where there is no revert script the change can't be undone. Verify scripts are optional; they run behind the
// upgrade
//   and are rolled back.
// - The registry refuses two changes with the same deploy script.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "migrations/format.h"
#include "migrations/script.h"
#include "migrations/sqitch/ledger.h"
#include "migrations/sqitch/project.h"
#include "migrations/sqitch/psql_tool.h"

namespace migproof {

namespace {

namespace fs = std::filesystem;
using Kind = SqitchProject::Script;

// BEGIN, or COMMIT, as the first or last statement, without options that would be lost.
bool IsOneOf(const std::string& skeleton, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), skeleton) != words.end();
}

// Whether the script's own BEGIN and COMMIT (ROLLBACK, of a verification) enclose all of it.
bool IsOneTransaction(const Script& script, bool verification) {
  const std::vector<Statement>& statements = script.statements();
  if (statements.size() < 2) return false;
  const auto skeleton = [&](const Statement& statement) {
    return statement.kind == StatementKind::kSql ? Skeleton(script.Text(statement)) : std::string();
  };
  if (!IsOneOf(skeleton(statements.front()), {"BEGIN", "BEGIN WORK", "BEGIN TRANSACTION", "START TRANSACTION"})) {
    return false;
  }
  const std::string last = skeleton(statements.back());
  const bool commits = IsOneOf(last, {"COMMIT", "COMMIT WORK", "COMMIT TRANSACTION", "END", "END TRANSACTION"});
  const bool undoes = IsOneOf(last, {"ROLLBACK", "ROLLBACK WORK", "ROLLBACK TRANSACTION", "ABORT"});
  if (!commits && !(verification && undoes)) return false;
  return std::none_of(statements.begin() + 1, statements.end() - 1, [&](const Statement& statement) {
    return statement.kind == StatementKind::kSql && ControlsTransaction(script.Text(statement));
  });
}

class SqitchReader {
 public:
  explicit SqitchReader(const SqitchProject& project) : project_(project) {}

  Revision Read(const SqitchChange& change) const {
    Revision revision;
    revision.id = project_.RevisionId(change);
    revision.ledger_key = change.id;
    revision.title = change.note.empty() ? change.name : change.note.substr(0, change.note.find('\n'));
    const fs::path deploy = project_.FileOf(change, Kind::kDeploy);
    if (!fs::exists(deploy)) {
      throw Error(ErrorKind::kHistory,
                  fmt::format("change '{}' has no deploy script: '{}' is not there", revision.id, deploy.string()))
          .WithLocation(change.where);
    }
    revision.where = {deploy.string(), 1};
    revision.upgrade = ReadSection(deploy, Kind::kDeploy, revision);
    if (const fs::path revert = project_.FileOf(change, Kind::kRevert); fs::exists(revert)) {
      revision.downgrade = ReadSection(revert, Kind::kRevert, revision);
    }
    if (const fs::path verify = project_.FileOf(change, Kind::kVerify); fs::exists(verify)) {
      revision.verification = ReadSection(verify, Kind::kVerify, revision);
    }
    return revision;
  }

 private:
  Section ReadSection(const fs::path& file, Kind kind, Revision& revision) const {
    PsqlScript read = ReadPsqlScript(file, project_.root, project_.VariablesFor(kind));
    const std::vector<Declaration> found = ReadDeclarations(read.script, {});
    revision.declarations.insert(revision.declarations.end(), found.begin(), found.end());
    Section section;
    if (read.needs_psql) {
      section.execution = Execution::kTool;
      section.script = Script::Parse("", {file.string(), 1});
      section.literals = std::move(read.texts);
      section.recorded = std::make_shared<Section>(Section{std::move(read.script), Execution::kTool});
    } else if (IsOneTransaction(read.script, kind == Kind::kVerify)) {
      section.script = read.script.WithoutOuter();
    } else {
      section.script = std::move(read.script);
      section.execution = Execution::kStatements;
    }
    return section;
  }

  const SqitchProject& project_;
};

// The first place that only psql can run.
std::optional<std::pair<SourceLocation, std::string>> FindPsqlNeed(const SqitchProject& project) {
  for (const SqitchChange& change : project.plan.changes) {
    for (const Kind kind : {Kind::kDeploy, Kind::kRevert, Kind::kVerify}) {
      const fs::path file = project.FileOf(change, kind);
      if (!fs::exists(file)) continue;
      PsqlScript read = ReadPsqlScript(file, project.root, project.VariablesFor(kind));
      if (read.needs_psql) return std::move(read.needs_psql);
    }
  }
  return std::nullopt;
}

void RefuseEqualScripts(const SqitchProject& project) {
  std::map<std::string, const SqitchChange*> by_hash;
  for (const SqitchChange& change : project.plan.changes) {
    const std::string hash = project.ScriptHash(change);
    if (hash.empty()) continue;
    const auto [there, added] = by_hash.emplace(hash, &change);
    if (added) continue;
    throw Error(ErrorKind::kHistory,
                fmt::format("'{}' and '{}' have the same deploy script, which the tool refuses to record",
                            project.RevisionId(*there->second), project.RevisionId(change)))
        .WithLocation({project.FileOf(change, Kind::kDeploy).string(), 1})
        .WithHint("a comment tells them apart");
  }
}

class SqitchFormat : public Format {
 public:
  std::string_view Summary() const override {
    return "sqitch: deploy/, revert/ and verify/ scripts in the order of sqitch.plan";
  }

  std::vector<Revision> Read(const fs::path& directory) const override {
    const SqitchProject project = SqitchProject::Open(directory);
    const SqitchReader reader(project);
    std::vector<Revision> revisions;
    for (const SqitchChange& change : project.plan.changes) {
      Revision revision = reader.Read(change);
      if (!revisions.empty()) revision.parents = {revisions.back().id};
      for (const SqitchDependency& needed : change.requires_changes) {
        const std::string& id = revisions.at(needed.target.value()).id;
        if (std::find(revision.depends_on.begin(), revision.depends_on.end(), id) == revision.depends_on.end()) {
          revision.depends_on.push_back(id);
        }
      }
      for (const SqitchTag& tag : change.tags) revision.labels.push_back("@" + tag.name);
      revisions.push_back(std::move(revision));
    }
    RefuseEqualScripts(project);
    return revisions;
  }

  Recognition Recognise(const fs::path& directory) const override {
    std::error_code failure;
    for (const char* name : {"sqitch.plan", "sqitch.conf"}) {
      if (fs::exists(directory / name, failure)) return {fmt::format("there is a {}", name), true};
    }
    return {};
  }

  std::unique_ptr<Ledger> MakeLedger(const ToolSettings& settings) const override {
    if (settings.directory.empty()) return std::make_unique<SqitchLedger>(nullptr);
    return std::make_unique<SqitchLedger>(std::make_shared<SqitchProject>(SqitchProject::Open(settings.directory)));
  }

  std::unique_ptr<StepTool> MakeTool(const ToolSettings& settings) const override {
    if (settings.directory.empty()) return nullptr;
    auto project = std::make_shared<SqitchProject>(SqitchProject::Open(settings.directory));
    const auto need = FindPsqlNeed(*project);
    if (!need) return nullptr;
    std::string psql = FindOnPath("psql");
    if (psql.empty()) {
      throw Error(ErrorKind::kUsage, fmt::format("{} can be run by psql only, and there is none", need->second))
          .WithLocation(need->first)
          .WithHint("install PostgreSQL's client: apt-get install postgresql-client");
    }
    return std::make_unique<PsqlTool>(std::move(psql), std::move(project));
  }

  std::vector<NewFile> MakeRevision(const Revision&) const override {
    throw Error(ErrorKind::kUsage, "sqitch's plan is written by sqitch alone").WithHint("'sqitch add NAME'");
  }
};

const Registered<Format, SqitchFormat> kSqitch("sqitch");

}  // namespace

}  // namespace migproof
