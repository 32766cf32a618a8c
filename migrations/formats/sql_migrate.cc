// sql-migrate: N_title.sql with the sections '-- +migrate Up' and '-- +migrate Down'.
//
// Facts of the tool that this file imitates:
// - Every *.sql is a migration; its whole name is the key. Files whose names begin with a number come first, by it,
// then
//   by name; the others follow by name. Numbers need not be padded, and may be there twice.
// - '-- +migrate Up' and '-- +migrate Down' stand at the first column, spelled so. Each may come several times, in any
//   order; sections of one direction are joined. 'notransaction' behind one holds for that whole direction. What stands
//   before the first is left out by the tool, and refused here; so are words that the tool ignores.
// - Lines that begin with "-- " are left out, within statements too.
// - The file is cut at lines that end in a semicolon, and not between StatementBegin and StatementEnd; a rest without a
//   semicolon is refused. Each piece is one query.
// - A file without a Down section can't be undone (the tool would take its entry away and run nothing).
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <tuple>

#include "migrations/annotated_text.h"
#include "migrations/format.h"
#include "migrations/linear_format.h"
#include "migrations/recognise.h"
#include "migrations/session.h"

namespace migproof {

namespace {

constexpr std::string_view kSqlMigrateMark = "-- +migrate ";
constexpr const char* kSqlMigrateCut =
    "put '-- +migrate StatementBegin' and '-- +migrate StatementEnd' around the statement";

Error SqlMigrateError(const std::string& file, int line, const std::string& message) {
  return Error(ErrorKind::kHistory, message).WithLocation({file, line});
}

class SqlMigrateParser {
 public:
  explicit SqlMigrateParser(const std::filesystem::path& path) : file_(path.string()), text_(ReadTextFile(path)) {}

  void ReadInto(Revision& revision) {
    for (const TextLine& line : SplitLines(text_)) Take(line);
    if (inside_) {
      throw SqlMigrateError(file_, begin_line_, "'-- +migrate StatementBegin' without a '-- +migrate StatementEnd'");
    }
    RefuseRest();
    if (up_.mark.empty()) {
      throw SqlMigrateError(file_, 0, "the file holds no '-- +migrate Up'")
          .WithHint("that annotation begins a section");
    }
    revision.upgrade = ReadCutSection(up_.cut, up_.mark, up_.transaction, kSqlMigrateCut);
    AddDeclarations(revision.upgrade.script, revision.declarations);
    if (down_.mark.empty()) return;
    revision.downgrade = ReadCutSection(down_.cut, down_.mark, down_.transaction, kSqlMigrateCut);
    AddDeclarations(revision.downgrade->script, revision.declarations);
  }

 private:
  struct Side {
    CutSection cut;
    SourceLocation mark;  // of the first section
    bool transaction = true;
  };

  void Take(const TextLine& line) {
    if (line.text.substr(0, kSqlMigrateMark.size()) == kSqlMigrateMark) return Annotate(line);
    const std::string_view trimmed = TrimSpace(line.text);
    RefuseMisspelt(line, trimmed);
    if (open_ == nullptr) {
      if (trimmed.empty() || trimmed.substr(0, 2) == "--") return;
      throw SqlMigrateError(file_, line.number, "text before the first '-- +migrate'")
          .WithHint("sql-migrate leaves it out: put it into a section");
    }
    open_->cut.text.Add(line);
    if (line.text.substr(0, 3) == "-- ") return;
    if (piece_.empty() && trimmed.empty()) return;
    piece_.Add(line);
    if (!inside_ && EndsStatement(line.text)) ClosePiece();
  }

  void RefuseMisspelt(const TextLine& line, std::string_view trimmed) const {
    if (trimmed.substr(0, 2) != "--" || TrimSpace(trimmed.substr(2)).rfind("+migrate", 0) != 0) return;
    const bool shifted = line.text.front() != '-';
    throw SqlMigrateError(file_, line.number,
                          shifted ? fmt::format("white space before the annotation '{}'", trimmed)
                                  : fmt::format("'{}' is no annotation to sql-migrate", trimmed))
        .WithHint("an annotation is spelled '-- +migrate Up', from the first column on");
  }

  void Annotate(const TextLine& line) {
    const std::vector<std::string> words = SplitWords(line.text.substr(kSqlMigrateMark.size()));
    const std::string command = words.empty() ? "" : words.front();
    const bool section = command == "Up" || command == "Down";
    if (!section && command != "StatementBegin" && command != "StatementEnd") {
      throw SqlMigrateError(file_, line.number, fmt::format("unknown annotation '-- +migrate {}'", command))
          .WithHint(NearNameHint(command, {"Up", "Down", "StatementBegin", "StatementEnd"},
                                 "there are: Up, Down, StatementBegin, StatementEnd"));
    }
    for (std::size_t i = 1; i < words.size(); ++i) {
      if (section && words[i] == "notransaction") continue;
      throw SqlMigrateError(file_, line.number, fmt::format("unknown option '{}'", words[i]))
          .WithHint(NearNameHint(words[i], {"notransaction"}, "sql-migrate ignores it; there is 'notransaction'"));
    }
    if (section) {
      RefuseRest();
      Open(command == "Up" ? up_ : down_, line, words.size() > 1);
    } else if (open_ == nullptr) {
      throw SqlMigrateError(file_, line.number, fmt::format("'-- +migrate {}' before the first section", command));
    } else if (command == "StatementBegin") {
      inside_ = true;
      begin_line_ = line.number;
    } else {
      if (inside_ && !TrimSpace(piece_.text()).empty()) ClosePiece();
      inside_ = false;
    }
  }

