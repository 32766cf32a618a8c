// migproof's own format: one .sql file per revision.
//
//   -- Add the orders table
//   -- migproof: revision a1b2c3d4e5f6
//   -- migproof: parents 0f1e2d3c4b5a          several: a merge; none: a base
//   -- migproof: depends_on 99aa88bb77cc
//   -- migproof: label billing
//   -- migproof: transaction off               here: both sections; below a section's mark: that section
//   -- migproof: upgrade
//   CREATE TABLE orders (id bigint PRIMARY KEY);
//   -- migproof: downgrade
//   DROP TABLE orders;
//
// The title is the first comment line that is no directive. Without a downgrade section the revision can't be undone;
// an empty one undoes nothing and says so. Files are read in the order of their names; only *.sql is read, hidden files
// and everything else are left alone, and so are directories, but for one that holds *.sql files: that is an error,
// because its author expects them to run. Declarations may stand anywhere.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "migrations/format.h"
#include "migrations/recognise.h"
#include "migrations/session.h"

namespace migproof {

namespace {

const std::vector<std::string> kHeaderWords = {"revision", "parents", "depends_on", "label", "upgrade", "downgrade"};
const std::vector<std::string> kNativeWords = {"revision", "parents",   "depends_on", "label",
                                               "upgrade",  "downgrade", "transaction"};

bool IsOneOf(std::string_view word, const std::vector<std::string>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Error NativeError(const SourceLocation& where, const std::string& message) {
  return Error(ErrorKind::kHistory, message).WithLocation(where);
}

// "A, B" or "A B".
std::vector<std::string> SplitNames(std::string_view text) {
  std::vector<std::string> names;
  std::string name;
  for (const char c : std::string(text) + ",") {
    const bool separates = c == ',' || std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!separates) {
      name += c;
    } else if (!name.empty()) {
      names.push_back(std::exchange(name, {}));
    }
  }
  return names;
}

std::string OneName(const Directive& directive) {
  std::vector<std::string> names = SplitNames(directive.Rest());
  if (names.size() == 1) return names.front();
  throw NativeError(directive.where, fmt::format("'{}' takes one name, found {}", directive.Word(),
                                                 names.empty() ? "none" : fmt::format("'{}'", directive.Rest())));
}

// "transaction off": statement by statement.
Execution ReadExecution(const Directive& directive) {
  if (directive.Rest() == "off") return Execution::kStatements;
  if (directive.Rest() == "on") return Execution::kTransaction;
  throw NativeError(directive.where, fmt::format("'transaction' is 'on' or 'off', found '{}'", directive.Rest()));
}

// A stretch of a file between two marks.
struct NativePart {
  std::size_t begin = 0;
  std::size_t end = 0;
  int line = 0;  // of the part's first line
  SourceLocation mark;
};

// A file cut at its section marks.
struct NativeFile {
  std::string text;
  NativePart header;
  std::optional<NativePart> upgrade;
  std::optional<NativePart> downgrade;
};

// Opens the section that a mark announces; returns it.
NativePart& OpenSection(NativeFile& file, const Directive& mark) {
  std::optional<NativePart>& part = mark.Word() == "upgrade" ? file.upgrade : file.downgrade;
  if (!mark.Rest().empty()) {
    throw NativeError(mark.where, fmt::format("'{}' takes nothing, found '{}'", mark.Word(), mark.Rest()));
  }
  if (part) {
    throw NativeError(mark.where,
                      fmt::format("a second section '{}': the first is {}", mark.Word(), part->mark.ToString()));
  }
  if (mark.Word() == "downgrade" && !file.upgrade) {
    throw NativeError(mark.where, "the section 'downgrade' comes before 'upgrade'")
        .WithHint("'-- migproof: upgrade' begins the first section");
  }
  part.emplace();
  part->mark = mark.where;
  return *part;
}

NativeFile CutSections(const std::filesystem::path& path) {
  NativeFile file;
  file.text = ReadTextFile(path);
  file.header.line = 1;
  NativePart* open = &file.header;
  int number = 1;
  for (std::size_t at = 0; at < file.text.size(); ++number) {
    const std::size_t end = std::min(file.text.find('\n', at), file.text.size());
    const auto text = DirectiveOf(std::string_view(file.text).substr(at, end - at));
    const std::size_t next = std::min(end + 1, file.text.size());
    if (text) {
      const Directive mark{std::string(*text), {path.string(), number}};
      if (mark.Word() == "upgrade" || mark.Word() == "downgrade") {
        open->end = at;
        open = &OpenSection(file, mark);
        open->begin = next;
        open->line = number + 1;
      }
    }
    at = next;
  }
  open->end = file.text.size();
  return file;
}

Script ParsePart(const NativeFile& file, const NativePart& part, const std::string& path) {
  return Script::Parse(file.text.substr(part.begin, part.end - part.begin), {path, part.line});
}

// The first comment line that is no directive.
std::string ReadTitle(std::string_view header) {
  while (!header.empty()) {
    const std::size_t end = std::min(header.find('\n'), header.size());
    std::string_view line = header.substr(0, end);
    header.remove_prefix(std::min(end + 1, header.size()));
    const std::size_t mark = line.find_first_not_of(" \t");
    if (mark == std::string_view::npos || line.substr(mark, 2) != "--" || DirectiveOf(line)) continue;
    const std::size_t begin = line.find_first_not_of("- \t\r", mark);
    if (begin == std::string_view::npos) continue;
    line = line.substr(begin);
    return std::string(line.substr(0, line.find_last_not_of(" \t\r") + 1));
  }
  return "";
}

// Takes in a directive of the header; `execution` is what it says for both sections.
void ReadHeaderDirective(const Directive& directive, Revision& revision, Execution& execution, bool& has_parents) {
  const std::string_view word = directive.Word();
  if (word == "revision") {
    if (!revision.id.empty()) throw NativeError(directive.where, "a second 'revision' in one file");
    revision.id = OneName(directive);
    revision.where = directive.where;
  } else if (word == "parents") {
    if (std::exchange(has_parents, true)) throw NativeError(directive.where, "a second 'parents' in one file");
    revision.parents = SplitNames(directive.Rest());
  } else if (word == "depends_on" || word == "label") {
    std::vector<std::string>& names = word == "label" ? revision.labels : revision.depends_on;
    const std::vector<std::string> more = SplitNames(directive.Rest());
    if (more.empty()) throw NativeError(directive.where, fmt::format("'{}' names nothing", word));
    names.insert(names.end(), more.begin(), more.end());
  } else if (word == "transaction") {
    execution = ReadExecution(directive);
  } else {
    revision.declarations.push_back(ParseDeclaration(directive.text, directive.where, kNativeWords));
  }
}

Section ReadSection(const NativeFile& file, const NativePart& part, const std::string& path, Execution execution,
                    std::vector<Declaration>& declarations) {
  Section section{ParsePart(file, part, path), execution};
  for (const Directive& directive : ReadDirectives(section.script)) {
    if (IsOneOf(directive.Word(), kHeaderWords)) {
      throw NativeError(directive.where, fmt::format("'{}' stands inside a section", directive.Word()))
          .WithHint("it belongs above '-- migproof: upgrade'");
    }
    if (directive.Word() == "transaction") {
      section.execution = ReadExecution(directive);
    } else {
      declarations.push_back(ParseDeclaration(directive.text, directive.where, kNativeWords));
    }
  }
  return section;
}

Revision ReadNativeFile(const std::filesystem::path& path) {
  const NativeFile file = CutSections(path);
  const Script header = ParsePart(file, file.header, path.string());
  Revision revision;
  Execution execution = Execution::kTransaction;
  bool has_parents = false;
  for (const Directive& directive : ReadDirectives(header)) {
    ReadHeaderDirective(directive, revision, execution, has_parents);
  }
  const SourceLocation whole{path.string(), 0};
  if (revision.id.empty()) {
    throw NativeError(whole, "the file names no revision").WithHint("it begins with '-- migproof: revision ID'");
  }
  if (!file.upgrade) {
    throw NativeError(whole, fmt::format("revision '{}' has no section 'upgrade'", revision.id))
        .WithHint("'-- migproof: upgrade' begins it");
  }
  if (!header.empty()) {
    throw NativeError(header.At(header.statements().front().begin), "a statement outside the sections")
        .WithHint("statements stand below '-- migproof: upgrade' or '-- migproof: downgrade'");
  }
  revision.title = ReadTitle(header.text());
  revision.ledger_key = revision.id;
  revision.upgrade = ReadSection(file, *file.upgrade, path.string(), execution, revision.declarations);
  if (file.downgrade) {
    revision.downgrade = ReadSection(file, *file.downgrade, path.string(), execution, revision.declarations);
  }
  return revision;
}

bool IsVisibleSql(const std::filesystem::path& path) {
  return path.extension() == ".sql" && path.filename().native().front() != '.';
}

void RefuseSqlBelow(const std::filesystem::path& directory) {
  for (const auto& entry : ListDirectory(directory)) {
    if (!IsVisibleSql(entry)) continue;
    throw Error(ErrorKind::kHistory,
                fmt::format("'{}' lies in a sub-directory, where no revision is read", entry.string()))
        .WithHint("a native history is one directory: move the file up, or out of it");
  }
}

constexpr std::string_view kNativeTable = "public.migproof_ledger";

class NativeLedger : public Ledger {
 public:
  std::vector<std::string> Tables() const override { return {std::string(kNativeTable)}; }

