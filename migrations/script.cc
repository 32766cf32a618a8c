#include "migrations/script.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "migrations/lexer.h"
#include "migrations/utf8.h"

namespace migproof {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

int CountLines(std::string_view text) { return static_cast<int>(std::count(text.begin(), text.end(), '\n')); }

// What must be known of the statement being read, besides where it stands.
struct OpenStatement {
  std::optional<std::size_t> begin;
  std::size_t end = 0;
  int depth = 0;              // of parentheses: a rule's actions hold semicolons
  std::string lead;           // initials of the first words, as RoutineInitial gives them; in a body, of its statement
  bool copy = false;          // COPY, as long as its source is not known
  bool copies_stdin = false;  // COPY ... FROM STDIN
  int bodies = 0;             // open ones: between BEGIN ATOMIC and its END
  bool body_may_end = false;  // directly behind a semicolon, or behind ATOMIC
  std::string_view previous;  // the word just before; "" where the token before is none
};

class ScriptSplitter {
 public:
  ScriptSplitter(std::string_view text, const SourceLocation& start)
      : text_(text), start_(start), lexer_(text), counted_line_(start.line) {}

  std::vector<Statement> Run();

 private:
  void TakeToken(const Token& token);
  void TakeWord(std::string_view word, bool body_may_end);
  void BeginBodyStatement();
  void CloseStatement();
  void TakeSemicolon(const Token& token);
  void TakeBackslash(const Token& token);
  void TakeCopyData(std::size_t copy_begin, std::size_t behind_copy);
  void Add(StatementKind kind, std::size_t begin, std::size_t end);
  SourceLocation At(std::size_t offset) const;
  Error Unterminated(const Token& token) const;