  void Open(Side& side, const TextLine& line, bool without_transaction) {
    if (inside_) {
      throw SqlMigrateError(file_, line.number, "a section begins inside a '-- +migrate StatementBegin'");
    }
    open_ = &side;
    if (side.mark.empty()) side.mark = {file_, line.number};
    if (without_transaction) side.transaction = false;
  }

  void ClosePiece() {
    open_->cut.pieces.push_back({piece_, open_->cut.text.text().size()});
    piece_ = {};
  }

  void RefuseRest() const {
    if (TrimSpace(piece_.text()).empty()) return;
    throw SqlMigrateError(file_, piece_.first_line(),
                          "this statement does not end: sql-migrate wants a semicolon at the end of its line");
  }

  std::string file_;
  std::string text_;
  Side up_;
  Side down_;
  Side* open_ = nullptr;
  SectionText piece_;
  bool inside_ = false;  // between StatementBegin and StatementEnd
  int begin_line_ = 0;
};

// Where a file stands: numbered ones first.
using SqlMigratePlace = std::tuple<bool, std::int64_t, std::string>;

SqlMigratePlace PlaceOf(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  const std::string_view digits = LeadingDigits(name);
  std::int64_t number = 0;
  if (digits.empty()) return {true, 0, name};
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (failure != std::errc()) {
    throw Error(ErrorKind::kHistory, fmt::format("the number '{}' is too large for sql-migrate", digits))
        .WithLocation({path.string(), 0});
  }
  return {false, number, name};
}

class SqlMigrateLedger : public Ledger {
 public:
  explicit SqlMigrateLedger(std::string table) : table_(std::move(table)) {}

  std::vector<std::string> Tables() const override { return {table_}; }

  std::vector<std::string> CreateSql() const override {
    return {
        fmt::format("CREATE TABLE IF NOT EXISTS {} (id text NOT NULL PRIMARY KEY, applied_at timestamptz)", table_)};
  }

  std::vector<std::string> BeforeSql(const Step&, const History&) const override { return {}; }

  std::vector<std::string> AfterSql(const Step& step, const History& history) const override {
    if (step.direction == Direction::kDowngrade) return ForgetSql(*step.revision, history);
    return {fmt::format("INSERT INTO {} (id, applied_at) VALUES ({}, clock_timestamp()){}", table_,
                        SqlLiteral(step.revision->ledger_key),
                        step.direction == Direction::kStamp ? " ON CONFLICT (id) DO NOTHING" : "")};
  }

  std::vector<std::string> ForgetSql(const Revision& revision, const History&) const override {
    return {fmt::format("DELETE FROM {} WHERE id = {}", table_, SqlLiteral(revision.ledger_key))};
  }

  // In the order of the history: the tool sorts by the files, not by the time.
  std::vector<LedgerEntry> Read(Session& session, const History& history) const override {
    std::vector<LedgerEntry> entries = EntriesByKey(
        ReadTableIfThere(session, table_, fmt::format("SELECT id FROM {} ORDER BY id COLLATE \"C\"", table_)), history);
    std::map<std::string_view, std::size_t> places;
    for (const Revision* revision : history.Linear()) places.emplace(revision->id, places.size());
    const auto place = [&](const LedgerEntry& entry) {
      const auto found = places.find(entry.revision);
      return found == places.end() ? places.size() : found->second;
    };
    std::stable_sort(entries.begin(), entries.end(),
                     [&](const LedgerEntry& a, const LedgerEntry& b) { return place(a) < place(b); });
    return entries;
  }

 private:
  std::string table_;
};

class SqlMigrateFormat : public Format {
 public:
  std::string_view Summary() const override {
    return "sql-migrate: N_title.sql with '-- +migrate Up' and '-- +migrate Down'";
  }

  bool SharesSession() const override { return true; }

  std::vector<Revision> Read(const std::filesystem::path& directory) const override {
    std::map<SqlMigratePlace, Revision> by_place;
    for (const auto& entry : ListDirectory(directory)) {
      if (!entry.filename().string().ends_with(".sql")) continue;
      Revision& revision = by_place[PlaceOf(entry)];
      revision.id = entry.stem().string();
      revision.ledger_key = entry.filename().string();
      revision.title = TitleOfName(revision.id);
      revision.where = {entry.string(), 1};
      SqlMigrateParser(entry).ReadInto(revision);
    }
    return InOneLine(std::move(by_place));
  }

  std::unique_ptr<Ledger> MakeLedger(const ToolSettings& settings) const override {
    return std::make_unique<SqlMigrateLedger>(TableName(settings, "public.gorp_migrations"));
  }

  Recognition Recognise(const std::filesystem::path& directory) const override {
    return RecogniseByLine(directory, ".sql", "-- +migrate Up", [](std::string_view line) {
      if (line.substr(0, kSqlMigrateMark.size()) != kSqlMigrateMark) return false;
      const std::vector<std::string> words = SplitWords(line.substr(kSqlMigrateMark.size()));
      return !words.empty() && words.front() == "Up";
    });
  }

  std::vector<NewFile> MakeRevision(const Revision& revision) const override {
    RefuseMerge(revision, "sql-migrate");
    const std::string_view parent = revision.parents.empty() ? "" : LeadingDigits(revision.parents.front());
    return {{fmt::format("{}-{}.sql", NextVersion(parent), TitleSlug(revision.title)),
             "-- +migrate Up\n-- what this migration does\n\n-- +migrate Down\n-- what undoes it\n"}};
  }
};

const Registered<Format, SqlMigrateFormat> kSqlMigrate("sql-migrate");

}  // namespace

}  // namespace migproof
