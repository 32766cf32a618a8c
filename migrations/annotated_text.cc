#include "migrations/annotated_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <utility>

namespace migproof {

namespace {

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

int CountSql(const Script& script) {
  return static_cast<int>(std::count_if(script.statements().begin(), script.statements().end(),
                                        [](const Statement& s) { return s.kind == StatementKind::kSql; }));
}

// The number of statements in a piece; none where it is not whole.
int CountWhole(const SectionText& piece) {
  try {
    return CountSql(piece.Parse(""));
  } catch (const Error&) {
    return -1;
  }
}

// A piece of several statements is one query, and so one transaction: none of them may be one that can't run in any.
void RefuseTransactionless(const SectionText& piece, const std::string& file, const std::string& hint) {
  const Script script = piece.Parse(file);
  for (const Statement& statement : script.statements()) {
    if (!RefusesTransaction(script.Text(statement))) continue;
    throw Error(ErrorKind::kHistory,
                "several statements are sent as one query here, which the server runs as one transaction; "
                "one of them can't run in any")
        .WithLocation(script.At(statement.begin))
        .WithHint(hint);
  }
}

Execution WithoutTransaction(const CutSection& cut, const std::vector<int>& counts, const std::string& file,
                             const std::string& hint) {
  if (counts.size() == 1 && counts.front() > 1) return Execution::kOneQuery;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 1) RefuseTransactionless(cut.pieces[i].text, file, hint);
  }
  return Execution::kStatements;
}

}  // namespace

std::vector<TextLine> SplitLines(std::string_view text) {
  std::vector<TextLine> lines;
  int number = 1;
  while (!text.empty()) {
    const std::size_t length = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view whole = text.substr(0, length);
    std::string_view line = whole;
    if (!line.empty() && line.back() == '\n') line.remove_suffix(1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    lines.push_back({line, whole, number++});
    text.remove_prefix(length);
  }
  return lines;
}

std::string_view TrimSpace(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

std::vector<std::string> SplitWords(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : std::string(line) + " ") {
    if (!IsSpace(c)) {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
  return words;
}

void SectionText::Add(const TextLine& line, std::string_view text) {
  if (first_line_ == 0) first_line_ = next_line_ = line.number;
  if (!text_.empty() && text_.back() != '\n') text_ += '\n';
  text_.append(static_cast<std::size_t>(line.number - next_line_), '\n');
  text_ += text;
  next_line_ = line.number + 1;
}

Script SectionText::Parse(const std::string& file, int line) const {
  return Script::Parse(text_, {file, first_line_ == 0 ? line : first_line_});
}

bool EndsStatement(std::string_view line) {
  char last = ' ';
  std::size_t at = 0;
  while (at < line.size()) {
    if (IsSpace(line[at])) {
      ++at;
      continue;
    }
    if (line.substr(at, 2) == "--") break;
    while (at < line.size() && !IsSpace(line[at])) last = line[at++];
  }
  return last == ';';
}

Section ReadCutSection(const CutSection& cut, const SourceLocation& mark, bool transaction, const std::string& hint) {
  Section section{cut.text.Parse(mark.file, mark.line + 1),
                  transaction ? Execution::kTransaction : Execution::kStatements};
  std::vector<int> counts;
  auto statement = section.script.statements().begin();
  for (const CutSection::Piece& piece : cut.pieces) {
    counts.push_back(CountWhole(piece.text));
    while (statement != section.script.statements().end() && statement->end <= piece.end) ++statement;
    const bool cuts = statement != section.script.statements().end() && statement->begin < piece.end;
    if (counts.back() >= 0 && !cuts) continue;
    throw Error(ErrorKind::kHistory, "the tool ends a statement on this line, which is in the middle of one")
        .WithLocation({mark.file, piece.text.last_line()})
        .WithHint(hint);
  }
  if (!transaction) section.execution = WithoutTransaction(cut, counts, mark.file, hint);
  return section;
}

void AddDeclarations(const Script& script, std::vector<Declaration>& declarations) {
  const std::vector<Declaration> found = ReadDeclarations(script, {});
  declarations.insert(declarations.end(), found.begin(), found.end());
}

std::string TitleSlug(std::string_view title) {
  std::string slug;
  for (const char c : title) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = byte < 0x80 && (std::isalnum(byte) != 0 || c == '-');
    if (plain) {
      slug += static_cast<char>(std::tolower(byte));
    } else if (!slug.empty() && slug.back() != '_') {
      slug += '_';
    }
  }
  while (!slug.empty() && slug.back() == '_') slug.pop_back();
  return slug;
}

std::string NextVersion(std::string_view parent) {
  if (std::int64_t number = 0; !parent.empty() && parent.size() < 14) {
    std::from_chars(parent.data(), parent.data() + parent.size(), number);
    return fmt::format("{:0{}}", number + 1, parent.size());
  }
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::string stamp = fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                                  utc.tm_hour, utc.tm_min, utc.tm_sec);
  if (parent.size() > stamp.size() || (parent.size() == stamp.size() && parent >= stamp)) {
    throw Error(ErrorKind::kUsage, fmt::format("version '{}' does not come behind '{}'", stamp, parent))
        .WithHint("is the clock right?");
  }
  return stamp;
}

std::string_view LeadingDigits(std::string_view name) {
  return name.substr(0, std::min(name.find_first_not_of("0123456789"), name.size()));
}

}  // namespace migproof
