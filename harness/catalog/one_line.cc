#include "harness/catalog/one_line.h"

#include <algorithm>

namespace migproof {

namespace {

bool IsBlank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

}  // namespace

std::string OnOneLine(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  for (const char c : text) {
    if (!IsBlank(c)) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  if (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

std::string Excerpt(std::string_view text, std::size_t at, std::size_t length) {
  const std::string line = OnOneLine(text);
  if (line.size() <= length) return line;
  // A quarter of what is shown stands before `at`.
  std::size_t begin = at > length / 4 ? std::min(at - length / 4, line.size() - length) : 0;
  std::size_t end = std::min(begin + length, line.size());
  while (begin > 0 && IsContinuation(line[begin])) --begin;
  while (end < line.size() && IsContinuation(line[end])) ++end;
  return (begin > 0 ? "..." : "") + line.substr(begin, end - begin) + (end < line.size() ? "..." : "");
}

}  // namespace migproof
