#include "migrations/sqitch/conf.h"

#include <fmt/format.h>

#include <algorithm>

#include "migrations/error.h"

namespace migproof {

namespace {

std::string_view TrimConf(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

std::string LowerConf(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

// The value of a line: quotes taken away, a comment behind it cut.
std::string ConfValue(std::string_view text) {
  std::string value;
  bool quoted = false;
  std::size_t kept = 0;  // blanks at the end count in quotes only
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      quoted = !quoted;
      kept = value.size();
    } else if (c == '\\' && i + 1 < text.size()) {
      const char next = text[++i];
      value += next == 'n' ? '\n' : next == 't' ? '\t' : next;
      kept = value.size();
    } else if (!quoted && (c == '#' || c == ';')) {
      break;
    } else {
      value += c;
      if (quoted || (c != ' ' && c != '\t')) kept = value.size();
    }
  }
  value.resize(kept);
  return value;
}

// "[target "x"]" as "target.x.".
std::string ConfSection(std::string_view line, const SourceLocation& where) {
  const std::size_t close = line.rfind(']');
  if (close == std::string_view::npos) throw Error(ErrorKind::kHistory, "'[' without ']'").WithLocation(where);
  std::string_view inside = TrimConf(line.substr(1, close - 1));
  const std::size_t quote = inside.find('"');
  if (quote == std::string_view::npos) return LowerConf(inside) + ".";
  const std::size_t end = inside.rfind('"');
  if (end == quote) throw Error(ErrorKind::kHistory, "a quote that does not end").WithLocation(where);
  return fmt::format("{}.{}.", LowerConf(TrimConf(inside.substr(0, quote))), inside.substr(quote + 1, end - quote - 1));
}

}  // namespace

std::map<std::string, std::string> ParseSqitchConf(std::string_view text, const std::string& file) {
  std::map<std::string, std::string> conf;
  std::string section;
  int number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string line(TrimConf(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
    const SourceLocation where{file, ++number};
    while (!line.empty() && line.back() == '\\' && !text.empty()) {
      const std::size_t next = std::min(text.find('\n'), text.size());
      line.pop_back();
      line += TrimConf(text.substr(0, next));
      text.remove_prefix(std::min(next + 1, text.size()));
      ++number;
    }
    if (line.empty() || line.front() == '#' || line.front() == ';') continue;
    if (line.front() == '[') {
      section = ConfSection(line, where);
      continue;
    }
    const std::size_t equals = std::min(line.find('='), line.size());
    const std::string key(TrimConf(std::string_view(line).substr(0, equals)));
    if (section.empty() || key.empty()) {
      throw Error(ErrorKind::kHistory, fmt::format("'{}' is neither a section nor a key with a value", line))
          .WithLocation(where);
    }
    // Names of variables keep their case, as psql does.
    const bool variable = section.ends_with("variables.");
    conf[section + (variable ? key : LowerConf(key))] =
        equals == line.size() ? "true" : ConfValue(TrimConf(std::string_view(line).substr(equals + 1)));
  }
  return conf;
}

}  // namespace migproof
