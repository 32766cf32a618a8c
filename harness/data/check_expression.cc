#include "harness/data/check_expression.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>

namespace migproof {

namespace {

using Kind = CheckExpression::Kind;

struct CheckToken {
  enum class Kind { kName, kQuotedName, kNumber, kText, kSymbol, kEnd };
  Kind kind = Kind::kEnd;
  std::string text;  // names as they stand, texts less their quotes
};

bool IsNameByte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' || (c & 0x80) != 0;
}

class CheckTokenizer {
 public:
  explicit CheckTokenizer(const std::string& text) : text_(text) {}

  std::vector<CheckToken> Tokens() {
    std::vector<CheckToken> tokens;
    while (true) {
      while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
      if (at_ >= text_.size()) break;
      tokens.push_back(Next());
    }
    tokens.push_back({});
    return tokens;
  }

 private:
  CheckToken Next() {
    using TokenKind = CheckToken::Kind;
    const char c = text_[at_];
    if (c == '\'') return {TokenKind::kText, Quoted(false)};
    if (c == 'E' && at_ + 1 < text_.size() && text_[at_ + 1] == '\'') {
      ++at_;
      return {TokenKind::kText, Quoted(true)};
    }
    if (c == '"') {
      const std::size_t start = at_++;
      while (at_ < text_.size() && (text_[at_] != '"' || (at_ + 1 < text_.size() && text_[at_ + 1] == '"'))) {
        at_ += text_[at_] == '"' ? 2 : 1;
      }
      ++at_;
      return {TokenKind::kQuotedName, text_.substr(start, at_ - start)};
    }
    if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      return {TokenKind::kNumber,
              While([](char d) { return std::isdigit(static_cast<unsigned char>(d)) != 0 || d == '.'; })};
    }
    if (IsNameByte(c)) return {TokenKind::kName, While(IsNameByte)};
    static const std::string operators = "+-*/<>=~!@#%^&|`?";
    if (operators.find(c) != std::string::npos) {
      return {TokenKind::kSymbol, While([](char d) { return operators.find(d) != std::string::npos; })};
    }
    if (text_.compare(at_, 2, "::") == 0) {
      at_ += 2;
      return {TokenKind::kSymbol, "::"};
    }
    return {TokenKind::kSymbol, std::string(1, text_[at_++])};
  }

  template <typename Predicate>
  std::string While(Predicate holds) {
    const std::size_t start = at_;
    while (at_ < text_.size() && holds(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }

  std::string Quoted(bool escapes) {
    std::string value;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\'') {
        if (at_ + 1 >= text_.size() || text_[at_ + 1] != '\'') break;
        ++at_;
      } else if (escapes && text_[at_] == '\\' && at_ + 1 < text_.size()) {
        ++at_;
      }
      value += text_[at_];
    }
    ++at_;
    return value;
  }

  const std::string& text_;
  std::size_t at_ = 0;
};

// Where a part has no known form, the nearest enclosing parentheses become an unknown: what stands beside them is still
// understood.
class CheckParser {
 public:
  explicit CheckParser(std::vector<CheckToken> tokens) : tokens_(std::move(tokens)) {}

  CheckExpression Parse() {
    if (!TakeWord("CHECK")) return {};
    return Parenthesised().value_or(CheckExpression());
  }

 private:
  using TokenKind = CheckToken::Kind;
  using Parsed = std::optional<CheckExpression>;

  const CheckToken& Peek(std::size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }

  bool IsWord(const char* word, std::size_t ahead = 0) const {
    return Peek(ahead).kind == TokenKind::kName && Peek(ahead).text == word;
  }
  bool TakeWord(const char* word) {
    if (!IsWord(word)) return false;
    ++at_;
    return true;
  }
  bool IsSymbol(const char* symbol) const { return Peek().kind == TokenKind::kSymbol && Peek().text == symbol; }
  bool TakeSymbol(const char* symbol) {
    if (!IsSymbol(symbol)) return false;
    ++at_;
    return true;
  }

