#include "harness/data/trigger_checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>
#include <string_view>

#include "harness/data/definition_text.h"
#include "migrations/lexer.h"

namespace migproof {

namespace {

using Conditions = std::vector<std::string>;  // conditions that are all true

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return EqualsWord(text, word); });
}

std::string InCapitals(std::string_view text) {
  std::string changed(text);
  std::transform(changed.begin(), changed.end(), changed.begin(), UpperAscii);
  return changed;
}

std::string InSmallLetters(std::string_view text) {
  std::string changed(text);
  std::transform(changed.begin(), changed.end(), changed.begin(),
                 [](unsigned char c) { return c < 0x80 ? static_cast<char>(std::tolower(c)) : static_cast<char>(c); });
  return changed;
}

struct Word {
  TokenKind kind = TokenKind::kEnd;
  std::string_view text;
  bool joined = false;  // nothing stands between it and the one before
};

std::vector<Word> WordsIn(std::string_view text) {
  std::vector<Word> words;
  Lexer lexer(text);
  std::size_t end = 0;
  for (Token token = lexer.Next(); token.kind != TokenKind::kEnd; token = lexer.Next()) {
    words.push_back({token.kind, lexer.Text(token), token.begin == end});
    end = token.end;
  }
  return words;
}

// A condition in the server's own spelling, as far as CheckSolver reads it.
class Condition {
 public:
  explicit Condition(const std::vector<std::string>& columns) : columns_(columns) {}

  std::string Text(const Word* from, const Word* to) {
    from_ = from;
    to_ = to;
    text_.clear();
    for (at_ = from; at_ < to_; ++at_) Add();
    return text_;
  }

 private:
  bool Is(const Word* word, std::string_view text) const {
    return word >= from_ && word < to_ && EqualsWord(word->text, text);
  }

  void Add() {
    const Word& word = *at_;
    const bool symbol = word.kind == TokenKind::kSymbol;
    // ">=-1" are two operators, of which the second stands for itself.
    const bool sign = symbol && (word.text == "-" || word.text == "+");
    if (!word.joined || sign) text_ += ' ';
    if (word.kind == TokenKind::kWord) {
      text_ += Spelled();
    } else if (word.kind == TokenKind::kQuotedName) {
      text_ += kUnknown;
    } else if (symbol && word.text == "!" && at_ + 1 < to_ && (at_ + 1)->joined && (at_ + 1)->text == "=") {
      text_ += "<>";
      ++at_;
    } else {
      text_ += word.text;
    }
  }

  std::string Spelled() {
    const std::string_view word = at_->text;
    if (EqualsWord(word, "NEW") && Is(at_ + 1, ".") && at_ + 2 < to_) {
      at_ += 2;
      return Column(at_->text);
    }
    if (EqualsWord(word, "TG_OP")) return "'INSERT'";
    if (IsOneOf(word, {"TRUE", "FALSE"})) {
      const bool test = Is(at_ - 1, "IS") || (Is(at_ - 1, "NOT") && Is(at_ - 2, "IS"));
      return test ? InCapitals(word) : InSmallLetters(word);
    }
    if (EqualsWord(word, "SOME")) return "ANY";
    const bool type = at_ - 2 >= from_ && (at_ - 1)->text == ":" && (at_ - 2)->text == ":";
    const bool keyword = IsOneOf(word, {"AND", "OR", "NOT", "IN", "IS", "ANY", "ALL", "ARRAY"});
    if (!keyword && (type || Is(at_ + 1, "(") || (Is(at_ + 1, ".") && !IsOneOf(word, {"OLD"}) && IsCall()))) {
      return InSmallLetters(word);
    }
    // Keywords; what is none is a variable, or something else that nobody knows, and CheckSolver takes it for that.
    return InCapitals(word);
  }

  // Whether "schema.name" goes on as a call.
  bool IsCall() const { return Is(at_ + 3, "("); }

  std::string Column(std::string_view name) const {
    const bool quoted = name.starts_with('"');
    const std::string bare = quoted ? Unquoted(name) : InSmallLetters(name);
    const auto found = std::find_if(columns_.begin(), columns_.end(),
                                    [&](const std::string& column) { return Unquoted(column) == bare; });
    return found == columns_.end() ? kUnknown : *found;
  }

