#include "migrations/liquibase/changelog.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "migrations/ledger.h"
#include "migrations/lexer.h"
#include "migrations/liquibase/text.h"

namespace migproof {

namespace {

const std::vector<std::string> kLiquibaseWords = {
    "changeset",   "rollback", "comment",    "preconditions", "precondition-sql-check",   "precondition-table-exists",
    "property",    "include",  "includeall", "validchecksum", "precondition-view-exists", "ignorelines",
    "precondition"};

const std::vector<std::string> kLiquibaseAttributes = {"stripComments",
                                                       "splitStatements",
                                                       "endDelimiter",
                                                       "runOnChange",
                                                       "runAlways",
                                                       "context",
                                                       "contextFilter",
                                                       "logicalFilePath",
                                                       "labels",
                                                       "runInTransaction",
                                                       "failOnError",
                                                       "dbms",
                                                       "ignore",
                                                       "objectQuotingStrategy",
                                                       "created",
                                                       "runWith",
                                                       "runWithSpoolFile",
                                                       "rollbackEndDelimiter",
                                                       "rollbackSplitStatements",
                                                       "runOrder"};

// The lines of a changeset, sorted out. Each part keeps the place of every line: what belongs elsewhere is blank.
struct ChangesetText {
  std::string upgrade;
  std::string rollback;
  bool has_rollback = false;
  bool in_rollback_comment = false;
  std::string preconditions;  // statements that fail where one is not met
  std::string on_fail = "HALT";
  std::string on_error = "HALT";
  bool has_preconditions = false;
  std::string end_delimiter;
  std::optional<std::string> rollback_delimiter;
  SourceLocation start;  // of the first line behind the mark
};

class LiquibaseReader {
 public:
  LiquibaseReader(std::string path, std::string file, std::map<std::string, std::string> properties)
      : path_(std::move(path)), file_(std::move(file)) {
    log_.properties = std::move(properties);
  }

  LiquibaseChangelog Read(std::string_view text) {
    if (!IsLiquibaseSql(text)) {
      throw Error(ErrorKind::kHistory, "the file does not begin with '--liquibase formatted sql'")
          .WithLocation({file_, 1});
    }
    bool header = true;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      ++line_;
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (header && TrimLiquibase(line).empty()) continue;
      if (!std::exchange(header, false)) TakeLine(line);
    }
    FinishChangeset();
    return std::move(log_);
  }

 private:
  SourceLocation Here() const { return {file_, line_}; }
  Error Complaint(const std::string& message) const { return Error(ErrorKind::kHistory, message).WithLocation(Here()); }

  void TakeLine(std::string_view line) {
    if (ignored_lines_ > 0) {
      --ignored_lines_;
      return AddLine("", "");
    }
    if (open_ && parts_.in_rollback_comment) return TakeRollbackComment(line);
    const auto mark = LiquibaseMarkOf(line);
    if (ignoring_) {
      if (mark && mark->word == "ignorelines" && mark->rest.find("end") != std::string_view::npos) ignoring_ = false;
      return AddLine("", "");
    }
    if (mark && TakeMark(*mark)) return;
    if (StartsRollbackComment(line)) {
      parts_.in_rollback_comment = parts_.has_rollback = true;
      return AddLine("", "");
    }
    if (mark && mark->attached) RefuseNearMiss(*mark);
    if (!open_ && !TrimLiquibase(line).empty() && TrimLiquibase(line).substr(0, 2) != "--") {
      throw Complaint("a statement above the first changeset").WithHint("'--changeset AUTHOR:ID' begins one");
    }
    AddLine(Substitute(line), "");
  }

  // True where the line is the tool's, not the script's.
  bool TakeMark(const LiquibaseMark& mark) {
    const std::string& word = mark.word;
    if (IsProse(mark)) return false;
    if (word == "changeset") {
      FinishChangeset();
      BeginChangeset(mark.rest);
    } else if (word == "property") {
      TakeProperty(mark.rest);
      AddLine("", "");
    } else if (word == "include" || word == "includeall") {
      FinishChangeset();
      TakeInclude(mark.rest, word == "includeall");
    } else if (word == "ignorelines") {
      TakeIgnoreLines(mark.rest);
      AddLine("", "");
    } else if (!open_) {
      return false;
    } else if (word == "rollback") {
      TakeRollback(mark.rest);
    } else if (word == "comment") {
      std::string_view rest = mark.rest;
      if (!rest.empty() && rest.front() == ':') rest.remove_prefix(1);
      changeset_.comment = TrimLiquibase(rest);
      AddLine("", "");
    } else if (word == "preconditions") {
      TakePreconditions(mark.rest);
      AddLine("", "");
    } else if (word.rfind("precondition-", 0) == 0) {
      TakePrecondition(word, mark.rest);
      AddLine("", "");
    } else if (word == "validchecksum") {
      AddLine("", "");
    } else {
      return false;
    }
    return true;
  }

