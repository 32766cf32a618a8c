#include "migrations/alembic/python_module.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "migrations/error.h"

namespace migproof {

namespace {

struct PythonToken {
  enum class Kind { kName, kText, kOperator, kNewline, kEnd };
  Kind kind = Kind::kEnd;
  std::string text;   // of a string: its value
  bool plain = true;  // of a string: neither bytes nor f-string
  int line = 0;
  int column = 0;  // of the first token of its logical line
};

bool BeginsName(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0; }
bool IsInName(char c) { return BeginsName(c) || std::isdigit(static_cast<unsigned char>(c)) != 0; }

// Python's lexical analysis (The Python Language Reference, chapter 2), as far as it is needed.
class PythonLexer {
 public:
  PythonLexer(std::string_view text, const std::string& file) : text_(text), file_(file) {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") at_ = 3;
    line_start_ = at_;
  }

  PythonToken Next() {
    while (true) {
      SkipBlanks();
      if (at_ >= text_.size()) return AtEnd();
      const char c = text_[at_];
      if (c == '\n') {
        ++at_;
        const int ended = line_++;
        line_start_ = at_;
        if (depth_ > 0 || !in_line_) continue;
        in_line_ = false;
        return {PythonToken::Kind::kNewline, "", true, ended, column_};
      }
      if (!in_line_) {
        in_line_ = true;
        column_ = static_cast<int>(at_ - line_start_);
      }
      if (c == '"' || c == '\'') return Text("");
      if (BeginsName(c)) return NameOrText();
      return Operator();
    }
  }

  std::vector<std::pair<std::string, int>> TakeComments() { return std::move(comments_); }

 private:
  void SkipBlanks() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        const std::size_t end = std::min(text_.find('\n', at_), text_.size());
        comments_.emplace_back(std::string(text_.substr(at_ + 1, end - at_ - 1)), line_);
        at_ = end;
      } else if (c == '\\' && at_ + 1 < text_.size() && (text_[at_ + 1] == '\n' || text_.substr(at_, 3) == "\\\r\n")) {
        at_ += text_[at_ + 1] == '\n' ? 2 : 3;
        ++line_;
      } else if (c == ' ' || c == '\t' || c == '\r' || c == '\f') {
        ++at_;
      } else {
        return;
      }
    }
  }

  PythonToken AtEnd() {
    if (depth_ > 0) throw Broken("a bracket is not closed", opened_);
    if (!in_line_) return {PythonToken::Kind::kEnd, "", true, line_, 0};
    in_line_ = false;
    return {PythonToken::Kind::kNewline, "", true, line_, column_};
  }

  PythonToken NameOrText() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && IsInName(text_[at_])) ++at_;
    const std::string_view name = text_.substr(begin, at_ - begin);
    const bool quoted = at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'');
    if (quoted && name.size() <= 2 && name.find_first_not_of("rRbBuUfFtT") == std::string_view::npos) return Text(name);
    return {PythonToken::Kind::kName, std::string(name), true, line_, column_};
  }

  PythonToken Operator() {
    const char c = text_[at_++];
    if (c == '(' || c == '[' || c == '{') {
      if (depth_++ == 0) opened_ = line_;
    }
    if ((c == ')' || c == ']' || c == '}') && depth_ > 0) --depth_;
    // "==" and its like are no assignments.
    std::string text(1, c);
    if (at_ < text_.size() && text_[at_] == '=' &&
        std::string_view("=!<>+-*/%&|^:@").find(c) != std::string_view::npos) {
      text += text_[at_++];
    }
    return {PythonToken::Kind::kOperator, text, true, line_, column_};
  }

  PythonToken Text(std::string_view prefix) {
    PythonToken token{PythonToken::Kind::kText, "", true, line_, column_};
    const bool raw = prefix.find_first_of("rR") != std::string_view::npos;
    token.plain = prefix.find_first_of("bBfFtT") == std::string_view::npos;
    const char quote = text_[at_];
    const bool triple = text_.substr(at_, 3) == std::string(3, quote);
    at_ += triple ? 3 : 1;
    const int opened = line_;
    while (true) {
      if (at_ >= text_.size()) throw Broken("a string is not closed", opened);
      const char c = text_[at_];
      if (c == quote && (!triple || text_.substr(at_, 3) == std::string(3, quote))) break;
      if (c == '\n') {
        if (!triple) throw Broken("a string is not closed", opened);
        ++line_;
      }
      if (c == '\\' && at_ + 1 < text_.size()) {
        TakeEscape(raw, token.text);
        continue;
      }
      token.text += c;
      ++at_;
    }
    at_ += triple ? 3 : 1;
    return token;
  }

  void TakeEscape(bool raw, std::string& value) {
    const char c = text_[at_ + 1];
    if (c == '\n') ++line_;
    if (raw) {
      value += '\\';
      value += c;
    } else {
      switch (c) {
        case '\n': break;
        case 'n': value += '\n'; break;
        case 't': value += '\t'; break;
        case 'r': value += '\r'; break;
        case '\\':
        case '\'':
        case '"': value += c; break;
        default: value += std::string("\\") + c;  // ids and statements have no use for the others
      }
    }
    at_ += 2;
  }

  Error Broken(const std::string& what, int line) const {
    return Error(ErrorKind::kHistory, fmt::format("not Python: {}", what)).WithLocation({file_, line});
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  int line_ = 1;
  int column_ = 0;
  int depth_ = 0;
  int opened_ = 0;  // the line of the outermost open bracket
  bool in_line_ = false;
  std::vector<std::pair<std::string, int>> comments_;
};