  static constexpr const char* kUnknown = "SOMETHING";

  const std::vector<std::string>& columns_;
  const Word* from_ = nullptr;
  const Word* to_ = nullptr;
  const Word* at_ = nullptr;
  std::string text_;
};

// The conditions under which a body refuses a row.
class Body {
 public:
  Body(const std::vector<Word>& words, const std::vector<std::string>& columns, bool before)
      : words_(words), condition_(columns), before_(before) {}

  std::vector<Conditions> Refusals(Conditions path) {
    for (std::size_t i = 1; i < words_.size(); ++i) {
      if (EqualsWord(words_[i - 1].text, "EXCEPTION") && EqualsWord(words_[i].text, "WHEN")) return {};  // a handler
    }
    while (at_ < words_.size() && !Is("BEGIN")) ++at_;
    ++at_;
    Statements(path);
    return std::move(refusals_);
  }

 private:
  enum class Flow { kGoesOn, kReturns, kRefuses, kLost };

  bool Is(std::string_view word, std::size_t ahead = 0) const {
    return at_ + ahead < words_.size() && EqualsWord(words_[at_ + ahead].text, word);
  }

  // Up to END, ELSIF, ELSE or EXCEPTION. `path` takes what is true of whatever comes further.
  Flow Statements(Conditions& path) {
    Flow end = Flow::kGoesOn;  // the first that is none
    while (at_ < words_.size()) {
      if (IsOneOf(words_[at_].text, {"END", "ELSIF", "ELSEIF", "ELSE", "EXCEPTION"})) return end;
      if (IsOneOf(words_[at_].text, {"LOOP", "WHILE", "FOR", "FOREACH", "CASE", "BEGIN", "DECLARE", "<"})) break;
      if (Is("IF")) {
        const Flow flow = If(path, end != Flow::kGoesOn);
        if (flow == Flow::kLost) return flow;
        if (end == Flow::kGoesOn) end = flow;
        continue;
      }
      const bool raises =
          Is("RAISE") &&
          !(at_ + 1 < words_.size() && IsOneOf(words_[at_ + 1].text, {"DEBUG", "LOG", "INFO", "NOTICE", "WARNING"}));
      const bool leaves_out = before_ && Is("RETURN") && Is("NULL", 1) && Is(";", 2);
      if (end == Flow::kGoesOn && (raises || leaves_out)) {
        end = Flow::kRefuses;
        if (!path.empty()) refusals_.push_back(path);
      }
      if (end == Flow::kGoesOn && Is("RETURN")) end = Flow::kReturns;
      while (at_ < words_.size() && !Is(";")) ++at_;
      ++at_;
    }
    return Flow::kLost;
  }

  Flow If(Conditions& path, bool dead) {
    Conditions so_far = path;
    std::vector<std::string> returned;  // what is not true behind END IF
    bool goes_on = false;
    bool otherwise = false;
    do {
      otherwise = Is("ELSE");
      Conditions branch = so_far;
      if (!otherwise) {
        const auto condition = UpToThen();
        if (!condition) return Flow::kLost;
        branch.push_back(*condition);
        so_far.push_back(fmt::format("NOT ({})", *condition));
      } else {
        ++at_;
      }
      const Conditions entered = branch;
      const std::size_t refused = refusals_.size();
      const Flow flow = Statements(branch);
      if (dead) refusals_.resize(refused);
      if (flow == Flow::kLost) return flow;
      if (flow == Flow::kReturns) {
        const auto own = entered.begin() + static_cast<std::ptrdiff_t>(path.size());
        returned.push_back(fmt::format("NOT ({})", fmt::join(own, entered.end(), ") AND (")));
      }
      goes_on = goes_on || flow == Flow::kGoesOn;
    } while (!otherwise && (Is("ELSIF") || Is("ELSEIF") || Is("ELSE")));
    if (!Is("END") || !Is("IF", 1) || !Is(";", 2)) return Flow::kLost;
    at_ += 3;
    for (std::string& condition : returned) path.push_back(std::move(condition));
    if (goes_on || !otherwise) return Flow::kGoesOn;
    return returned.empty() ? Flow::kRefuses : Flow::kReturns;
  }

