#include "migrations/revision.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <cctype>
#include <regex>

#include "migrations/lexer.h"

namespace migproof {

namespace {

enum class ObjectRule { kNone, kName, kKindAndName, kExpression, kServer };

struct DeclarationKind {
  std::string_view word;
  ObjectRule rule;
  std::string_view example;
};

constexpr DeclarationKind kDeclarationKinds[] = {
    {"idempotent", ObjectRule::kNone, "idempotent"},
    {"irreversible", ObjectRule::kNone, "irreversible \"the old hashes are gone\""},
    {"loses", ObjectRule::kName, "loses orders.note \"free text dropped on purpose\""},
    {"changes", ObjectRule::kName, "changes customer.email \"lower-cased on purpose\""},
    {"leaves", ObjectRule::kKindAndName, "leaves extension vector \"other schemas may use it\""},
    {"owns", ObjectRule::kName, "owns settings \"only migrations write this table\""},
    {"assumes", ObjectRule::kExpression, "assumes orders: note IS NOT NULL \"filled since v41\""},
    {"requires", ObjectRule::kServer, "requires server >= 15 \"NULLS NOT DISTINCT\""},
};

bool IsBlank(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

std::string_view TrimBlanks(std::string_view text) {
  while (!text.empty() && IsBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsBlank(text.back())) text.remove_suffix(1);
  return text;
}

std::size_t WordLength(std::string_view text) {
  const auto end = std::find_if(text.begin(), text.end(), IsBlank);
  return static_cast<std::size_t>(end - text.begin());
}

// Takes `"why"` from the end of `text`; nothing where the text does not end in a quoted part of its own.
std::string TakeReason(std::string_view& text) {
  if (text.size() < 2 || text.back() != '"') return "";
  std::string reversed;
  std::size_t at = text.size() - 1;
  while (at > 0) {
    --at;
    if (text[at] != '"') {
      reversed += text[at];
    } else if (at > 0 && text[at - 1] == '"') {
      reversed += '"';
      --at;
    } else {
      if (at > 0 && !IsBlank(text[at - 1])) return "";  // orders."Note": a quoted name, no reason
      text = TrimBlanks(text.substr(0, at));
      return {reversed.rbegin(), reversed.rend()};
    }
  }
  return "";
}

// One space between the words, whatever stands within quotes left alone.
std::string Collapse(std::string_view text) {
  std::string out;
  char quote = 0;
  for (const char c : text) {
    if (quote == 0 && IsBlank(c)) {
      if (out.back() != ' ') out += ' ';
      continue;
    }
    if (quote == 0 && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    }
    out += c;
  }
  return out;
}

// Words of an object, quoted names counted as one.
int CountWords(std::string_view text) {
  if (text.empty()) return 0;
  bool quoted = false;
  int words = 1;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (!quoted && c == ' ') ++words;
  }
  return words;
}

// "server >= 15": the sign, and the major; nothing where `object` is something else.
std::optional<std::pair<std::string, int>> ServerCondition(const std::string& object) {
  static const std::regex kCondition("server ?(<|<=|>=|>) ?([0-9]{1,3})");
  std::smatch found;
  if (!std::regex_match(object, found, kCondition)) return std::nullopt;
  return std::pair(found[1].str(), std::stoi(found[2].str()));
}

std::string Complaint(const DeclarationKind& kind, std::string_view object) {
  const int words = CountWords(object);
  switch (kind.rule) {
    case ObjectRule::kNone:
      return object.empty() ? "" : fmt::format("'{}' takes no object, found '{}'", kind.word, object);
    case ObjectRule::kName:
      if (words == 0) return fmt::format("'{}' names no object", kind.word);
      return words == 1 ? "" : fmt::format("'{}' takes one name, found '{}'", kind.word, object);
    case ObjectRule::kKindAndName:
      return words >= 2 ? "" : fmt::format("'{}' takes a kind and a name, found '{}'", kind.word, object);
    case ObjectRule::kServer:
      return ServerCondition(std::string(object))
                 ? ""
                 : fmt::format("'{}' takes 'server', a sign (>=, >, <, <=) and a major version, found '{}'", kind.word,
                               object);
    case ObjectRule::kExpression: {
      const std::size_t colon = object.find(':');
      const bool whole = colon != std::string_view::npos && colon > 0 && !TrimBlanks(object.substr(colon + 1)).empty();
      return whole ? "" : fmt::format("'{}' takes a table, a colon and an expression, found '{}'", kind.word, object);
    }
  }
  return "";
}

// True where no quote, dollar quote or block comment is open at the end of `text`.
bool EndsOutsideQuotes(std::string_view text) {
  Lexer lexer(text);
  Token token = lexer.Next();
  while (token.kind != TokenKind::kEnd && token.closed) token = lexer.Next();
  return token.closed;
}

}  // namespace

std::string Revision::Checksum() const {
  std::string text = upgrade.script.text();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    text[kept++] = text[i];
  }
  const XXH128_hash_t hash = XXH3_128bits(text.data(), kept);
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

bool Revision::Declares(std::string_view kind) const {
  return std::any_of(declarations.begin(), declarations.end(), [&](const Declaration& d) { return d.kind == kind; });
}

const Declaration* Revision::UnmetBy(int server_major) const {
  for (const Declaration& declaration : declarations) {
    if (declaration.kind != "requires") continue;
    const auto condition = ServerCondition(declaration.object);
    if (!condition) continue;
    const auto& [sign, major] = *condition;
    const bool met = sign == ">="  ? server_major >= major
                     : sign == ">" ? server_major > major
                     : sign == "<" ? server_major < major
                                   : server_major <= major;
    if (!met) return &declaration;
  }
  return nullptr;
}

const Declaration* Revision::FindDeclaration(std::string_view kind, std::string_view object) const {
  for (const Declaration& declaration : declarations) {
    if (declaration.kind == kind && declaration.object == object) return &declaration;
  }
  return nullptr;
}

std::optional<std::string_view> DirectiveOf(std::string_view line) {
  constexpr std::string_view kMark = "migproof";
  line = TrimBlanks(line);
  if (line.substr(0, 2) != "--") return std::nullopt;
  line = TrimBlanks(line.substr(2));
  if (line.size() <= kMark.size()) return std::nullopt;
  const bool marked = std::equal(kMark.begin(), kMark.end(), line.begin(), [](char a, char b) {
    return a == static_cast<char>(std::tolower(static_cast<unsigned char>(b)));
  });
  line = TrimBlanks(line.substr(kMark.size()));
  if (!marked || line.empty() || line.front() != ':') return std::nullopt;
  return TrimBlanks(line.substr(1));
}

std::string_view Directive::Word() const { return std::string_view(text).substr(0, WordLength(text)); }

std::string_view Directive::Rest() const { return TrimBlanks(std::string_view(text).substr(WordLength(text))); }

std::vector<Directive> ReadDirectives(const Script& script) {
  std::vector<Directive> found;
  const std::string_view text = script.text();
  const std::vector<Statement>& statements = script.statements();
  std::size_t next = 0;  // the first statement that ends behind the line
  for (std::size_t line = 0; line < text.size();) {
    const std::size_t end = std::min(text.find('\n', line), text.size());
    if (const auto directive = DirectiveOf(text.substr(line, end - line))) {
      while (next < statements.size() && statements[next].end <= line) ++next;
      const bool inside = next < statements.size() && statements[next].begin < end;
      const bool data = inside && statements[next].kind == StatementKind::kCopyData;
      const std::size_t from = inside && statements[next].begin < line ? statements[next].begin
                               : next > 0                              ? statements[next - 1].end
                                                                       : 0;
      if (!data && EndsOutsideQuotes(text.substr(from, line - from))) {
        found.push_back({std::string(*directive), script.At(line)});
      }
    }
    line = end + 1;
  }
  return found;
}

Declaration ParseDeclaration(std::string_view text, const SourceLocation& where,
                             const std::vector<std::string>& directives) {
  text = TrimBlanks(text);
  const std::string_view word = text.substr(0, WordLength(text));
  const auto* const kind = std::find_if(std::begin(kDeclarationKinds), std::end(kDeclarationKinds),
                                        [&](const DeclarationKind& candidate) { return candidate.word == word; });
  if (kind == std::end(kDeclarationKinds)) {
    std::vector<std::string> known = directives;
    for (const DeclarationKind& candidate : kDeclarationKinds) known.emplace_back(candidate.word);
    throw Error(ErrorKind::kHistory, fmt::format("unknown word '{}' behind '-- migproof:'", word))
        .WithHint(NearNameHint(word, known, fmt::format("the words there are: {}", fmt::join(known, ", "))))
        .WithLocation(where);
  }
  std::string_view object = TrimBlanks(text.substr(word.size()));
  Declaration declaration{std::string(word), "", TakeReason(object), where};
  declaration.object = Collapse(object);
  if (std::string complaint = Complaint(*kind, declaration.object); !complaint.empty()) {
    throw Error(ErrorKind::kHistory, complaint)
        .WithHint(fmt::format("for example: -- migproof: {}", kind->example))
        .WithLocation(where);
  }
  return declaration;
}

std::vector<Declaration> ReadDeclarations(const Script& script, const std::vector<std::string>& directives) {
  std::vector<Declaration> declarations;
  for (const Directive& directive : ReadDirectives(script)) {
    if (std::find(directives.begin(), directives.end(), directive.Word()) != directives.end()) continue;
    declarations.push_back(ParseDeclaration(directive.text, directive.where, directives));
  }
  return declarations;
}

}  // namespace migproof
