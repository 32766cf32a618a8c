// One change of a history: what does it, what undoes it, what it declares, where it stands.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migrations/error.h"
#include "migrations/script.h"

namespace migproof {

// How a section is sent to the server.
enum class Execution {
  kTransaction,  // statement by statement in one transaction, the ledger entry inside it
  kStatements,   // statement by statement, each in a transaction of its own
  kOneQuery,     // the whole text as one simple query: an implicit transaction where it holds several statements
  kTool,         // by the tool itself (StepTool): there is no script, only code
};

struct Section {
  Script script;  // kTool: empty, but it says where the code stands
  Execution execution = Execution::kTransaction;

  // kTool: what the tool was last seen to send. Its execution is kTool as long as nothing was seen, and where the same
  // statements sent again would not do the same.
  std::shared_ptr<Section> recorded = nullptr;
  // kTool: the strings that the code holds; its statements are made from them.
  std::vector<std::string> literals = {};

  // The section as SQL: itself, or what was recorded of it.
  const Section& AsSql() const { return recorded == nullptr ? *this : *recorded; }
};

// A promise or exception written beside a revision (DESIGN: "Declarations"), checked like everything else:
//   -- migproof: loses orders.note "free text dropped on purpose"
struct Declaration {
  std::string kind;  // idempotent irreversible loses changes leaves owns assumes requires
  // "orders.note", "extension vector", "orders: note IS NOT NULL", "server >= 15"; "" for idempotent, irreversible
  std::string object;
  std::string reason;  // "" where none was given
  SourceLocation where;

  bool operator==(const Declaration&) const = default;
};

struct Revision {
  std::string id;  // unique in its history; what a user types
  std::string title;
  std::vector<std::string> parents;     // none: a base; several: a merge
  std::vector<std::string> depends_on;  // must be applied earlier, but is not a parent
  std::vector<std::string> labels;      // branch labels
  Section upgrade;
  std::optional<Section> downgrade;  // absent: the history gives none (irreversible by nature)
  // What the tool runs after the upgrade to see whether it did its work, and then undoes; it fails where it did not.
  std::optional<Section> verification = std::nullopt;
  std::vector<Declaration> declarations;
  SourceLocation where;
  std::string ledger_key;  // what the tool writes into its ledger; equals id where the tool has no other key

  // XXH3-128 over the text of the upgrade (comments and white space included, line ends counted as \n): 32 hex digits.
  std::string Checksum() const;

  bool Declares(std::string_view kind) const;
  // The declaration ("requires server >= 15") that a server of this major does not meet, or null.
  const Declaration* UnmetBy(int server_major) const;
  // The declaration of `kind` about `object`, or null.
  const Declaration* FindDeclaration(std::string_view kind, std::string_view object) const;
};

// What stands behind "-- migproof:" (trimmed) where `line` is such a comment, white space before it allowed.
std::optional<std::string_view> DirectiveOf(std::string_view line);

// One "-- migproof: ..." line of a script; `text` is what stands behind the colon.
struct Directive {
  std::string text;
  SourceLocation where;

  // The word it begins with, and what stands behind that word.
  std::string_view Word() const;
  std::string_view Rest() const;
};

// Every such line in the comments of a script, inside statements too; never in strings, function bodies or COPY data.
std::vector<Directive> ReadDirectives(const Script& script);

// Reads "idempotent", "loses orders.note \"why\"", ...: what stands behind "-- migproof:". The reason is the quoted
// text at the end, behind white space; a quote within it is doubled. Error(history) with the near name for an unknown
// word and for a missing or unexpected object. `directives` are further words that the near name may come from.
Declaration ParseDeclaration(std::string_view text, const SourceLocation& where,
                             const std::vector<std::string>& directives = {});

// Every "-- migproof: ..." declaration line in a script's comments that is not one of `directives` (the words a format
// keeps for itself). Unknown words are errors.
std::vector<Declaration> ReadDeclarations(const Script& script, const std::vector<std::string>& directives);

}  // namespace migproof