  // "-- include all of it" in the text of a script.
  static bool IsProse(const LiquibaseMark& mark) {
    if (mark.attached) return false;
    const auto holds = [&](const char* key) { return mark.rest.find(key) != std::string_view::npos; };
    if (mark.word == "property") return !holds("name:");
    if (mark.word == "include" || mark.word == "includeall") return !holds("file:") && !holds("path:");
    return false;
  }

  void RefuseNearMiss(const LiquibaseMark& mark) const {
    const std::string near = NearName(mark.word, kLiquibaseWords);
    if (near.empty()) return;
    throw Complaint(
        fmt::format("'--{}' is no word of the format: the tool would take the line for a comment", mark.word))
        .WithHint(fmt::format("did you mean '--{}'? In a comment, leave a blank behind '--'", near));
  }

  void AddLine(std::string_view upgrade, std::string_view rollback) {
    if (!open_) return;
    parts_.upgrade.append(upgrade);
    parts_.upgrade += '\n';
    parts_.rollback.append(rollback);
    parts_.rollback += '\n';
  }

  void BeginChangeset(std::string_view rest) {
    changeset_ = {};
    parts_ = {};
    open_ = true;
    changeset_.where = Here();
    changeset_.path = path_;
    parts_.start = {file_, line_ + 1};
    changeset_.author = TrimLiquibase(TakeLiquibaseWord(rest, ":"));
    if (rest.empty() || rest.front() != ':' || changeset_.author.empty()) {
      throw Complaint("a changeset without author and id").WithHint("--changeset AUTHOR:ID [attribute:value ...]");
    }
    rest.remove_prefix(1);
    changeset_.id = TakeLiquibaseWord(rest, " \t");
    if (changeset_.id.empty()) throw Complaint("a changeset without an id").WithHint("--changeset AUTHOR:ID");
    for (const auto& [key, value] : TakeLiquibaseAttributes(rest, Here())) TakeAttribute(key, value);
  }

  void TakeAttribute(const std::string& key, const std::string& value) {
    if (key == "runInTransaction") {
      changeset_.in_transaction = LiquibaseFlag(key, value, Here());
    } else if (key == "splitStatements") {
      changeset_.one_query = !LiquibaseFlag(key, value, Here());
    } else if (key == "runOnChange" || key == "runAlways") {
      changeset_.runs_again = LiquibaseFlag(key, value, Here()) || changeset_.runs_again;
    } else if (key == "context" || key == "contextFilter") {
      changeset_.context = value;
    } else if (key == "labels") {
      changeset_.labels = value;
    } else if (key == "logicalFilePath") {
      changeset_.path = value;
    } else if (key == "dbms") {
      changeset_.ignored = changeset_.ignored || !IsForPostgres(value);
    } else if (key == "ignore") {
      changeset_.ignored = LiquibaseFlag(key, value, Here()) || changeset_.ignored;
    } else if (key == "endDelimiter") {
      parts_.end_delimiter = Delimiter(value);
    } else if (key == "rollbackEndDelimiter") {
      parts_.rollback_delimiter = Delimiter(value);
    } else if (key == "failOnError") {
      if (LiquibaseFlag(key, value, Here())) return;
      throw Complaint(
          "'failOnError:false' lets a changeset fail and counts it as done: what it leaves can't be verified")
          .WithHint("write it so that it does not fail");
    } else if (key == "runWith") {
      if (LowerLiquibase(value) == "jdbc") return;
      throw Complaint(fmt::format("'runWith:{}' has another program run the changeset, which is not done here", value));
    } else if (std::find(kLiquibaseAttributes.begin(), kLiquibaseAttributes.end(), key) == kLiquibaseAttributes.end()) {
      throw Complaint(fmt::format("unknown attribute '{}'", key))
          .WithHint(NearNameHint(key, kLiquibaseAttributes,
                                 fmt::format("the attributes there are: {}", fmt::join(kLiquibaseAttributes, ", "))));
    }
  }

  // The tool takes a regular expression; here it is a text, with white space that may stand around it left out.
  std::string Delimiter(std::string value) const {
    for (const std::string_view blank : {"\\n", "\\r", "\\s*", "\\s+", "\n", "^", "$"}) {
      for (std::size_t at; (at = value.find(blank)) != std::string::npos;) value.erase(at, blank.size());
    }
    if (value == ";") return "";
    if (value.empty() || value.find_first_of("\\[](){}*+?|.'\"") != std::string::npos) {
      throw Complaint(fmt::format("'endDelimiter:{}' is not understood", value))
          .WithHint("a plain text such as '/', '//', '@@' or 'GO' is");
    }
    return value;
  }