class PythonReader {
 public:
  PythonReader(std::string_view text, const std::string& file) {
    PythonLexer lexer(text, file);
    while (true) {
      tokens_.push_back(lexer.Next());
      if (tokens_.back().kind == PythonToken::Kind::kEnd) break;
    }
    module_.comments = lexer.TakeComments();
  }

  PythonModule Read() {
    FindKeywords();
    if (Here().kind == PythonToken::Kind::kText && Here().plain) module_.docstring = Here().text;
    while (Here().kind != PythonToken::Kind::kEnd) {
      if (Here().column == 0) {
        TakeStatement();
      } else {
        SkipLine();
      }
    }
    return std::move(module_);
  }

 private:
  using Kind = PythonToken::Kind;

  const PythonToken& Here(std::size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  bool IsOperator(std::string_view text, std::size_t ahead = 0) const {
    return Here(ahead).kind == Kind::kOperator && Here(ahead).text == text;
  }
  bool IsName(std::string_view text, std::size_t ahead = 0) const {
    return Here(ahead).kind == Kind::kName && Here(ahead).text == text;
  }

  void SkipLine() {
    while (Here().kind != Kind::kNewline && Here().kind != Kind::kEnd) ++at_;
    if (Here().kind == Kind::kNewline) ++at_;
  }

  void TakeStatement() {
    if (IsName("def") && Here(1).kind == Kind::kName) return TakeFunction();
    if (Here().kind != Kind::kName) return SkipLine();
    const PythonToken name = Here();
    ++at_;
    if (IsOperator(":")) {  // an annotation
      while (!IsOperator("=") && Here().kind != Kind::kNewline && Here().kind != Kind::kEnd) ++at_;
    }
    if (!IsOperator("=")) return SkipLine();
    ++at_;
    PythonValue value = TakeValue();
    if (Here().kind != Kind::kNewline && Here().kind != Kind::kEnd && !IsOperator(";")) value = {};
    value.line = name.line;
    module_.values[name.text] = std::move(value);
    SkipLine();
  }

  PythonValue TakeValue() {
    PythonValue value;
    if (IsName("None")) {
      value.kind = PythonValue::Kind::kNone;
      ++at_;
    } else if (Here().kind == Kind::kText) {
      value.kind = PythonValue::Kind::kText;
      value.texts.emplace_back();
      for (; Here().kind == Kind::kText; ++at_) {
        if (!Here().plain) value.kind = PythonValue::Kind::kOther;
        value.texts.front() += Here().text;
      }
    } else if (Here().kind == Kind::kName && module_.values.contains(Here().text)) {
      value = module_.values.at(Here().text);
      ++at_;
    } else if (IsOperator("(") || IsOperator("[") || IsOperator("{")) {
      value = TakeItems();
    }
    return value;
  }

  // "(a)" is a; "(a,)", "[a]" and "{a}" hold a.
  PythonValue TakeItems() {
    const bool parenthesis = IsOperator("(");
    const std::string close = parenthesis ? ")" : IsOperator("[") ? "]" : "}";
    ++at_;
    PythonValue items;
    items.kind = PythonValue::Kind::kTexts;
    bool comma = false;
    while (!IsOperator(close)) {
      const std::size_t before = at_;
      const PythonValue item = TakeValue();
      if (at_ == before || Here().kind == Kind::kEnd) return {};
      if (item.kind == PythonValue::Kind::kText) {
        items.texts.push_back(item.texts.front());
      } else if (parenthesis && IsOperator(close) && !comma) {
        ++at_;
        return item;
      } else {
        items.kind = PythonValue::Kind::kOther;
      }
      if (IsOperator(",")) {
        comma = true;
        ++at_;
      } else if (!IsOperator(close)) {
        return {};
      }
    }
    ++at_;
    if (parenthesis && !comma && items.texts.size() == 1 && items.kind == PythonValue::Kind::kTexts) {
      items.kind = PythonValue::Kind::kText;
    }
    return items;
  }

  void TakeFunction() {
    PythonFunction function;
    function.line = Here().line;
    const std::string name = Here(1).text;
    int depth = 0;
    while (Here().kind != Kind::kNewline && Here().kind != Kind::kEnd) {
      if (IsOperator("(") || IsOperator("[") || IsOperator("{")) ++depth;
      if (IsOperator(")") || IsOperator("]") || IsOperator("}")) --depth;
      if (IsOperator(":") && depth == 0) break;
      ++at_;
    }
    if (IsOperator(":")) ++at_;
    if (Here().kind == Kind::kNewline) ++at_;
    if (Here().kind == Kind::kText && Here(1).kind == Kind::kNewline) at_ += 2;  // its docstring
    TakeRefusal(function);
    const std::size_t begin = at_;
    while (Here().kind != Kind::kEnd && (Here().column > 0 || at_ == begin || Here().line == function.line)) {
      if (Here().kind == Kind::kText) function.literals.push_back(Here().text);
      ++at_;
    }
    module_.functions[name] = std::move(function);
  }

  void TakeRefusal(PythonFunction& function) {
    if (Here().column == 0 && Here().line != function.line) return;
    if (!IsName("raise") || !IsName("NotImplementedError", 1)) return;
    function.refuses = true;
    for (std::size_t i = 2; Here(i).kind != Kind::kNewline && Here(i).kind != Kind::kEnd; ++i) {
      if (Here(i).kind == Kind::kText) function.refusal += Here(i).text;
    }
  }

  void FindKeywords() {
    for (std::size_t i = 0; i + 2 < tokens_.size(); ++i) {
      const bool keyword = tokens_[i].kind == Kind::kName && tokens_[i + 1].kind == Kind::kOperator &&
                           tokens_[i + 1].text == "=" && tokens_[i + 2].kind == Kind::kText && tokens_[i + 2].plain;
      if (keyword) module_.keywords[tokens_[i].text] = tokens_[i + 2].text;
    }
  }

  std::vector<PythonToken> tokens_;
  std::size_t at_ = 0;
  PythonModule module_;
};

}  // namespace

PythonModule PythonModule::Parse(std::string_view text, const std::string& file) {
  return PythonReader(text, file).Read();
}

}  // namespace migproof
