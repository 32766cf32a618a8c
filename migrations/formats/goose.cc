// goose: NNNNN_title.sql with the sections '-- +goose Up' and '-- +goose Down'.
//
// Facts of the tool that this file imitates:
// - Every *.sql begins with a number and '_'; one that does not is refused. The version is the number, which orders the
//   files; .go files with such a name are migrations too.
// - A line that begins with "--" and holds "+goose" is an annotation, wherever it stands; its words are compared
// without
//   regard to case. White space before it and unknown words are refused. '-- +goose Up' is there once and first, '--
//   +goose Down' at most once, behind it. Comments before Up are left out, anything else there is refused.
// - The file is cut at lines that end in a semicolon, and not between StatementBegin and StatementEnd; a rest without a
//   semicolon is refused. Each piece is one query.
// - '-- +goose NO TRANSACTION' holds for the whole file and both directions.
// - Between '-- +goose ENVSUB ON' and OFF, $NAME and ${NAME} are filled in from the environment. Here the values come
//   from the settings ("env.NAME"); one that is not there is an error, where the tool takes the empty text.
// - The ledger begins with a row for version 0. A downgrade deletes the row; of several rows of one version, which old
//   releases wrote, the newest says whether it is applied.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <set>

#include "migrations/annotated_text.h"
#include "migrations/format.h"
#include "migrations/linear_format.h"
#include "migrations/recognise.h"
#include "migrations/session.h"

namespace migproof {

namespace {

constexpr std::string_view kGooseMark = "+goose";
constexpr const char* kGooseCut = "put '-- +goose StatementBegin' and '-- +goose StatementEnd' around the statement";

Error GooseError(const std::string& file, int line, const std::string& message) {
  return Error(ErrorKind::kHistory, message).WithLocation({file, line});
}

const std::vector<std::string> kGooseAnnotations = {
    "Up", "Down", "StatementBegin", "StatementEnd", "NO TRANSACTION", "ENVSUB ON", "ENVSUB OFF"};

bool EqualsInAnyCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

bool IsGooseAnnotation(const TextLine& line, const std::string& file) {
  const std::string_view comment = TrimSpace(line.text);
  if (comment.substr(0, 2) != "--") return false;
  if (comment.find(kGooseMark) != std::string_view::npos) return true;
  if (!EqualsInAnyCase(TrimSpace(comment.substr(2)).substr(0, kGooseMark.size()), kGooseMark)) return false;
  throw GooseError(file, line.number, fmt::format("'{}' is no annotation to goose", comment))
      .WithHint("'+goose' is written in small letters");
}

// The annotation of a line, spelled as above.
std::string ReadGooseAnnotation(const TextLine& line, const std::string& file) {
  if (line.text.front() == ' ' || line.text.front() == '\t') {
    throw GooseError(file, line.number, fmt::format("white space before the annotation '{}'", TrimSpace(line.text)))
        .WithHint("goose refuses it: the line begins with '--'");
  }
  std::string words;
  for (std::size_t i = 0; i < line.text.size();) {
    const std::string_view rest = line.text.substr(i);
    const std::size_t skip = rest.substr(0, 2) == "--"                         ? 2
                             : rest.substr(0, kGooseMark.size()) == kGooseMark ? kGooseMark.size()
                                                                               : 0;
    if (skip == 0) words += line.text[i];
    i += std::max<std::size_t>(skip, 1);
  }
  const std::string_view found = TrimSpace(words);
  for (const std::string& known : kGooseAnnotations) {
    if (EqualsInAnyCase(found, known)) return known;
  }
  throw GooseError(file, line.number, fmt::format("unknown annotation '-- +goose {}'", found))
      .WithHint(
          NearNameHint(found, kGooseAnnotations, fmt::format("there are: {}", fmt::join(kGooseAnnotations, ", "))));
}

// Fills in what stands between ENVSUB ON and OFF: $NAME, ${NAME}, ${NAME:-default}, ${NAME-default}; $$ and \$ are a $.
class GooseVariables {
 public:
  GooseVariables(const std::map<std::string, std::string>& values, const std::string& file)
      : values_(values), file_(file) {}