  std::vector<std::string> CreateSql() const override {
    return {
        fmt::format("CREATE TABLE IF NOT EXISTS {} (revision text PRIMARY KEY, checksum text NOT NULL, "
                    "applied_at timestamptz NOT NULL DEFAULT now(), "
                    "position bigint GENERATED ALWAYS AS IDENTITY)",
                    kNativeTable)};
  }

  std::vector<std::string> BeforeSql(const Step&, const History&) const override { return {}; }

  std::vector<std::string> AfterSql(const Step& step, const History& history) const override {
    if (step.direction == Direction::kDowngrade) return ForgetSql(*step.revision, history);
    std::string insert = fmt::format("INSERT INTO {} (revision, checksum) VALUES ({}, {})", kNativeTable,
                                     SqlLiteral(step.revision->ledger_key), SqlLiteral(step.revision->Checksum()));
    // An upgrade that finds its entry there lost a race, and must not be recorded twice.
    if (step.direction == Direction::kStamp) {
      insert += " ON CONFLICT (revision) DO UPDATE SET checksum = excluded.checksum";
    }
    return {insert};
  }

  std::vector<std::string> ForgetSql(const Revision& revision, const History&) const override {
    return {fmt::format("DELETE FROM {} WHERE revision = {}", kNativeTable, SqlLiteral(revision.ledger_key))};
  }

