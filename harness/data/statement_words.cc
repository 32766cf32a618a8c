#include "harness/data/statement_words.h"

#include <algorithm>
#include <cctype>

#include "migrations/script.h"

namespace migproof {

namespace {

bool BeginsWord(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0; }
bool IsDigit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool BelongsToWord(char c) { return BeginsWord(c) || IsDigit(c) || c == '$'; }

void AddOnce(std::vector<std::string>& all, std::string one) {
  if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(std::move(one));
}

class WordReader {
 public:
  explicit WordReader(std::string_view text) : text_(text) {}

  StatementWords Read() {
    while (at_ < text_.size()) Next();
    return std::move(read_);
  }

 private:
  char Here(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void Next() {
    const char c = Here();
    if (c == '-' && Here(1) == '-') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (c == '/' && Here(1) == '*') {
      const std::size_t end = text_.find("*/", at_ + 2);
      at_ = end == std::string_view::npos ? text_.size() : end + 2;
    } else if (c == '\'') {
      TakeLiteral(Quoted('\''));
    } else if (c == '"') {
      TakeWord(Quoted('"'));
    } else if (c == '$') {
      SkipDollarQuote();
    } else if (IsDigit(c)) {
      TakeNumber();
    } else if (BeginsWord(c)) {
      TakePlainWord();
    } else {
      TakeSign(c);
    }
  }

  // Between two quotes, doubled ones single; stands behind the second one afterwards.
  std::string Quoted(char quote) {
    std::string inside;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == quote) {
        if (Here(1) != quote) break;
        ++at_;
      }
      inside += text_[at_];
    }
    at_ = std::min(at_ + 1, text_.size());
    return inside;
  }

  void TakeLiteral(std::string literal) {
    if (BeginsStatement(literal)) {
      StatementWords inside = WordReader(literal).Read();
      read_.words.merge(inside.words);
      for (std::string& one : inside.literals) AddOnce(read_.literals, std::move(one));
      for (std::string& one : inside.numbers) AddOnce(read_.numbers, std::move(one));
      for (std::string& one : inside.casts) AddOnce(read_.casts, std::move(one));
      read_.calculates = read_.calculates || inside.calculates;
    }
    AddOnce(read_.literals, std::move(literal));
  }

  static bool BeginsStatement(std::string_view text) {
    static const std::set<std::string, std::less<>> kFirst = {"ALTER",   "CALL",     "CREATE", "DELETE",
                                                              "DROP",    "INSERT",   "MERGE",  "SELECT",
                                                              "REFRESH", "TRUNCATE", "UPDATE", "WITH"};
    text.remove_prefix(std::min(text.find_first_not_of(" \t\n\v\f\r"), text.size()));
    const std::string first = LeadingWords(text, 1);
    return text.size() > first.size() && kFirst.contains(first);
  }

  // "$body$" alone: what it encloses is read on.
  void SkipDollarQuote() {
    std::size_t end = at_ + 1;
    while (end < text_.size() && BelongsToWord(text_[end]) && text_[end] != '$') ++end;
    at_ = end < text_.size() && text_[end] == '$' ? end + 1 : at_ + 1;
  }

  void TakeNumber() {
    const std::size_t begin = at_;
    while (IsDigit(Here()) || (Here() == '.' && IsDigit(Here(1)))) ++at_;
    AddOnce(read_.numbers, std::string(text_.substr(begin, at_ - begin)));
  }

  void TakePlainWord() {
    const std::size_t begin = at_;
    while (BelongsToWord(Here())) ++at_;
    std::string word(text_.substr(begin, at_ - begin));
    std::transform(word.begin(), word.end(), word.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    TakeWord(std::move(word));
  }

  void TakeWord(std::string word) {
    if (casting_) AddOnce(read_.casts, word);
    casting_ = false;
    if (word == "cast") in_cast_ = true;
    if (word == "as" && in_cast_) {
      casting_ = true;
      in_cast_ = false;
    }
    read_.words.insert(std::move(word));
  }

  void TakeSign(char c) {
    if (c == ':' && Here(1) == ':') {
      casting_ = true;
      ++at_;
    } else if (c == '+' || c == '*' || c == '/' || c == '%' || (c == '-' && Here(1) != '>')) {
      read_.calculates = true;
    }
    ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  StatementWords read_;
  bool casting_ = false;  // the next word is a type
  bool in_cast_ = false;  // behind CAST (
};

}  // namespace

StatementWords WordsOf(std::string_view statement) { return WordReader(statement).Read(); }

std::vector<StatementWords> WordsOfStatements(const std::vector<std::string>& statements) {
  std::vector<StatementWords> all;
  all.reserve(statements.size());
  for (const std::string& statement : statements) all.push_back(WordsOf(statement));
  return all;
}

}  // namespace migproof