  std::string_view text_;
  SourceLocation start_;
  Lexer lexer_;
  OpenStatement open_;
  std::vector<Statement> statements_;
  std::size_t counted_ = 0;  // lines are counted up to here
  int counted_line_;
};

constexpr std::size_t kLeadWords = 4;

// CREATE [OR REPLACE] FUNCTION | PROCEDURE, by the initials of its words.
bool IsCreateRoutine(std::string_view lead) {
  const std::string_view kind = lead.substr(0, 3) == "COR" ? lead.substr(3, 1) : lead.substr(1, 1);
  return lead.substr(0, 1) == "C" && (kind == "F" || kind == "P");
}

// '-' for a word that has no part in it.
char RoutineInitial(std::string_view word) {
  for (const std::string_view known : {"CREATE", "OR", "REPLACE", "FUNCTION", "PROCEDURE"}) {
    if (EqualsWord(word, known)) return known.front();
  }
  return '-';
}

std::string_view TrimRight(std::string_view text) {
  const std::size_t last = text.find_last_not_of(" \t\r");
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

// "\copy t FROM STDIN": the data stand in the script, as those of the server's COPY do.
bool IsCopyCommandFromStdin(std::string_view command) {
  Lexer lexer(command, 1);
  if (!EqualsWord(lexer.Text(lexer.Next()), "COPY")) return false;
  int depth = 0;
  bool behind_from = false;
  for (Token token = lexer.Next(); token.kind != TokenKind::kEnd; token = lexer.Next()) {
    if (token.kind == TokenKind::kOpen) ++depth;
    if (token.kind == TokenKind::kClose) --depth;
    if (depth > 0) continue;
    if (behind_from) return EqualsWord(lexer.Text(token), "STDIN");
    behind_from = EqualsWord(lexer.Text(token), "FROM");
  }
  return false;
}

std::vector<Statement> ScriptSplitter::Run() {
  for (;;) {
    const Token token = lexer_.Next();
    if (!token.closed) throw Unterminated(token);
    switch (token.kind) {
      case TokenKind::kEnd:
        if (open_.begin && open_.copies_stdin) TakeCopyData(*open_.begin, text_.size());
        CloseStatement();
        return std::move(statements_);
      case TokenKind::kSemicolon: TakeSemicolon(token); break;
      case TokenKind::kBackslash: TakeBackslash(token); break;
      default: TakeToken(token); break;
    }
  }
}

void ScriptSplitter::TakeToken(const Token& token) {
  if (!open_.begin) open_.begin = token.begin;
  open_.end = token.end;
  const bool body_may_end = std::exchange(open_.body_may_end, false);
  if (token.kind == TokenKind::kWord) {
    TakeWord(lexer_.Text(token), body_may_end);
    open_.previous = lexer_.Text(token);
  } else {
    open_.previous = {};
  }
  if (token.kind == TokenKind::kOpen) ++open_.depth;
  if (token.kind == TokenKind::kClose && open_.depth > 0) --open_.depth;
  if (token.kind == TokenKind::kSemicolon && open_.bodies > 0) BeginBodyStatement();
}

// In the server's grammar the END of a body stands behind a semicolon or behind ATOMIC, and no statement of a body
// begins with END: so neither the END of a CASE nor a column that is called "end" is taken for it.
void ScriptSplitter::TakeWord(std::string_view word, bool body_may_end) {
  if (open_.lead.empty() && open_.bodies == 0) open_.copy = EqualsWord(word, "COPY");
  if (open_.lead.size() < kLeadWords) open_.lead += RoutineInitial(word);
  if (open_.depth > 0) return;
  if (body_may_end && EqualsWord(word, "END")) {
    --open_.bodies;
  } else if (EqualsWord(word, "ATOMIC") && EqualsWord(open_.previous, "BEGIN") && IsCreateRoutine(open_.lead)) {
    ++open_.bodies;
    BeginBodyStatement();
  } else if (open_.copy && EqualsWord(open_.previous, "FROM")) {
    open_.copies_stdin = EqualsWord(word, "STDIN") || EqualsWord(word, "STDOUT");
    open_.copy = false;
  }
}

void ScriptSplitter::BeginBodyStatement() {
  open_.lead.clear();
  open_.body_may_end = true;
}

void ScriptSplitter::CloseStatement() {
  if (open_.begin) Add(StatementKind::kSql, *open_.begin, open_.end);
  open_ = {};
}

void ScriptSplitter::TakeSemicolon(const Token& token) {
  if (open_.depth > 0 || open_.bodies > 0) return TakeToken(token);
  const OpenStatement closed = open_;
  CloseStatement();
  if (closed.begin && closed.copies_stdin) TakeCopyData(*closed.begin, token.end);
}

// psql's commands stand anywhere outside quotes and go to the end of their line; "\;" separates statements. The data of
// a COPY that "\g" sends, and those of "\copy", stand below that line.
void ScriptSplitter::TakeBackslash(const Token& token) {
  const OpenStatement closed = open_;
  CloseStatement();
  if (token.end < text_.size() && text_[token.end] == ';') return lexer_.Seek(token.end + 1);
  const std::size_t line_end = std::min(text_.find('\n', token.begin), text_.size());
  const std::string_view command = TrimRight(text_.substr(token.begin, line_end - token.begin));
  Add(StatementKind::kMetaCommand, token.begin, token.begin + command.size());
  lexer_.Seek(line_end);
  if (closed.copies_stdin && command.substr(0, 2) == "\\g") TakeCopyData(*closed.begin, line_end);
  if (IsCopyCommandFromStdin(command)) TakeCopyData(token.begin, line_end);
}

// The data begin on the line below the statement's semicolon.
void ScriptSplitter::TakeCopyData(std::size_t copy_begin, std::size_t behind_copy) {
  const std::size_t line_end = std::min(text_.find('\n', behind_copy), text_.size());
  const Token rest = Lexer(text_.substr(behind_copy, line_end - behind_copy)).Next();
  if (rest.kind != TokenKind::kEnd) {
    throw Error(ErrorKind::kHistory, "text behind COPY ... FROM STDIN on its line, where its data should follow")
        .WithLocation(At(behind_copy + rest.begin))
        .WithHint("begin the next statement on a line of its own, below the line '\\.' that ends the data");
  }
  const std::size_t begin = std::min(line_end + 1, text_.size());
  for (std::size_t at = begin; at < text_.size();) {
    const std::size_t next = std::min(text_.find('\n', at), text_.size());
    std::string_view line = text_.substr(at, next - at);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line == "\\.") {
      Add(StatementKind::kCopyData, begin, at);
      return lexer_.Seek(next);
    }
    at = next + 1;
  }
  throw Error(ErrorKind::kHistory, "COPY ... FROM STDIN whose data do not end")
      .WithLocation(At(copy_begin))
      .WithHint("the data stand below the statement and end with a line that holds only '\\.'");
}

void ScriptSplitter::Add(StatementKind kind, std::size_t begin, std::size_t end) {
  counted_line_ += CountLines(text_.substr(counted_, begin - counted_));
  counted_ = begin;
  statements_.push_back({kind, begin, end, counted_line_});
}

SourceLocation ScriptSplitter::At(std::size_t offset) const {
  return {start_.file, start_.line + CountLines(text_.substr(0, offset))};
}

Error ScriptSplitter::Unterminated(const Token& token) const {
  const bool dollar = text_[token.mark] == '$';
  std::string what = "string", hint = "close it with a single quote; one inside the string is written twice";
  if (dollar) {
    const std::string_view tag = text_.substr(token.mark, text_.find('$', token.mark + 1) + 1 - token.mark);
    what = "dollar quote";
    hint = fmt::format("close it with '{}', spelt exactly so", tag);
  } else if (token.kind == TokenKind::kQuotedName) {
    what = "quoted name";
    hint = "close it with a double quote; one inside the name is written twice";
  } else if (token.kind == TokenKind::kComment) {
    what = "comment";
    hint = "close it with '*/'; comments nest, so each '/*' inside it needs one of its own";
  }
  return Error(ErrorKind::kHistory, fmt::format("unterminated {}", what)).WithLocation(At(token.mark)).WithHint(hint);
}

void CheckBytes(std::string_view text, const SourceLocation& start) {
  const auto refuse = [&](std::size_t offset, const std::string& message, std::string hint) {
    throw Error(ErrorKind::kHistory, message)
        .WithLocation({start.file, start.line + CountLines(text.substr(0, offset))})
        .WithHint(std::move(hint));
  };
  if (const auto bad = FindInvalidUtf8(text)) {
    const auto byte = static_cast<unsigned char>(text[*bad]);
    refuse(*bad, fmt::format("the text is not UTF-8: byte 0x{:02X}", byte), "save the file as UTF-8");
  }
  if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos) {
    refuse(zero, "the text holds a zero byte", "SQL text can't hold one; is the file UTF-16, or not text at all?");
  }
}

}  // namespace

