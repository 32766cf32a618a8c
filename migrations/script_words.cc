// What a statement is, judged by its words.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "migrations/lexer.h"
#include "migrations/script.h"

namespace migproof {

namespace {

std::string UpperWord(std::string_view word) {
  std::string upper(word);
  std::transform(upper.begin(), upper.end(), upper.begin(), UpperAscii);
  return upper;
}

bool StartsWith(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

// True where `words` (upper case, one space between) begin with `prefix` and end or go on with another word there.
bool BeginsWithWords(std::string_view words, std::string_view prefix) {
  return StartsWith(words, prefix) && (words.size() == prefix.size() || words[prefix.size()] == ' ');
}

// True where the tokens of `phrase`, one space between, stand somewhere in `skeleton`.
bool HoldsWords(std::string_view skeleton, std::string_view phrase) {
  for (std::size_t at = skeleton.find(phrase); at != std::string_view::npos; at = skeleton.find(phrase, at + 1)) {
    const std::size_t behind = at + phrase.size();
    const bool begins = at == 0 || skeleton[at - 1] == ' ';
    const bool ends = behind == skeleton.size() || skeleton[behind] == ' ';
    if (begins && ends) return true;
  }
  return false;
}

// True where an option of a parenthesised list is switched off: "CREATE_SLOT = FALSE".
bool HoldsOptionOff(std::string_view skeleton, const std::string& option) {
  for (const char* off : {" = FALSE", " = OFF", " = 0", " FALSE", " OFF", " 0"}) {
    if (HoldsWords(skeleton, option + off)) return true;
  }
  return false;
}

bool RefusesIndexCommand(std::string_view skeleton) {
  for (const char* prefix :
       {"CREATE INDEX CONCURRENTLY", "CREATE UNIQUE INDEX CONCURRENTLY", "DROP INDEX CONCURRENTLY"}) {
    if (BeginsWithWords(skeleton, prefix)) return true;
  }
  if (!BeginsWithWords(skeleton, "REINDEX")) return false;
  if (HoldsWords(skeleton, "CONCURRENTLY")) return !HoldsOptionOff(skeleton, "CONCURRENTLY");
  for (const std::string scope : {"DATABASE", "SYSTEM", "SCHEMA"}) {
    if (BeginsWithWords(skeleton, "REINDEX " + scope) || HoldsWords(skeleton, ") " + scope)) return true;
  }
  return false;
}

// CLUSTER without a table works through all of them, each in a transaction of its own.
bool IsClusterOfAll(std::string_view skeleton) {
  if (!BeginsWithWords(skeleton, "CLUSTER")) return false;
  std::string_view rest = skeleton.substr(std::min(skeleton.size(), std::string_view("CLUSTER ").size()));
  if (StartsWith(rest, "(")) {
    const std::size_t close = rest.find(')');
    return close == std::string_view::npos || close + 1 == rest.size();
  }
  return rest.empty() || rest == "VERBOSE";
}

bool RefusesSubscriptionCommand(std::string_view skeleton) {
  if (BeginsWithWords(skeleton, "DROP SUBSCRIPTION")) return true;
  if (BeginsWithWords(skeleton, "CREATE SUBSCRIPTION")) {
    return !HoldsOptionOff(skeleton, "CREATE_SLOT") && !HoldsOptionOff(skeleton, "CONNECT");
  }
  if (!BeginsWithWords(skeleton, "ALTER SUBSCRIPTION")) return false;
  if (HoldsWords(skeleton, "REFRESH PUBLICATION")) return true;
  const bool changes_publications = HoldsWords(skeleton, "SET PUBLICATION") ||
                                    HoldsWords(skeleton, "ADD PUBLICATION") || HoldsWords(skeleton, "DROP PUBLICATION");
  return changes_publications && !HoldsOptionOff(skeleton, "REFRESH");
}

bool IsOperatorByte(std::string_view symbol) {
  return symbol.find_first_not_of("~!@#^&|`?+-*/%<>=:") == std::string_view::npos;
}

}  // namespace

std::string LeadingWords(std::string_view statement, int count) {
  Lexer lexer(statement);
  std::string words;
  for (int i = 0; i < count; ++i) {
    const Token token = lexer.Next();
    if (token.kind != TokenKind::kWord) break;
    if (i > 0) words += ' ';
    words += UpperWord(lexer.Text(token));
  }
  return words;
}

bool ControlsTransaction(std::string_view statement) {
  const std::string words = LeadingWords(statement, 3);
  for (const char* command : {"BEGIN", "START TRANSACTION", "END", "ABORT"}) {
    if (BeginsWithWords(words, command)) return true;
  }
  if (BeginsWithWords(words, "COMMIT")) return !BeginsWithWords(words, "COMMIT PREPARED");
  if (BeginsWithWords(words, "ROLLBACK")) {
    return !BeginsWithWords(words, "ROLLBACK PREPARED") && !HoldsWords(words, "TO");
  }
  // "PREPARE transaction AS ..." prepares a statement of that name.
  return words == "PREPARE TRANSACTION" && Skeleton(statement) == "PREPARE TRANSACTION ''";
}

bool RefusesTransaction(std::string_view statement) {
  const std::string lead = LeadingWords(statement, 2);
  for (const char* command : {"VACUUM", "CREATE DATABASE", "DROP DATABASE", "CREATE TABLESPACE", "DROP TABLESPACE",
                              "ALTER SYSTEM", "COMMIT PREPARED", "ROLLBACK PREPARED", "DISCARD ALL"}) {
    if (BeginsWithWords(lead, command)) return true;
  }
  const std::string skeleton = Skeleton(statement);
  if (lead == "ALTER TABLE") return HoldsWords(skeleton, "DETACH PARTITION") && HoldsWords(skeleton, "CONCURRENTLY");
  if (lead == "ALTER DATABASE") return HoldsWords(skeleton, "SET TABLESPACE");
  return RefusesIndexCommand(skeleton) || IsClusterOfAll(skeleton) || RefusesSubscriptionCommand(skeleton);
}

std::string Skeleton(std::string_view statement) {
  Lexer lexer(statement);
  std::string skeleton;
  Token previous;
  for (Token token = lexer.Next(); token.kind != TokenKind::kEnd; token = lexer.Next()) {
    if (token.kind == TokenKind::kComment) break;
    const bool one_operator = previous.kind == TokenKind::kSymbol && token.kind == TokenKind::kSymbol &&
                              previous.end == token.begin && IsOperatorByte(lexer.Text(previous)) &&
                              IsOperatorByte(lexer.Text(token));
    if (!skeleton.empty() && !one_operator) skeleton += ' ';
    switch (token.kind) {
      case TokenKind::kString: skeleton += "''"; break;
      case TokenKind::kWord: skeleton += UpperWord(lexer.Text(token)); break;
      default: skeleton += lexer.Text(token); break;
    }
    previous = token;
  }
  return skeleton;
}

}  // namespace migproof