  std::string Fill(std::string_view line, int number) const {
    std::string out;
    for (std::size_t i = 0; i < line.size();) {
      const std::string_view two = line.substr(i, 2);
      if (two == "$$" || two == "\\$") {
        out += '$';
        i += 2;
      } else if (two.front() == '$' && two.size() == 2 && (two[1] == '{' || IsNameByte(two[1]))) {
        const bool braces = two[1] == '{';
        const std::size_t begin = i + (braces ? 2 : 1);
        std::size_t end = begin;
        while (end < line.size() && IsNameByte(line[end])) ++end;
        const std::string name(line.substr(begin, end - begin));
        i = end;
        std::string_view otherwise;
        bool has_default = false;
        if (braces) {
          const std::size_t close = line.find('}', end);
          if (close == std::string_view::npos) throw GooseError(file_, number, "'${' is not closed");
          std::string_view operation = line.substr(end, close - end);
          if (operation.substr(0, 1) == ":") operation.remove_prefix(1);
          has_default = operation.substr(0, 1) == "-";
          if (!operation.empty() && !has_default && operation.front() != '?') {
            throw GooseError(file_, number,
                             fmt::format("'{}' can't be filled in", line.substr(begin - 2, close - begin + 3)))
                .WithHint("${NAME} and ${NAME:-otherwise} can");
          }
          if (has_default) otherwise = operation.substr(1);
          i = close + 1;
        }
        out += Value(name, has_default, otherwise, number);
      } else {
        out += line[i++];
      }
    }
    return out;
  }

 private:
  static bool IsNameByte(char c) { return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0; }

  std::string Value(const std::string& name, bool has_default, std::string_view otherwise, int number) const {
    const auto found = values_.find("env." + name);
    if (found != values_.end()) return found->second;
    if (has_default) return std::string(otherwise);
    throw GooseError(file_, number,
                     fmt::format("nothing says what '{}' is, which stands below '-- +goose ENVSUB ON'", name))
        .WithHint(fmt::format("migproof.json: \"tool\": {{\"env.{}\": \"...\"}}", name));
  }

  const std::map<std::string, std::string>& values_;
  const std::string& file_;
};

// Reads one file as the tool does, both directions at once.
class GooseParser {
 public:
  GooseParser(const std::filesystem::path& path, const std::map<std::string, std::string>& values)
      : file_(path.string()), text_(ReadTextFile(path)), variables_(values, file_) {}

  void ReadInto(Revision& revision) {
    for (const TextLine& line : SplitLines(text_)) Take(line);
    if (open_ == nullptr) {
      throw GooseError(file_, 0, "the file holds no '-- +goose Up'")
          .WithHint("that annotation begins the first section");
    }
    if (inside_) throw GooseError(file_, begin_line_, "'-- +goose StatementBegin' without a '-- +goose StatementEnd'");
    RefuseRest();
    revision.upgrade = ReadCutSection(up_, up_mark_, transaction_, kGooseCut);
    AddDeclarations(revision.upgrade.script, revision.declarations);
    if (open_ != &down_) return;
    revision.downgrade = ReadCutSection(down_, down_mark_, transaction_, kGooseCut);
    AddDeclarations(revision.downgrade->script, revision.declarations);
  }

 private:
  void Take(const TextLine& line) {
    if (IsGooseAnnotation(line, file_)) return Annotate(ReadGooseAnnotation(line, file_), line);
    const std::string_view trimmed = TrimSpace(line.text);
    if (open_ == nullptr) {
      if (trimmed.empty() || trimmed.substr(0, 2) == "--") return;
      throw GooseError(file_, line.number, "text before '-- +goose Up'")
          .WithHint("goose takes nothing but comments that begin with '--' there");
    }
    const std::string text = environment_ ? variables_.Fill(line.whole, line.number) : std::string(line.whole);
    open_->text.Add(line, text);
    if (piece_.empty() && (trimmed.empty() || trimmed.substr(0, 2) == "--")) return;
    piece_.Add(line, text);
    if (!inside_ && EndsStatement(text)) ClosePiece();
  }

