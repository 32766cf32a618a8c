// Alembic: Python files with revision, down_revision, upgrade() and downgrade(). They are read without being run; their
// steps are run by Alembic itself (AlembicTool).
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "migrations/alembic/ledger.h"
#include "migrations/alembic/project.h"
#include "migrations/alembic/python_module.h"
#include "migrations/alembic/tool.h"
#include "migrations/format.h"
#include "migrations/utf8.h"

namespace migproof {

namespace {

namespace fs = std::filesystem;

// What ScriptDirectory takes for revisions.
bool IsRevisionFile(const fs::path& file) {
  const std::string name = file.filename().string();
  return file.extension() == ".py" && name.rfind("__init__", 0) != 0 && name.rfind(".#", 0) != 0;
}

std::vector<fs::path> RevisionFiles(const AlembicProject& project) {
  std::vector<fs::path> files;
  std::vector<fs::path> directories = project.versions;
  for (std::size_t i = 0; i < directories.size(); ++i) {
    for (const fs::path& entry : ListDirectory(directories[i])) {
      if (std::error_code failure; fs::is_directory(entry, failure)) {
        if (project.recursive && entry.filename() != "__pycache__") directories.push_back(entry);
      } else if (IsRevisionFile(entry)) {
        files.push_back(entry);
      }
    }
  }
  return files;
}

// Reads one file; complaints name it.
class RevisionReader {
 public:
  explicit RevisionReader(const fs::path& file)
      : file_(file.string()), module_(PythonModule::Parse(ReadTextFile(file), file_)) {}

  Revision Read() {
    Revision revision;
    revision.id = Id();
    revision.ledger_key = revision.id;
    revision.title = Title();
    revision.parents = Texts("down_revision", true);
    revision.depends_on = Texts("depends_on", false);
    revision.labels = Texts("branch_labels", false);
    revision.where = {file_, 1};
    revision.upgrade = SectionOf("upgrade");
    TakeDeclarations(revision);
    const auto downgrade = module_.functions.find("downgrade");
    if (downgrade == module_.functions.end()) return revision;
    if (!downgrade->second.refuses) {
      revision.downgrade = SectionOf("downgrade");
    } else if (!revision.Declares("irreversible")) {
      revision.declarations.push_back({"irreversible", "", downgrade->second.refusal, {file_, downgrade->second.line}});
    }
    return revision;
  }

 private:
  Error Complaint(const std::string& message, int line = 0) const {
    return Error(ErrorKind::kHistory, message).WithLocation({file_, line});
  }

  std::string Id() const {
    const auto found = module_.values.find("revision");
    if (found == module_.values.end()) {
      throw Complaint("the file names no revision")
          .WithHint("each file of the versions directory says revision = \"...\"; move others elsewhere");
    }
    if (found->second.kind != PythonValue::Kind::kText || found->second.texts.front().empty()) {
      throw Complaint("what `revision` is can't be read without running the file", found->second.line)
          .WithHint("write it as a string");
    }
    return found->second.texts.front();
  }

  std::vector<std::string> Texts(const std::string& name, bool required) const {
    const auto found = module_.values.find(name);
    if (found == module_.values.end()) {
      if (!required) return {};
      throw Complaint(fmt::format("the file has no `{}`", name)).WithHint("a first revision says down_revision = None");
    }
    if (found->second.kind == PythonValue::Kind::kNone) return {};
    if (found->second.kind == PythonValue::Kind::kOther) {
      throw Complaint(fmt::format("what `{}` is can't be read without running the file", name), found->second.line)
          .WithHint("write it as a string, a tuple of strings, or None");
    }
    return found->second.texts;
  }

  std::string Title() const {
    const std::size_t begin = module_.docstring.find_first_not_of(" \t\r\n");
    if (begin == std::string::npos) return fs::path(file_).stem().string();
    std::string line = module_.docstring.substr(begin, module_.docstring.find('\n', begin) - begin);
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())) != 0) line.pop_back();
    return line;
  }

  Section SectionOf(const std::string& name) const {
    Section section;
    const auto found = module_.functions.find(name);
    if (found == module_.functions.end()) throw Complaint(fmt::format("the file has no function `{}`", name));
    section.execution = Execution::kTool;
    section.script = Script::Parse("", {file_, found->second.line});
    section.recorded = std::make_shared<Section>();
    section.recorded->execution = Execution::kTool;
    section.literals = found->second.literals;
    return section;
  }

  // "# migproof: loses orders.note" on a line of its own or behind code.
  void TakeDeclarations(Revision& revision) const {
    for (const auto& [comment, line] : module_.comments) {
      const std::string as_sql = "--" + comment;
      if (const auto directive = DirectiveOf(as_sql)) {
        revision.declarations.push_back(ParseDeclaration(*directive, {file_, line}));
      }
    }
  }

  std::string file_;
  PythonModule module_;
};

