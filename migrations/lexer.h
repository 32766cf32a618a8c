// The tokens of SQL text, as far as cutting it into statements needs them.
//
// The rules are those of the server's lexer (PostgreSQL manual, "Lexical Structure") with standard_conforming_strings
// on: what is a string, a quoted name, a dollar quote, a comment. White space and comments are passed over.
//
//   Lexer lexer(text);
//   for (Token token = lexer.Next(); token.kind != TokenKind::kEnd; token = lexer.Next()) use(lexer.Text(token));
#pragma once

#include <cstddef>
#include <string_view>

namespace migproof {

enum class TokenKind {
  kEnd,
  kWord,        // an unquoted name or keyword
  kQuotedName,  // "..." or U&"..."
  kString,      // '...' with its continuations on later lines, E'' B'' X'' N'' U&'', $tag$...$tag$
  kNumber,
  kParameter,  // $1
  kSemicolon,
  kOpen,       // (
  kClose,      // )
  kBackslash,  // outside quotes: psql's, not the server's
  kSymbol,     // any other single byte
  kComment,    // only ever returned unclosed
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::size_t begin = 0;
  std::size_t end = 0;
  bool closed = true;    // false: the text ends inside this string, name or comment; the next token is kEnd
  std::size_t mark = 0;  // where the part that is not closed opens
};

class Lexer {
 public:
  // `text` must outlive the lexer. Any bytes will do: lexing never fails and always ends.
  explicit Lexer(std::string_view text, std::size_t position = 0) : text_(text), position_(position) {}

  Token Next();
  std::string_view Text(const Token& token) const { return text_.substr(token.begin, token.end - token.begin); }

  // Behind the last token.
  std::size_t position() const { return position_; }
  void Seek(std::size_t position) { position_ = position; }

 private:
  // False where a comment doesn't end; position_ is its beginning then.
  bool SkipBlanks();
  bool SkipBlockComment();
  void SkipLineComment();
  Token ReadWord();
  Token ReadNumber();
  Token ReadString(std::size_t begin, std::size_t quote, bool backslash_escapes);
  Token ReadQuotedName(std::size_t begin, std::size_t quote);
  Token ReadDollar();
  Token Take(TokenKind kind, std::size_t end);
  Token TakeUnclosed(TokenKind kind, std::size_t begin, std::size_t mark);
  std::size_t FindClosingQuote(std::size_t from, char quote, bool backslash_escapes) const;
  std::size_t FindContinuation(std::size_t from) const;
  bool At(std::size_t position, char c) const { return position < text_.size() && text_[position] == c; }

  std::string_view text_;
  std::size_t position_;
};

// ASCII letters only, as the server folds names.
char UpperAscii(char c);
// True where `text` is `upper` in any case of its ASCII letters; `upper` is given in upper case.
bool EqualsWord(std::string_view text, std::string_view upper);

}  // namespace migproof