  // Where the inside is not understood, all of it up to the closing parenthesis is an unknown.
  Parsed Parenthesised() {
    const std::size_t start = at_;
    if (!TakeSymbol("(")) return std::nullopt;
    Parsed inside = Or();
    if (inside && TakeSymbol(")")) return inside;
    at_ = start;
    if (!SkipParentheses()) return std::nullopt;
    return CheckExpression();
  }

  bool SkipParentheses() {
    int depth = 0;
    do {
      if (IsSymbol("(")) ++depth;
      if (IsSymbol(")")) --depth;
      if (Peek().kind == TokenKind::kEnd) return false;
      ++at_;
    } while (depth > 0);
    return true;
  }

  static CheckExpression Call(std::string name, std::vector<CheckExpression> parts) {
    return {Kind::kCall, std::move(name), std::move(parts)};
  }

  Parsed Or() { return Chain("OR", "or", &CheckParser::And); }
  Parsed And() { return Chain("AND", "and", &CheckParser::Not); }

  Parsed Chain(const char* word, const char* name, Parsed (CheckParser::*part)()) {
    std::vector<CheckExpression> parts;
    do {
      Parsed next = (this->*part)();
      if (!next) return std::nullopt;
      parts.push_back(*next);
    } while (TakeWord(word));
    return parts.size() == 1 ? parts.front() : Call(name, parts);
  }

  Parsed Not() {
    if (!TakeWord("NOT")) return Comparison();
    const Parsed inside = Not();
    if (!inside) return std::nullopt;
    return Call("not", {*inside});
  }

  Parsed Comparison() {
    Parsed left = Sum();
    while (left) {
      if (IsWord("IS")) {
        left = Is(*left);
        continue;
      }
      if (IsInWords(IsWord("NOT") ? 1 : 0)) {
        left = InWords(*left);
        continue;
      }
      const std::size_t start = at_;
      const bool qualified = TakeWord("OPERATOR");
      const std::string name = qualified ? QualifiedOperator() : Peek().text;
      static const std::set<std::string> operators = {"=",  "<>", "<",   "<=", ">",   ">=",  "~",
                                                      "~*", "!~", "!~*", "~~", "!~~", "~~*", "!~~*"};
      if (Peek().kind != TokenKind::kSymbol || operators.count(name) == 0) {
        at_ = start;
        return left;
      }
      ++at_;
      left = IsWord("ANY") || IsWord("ALL") ? Quantified(*left, name) : Binary(*left, name, Sum());
      if (left) left = Caseless(*left, qualified);
    }
    return left;
  }

  bool IsInWords(std::size_t ahead) const {
    return IsWord("IN", ahead) || IsWord("BETWEEN", ahead) || IsWord("LIKE", ahead) || IsWord("ILIKE", ahead);
  }

  // What the server writes with operators, and users in words.
  Parsed InWords(const CheckExpression& left) {
    const bool negated = TakeWord("NOT");
    Parsed test;
    if (TakeWord("LIKE")) test = Binary(left, "~~", Sum());
    if (TakeWord("ILIKE")) test = Binary(left, "~~*", Sum());
    if (TakeWord("IN")) test = InList(left);
    if (TakeWord("BETWEEN")) {
      const Parsed low = Binary(left, ">=", Sum());
      if (!low || !TakeWord("AND")) return std::nullopt;
      const Parsed high = Binary(left, "<=", Sum());
      if (high) test = Call("and", {*low, *high});
    }
    if (!test || !negated) return test;
    return Call("not", {*test});
  }

  Parsed InList(const CheckExpression& left) {
    if (!TakeSymbol("(")) return std::nullopt;
    CheckExpression array{Kind::kArray, "", {}};
    do {
      const Parsed element = Or();
      if (!element) return std::nullopt;
      array.parts.push_back(*element);
    } while (TakeSymbol(","));
    if (!TakeSymbol(")")) return std::nullopt;
    return CheckExpression{Kind::kAny, "=", {left, array}};
  }

