#include "harness/data/definition_text.h"

#include <algorithm>
#include <cctype>
#include <set>

namespace migproof {

namespace {

bool IsWordByte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' ||
         (static_cast<unsigned char>(c) & 0x80) != 0;
}

// Behind the quoted text that opens at `at`; doubled quotes close and open again, which comes to the same.
std::size_t BehindQuote(std::string_view text, std::size_t at) {
  const std::size_t close = text.find(text[at], at + 1);
  return close == std::string_view::npos ? text.size() : close + 1;
}

}  // namespace

std::size_t FindOutside(std::string_view text, std::string_view what, std::size_t from) {
  int depth = 0;
  for (std::size_t i = from; i < text.size();) {
    if (depth == 0 && text.substr(i).starts_with(what)) return i;
    if (text[i] == '\'' || text[i] == '"') {
      i = BehindQuote(text, i);
      continue;
    }
    if (text[i] == '(' || text[i] == '[') ++depth;
    if (text[i] == ')' || text[i] == ']') --depth;
    ++i;
  }
  return std::string_view::npos;
}

std::string_view Parenthesised(std::string_view text, std::size_t from, std::size_t* end) {
  const std::size_t open = FindOutside(text, "(", from);
  if (open == std::string_view::npos) return {};
  const std::size_t close = FindOutside(text, ")", open + 1);
  if (close == std::string_view::npos) return {};
  if (end != nullptr) *end = close + 1;
  return text.substr(open + 1, close - open - 1);
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

std::vector<std::string> SplitAtCommas(std::string_view text) {
  std::vector<std::string> parts;
  if (Trimmed(text).empty()) return parts;
  for (std::size_t begin = 0;;) {
    const std::size_t comma = FindOutside(text, ",", begin);
    parts.emplace_back(Trimmed(text.substr(begin, comma == std::string_view::npos ? comma : comma - begin)));
    if (comma == std::string_view::npos) return parts;
    begin = comma + 1;
  }
}

bool AsksWhatWasDrawn(std::string_view definition) {
  static constexpr std::string_view kFunctions[] = {"currval", "lastval"};
  return std::ranges::any_of(kFunctions, [&](std::string_view name) {
    const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
    return !std::ranges::search(definition, name, same).empty();
  });
}

std::string Unquoted(std::string_view name) {
  if (name.size() < 2 || name.front() != '"') return std::string(name);
  std::string plain;
  for (std::size_t i = 1; i + 1 < name.size(); ++i) {
    plain += name[i];
    if (name[i] == '"') ++i;
  }
  return plain;
}

std::string LiteralValue(std::string_view literal) {
  literal = Trimmed(literal);
  while (literal.size() > 1 && literal.front() == '(') literal = Trimmed(Parenthesised(literal));
  if (literal.empty() || literal.front() != '\'') return std::string(literal.substr(0, literal.find("::")));
  std::string value;
  for (std::size_t i = 1; i < literal.size(); ++i) {
    if (literal[i] == '\'') {
      if (i + 1 >= literal.size() || literal[i + 1] != '\'') break;
      ++i;
    }
    value += literal[i];
  }
  return value;
}

std::vector<std::size_t> MentionedColumns(std::string_view expression, const std::vector<std::string>& names) {
  std::set<std::size_t> found;
  for (std::size_t i = 0; i < expression.size();) {
    std::size_t end = i + 1;
    if (expression[i] == '\'') {
      i = BehindQuote(expression, i);
      continue;
    }
    if (expression[i] == '"') {
      end = BehindQuote(expression, i);
      while (end < expression.size() && expression[end] == '"') end = BehindQuote(expression, end);
    } else if (IsWordByte(expression[i])) {
      while (end < expression.size() && IsWordByte(expression[end])) ++end;
    }
    const std::string_view word = expression.substr(i, end - i);
    const auto at = std::find(names.begin(), names.end(), word);
    if (at != names.end()) found.insert(static_cast<std::size_t>(at - names.begin()));
    i = end;
  }
  return {found.begin(), found.end()};
}

}  // namespace migproof