Script Script::Parse(std::string text, const SourceLocation& start) {
  Script script;
  script.file_ = start.file;
  script.first_line_ = std::max(start.line, 1);
  script.text_ = std::move(text);
  if (script.text_.compare(0, kByteOrderMark.size(), kByteOrderMark) == 0) {
    script.text_.erase(0, kByteOrderMark.size());
  }
  const SourceLocation first{script.file_, script.first_line_};
  CheckBytes(script.text_, first);
  script.statements_ = ScriptSplitter(script.text_, first).Run();
  return script;
}

std::string_view Script::Text(const Statement& statement) const {
  return std::string_view(text_).substr(statement.begin, statement.end - statement.begin);
}

Script Script::Join(const std::vector<Script>& parts) {
  Script joined;
  for (const Script& part : parts) {
    if (joined.parts_.empty()) {
      joined.file_ = part.file_;
      joined.first_line_ = part.first_line_;
    }
    const std::size_t begin = joined.text_.size();
    joined.parts_.push_back({begin, part.file_, part.first_line_});
    joined.text_ += part.text_;
    for (Statement statement : part.statements_) {
      statement.begin += begin;
      statement.end += begin;
      joined.statements_.push_back(statement);
    }
    // A comment may hide the semicolon of the last statement; one too many is nothing.
    const bool open = !part.empty() && part.statements_.back().kind == StatementKind::kSql;
    joined.text_ += open ? "\n;\n" : "\n";
  }
  return joined;
}

Script Script::WithoutOuter() const {
  Script inner = *this;
  for (const Statement& outer : {statements_.front(), statements_.back()}) {
    std::size_t end = outer.end;
    const Token behind = Lexer(text_, end).Next();
    if (behind.kind == TokenKind::kSemicolon) end = behind.end;
    for (std::size_t at = outer.begin; at < end; ++at) {
      const bool comment = at >= outer.end && at + 1 < end;
      if (inner.text_[at] != '\n' && !comment) inner.text_[at] = ' ';
    }
  }
  inner.statements_.assign(statements_.begin() + 1, statements_.end() - 1);
  return inner;
}

// Lines are counted from the statement before, whose line is known.
SourceLocation Script::At(std::size_t offset) const {
  offset = std::min(offset, text_.size());
  std::size_t from = 0;
  int line = first_line_;
  const std::string* file = &file_;
  for (const Part& part : parts_) {
    if (part.begin > offset) break;
    from = part.begin;
    line = part.first_line;
    file = &part.file;
  }
  const auto next = std::upper_bound(statements_.begin(), statements_.end(), offset,
                                     [](std::size_t at, const Statement& statement) { return at < statement.begin; });
  if (next != statements_.begin() && std::prev(next)->begin >= from) {
    from = std::prev(next)->begin;
    line = std::prev(next)->line;
  }
  return {*file, line + CountLines(std::string_view(text_).substr(from, offset - from))};
}

}  // namespace migproof