  void TakeProperty(std::string_view rest) {
    std::string name;
    std::string value;
    bool wanted = true;
    for (const auto& [key, text] : TakeLiquibaseAttributes(rest, Here())) {
      if (key == "name") name = text;
      if (key == "value") value = text;
      if (key == "dbms") wanted = IsForPostgres(text);
      if (key == "context" || key == "contextFilter" || key == "labels") {
        throw Complaint("a property for some contexts or labels only is not understood")
            .WithHint("give its value in migproof.json: \"tool\": {\"property.NAME\": \"...\"}");
      }
    }
    if (name.empty()) throw Complaint("a property without a name").WithHint("--property name:NAME value:VALUE");
    if (wanted) log_.properties.try_emplace(name, value);  // the first one counts
  }

  void TakeInclude(std::string_view rest, bool all) {
    LiquibaseInclude include{.path = "", .all = all, .relative = false, .where = Here()};
    for (const auto& [key, value] : TakeLiquibaseAttributes(rest, Here())) {
      if (key == "file" || key == "path") {
        include.path = value;
      } else if (key == "relativeToChangelogFile") {
        include.relative = LiquibaseFlag(key, value, Here());
      } else {
        throw Complaint(fmt::format("an include with '{}' is not understood", key));
      }
    }
    if (include.path.empty()) {
      throw Complaint(fmt::format("an include without a {}", all ? "path" : "file"));
    }
    log_.entries.push_back({std::nullopt, include});
  }

  void TakeIgnoreLines(std::string_view rest) {
    if (!rest.empty() && rest.front() == ':') rest = TrimLiquibase(rest.substr(1));
    if (rest == "start") {
      ignoring_ = true;
    } else if (!rest.empty() && rest.size() < 6 && rest.find_first_not_of("0123456789") == std::string_view::npos) {
      ignored_lines_ = std::stoi(std::string(rest));
    } else {
      throw Complaint(fmt::format("'ignoreLines' takes a number, 'start' or 'end', found '{}'", rest));
    }
  }

  void TakeRollback(std::string_view rest) {
    if (!rest.empty() && rest.front() == ':') rest = TrimLiquibase(rest.substr(1));
    parts_.has_rollback = true;
    const std::string lower = LowerLiquibase(rest);
    if (lower == "empty" || lower == "not required") rest = "";
    if (lower.rfind("changesetid:", 0) == 0 || lower.rfind("changesetauthor:", 0) == 0) {
      throw Complaint("a rollback that names another changeset is not understood")
          .WithHint("write the statements that it would run");
    }
    AddLine("", Substitute(rest));
  }

  static bool StartsRollbackComment(std::string_view line) {
    line = TrimLiquibase(line);
    if (line.substr(0, 2) != "/*") return false;
    const std::string words = LowerLiquibase(TrimLiquibase(line.substr(2)));
    return words.rfind("liquibase", 0) == 0 && words.find("rollback") != std::string::npos;
  }

  void TakeRollbackComment(std::string_view line) {
    const std::size_t close = line.find("*/");
    parts_.in_rollback_comment = close == std::string_view::npos;
    AddLine("", Substitute(line.substr(0, close)));
  }

  void TakePreconditions(std::string_view rest) {
    parts_.has_preconditions = true;
    for (const auto& [key, value] : TakeLiquibaseAttributes(rest, Here())) {
      if (key == "onFail") parts_.on_fail = value;
      if (key == "onError") parts_.on_error = value;
    }
    for (const std::string& on : {parts_.on_fail, parts_.on_error}) {
      if (on == "HALT" || on == "WARN") continue;
      throw Complaint(fmt::format("preconditions with '{}' let the database decide whether the changeset runs", on))
          .WithHint("only HALT and WARN can be verified: say in the statements themselves what is to be done when");
    }
  }