  std::vector<LedgerEntry> Read(Session& session, const History&) const override {
    const Rows rows = ReadTableIfThere(
        session, kNativeTable, fmt::format("SELECT revision, checksum FROM {} ORDER BY position", kNativeTable));
    std::vector<LedgerEntry> entries;
    for (int i = 0; i < rows.size(); ++i) {
      entries.push_back({std::string(rows.Get(i, 0)), std::string(rows.Get(i, 1)), false});
    }
    return entries;
  }
};

// "Add the orders table" as part of a file name: "add_the_orders_table".
std::string NativeSlug(std::string_view title) {
  std::string slug;
  for (const char c : title) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 && byte < 0x80) {
      slug += static_cast<char>(std::tolower(byte));
    } else if (!slug.empty() && slug.back() != '_') {
      slug += '_';
    }
  }
  slug = slug.substr(0, 60);
  while (!slug.empty() && slug.back() == '_') slug.pop_back();
  return slug;
}

class NativeFormat : public Format {
 public:
  std::string_view Summary() const override { return "migproof's own: one .sql file per revision, any graph"; }

  std::vector<Revision> Read(const std::filesystem::path& directory) const override {
    std::vector<Revision> revisions;
    for (const auto& entry : ListDirectory(directory)) {
      if (std::filesystem::is_directory(entry)) {
        if (entry.filename().native().front() != '.') RefuseSqlBelow(entry);
      } else if (IsVisibleSql(entry)) {
        revisions.push_back(ReadNativeFile(entry));
      }
    }
    return revisions;
  }

  std::unique_ptr<Ledger> MakeLedger(const ToolSettings&) const override { return std::make_unique<NativeLedger>(); }

  Recognition Recognise(const std::filesystem::path& directory) const override {
    return RecogniseByLine(directory, ".sql", "-- migproof: revision", [](std::string_view line) {
      const auto text = DirectiveOf(line);
      return text && Directive{std::string(*text), {}}.Word() == "revision";
    });
  }

  std::vector<NewFile> MakeRevision(const Revision& revision) const override {
    std::string text = fmt::format("-- {}\n-- migproof: revision {}\n", revision.title, revision.id);
    if (!revision.parents.empty()) text += fmt::format("-- migproof: parents {}\n", fmt::join(revision.parents, ", "));
    for (const std::string& name : revision.depends_on) text += fmt::format("-- migproof: depends_on {}\n", name);
    for (const std::string& label : revision.labels) text += fmt::format("-- migproof: label {}\n", label);
    text += "\n-- migproof: upgrade\n\n-- migproof: downgrade\n";
    const std::string slug = NativeSlug(revision.title);
    return {{fmt::format("{}{}{}.sql", revision.id, slug.empty() ? "" : "_", slug), text}};
  }
};

const Registered<Format, NativeFormat> kNative("native");

}  // namespace

}  // namespace migproof
