#include "migrations/lexer.h"

#include <array>
#include <cstdint>

namespace migproof {

namespace {

constexpr std::size_t kNowhere = std::string_view::npos;

// The character classes of the server's lexer.
enum LexerClass : std::uint8_t {
  kBlank = 1,
  kNameStart = 2,  // also starts a dollar quote's tag
  kDigit = 4,
  kNamePart = 8,  // a name goes on with these: start, digit, $
  kTagPart = 16,  // a tag goes on with these: start, digit
};

constexpr std::array<std::uint8_t, 256> MakeLexerClasses() {
  std::array<std::uint8_t, 256> classes{};
  for (int c = 0; c < 256; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
    const bool digit = c >= '0' && c <= '9';
    std::uint8_t value = 0;
    if (c == ' ' || (c >= '\t' && c <= '\r')) value |= kBlank;
    if (letter) value |= kNameStart;
    if (digit) value |= kDigit;
    if (letter || digit || c == '$') value |= kNamePart;
    if (letter || digit) value |= kTagPart;
    classes[static_cast<std::size_t>(c)] = value;
  }
  return classes;
}

constexpr auto kLexerClasses = MakeLexerClasses();

bool IsA(char c, LexerClass wanted) { return (kLexerClasses[static_cast<unsigned char>(c)] & wanted) != 0; }

bool IsLineEnd(char c) { return c == '\n' || c == '\r'; }

std::size_t SkipClass(std::string_view text, std::size_t from, LexerClass wanted) {
  while (from < text.size() && IsA(text[from], wanted)) ++from;
  return from;
}

std::size_t SkipToLineEnd(std::string_view text, std::size_t from) {
  while (from < text.size() && !IsLineEnd(text[from])) ++from;
  return from;
}

bool StartsLineComment(std::string_view text, std::size_t at) {
  return at + 1 < text.size() && text[at] == '-' && text[at + 1] == '-';
}

}  // namespace

char UpperAscii(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

bool EqualsWord(std::string_view text, std::string_view upper) {
  if (text.size() != upper.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (UpperAscii(text[i]) != upper[i]) return false;
  }
  return true;
}

Token Lexer::Next() {
  if (!SkipBlanks()) return TakeUnclosed(TokenKind::kComment, position_, position_);
  if (position_ >= text_.size()) return {TokenKind::kEnd, text_.size(), text_.size()};
  const char c = text_[position_];
  if (IsA(c, kNameStart)) return ReadWord();
  if (IsA(c, kDigit)) return ReadNumber();
  switch (c) {
    case '\'': return ReadString(position_, position_, false);
    case '"': return ReadQuotedName(position_, position_);
    case '$': return ReadDollar();
    case ';': return Take(TokenKind::kSemicolon, position_ + 1);
    case '(': return Take(TokenKind::kOpen, position_ + 1);
    case ')': return Take(TokenKind::kClose, position_ + 1);
    case '\\': return Take(TokenKind::kBackslash, position_ + 1);
    default: return Take(TokenKind::kSymbol, position_ + 1);
  }
}

bool Lexer::SkipBlanks() {
  for (;;) {
    position_ = SkipClass(text_, position_, kBlank);
    if (StartsLineComment(text_, position_)) {
      position_ = SkipToLineEnd(text_, position_);
    } else if (At(position_, '/') && At(position_ + 1, '*')) {
      if (!SkipBlockComment()) return false;
    } else {
      return true;
    }
  }
}

// Block comments nest.
bool Lexer::SkipBlockComment() {
  int depth = 0;
  for (std::size_t at = position_; at + 1 < text_.size();) {
    if (text_[at] == '/' && text_[at + 1] == '*') {
      ++depth;
      at += 2;
    } else if (text_[at] == '*' && text_[at + 1] == '/') {
      --depth;
      at += 2;
      if (depth == 0) {
        position_ = at;
        return true;
      }
    } else {
      ++at;
    }
  }
  return false;
}

Token Lexer::ReadWord() {
  const std::size_t begin = position_;
  const char first = UpperAscii(text_[begin]);
  if (At(begin + 1, '\'') && (first == 'E' || first == 'B' || first == 'X' || first == 'N')) {
    return ReadString(begin, begin + 1, first == 'E');
  }
  if (first == 'U' && At(begin + 1, '&')) {
    if (At(begin + 2, '\'')) return ReadString(begin, begin + 2, false);
    if (At(begin + 2, '"')) return ReadQuotedName(begin, begin + 2);
  }
  return Take(TokenKind::kWord, SkipClass(text_, begin, kNamePart));
}

// A number may run into a name ("1e5", "0x1F", the error "1a"), but a dollar quote may follow it at once.
Token Lexer::ReadNumber() {
  std::size_t end = SkipClass(text_, position_, kTagPart);
  if (At(end, '.') && end + 1 < text_.size() && IsA(text_[end + 1], kDigit)) end = SkipClass(text_, end + 1, kTagPart);
  return Take(TokenKind::kNumber, end);
}

Token Lexer::ReadString(std::size_t begin, std::size_t quote, bool backslash_escapes) {
  for (;;) {
    const std::size_t close = FindClosingQuote(quote + 1, '\'', backslash_escapes);
    if (close == kNowhere) return TakeUnclosed(TokenKind::kString, begin, quote);
    const std::size_t next = FindContinuation(close + 1);
    if (next == kNowhere) {
      position_ = begin;
      return Take(TokenKind::kString, close + 1);
    }
    quote = next;
  }
}

Token Lexer::ReadQuotedName(std::size_t begin, std::size_t quote) {
  const std::size_t close = FindClosingQuote(quote + 1, '"', false);
  if (close == kNowhere) return TakeUnclosed(TokenKind::kQuotedName, begin, quote);
  return Take(TokenKind::kQuotedName, close + 1);
}

Token Lexer::ReadDollar() {
  const std::size_t begin = position_;
  const std::size_t after = begin + 1;
  if (after < text_.size() && IsA(text_[after], kDigit)) {
    return Take(TokenKind::kParameter, SkipClass(text_, after, kDigit));
  }
  std::size_t tag_end = after;
  if (after < text_.size() && IsA(text_[after], kNameStart)) tag_end = SkipClass(text_, after, kTagPart);
  if (!At(tag_end, '$')) return Take(TokenKind::kSymbol, after);
  const std::string_view delimiter = text_.substr(begin, tag_end + 1 - begin);
  const std::size_t close = text_.find(delimiter, tag_end + 1);
  if (close == kNowhere) return TakeUnclosed(TokenKind::kString, begin, begin);
  return Take(TokenKind::kString, close + delimiter.size());
}

Token Lexer::Take(TokenKind kind, std::size_t end) {
  const Token token{kind, position_, end, true, position_};
  position_ = end;
  return token;
}

Token Lexer::TakeUnclosed(TokenKind kind, std::size_t begin, std::size_t mark) {
  position_ = text_.size();
  return {kind, begin, text_.size(), false, mark};
}

// A doubled quote stands for itself.
std::size_t Lexer::FindClosingQuote(std::size_t from, char quote, bool backslash_escapes) const {
  for (std::size_t at = from; at < text_.size(); ++at) {
    if (backslash_escapes && text_[at] == '\\') {
      ++at;
    } else if (text_[at] == quote) {
      if (!At(at + 1, quote)) return at;
      ++at;
    }
  }
  return kNowhere;
}

// Strings with a line end between them (and line comments, but no block comment) are one string of the first one's
// kind: the opening quote of the next part, or kNowhere.
std::size_t Lexer::FindContinuation(std::size_t from) const {
  bool saw_line_end = false;
  for (std::size_t at = from; at < text_.size();) {
    if (IsA(text_[at], kBlank)) {
      saw_line_end = saw_line_end || IsLineEnd(text_[at]);
      ++at;
    } else if (StartsLineComment(text_, at)) {
      at = SkipToLineEnd(text_, at);
    } else {
      return saw_line_end && text_[at] == '\'' ? at : kNowhere;
    }
  }
  return kNowhere;
}

}  // namespace migproof
