#include "migrations/liquibase/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace migproof {

bool IsLiquibaseBlank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view TrimLiquibase(std::string_view text) {
  while (!text.empty() && IsLiquibaseBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsLiquibaseBlank(text.back())) text.remove_suffix(1);
  return text;
}

std::string LowerLiquibase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

std::optional<LiquibaseMark> LiquibaseMarkOf(std::string_view line) {
  line = TrimLiquibase(line);
  if (line.substr(0, 2) != "--") return std::nullopt;
  line.remove_prefix(2);
  const bool attached = !line.empty() && !IsLiquibaseBlank(line.front());
  line = TrimLiquibase(line);
  std::size_t end = 0;
  while (end < line.size() && (std::isalpha(static_cast<unsigned char>(line[end])) != 0 || line[end] == '-')) ++end;
  if (end == 0) return std::nullopt;
  const std::string_view rest = line.substr(end);
  if (!rest.empty() && !IsLiquibaseBlank(rest.front()) && rest.front() != ':') return std::nullopt;
  return LiquibaseMark{LowerLiquibase(line.substr(0, end)), TrimLiquibase(rest), attached};
}

std::string TakeLiquibaseWord(std::string_view& text, std::string_view until) {
  text = TrimLiquibase(text);
  if (!text.empty() && (text.front() == '"' || text.front() == '\'')) {
    const std::size_t close = text.find(text.front(), 1);
    if (close != std::string_view::npos) {
      const std::string word(text.substr(1, close - 1));
      text.remove_prefix(close + 1);
      return word;
    }
  }
  const std::size_t end = std::min(text.find_first_of(until), text.size());
  const std::string word(text.substr(0, end));
  text.remove_prefix(end);
  return word;
}

std::vector<std::pair<std::string, std::string>> TakeLiquibaseAttributes(std::string_view text,
                                                                         const SourceLocation& where) {
  std::vector<std::pair<std::string, std::string>> attributes;
  for (text = TrimLiquibase(text); !text.empty(); text = TrimLiquibase(text)) {
    const std::string key = TakeLiquibaseWord(text, ": \t");
    if (text.empty() || text.front() != ':') {
      throw Error(ErrorKind::kHistory, fmt::format("'{}' stands where an attribute 'name:value' should", key))
          .WithLocation(where);
    }
    text.remove_prefix(1);
    const bool ends = text.empty() || IsLiquibaseBlank(text.front());
    attributes.emplace_back(key, ends ? "" : TakeLiquibaseWord(text, " \t"));
  }
  return attributes;
}

bool LiquibaseFlag(const std::string& key, const std::string& value, const SourceLocation& where) {
  const std::string lower = LowerLiquibase(value);
  if (lower == "true" || lower == "false") return lower == "true";
  throw Error(ErrorKind::kHistory, fmt::format("'{}' is 'true' or 'false', found '{}'", key, value))
      .WithLocation(where);
}

bool IsForPostgres(const std::string& dbms) {
  bool wanted = false;
  bool any_positive = false;
  for (std::string_view rest = dbms; !rest.empty();) {
    std::string name = LowerLiquibase(TakeLiquibaseWord(rest, ", \t"));
    while (!rest.empty() && (rest.front() == ',' || IsLiquibaseBlank(rest.front()))) rest.remove_prefix(1);
    const bool negated = !name.empty() && name.front() == '!';
    if (negated) name.erase(0, 1);
    if (negated && name == "postgresql") return false;
    any_positive = any_positive || (!negated && !name.empty());
    wanted = wanted || (!negated && (name == "postgresql" || name == "all"));
  }
  return wanted || !any_positive;
}

bool IsLiquibaseSql(std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = TrimLiquibase(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    const auto mark = LiquibaseMarkOf(line);
    if (!mark || mark->word != "liquibase") return false;
    std::string_view rest = mark->rest;
    return LowerLiquibase(TakeLiquibaseWord(rest, " \t")) == "formatted" &&
           LowerLiquibase(TrimLiquibase(rest)).rfind("sql", 0) == 0;
  }
  return false;
}

namespace {

// or := and { (or | ,) and } ; and := not { and not } ; not := [! | not] (name | "(" or ")")
class ContextReader {
 public:
  ContextReader(std::string_view text, const std::vector<std::string>& contexts, const SourceLocation& where)
      : rest_(text), contexts_(contexts), where_(where) {
    Next();
  }

  bool Read() {
    const bool value = Or();
    if (!word_.empty()) throw Complaint();
    return value;
  }

 private:
  Error Complaint() const {
    return Error(ErrorKind::kHistory, fmt::format("'{}' is not understood in a context", word_)).WithLocation(where_);
  }

  void Next() {
    rest_ = TrimLiquibase(rest_);
    if (rest_.empty()) {
      word_.clear();
      return;
    }
    const bool single = std::string_view("(),!").find(rest_.front()) != std::string_view::npos;
    const std::size_t end = single ? 1 : std::min(rest_.find_first_of("(),! \t"), rest_.size());
    word_ = LowerLiquibase(rest_.substr(0, end));
    rest_.remove_prefix(end);
  }

  bool Or() {
    if (++depth_ > 100) throw Complaint();
    bool value = And();
    while (word_ == "or" || word_ == ",") {
      Next();
      value = And() || value;
    }
    --depth_;
    return value;
  }

  bool And() {
    bool value = Not();
    while (word_ == "and") {
      Next();
      value = Not() && value;
    }
    return value;
  }

  bool Not() {
    bool negated = false;
    for (; word_ == "!" || word_ == "not"; Next()) negated = !negated;
    if (word_ == "(") {
      Next();
      const bool value = Or();
      if (word_ != ")") throw Complaint();
      Next();
      return value != negated;
    }
    if (word_.empty() || word_ == ")" || word_ == ",") throw Complaint();
    const bool value = std::any_of(contexts_.begin(), contexts_.end(),
                                   [&](const std::string& context) { return LowerLiquibase(context) == word_; });
    Next();
    return value != negated;
  }

  std::string_view rest_;
  const std::vector<std::string>& contexts_;
  const SourceLocation& where_;
  std::string word_;
  int depth_ = 0;
};

}  // namespace

bool LiquibaseContextMatches(const std::string& expression, const std::vector<std::string>& contexts,
                             const SourceLocation& where) {
  if (TrimLiquibase(expression).empty()) return true;
  const bool value = ContextReader(expression, contexts, where).Read();
  return contexts.empty() || value;
}

}  // namespace migproof
