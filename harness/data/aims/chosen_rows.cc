#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/data/aim_tools.h"
#include "harness/data/definition_text.h"
#include "migrations/lexer.h"

namespace migproof {

namespace {

char LowerAscii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

struct Piece {
  TokenKind kind = TokenKind::kSymbol;
  std::string text;  // words in lower case, names and strings with their quotes, operators whole
};

using Pieces = std::vector<Piece>;

// What stands between dollar quotes is a body, and read on.
void ReadPieces(std::string_view text, Pieces& pieces) {
  constexpr std::string_view kOperator = "+-*/<>=~!@#%^&|`?:";
  const auto in_operator = [&](std::string_view sign) { return kOperator.find(sign) != std::string_view::npos; };
  Lexer lexer(text);
  std::size_t behind = std::string_view::npos;
  for (Token token = lexer.Next(); token.kind != TokenKind::kEnd; token = lexer.Next()) {
    const std::string_view written = lexer.Text(token);
    if (token.kind == TokenKind::kString && written.starts_with('$')) {
      const std::size_t mark = written.find('$', 1) + 1;
      ReadPieces(written.substr(mark, written.size() - std::min(written.size(), 2 * mark)), pieces);
    } else if (token.kind == TokenKind::kSymbol && token.begin == behind && in_operator(written) &&
               in_operator(pieces.back().text.substr(0, 1))) {
      pieces.back().text += written;
    } else {
      pieces.push_back({token.kind, std::string(written)});
      std::string& piece = pieces.back().text;
      if (token.kind == TokenKind::kWord) std::ranges::transform(piece, piece.begin(), LowerAscii);
    }
    behind = token.kind == TokenKind::kSymbol ? token.end : std::string_view::npos;
  }
}

bool IsWord(const Pieces& pieces, std::size_t at, std::string_view word) {
  return at < pieces.size() && pieces[at].kind == TokenKind::kWord && pieces[at].text == word;
}

// The parts beside AND of what stands behind WHERE or WHEN at `begin`. All of it is one part where OR joins any.
std::vector<Pieces> PartsFrom(const Pieces& pieces, std::size_t begin) {
  static const std::set<std::string, std::less<>> kBehind = {
      "do",   "end",    "except", "fetch", "for",       "group", "having", "intersect", "limit",
      "loop", "offset", "on",     "order", "returning", "then",  "union",  "window",    ";"};
  std::vector<Pieces> parts(1);
  Pieces all;
  int depth = 0;
  bool any_or = false;
  bool between = false;  // its AND joins no parts
  for (std::size_t at = begin; at < pieces.size(); ++at) {
    const Piece& piece = pieces[at];
    const bool word = piece.kind == TokenKind::kWord;
    if (depth == 0 && (piece.text == ")" || (piece.kind != TokenKind::kString && kBehind.contains(piece.text)))) {
      break;
    }
    if (piece.text == "(" || piece.text == "[" || (word && piece.text == "case")) ++depth;
    if (piece.text == ")" || piece.text == "]" || (word && piece.text == "end")) --depth;
    all.push_back(piece);
    if (depth == 0 && word) {
      any_or = any_or || piece.text == "or";
      if (piece.text == "and" && !std::exchange(between, false)) {
        parts.emplace_back();
        continue;
      }
      between = between || piece.text == "between";
    }
    parts.back().push_back(piece);
  }
  return any_or ? std::vector<Pieces>{all} : parts;
}

// Writes a part as the server writes a CHECK, for what CheckSolver knows forms for; `columns` are those of a table,
// quoted, by their names.
class PartWriter {
 public:
  PartWriter(const Pieces& part, const std::map<std::string, std::string>& columns) : part_(part), columns_(columns) {}

  std::string Check() {
    for (at_ = 0; at_ < part_.size(); ++at_) Write();
    return "CHECK ((" + text_ + "))";
  }

 private:
  void Put(std::string_view text) { text_ += (text_.empty() ? "" : " ") + std::string(text); }

  void Write() {
    const Piece& piece = part_[at_];
    if (piece.kind == TokenKind::kQuotedName) {
      PutName(Unquoted(piece.text), piece.text);
    } else if (piece.kind == TokenKind::kWord) {
      WriteWord(piece.text);
    } else if (piece.text == ")" && !lists_.empty() && lists_.back()) {
      Put("])");
      lists_.pop_back();
    } else {
      if (piece.text == "(") lists_.push_back(false);
      if (piece.text == ")" && !lists_.empty()) lists_.pop_back();
      Put(piece.text == "!=" ? "<>" : piece.text);
    }
  }