  // "~" of "(public.~)", up to its closing parenthesis; "" where it is something else.
  std::string QualifiedOperator() {
    if (!TakeSymbol("(")) return "";
    ++at_;
    if (!TakeSymbol(".")) return "";
    const std::string name = tokens_[at_++].text;
    return IsSymbol(")") ? name : "";
  }

  // With values of citext, a pattern matches whatever the case is. The operators of others that are not the server's
  // own may mean anything, and so may those that put in order, by the rules of a language.
  static Parsed Caseless(CheckExpression comparison, bool qualified) {
    const bool caseless = std::ranges::any_of(comparison.parts, IsCitext);
    std::string& name = comparison.text;
    if (qualified && (!caseless || name[0] == '>' || (name[0] == '<' && name != "<>"))) return std::nullopt;
    if (caseless && name.find('~') != std::string::npos && !name.ends_with("*")) name += "*";
    return comparison;
  }

  static bool IsCitext(const CheckExpression& value) {
    if (value.kind == Kind::kArray) return std::ranges::any_of(value.parts, IsCitext);
    const std::string type = value.text.substr(0, value.text.find("[]"));
    return value.kind == Kind::kCast && (type == "citext" || type.ends_with(".citext"));
  }

  static Parsed Binary(const CheckExpression& left, const std::string& name, const Parsed& right) {
    if (!right) return std::nullopt;
    return Call(name, {left, *right});
  }

  Parsed Quantified(const CheckExpression& left, const std::string& name) {
    const Kind kind = IsWord("ANY") ? Kind::kAny : Kind::kAll;
    ++at_;
    const Parsed array = Parenthesised();
    if (!array) return std::nullopt;
    return CheckExpression{kind, name, {left, *array}};
  }

  Parsed Is(const CheckExpression& left) {
    ++at_;
    const bool negated = TakeWord("NOT");
    Parsed test;
    if (TakeWord("NULL") || TakeWord("UNKNOWN")) test = Call("is null", {left});
    if (!test && TakeWord("TRUE")) test = Call("is true", {left});
    if (!test && TakeWord("FALSE")) test = Call("is false", {left});
    if (!test && TakeWord("DISTINCT")) {
      if (!TakeWord("FROM")) return std::nullopt;
      test = Binary(left, "is distinct", Sum());
    }
    if (!test || !negated) return test;
    return Call("not", {*test});
  }

  Parsed Sum() { return Arithmetic({"+", "-", "||"}, &CheckParser::Product); }
  Parsed Product() { return Arithmetic({"*", "/", "%"}, &CheckParser::Cast); }

  Parsed Arithmetic(const std::set<std::string>& operators, Parsed (CheckParser::*part)()) {
    Parsed left = (this->*part)();
    while (left && Peek().kind == TokenKind::kSymbol && operators.count(Peek().text) != 0) {
      const std::string name = tokens_[at_++].text;
      left = Binary(*left, name, (this->*part)());
    }
    return left;
  }

  Parsed Cast() {
    Parsed value = Primary();
    while (value && TakeSymbol("::")) {
      const std::string type = TypeName();
      if (type.empty()) return std::nullopt;
      value = CheckExpression{Kind::kCast, type, {*value}};
    }
    if (value && TakeWord("COLLATE")) {
      do ++at_;
      while (TakeSymbol("."));
    }
    return value;
  }

  // character varying(3)[], timestamp(3) without time zone, public."my type"
  std::string TypeName() {
    if (Peek().kind != TokenKind::kName && Peek().kind != TokenKind::kQuotedName) return "";
    std::string type = tokens_[at_++].text;
    static const std::set<std::string> following = {"varying", "precision", "without", "with", "time", "zone"};
    while (true) {
      if (Peek().kind == TokenKind::kName && following.count(Peek().text) != 0) {
        type += " " + tokens_[at_++].text;
      } else if (TakeSymbol(".")) {
        type += "." + tokens_[at_++].text;
      } else if (IsSymbol("(")) {
        const std::size_t start = at_;
        if (!SkipParentheses()) return "";
        for (std::size_t i = start; i < at_; ++i) type += tokens_[i].text;
      } else if (IsSymbol("[")) {
        ++at_;
        if (!TakeSymbol("]")) return "";
        type += "[]";
      } else {
        return type;
      }
    }
  }

