// dbmate: VERSION_title.sql with the blocks '-- migrate:up' and '-- migrate:down'.
//
// Facts of the tool that this file imitates:
// - Files whose names begin with digits and end in .sql, in the order of their names; others are ignored. The version
// is
//   the digits, as text.
// - A block begins at a line '-- migrate:up' or '-- migrate:down', at its first column, with options behind it. Each up
//   is followed by one down; both are wanted. Before the first up stand comments only. Several pairs run in the order
//   of the file, in both directions.
// - A block is sent as one query. '-- migrate:up transaction:false' takes that block out of its transaction; other
//   options are ignored by the tool, and refused here, as is a line that only looks like a block's.
// - The ledger's row is written in the block's transaction.
// The blocks of one file share one transaction here, where the tool gives each pair its own and then fails to record
// the second: pairs of one file must therefore say the same of transactions.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "migrations/annotated_text.h"
#include "migrations/format.h"
#include "migrations/linear_format.h"
#include "migrations/recognise.h"
#include "migrations/session.h"

namespace migproof {

namespace {

Error DbmateError(const std::string& file, int line, const std::string& message) {
  return Error(ErrorKind::kHistory, message).WithLocation({file, line});
}

// The words behind "--" of a line that begins a block or looks like one ("migrate:up", options); else none.
std::vector<std::string> DbmateMark(std::string_view line) {
  const std::string_view comment = TrimSpace(line);
  if (comment.substr(0, 2) != "--") return {};
  std::vector<std::string> words = SplitWords(comment.substr(2));
  const bool marked = !words.empty() && words.front().rfind("migrate:", 0) == 0;
  return marked ? words : std::vector<std::string>();
}

// The blocks of one direction.
struct DbmateSide {
  SectionText text;
  SourceLocation mark;
  bool transaction = true;
};

class DbmateParser {
 public:
  explicit DbmateParser(const std::filesystem::path& path) : file_(path.string()), text_(ReadTextFile(path)) {}

  void ReadInto(Revision& revision) {
    for (const TextLine& line : SplitLines(text_)) {
      const std::vector<std::string> words = DbmateMark(line.text);
      if (!words.empty()) {
        Open(line, words);
      } else if (open_ != nullptr) {
        open_->text.Add(line);
      } else if (const auto text = TrimSpace(line.text); !text.empty() && text.substr(0, 2) != "--") {
        throw DbmateError(file_, line.number, "text before '-- migrate:up'")
            .WithHint("dbmate takes nothing but comments that begin with '--' there");
      }
    }
    if (open_ == nullptr) {
      throw DbmateError(file_, 0, "the file holds no '-- migrate:up'").WithHint("that line begins the first block");
    }
    if (open_ == &up_) {
      throw DbmateError(file_, last_up_, "no '-- migrate:down' behind this '-- migrate:up'")
          .WithHint("dbmate wants one, with nothing but a comment in it where there is nothing to undo");
    }
    revision.upgrade = SectionOf(up_, revision);
    const Section down = SectionOf(down_, revision);
    // The tool wants the block even of what can't be undone: then it holds nothing, and the revision says so.
    if (down.script.empty() && revision.Declares("irreversible")) return;
    revision.downgrade = down;
  }

 private:
  void Open(const TextLine& line, const std::vector<std::string>& words) {
    const bool up = words.front() == "migrate:up";
    if (!up && words.front() != "migrate:down") {
      throw DbmateError(file_, line.number, fmt::format("unknown annotation '-- {}'", words.front()))
          .WithHint(
              NearNameHint(words.front(), {"migrate:up", "migrate:down"}, "there are migrate:up and migrate:down"));
    }
    if (line.text.front() != '-') {
      throw DbmateError(file_, line.number, fmt::format("white space before the annotation '-- {}'", words.front()))
          .WithHint("dbmate takes it for a comment: the line begins with '--'");
    }
    if (up && open_ == &up_) {
      throw DbmateError(file_, last_up_, "no '-- migrate:down' between this '-- migrate:up' and the next");
    }
    if (!up && open_ != &up_) {
      throw DbmateError(file_, line.number,
                        open_ == nullptr ? "'-- migrate:down' comes before '-- migrate:up'"
                                         : "a second '-- migrate:down' behind one '-- migrate:up'");
    }
    if (up) last_up_ = line.number;
    open_ = up ? &up_ : &down_;
    const bool transaction = ReadOptions(line.number, words);
    if (!open_->mark.empty() && open_->transaction != transaction) {
      throw DbmateError(file_, line.number, "blocks of one file that differ in 'transaction'")
          .WithHint("put them into two files");
    }
    open_->transaction = transaction;
    if (open_->mark.empty()) open_->mark = {file_, line.number};
  }

