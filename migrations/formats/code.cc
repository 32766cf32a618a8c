// Revisions written in C++, which the program itself holds.
#include <fmt/format.h>

#include <algorithm>

#include "migrations/code_revision.h"
#include "migrations/format.h"

namespace migproof {

namespace {

struct CodeRevisionAt {
  CodeRevision revision;
  SourceLocation where;
};

std::vector<CodeRevisionAt>& CodeRevisions() {
  static std::vector<CodeRevisionAt> revisions;
  return revisions;
}

Section SectionFromCode(const std::function<std::string()>& code, const CodeRevisionAt& at,
                        std::vector<Declaration>& declarations) {
  Section section{Script::Parse(code(), at.where),
                  at.revision.transaction ? Execution::kTransaction : Execution::kStatements};
  const std::vector<Declaration> found = ReadDeclarations(section.script, {});
  declarations.insert(declarations.end(), found.begin(), found.end());
  return section;
}

Revision RevisionFromCode(const CodeRevisionAt& at) {
  Revision revision;
  revision.id = revision.ledger_key = at.revision.id;
  revision.title = at.revision.title;
  revision.parents = at.revision.parents;
  revision.depends_on = at.revision.depends_on;
  revision.labels = at.revision.labels;
  revision.where = at.where;
  if (!at.revision.upgrade) {
    throw Error(ErrorKind::kHistory, fmt::format("revision '{}' has no upgrade", revision.id))
        .WithLocation(revision.where);
  }
  revision.upgrade = SectionFromCode(at.revision.upgrade, at, revision.declarations);
  if (at.revision.downgrade) revision.downgrade = SectionFromCode(at.revision.downgrade, at, revision.declarations);
  return revision;
}

class CodeFormat : public Format {
 public:
  std::string_view Summary() const override { return "revisions in C++ that the program itself holds"; }

  // By id: the order in which a program registers them is the linker's.
  std::vector<Revision> Read(const std::filesystem::path&) const override {
    if (CodeRevisions().empty()) {
      throw Error(ErrorKind::kUsage, "this program holds no revisions in C++")
          .WithHint("they are compiled into a program of one's own: see migrations/code_revision.h");
    }
    std::vector<Revision> revisions;
    for (const CodeRevisionAt& at : CodeRevisions()) revisions.push_back(RevisionFromCode(at));
    std::sort(revisions.begin(), revisions.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    return revisions;
  }

  std::unique_ptr<Ledger> MakeLedger(const ToolSettings& settings) const override {
    return Registry<Format>::Get("native").MakeLedger(settings);
  }

  std::vector<NewFile> MakeRevision(const Revision&) const override {
    throw Error(ErrorKind::kUsage, "revisions in C++ are written by hand")
        .WithHint("see migrations/code_revision.h for their form");
  }
};

const Registered<Format, CodeFormat> kCode("code");

}  // namespace

RegisteredRevision::RegisteredRevision(CodeRevision revision, const char* file, int line) {
  CodeRevisions().push_back({std::move(revision), {file, line}});
}

}  // namespace migproof