  // What stands between IF and THEN.
  std::optional<std::string> UpToThen() {
    const std::size_t from = ++at_;
    while (at_ < words_.size() && !Is("THEN")) {
      if (Is("CASE") || Is(";")) return std::nullopt;
      ++at_;
    }
    if (at_ >= words_.size()) return std::nullopt;
    return condition_.Text(&words_[from], &words_[at_++]);
  }

  const std::vector<Word>& words_;
  Condition condition_;
  bool before_;
  std::size_t at_ = 0;
  std::vector<Conditions> refusals_;
};

// Which columns the bodies of triggers BEFORE assign to.
class Assigned {
 public:
  void Add(const std::vector<Word>& words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (!EqualsWord(words[i].text, "NEW")) continue;
      const bool field = i + 2 < words.size() && words[i + 1].text == ".";
      const std::size_t next = i + (field ? 3 : 1);
      const bool starts =
          i == 0 || IsOneOf(words[i - 1].text, {";", "BEGIN", "THEN", "ELSE", "LOOP", "INTO", "STRICT"});
      const bool takes = i > 0 && IsOneOf(words[i - 1].text, {"INTO", "STRICT", ","});
      const bool assigns = next < words.size() && starts && (words[next].text == ":" || words[next].text == "=");
      if (!takes && !assigns) continue;
      if (field) columns_.insert(Unquoted(InSmallLetters(words[i + 2].text)));
      all_ = all_ || (!field && (assigns || !EqualsWord(words[i - 1].text, ",")));
    }
  }
  void AddAll() { all_ = true; }

  // In doubt, yes: a name is looked for as a word of its own, whatever its case.
  bool Touches(const std::string& condition) const {
    if (all_) return true;
    const std::vector<Word> words = WordsIn(condition);
    return std::any_of(words.begin(), words.end(),
                       [&](const Word& word) { return columns_.contains(Unquoted(InSmallLetters(word.text))); });
  }

 private:
  std::set<std::string> columns_;
  bool all_ = false;
};

struct RowTriggerParts {
  bool before = false;
  std::vector<Word> when;
};

// Nothing for triggers that no inserted row fires.
std::optional<RowTriggerParts> PartsOf(const std::string& definition) {
  const std::vector<Word> words = WordsIn(definition);
  RowTriggerParts parts;
  bool inserts = false;
  bool rows = false;
  std::size_t at = 0;
  for (; at < words.size() && !EqualsWord(words[at].text, "ON"); ++at) {
    parts.before = parts.before || EqualsWord(words[at].text, "BEFORE");
    inserts = inserts || EqualsWord(words[at].text, "INSERT");
  }
  for (; at < words.size() && !IsOneOf(words[at].text, {"WHEN", "EXECUTE"}); ++at) {
    rows = rows || EqualsWord(words[at].text, "ROW");
  }
  if (!inserts || !rows) return std::nullopt;
  if (at < words.size() && EqualsWord(words[at].text, "WHEN")) {
    for (++at; at < words.size() && !EqualsWord(words[at].text, "EXECUTE"); ++at) parts.when.push_back(words[at]);
  }
  return parts;
}

}  // namespace

std::vector<std::string> TriggerChecks(const std::vector<RowTrigger>& triggers,
                                       const std::vector<std::string>& columns) {
  std::vector<std::string> checks;
  Assigned assigned;
  for (const RowTrigger& trigger : triggers) {
    const auto parts = PartsOf(trigger.definition);
    if (!parts) continue;
    const std::vector<Word> words = WordsIn(trigger.body);
    if (parts->before) words.empty() ? assigned.AddAll() : assigned.Add(words);
    Conditions path;
    if (!parts->when.empty()) {
      path.push_back(Condition(columns).Text(parts->when.data(), parts->when.data() + parts->when.size()));
    }
    for (const Conditions& refusal : Body(words, columns, parts->before).Refusals(path)) {
      checks.push_back(fmt::format("CHECK (NOT (({})))", fmt::join(refusal, ") AND (")));
    }
  }
  checks.erase(
      std::remove_if(checks.begin(), checks.end(), [&](const std::string& check) { return assigned.Touches(check); }),
      checks.end());
  return checks;
}

}  // namespace migproof