  void Annotate(const std::string& annotation, const TextLine& line) {
    if (annotation == "Up") return OpenUp(line);
    if (annotation == "Down") return OpenDown(line);
    if (annotation == "StatementBegin") {
      if (open_ == nullptr || inside_) {
        throw GooseError(file_, line.number,
                         inside_ ? "'-- +goose StatementBegin' inside another one"
                                 : "'-- +goose StatementBegin' before '-- +goose Up'");
      }
      inside_ = true;
      begin_line_ = line.number;
    } else if (annotation == "StatementEnd") {
      if (!inside_)
        throw GooseError(file_, line.number, "'-- +goose StatementEnd' without a '-- +goose StatementBegin'");
      inside_ = false;
      if (!piece_.empty()) ClosePiece();
    } else if (annotation == "NO TRANSACTION") {
      transaction_ = false;
    } else {
      environment_ = annotation == "ENVSUB ON";
    }
  }

  void OpenUp(const TextLine& line) {
    if (open_ != nullptr) throw GooseError(file_, line.number, "a second '-- +goose Up'");
    open_ = &up_;
    up_mark_ = {file_, line.number};
  }

  void OpenDown(const TextLine& line) {
    if (open_ == nullptr) {
      throw GooseError(file_, line.number, "'-- +goose Down' comes before '-- +goose Up'");
    }
    if (open_ == &down_) throw GooseError(file_, line.number, "a second '-- +goose Down'");
    if (inside_) throw GooseError(file_, line.number, "'-- +goose Down' inside a '-- +goose StatementBegin'");
    RefuseRest();
    open_ = &down_;
    down_mark_ = {file_, line.number};
  }

  void ClosePiece() {
    open_->pieces.push_back({piece_, open_->text.text().size()});
    piece_ = {};
  }

  void RefuseRest() const {
    if (TrimSpace(piece_.text()).empty()) return;
    throw GooseError(file_, piece_.first_line(),
                     "this statement does not end: goose wants a semicolon at the end of its line");
  }

  std::string file_;
  std::string text_;
  GooseVariables variables_;
  CutSection up_;
  CutSection down_;
  SourceLocation up_mark_;
  SourceLocation down_mark_;
  CutSection* open_ = nullptr;
  SectionText piece_;
  bool inside_ = false;  // between StatementBegin and StatementEnd
  int begin_line_ = 0;
  bool transaction_ = true;
  bool environment_ = false;
};

// The version of a file's name; 0 where it has none.
std::int64_t GooseVersion(std::string_view name) {
  const std::string_view number = name.substr(0, std::min(name.find('_'), name.size()));
  std::int64_t version = 0;
  const auto [end, failure] = std::from_chars(number.data(), number.data() + number.size(), version);
  const bool whole = failure == std::errc() && end == number.data() + number.size() && number.size() < name.size();
  return whole ? std::max<std::int64_t>(version, 0) : 0;
}

class GooseLedger : public Ledger {
 public:
  explicit GooseLedger(std::string table) : table_(std::move(table)) {}

  std::vector<std::string> Tables() const override { return {table_}; }

  std::vector<std::string> CreateSql() const override {
    return {fmt::format("CREATE TABLE IF NOT EXISTS {} (id integer PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, "
                        "version_id bigint NOT NULL, is_applied boolean NOT NULL, "
                        "tstamp timestamp NOT NULL DEFAULT now())",
                        table_),
            fmt::format("INSERT INTO {0} (version_id, is_applied) SELECT 0, true WHERE NOT EXISTS (SELECT FROM {0})",
                        table_)};
  }

  std::vector<std::string> BeforeSql(const Step&, const History&) const override { return {}; }

  std::vector<std::string> AfterSql(const Step& step, const History& history) const override {
    if (step.direction == Direction::kDowngrade) return ForgetSql(*step.revision, history);
    const std::string insert = fmt::format("INSERT INTO {} (version_id, is_applied) ", table_);
    const std::string& version = step.revision->ledger_key;
    if (step.direction == Direction::kUpgrade) return {insert + fmt::format("VALUES ({}, true)", version)};
    std::vector<std::string> sql = ForgetSql(*step.revision, history);
    sql.push_back(insert + fmt::format("VALUES ({}, true)", version));
    return sql;
  }

