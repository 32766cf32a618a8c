#include "harness/data/literal_parts.h"

#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

// Splits what stands between the first and the last byte.
std::optional<std::vector<Cell>> SplitParts(const std::string& literal, char delimiter, bool array) {
  std::vector<Cell> parts;
  std::string part;
  bool quoted = false;
  bool inside = false;
  const auto add = [&] {
    const bool null = !quoted && (array ? part == "NULL" : part.empty());
    parts.push_back(null ? Cell() : Cell(part));
    part.clear();
    quoted = false;
  };
  for (std::size_t i = 1; i + 1 < literal.size(); ++i) {
    const char c = literal[i];
    if (c == '\\') {
      part += literal[++i];
    } else if (c == '"' && inside && !array && literal[i + 1] == '"') {
      part += literal[++i];
    } else if (c == '"') {
      inside = !inside;
      quoted = true;
    } else if (!inside && c == delimiter) {
      add();
    } else if (!inside && array && (c == '{' || c == '[')) {
      return std::nullopt;
    } else {
      part += c;
    }
  }
  add();
  return parts;
}

std::string Joined(const std::vector<Cell>& parts, char delimiter, const char* null) {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += delimiter;
    text += parts[i] ? InDoubleQuotes(*parts[i]) : null;
  }
  return text;
}

}  // namespace

std::optional<std::vector<Cell>> PartsOfArray(const std::string& literal, char delimiter) {
  if (literal.size() < 2 || literal.front() != '{') return std::nullopt;
  if (literal == "{}") return std::vector<Cell>();
  return SplitParts(literal, delimiter, true);
}

std::optional<std::vector<Cell>> PartsOfComposite(const std::string& literal) {
  if (literal.size() < 2 || literal.front() != '(') return std::nullopt;
  return SplitParts(literal, ',', false);
}

std::string ArrayOf(const std::vector<Cell>& parts, char delimiter) {
  return "{" + Joined(parts, delimiter, "NULL") + "}";
}

std::string CompositeOf(const std::vector<Cell>& parts) { return "(" + Joined(parts, ',', "") + ")"; }

}  // namespace migproof