  bool ReadOptions(int line, const std::vector<std::string>& words) const {
    bool transaction = true;
    for (std::size_t i = 1; i < words.size(); ++i) {
      const std::size_t colon = words[i].find(':');
      const std::string name = words[i].substr(0, colon);
      const std::string value = colon == std::string::npos ? "" : words[i].substr(colon + 1);
      if (name != "transaction") {
        throw DbmateError(file_, line, fmt::format("unknown option '{}'", words[i]))
            .WithHint(NearNameHint(name, {"transaction"}, "dbmate ignores it; there is transaction:false"));
      }
      if (value != "true" && value != "false") {
        throw DbmateError(file_, line, fmt::format("'transaction' is 'true' or 'false', found '{}'", value));
      }
      transaction = value == "true";
    }
    return transaction;
  }

  Section SectionOf(const DbmateSide& side, Revision& revision) const {
    Section section{side.text.Parse(file_, side.mark.line + 1),
                    side.transaction ? Execution::kTransaction : Execution::kOneQuery};
    AddDeclarations(section.script, revision.declarations);
    return section;
  }

  std::string file_;
  std::string text_;
  DbmateSide up_;
  DbmateSide down_;
  DbmateSide* open_ = nullptr;
  int last_up_ = 0;
};

class DbmateLedger : public Ledger {
 public:
  explicit DbmateLedger(std::string table) : table_(std::move(table)) {}

  std::vector<std::string> Tables() const override { return {table_}; }

  std::vector<std::string> CreateSql() const override {
    return {fmt::format("CREATE TABLE IF NOT EXISTS {} (version varchar PRIMARY KEY)", table_)};
  }

  std::vector<std::string> BeforeSql(const Step&, const History&) const override { return {}; }

  std::vector<std::string> AfterSql(const Step& step, const History& history) const override {
    if (step.direction == Direction::kDowngrade) return ForgetSql(*step.revision, history);
    return {fmt::format("INSERT INTO {} (version) VALUES ({}){}", table_, SqlLiteral(step.revision->ledger_key),
                        step.direction == Direction::kStamp ? " ON CONFLICT (version) DO NOTHING" : "")};
  }

  std::vector<std::string> ForgetSql(const Revision& revision, const History&) const override {
    return {fmt::format("DELETE FROM {} WHERE version = {}", table_, SqlLiteral(revision.ledger_key))};
  }

  std::vector<LedgerEntry> Read(Session& session, const History& history) const override {
    return EntriesByKey(
        ReadTableIfThere(session, table_, fmt::format("SELECT version FROM {} ORDER BY version COLLATE \"C\"", table_)),
        history);
  }

 private:
  std::string table_;
};

class DbmateFormat : public Format {
 public:
  std::string_view Summary() const override {
    return "dbmate: VERSION_title.sql with '-- migrate:up' and '-- migrate:down'";
  }

  bool SharesSession() const override { return true; }

  std::vector<Revision> Read(const std::filesystem::path& directory) const override {
    std::map<std::string, Revision> by_name;
    std::map<std::string, std::string, std::less<>> names;  // by version
    for (const auto& entry : ListDirectory(directory)) {
      const std::string name = entry.filename().string();
      const std::string version(LeadingDigits(name));
      if (version.empty() || !name.ends_with(".sql") || std::filesystem::is_directory(entry)) continue;
      if (const auto [there, added] = names.emplace(version, name); !added) {
        throw Error(ErrorKind::kHistory,
                    fmt::format("version '{}' is there twice: '{}' and '{}'", version, there->second, name))
            .WithHint("dbmate knows a migration by the digits alone");
      }
      Revision& revision = by_name[name];
      revision.id = entry.stem().string();
      revision.ledger_key = version;
      revision.title = TitleOfName(revision.id);
      revision.where = {entry.string(), 1};
      DbmateParser(entry).ReadInto(revision);
    }
    return InOneLine(std::move(by_name));
  }

  std::unique_ptr<Ledger> MakeLedger(const ToolSettings& settings) const override {
    return std::make_unique<DbmateLedger>(TableName(settings, "public.schema_migrations"));
  }

  Recognition Recognise(const std::filesystem::path& directory) const override {
    return RecogniseByLine(directory, ".sql", "-- migrate:up", [](std::string_view line) {
      const std::vector<std::string> words = DbmateMark(line);
      return !words.empty() && line.front() == '-' && words.front() == "migrate:up";
    });
  }

  std::vector<NewFile> MakeRevision(const Revision& revision) const override {
    RefuseMerge(revision, "dbmate");
    const std::string_view parent = revision.parents.empty() ? "" : LeadingDigits(revision.parents.front());
    return {{fmt::format("{}_{}.sql", NextVersion(parent), TitleSlug(revision.title)),
             "-- migrate:up\n-- what this migration does\n\n-- migrate:down\n-- what undoes it\n"}};
  }
};

const Registered<Format, DbmateFormat> kDbmate("dbmate");

}  // namespace

}  // namespace migproof