  std::vector<std::string> ForgetSql(const Revision& revision, const History&) const override {
    return {fmt::format("DELETE FROM {} WHERE version_id = {}", table_, revision.ledger_key)};
  }

  std::vector<LedgerEntry> Read(Session& session, const History& history) const override {
    const Rows rows = ReadTableIfThere(
        session, table_,
        fmt::format("SELECT version_id FROM (SELECT DISTINCT ON (version_id) version_id, is_applied, id FROM {} "
                    "ORDER BY version_id, id DESC) AS newest WHERE is_applied AND version_id <> 0 ORDER BY id",
                    table_));
    return EntriesByKey(rows, history);
  }

 private:
  std::string table_;
};

class GooseFormat : public Format {
 public:
  std::string_view Summary() const override { return "goose: N_title.sql with '-- +goose Up' and '-- +goose Down'"; }

  bool SharesSession() const override { return true; }

  std::vector<Revision> Read(const std::filesystem::path& directory) const override {
    return ReadWith({directory, "", {}});
  }

  std::vector<Revision> ReadWith(const ToolSettings& settings) const override {
    std::map<std::int64_t, Revision> by_version;
    for (const auto& entry : ListDirectory(settings.directory)) {
      const std::string name = entry.filename().string();
      const std::int64_t version = GooseVersion(name);
      if (IsGoMigration(entry, version)) {
        throw Error(ErrorKind::kHistory, fmt::format("'{}' is a migration in Go", entry.string()))
            .WithHint("later migrations can depend on it, so it can't be left out");
      }
      if (entry.extension() != ".sql" || std::filesystem::is_directory(entry)) continue;
      if (version == 0) {
        throw Error(ErrorKind::kHistory, fmt::format("'{}' has no version", entry.string()))
            .WithHint("goose wants a number from 1 and '_' at the beginning of each .sql file");
      }
      const auto [there, added] = by_version.emplace(version, Revision());
      if (!added) {
        throw Error(ErrorKind::kHistory,
                    fmt::format("version {} is there twice: '{}' and '{}'", version, there->second.id + ".sql", name))
            .WithHint("goose knows a migration by its number alone");
      }
      there->second = ReadFile(entry, version, settings);
    }
    return InOneLine(std::move(by_version));
  }

  std::unique_ptr<Ledger> MakeLedger(const ToolSettings& settings) const override {
    return std::make_unique<GooseLedger>(TableName(settings, "public.goose_db_version"));
  }

  Recognition Recognise(const std::filesystem::path& directory) const override {
    return RecogniseByLine(directory, ".sql", "-- +goose Up", [](std::string_view line) {
      if (line.substr(0, 2) != "--") return false;
      const std::vector<std::string> words = SplitWords(line.substr(2));
      return words.size() == 2 && words[0] == kGooseMark && EqualsInAnyCase(words[1], "up");
    });
  }

  std::vector<NewFile> MakeRevision(const Revision& revision) const override {
    RefuseMerge(revision, "goose");
    const std::string_view parent = revision.parents.empty() ? "" : LeadingDigits(revision.parents.front());
    return {{fmt::format("{}_{}.sql", NextVersion(parent), TitleSlug(revision.title)),
             "-- +goose Up\n-- what this migration does\n\n-- +goose Down\n-- what undoes it\n"}};
  }

 private:
  static bool IsGoMigration(const std::filesystem::path& entry, std::int64_t version) {
    const std::string stem = entry.stem().string();
    return version > 0 && entry.extension() == ".go" && !stem.ends_with("_test");
  }

  static Revision ReadFile(const std::filesystem::path& path, std::int64_t version, const ToolSettings& settings) {
    Revision revision;
    revision.id = path.stem().string();
    revision.ledger_key = std::to_string(version);
    revision.title = TitleOfName(revision.id);
    revision.where = {path.string(), 1};
    GooseParser(path, settings.values).ReadInto(revision);
    return revision;
  }
};

const Registered<Format, GooseFormat> kGoose("goose");

}  // namespace

}  // namespace migproof