// A dependency may be named by a branch label, or by the beginning of its id.
void ResolveNames(std::vector<Revision>& revisions) {
  std::map<std::string, std::string> ids;
  for (const Revision& revision : revisions) {
    for (const std::string& label : revision.labels) ids.try_emplace(label, revision.id);
  }
  for (const Revision& revision : revisions) ids[revision.id] = revision.id;
  const auto resolve = [&](std::string& name) {
    if (ids.contains(name)) {
      name = ids.at(name);
      return;
    }
    std::vector<std::string> near;
    for (const Revision& revision : revisions) {
      if (name.size() >= 4 && revision.id.rfind(name, 0) == 0) near.push_back(revision.id);
    }
    if (near.size() == 1) name = near.front();
  };
  for (Revision& revision : revisions) {
    for (std::string& parent : revision.parents) resolve(parent);
    for (std::string& dependency : revision.depends_on) resolve(dependency);
  }
}

class AlembicFormat : public Format {
 public:
  std::string_view Summary() const override { return "Alembic: versions/*.py, run by Alembic itself"; }

  std::vector<Revision> Read(const fs::path& directory) const override {
    std::vector<Revision> revisions;
    for (const fs::path& file : RevisionFiles(AlembicProject::Find(directory))) {
      revisions.push_back(RevisionReader(file).Read());
    }
    ResolveNames(revisions);
    return revisions;
  }

  std::unique_ptr<Ledger> MakeLedger(const ToolSettings& settings) const override {
    const AlembicProject project = FindProject(settings);
    return std::make_unique<AlembicLedger>(project.version_table, project.version_table_schema);
  }

  // A versions directory with files of revisions, too: alembic.ini alone may stand in the root of any project.
  Recognition Recognise(const fs::path& directory) const override {
    try {
      const AlembicProject project = AlembicProject::Find(directory);
      const std::size_t files = RevisionFiles(project).size();
      if (files == 0) return {};
      return {fmt::format("{} belong{} to env.py", files == 1 ? "1 revision" : fmt::format("{} revisions", files),
                          files == 1 ? "s" : ""),
              true};
    } catch (const Error&) {
      return {};
    }
  }

  std::unique_ptr<StepTool> MakeTool(const ToolSettings& settings) const override {
    return std::make_unique<AlembicTool>(FindProject(settings), settings);
  }

  std::vector<NewFile> MakeRevision(const Revision& revision) const override {
    const auto list = [](const std::vector<std::string>& texts) {
      if (texts.empty()) return std::string("None");
      if (texts.size() == 1) return fmt::format("\"{}\"", texts.front());
      return fmt::format("(\"{}\")", fmt::join(texts, "\", \""));
    };
    std::string slug;
    for (const char c : revision.title.substr(0, 40)) {
      slug += std::isalnum(static_cast<unsigned char>(c)) != 0
                  ? static_cast<char>(std::tolower(static_cast<unsigned char>(c)))
                  : '_';
    }
    const std::string text = fmt::format(
        "\"\"\"{}\"\"\"\n\nimport sqlalchemy as sa\nfrom alembic import op\n\nrevision = \"{}\"\ndown_revision = {}\n"
        "branch_labels = {}\ndepends_on = {}\n\n\ndef upgrade():\n    pass\n\n\ndef downgrade():\n    pass\n",
        revision.title, revision.id, list(revision.parents), list(revision.labels), list(revision.depends_on));
    return {{fs::path("versions") / fmt::format("{}_{}.py", revision.id, slug), text}};
  }

 private:
  static AlembicProject FindProject(const ToolSettings& settings) {
    AlembicProject project = settings.directory.empty() ? AlembicProject() : AlembicProject::Find(settings.directory);
    const auto take = [&](const char* key, std::string& value) {
      if (const auto found = settings.values.find(key); found != settings.values.end()) value = found->second;
    };
    take("version_table", project.version_table);
    take("version_table_schema", project.version_table_schema);
    return project;
  }
};

const Registered<Format, AlembicFormat> kAlembic("alembic");

}  // namespace

}  // namespace migproof