  Parsed Primary() {
    if (IsSymbol("(")) return Parenthesised();
    if (TakeSymbol("-")) return Negated();
    const CheckToken token = Peek();
    switch (token.kind) {
      case TokenKind::kText:
      case TokenKind::kNumber: ++at_; return CheckExpression{Kind::kLiteral, token.text, {}};
      case TokenKind::kName:
      case TokenKind::kQuotedName: return Name();
      default: return std::nullopt;
    }
  }

  Parsed Negated() {
    const Parsed value = Cast();
    if (!value) return std::nullopt;
    if (value->kind == Kind::kLiteral) return CheckExpression{Kind::kLiteral, "-" + value->text, {}};
    return Call("-", {CheckExpression{Kind::kLiteral, "0", {}}, *value});
  }

  Parsed Name() {
    if (TakeWord("NULL")) return CheckExpression{Kind::kNull, "", {}};
    if (IsWord("true") || IsWord("false")) {
      return CheckExpression{Kind::kCast, "boolean", {{Kind::kLiteral, tokens_[at_++].text.substr(0, 1), {}}}};
    }
    if (IsWord("ARRAY")) return Array();
    if (IsWord("TRIM")) return Trim();
    if (IsWord("CASE") || IsWord("EXISTS") || IsWord("ROW")) return std::nullopt;
    std::string name = tokens_[at_++].text;
    while (TakeSymbol(".")) name += "." + tokens_[at_++].text;
    if (!IsSymbol("(")) {
      // Columns with capitals are quoted; bare, they are words such as CURRENT_DATE. VALUE is what a domain speaks of.
      const bool column = name == "VALUE" || name.front() == '"' ||
                          std::none_of(name.begin(), name.end(), [](unsigned char c) { return std::isupper(c) != 0; });
      return column ? CheckExpression{Kind::kColumn, name, {}} : CheckExpression();
    }
    const std::size_t start = at_++;
    std::vector<CheckExpression> arguments;
    while (!IsSymbol(")")) {
      const Parsed argument = Or();
      if (!argument || !(IsSymbol(")") || IsSymbol(","))) {
        // EXTRACT(year FROM at) and its kind.
        at_ = start;
        if (!SkipParentheses()) return std::nullopt;
        return CheckExpression();
      }
      arguments.push_back(*argument);
      TakeSymbol(",");
    }
    ++at_;
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    return Call(name, arguments);
  }

  // TRIM(BOTH 'x'::text FROM a), as the server writes btrim() where the user has written trim().
  Parsed Trim() {
    ++at_;
    if (!TakeSymbol("(")) return std::nullopt;
    std::string name = "btrim";
    if (TakeWord("LEADING")) name = "ltrim";
    if (TakeWord("TRAILING")) name = "rtrim";
    TakeWord("BOTH");
    std::vector<CheckExpression> arguments;
    if (!IsWord("FROM")) {
      const Parsed characters = Sum();
      if (!characters) return std::nullopt;
      arguments.push_back(*characters);
    }
    if (!TakeWord("FROM")) return std::nullopt;
    const Parsed text = Sum();
    if (!text || !TakeSymbol(")")) return std::nullopt;
    arguments.insert(arguments.begin(), *text);
    return Call(name, arguments);
  }

  Parsed Array() {
    ++at_;
    if (!TakeSymbol("[")) return std::nullopt;
    CheckExpression array{Kind::kArray, "", {}};
    while (!TakeSymbol("]")) {
      const Parsed element = Or();
      if (!element) return std::nullopt;
      array.parts.push_back(*element);
      if (!IsSymbol("]") && !TakeSymbol(",")) return std::nullopt;
    }
    return array;
  }

  std::vector<CheckToken> tokens_;
  std::size_t at_ = 0;
};

}  // namespace

CheckExpression ParseCheck(const std::string& definition) {
  return CheckParser(CheckTokenizer(definition).Tokens()).Parse();
}

}  // namespace migproof