  // A column stands by itself whatever it was qualified with.
  void PutName(const std::string& name, const std::string& written) {
    if (at_ + 1 < part_.size() && part_[at_ + 1].text == ".") {
      ++at_;
      return;
    }
    const auto column = columns_.find(name);
    Put(column == columns_.end() ? written : column->second);
  }

  void WriteWord(const std::string& word) {
    static const std::set<std::string, std::less<>> kKeywords = {"and",     "all",  "any",    "array",   "case",
                                                                 "collate", "from", "is",     "not",     "null",
                                                                 "or",      "row",  "exists", "unknown", "distinct"};
    const bool negated = word == "not";
    const std::size_t behind = at_ + (negated ? 1 : 0);
    const bool tests = IsWord(part_, at_ - 1, "is") || (IsWord(part_, at_ - 1, "not") && IsWord(part_, at_ - 2, "is"));
    if (IsWord(part_, behind, "like") || IsWord(part_, behind, "ilike")) {
      Put(std::string(negated ? "!~~" : "~~") + (part_[behind].text == "ilike" ? "*" : ""));
      at_ = behind;
    } else if (IsWord(part_, behind, "in") && behind + 1 < part_.size() && part_[behind + 1].text == "(") {
      Put(negated ? "<> ALL (ARRAY[" : "= ANY (ARRAY[");
      at_ = behind + 1;
      lists_.push_back(true);
    } else if (kKeywords.contains(word) || (tests && (word == "true" || word == "false"))) {
      std::string upper = word;
      std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      Put(upper);
    } else {
      PutName(word, word);
    }
  }

  const Pieces& part_;
  const std::map<std::string, std::string>& columns_;
  std::size_t at_ = 0;
  std::string text_;
  std::vector<bool> lists_;  // of the parentheses that are open: whether it is that of an IN
};

class ChosenRows : public Aim {
 public:
  std::string_view Summary() const override {
    return "a row meets at once all that a WHERE or WHEN asks of its columns, beside AND";
  }

  void Propose(const AimInput& input, Targets& targets) const override {
    Proposal proposal(input, targets);
    Random random = AimRandom("chosen_rows");
    constexpr int kMost = 12;  // of one statement
    for (const NamedColumns& named : NamedInStatements(input)) {
      if (named.columns.size() < 2) continue;
      Pieces pieces;
      ReadPieces(named.statement, pieces);
      const CheckColumns types = CheckColumnsOf(input.before, named.table);
      int put = 0;
      for (std::size_t at = 0; at < pieces.size() && put < kMost; ++at) {
        if (!IsWord(pieces, at, "where") && !IsWord(pieces, at, "when")) continue;
        put += Put(named.table, PartsFrom(pieces, at + 1), types, random, proposal) ? 1 : 0;
      }
    }
  }

 private:
  // What speaks of other columns, or has no known form, is left to chance. A single column has named_values: false.
  static bool Put(const std::string& table, const std::vector<Pieces>& parts, const CheckColumns& types, Random& random,
                  Proposal& proposal) {
    constexpr int kRows = 2;
    std::map<std::string, std::string> by_name;
    for (const auto& [column, type] : types) by_name.emplace(Unquoted(column), column);
    std::vector<std::string> checks;
    std::set<std::string> spoken_of;
    for (const Pieces& part : parts) {
      std::string check = PartWriter(part, by_name).Check();
      const CheckSolver solver({check});
      const auto is_theirs = [&](const std::string& column) { return types.contains(column); };
      if (solver.columns().empty() || !std::ranges::all_of(solver.columns(), is_theirs)) continue;
      spoken_of.insert(solver.columns().begin(), solver.columns().end());
      checks.push_back(std::move(check));
    }
    if (spoken_of.size() < 2) return false;
    const CheckSolver solver(checks);
    for (int i = 0; i < kRows; ++i) {
      if (const auto row = solver.Solve(types, {}, random)) proposal.Rows(table, {*row});
    }
    return true;
  }
};

const Registered<Aim, ChosenRows> kChosenRows("chosen_rows");

}  // namespace

}  // namespace migproof