  void TakePrecondition(const std::string& word, std::string_view rest) {
    if (!parts_.has_preconditions) {
      throw Complaint("a precondition without '--preconditions' above it").WithHint("--preconditions onFail:HALT");
    }
    std::string condition;
    if (word == "precondition-sql-check") {
      constexpr std::string_view kExpected = "expectedResult:";
      if (rest.substr(0, kExpected.size()) != kExpected) throw Complaint("a check without 'expectedResult:'");
      rest.remove_prefix(kExpected.size());
      const std::string expected = TakeLiquibaseWord(rest, " \t");
      std::string query = Substitute(TrimLiquibase(rest));
      while (!query.empty() && (query.back() == ';' || IsLiquibaseBlank(query.back()))) query.pop_back();
      condition = fmt::format("({})::text IS NOT DISTINCT FROM {}", query, SqlLiteral(expected));
    } else if (word == "precondition-table-exists" || word == "precondition-view-exists") {
      std::string name;
      std::string schema;
      for (const auto& [key, value] : TakeLiquibaseAttributes(rest, Here())) {
        if (key == "table" || key == "view" || key == "tableName" || key == "viewName") name = value;
        if (key == "schema" || key == "schemaName") schema = value;
      }
      condition = fmt::format("to_regclass({}) IS NOT NULL",
                              SqlLiteral(Substitute(schema.empty() ? name : schema + "." + name)));
    } else {
      throw Complaint(fmt::format("'--{}' is not understood", word))
          .WithHint(
              NearNameHint(word, kLiquibaseWords, "say it with --precondition-sql-check expectedResult:N SELECT ..."));
    }
    if (parts_.on_fail == "WARN") return;
    parts_.preconditions += fmt::format(
        "DO $precondition$ BEGIN IF NOT ({}) THEN RAISE EXCEPTION 'the precondition is not met'; END IF; END "
        "$precondition$; ",
        condition);
  }

  // "${name}" of a property that is known; the tool leaves others as they are, and what they should be is not known.
  std::string Substitute(std::string_view line) const {
    std::string text;
    for (;;) {
      const std::size_t open = line.find("${");
      const std::size_t close = open == std::string_view::npos ? open : line.find('}', open);
      if (close == std::string_view::npos) return text.append(line);
      const std::string name(line.substr(open + 2, close - open - 2));
      const auto found = log_.properties.find(name);
      if (found == log_.properties.end()) {
        throw Complaint(fmt::format("the placeholder '${{{}}}' has no value", name))
            .WithHint(fmt::format("--property name:{0} value:..., or \"tool\": {{\"property.{0}\": \"...\"}} in "
                                  "migproof.json",
                                  name));
      }
      text.append(line.substr(0, open)).append(found->second);
      line.remove_prefix(close + 1);
    }
  }

  // Where the delimiter ends a line outside of quotes and comments there is a semicolon instead.
  static std::string WithSemicolons(std::string text, const std::string& delimiter) {
    if (delimiter.empty()) return text;
    std::vector<std::size_t> places;
    Lexer lexer(text);
    for (Token token = lexer.Next(); token.kind != TokenKind::kEnd && token.closed; token = lexer.Next()) {
      const std::string_view there = std::string_view(text).substr(token.begin, delimiter.size());
      if (LowerLiquibase(there) != LowerLiquibase(delimiter)) continue;
      const std::size_t behind = text.find_first_not_of(" \t\r", token.begin + delimiter.size());
      if (behind != std::string::npos && text[behind] != '\n') continue;
      places.push_back(token.begin);
      lexer.Seek(token.begin + delimiter.size());
    }
    for (const std::size_t at : places) {
      std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(at), delimiter.size(), ' ');
      text[at] = ';';
    }
    return text;
  }

  void FinishChangeset() {
    if (!std::exchange(open_, false)) return;
    if (parts_.in_rollback_comment) {
      throw Error(ErrorKind::kHistory, "a rollback comment that does not end")
          .WithLocation(changeset_.where)
          .WithHint("close it with '*/'");
    }
    const std::string key = changeset_.Name();
    const auto [there, added] = seen_.emplace(key, changeset_.where.line);
    if (!added) {
      throw Error(ErrorKind::kHistory, fmt::format("changeset '{}:{}' is there twice: the first is on line {}",
                                                   changeset_.author, changeset_.id, there->second))
          .WithLocation(changeset_.where);
    }
    changeset_.upgrade = Script::Parse(
        parts_.preconditions + WithSemicolons(std::move(parts_.upgrade), parts_.end_delimiter), parts_.start);
    if (parts_.has_rollback) {
      const std::string& delimiter = parts_.rollback_delimiter.value_or(parts_.end_delimiter);
      changeset_.rollback = Script::Parse(WithSemicolons(std::move(parts_.rollback), delimiter), parts_.start);
    }
    log_.entries.push_back({std::move(changeset_), std::nullopt});
  }

  std::string path_;
  std::string file_;
  int line_ = 0;
  LiquibaseChangelog log_;
  std::map<std::string, int> seen_;  // lines of the changesets by name
  bool open_ = false;                // within a changeset
  LiquibaseChangeset changeset_;
  ChangesetText parts_;
  int ignored_lines_ = 0;
  bool ignoring_ = false;
};

}  // namespace

LiquibaseChangelog LiquibaseChangelog::Parse(std::string_view text, const std::string& path, const std::string& file,
                                             std::map<std::string, std::string> properties) {
  return LiquibaseReader(path, file, std::move(properties)).Read(text);
}

}  // namespace migproof
