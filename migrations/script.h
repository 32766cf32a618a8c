// A piece of SQL text, cut into the statements that a server would see.
//
// The cut follows psql and the server's own lexer (PostgreSQL manual, "Lexical Structure"): quoted strings, E''
// strings, quoted identifiers, dollar quotes, nested block comments, BEGIN ATOMIC bodies, parentheses of rules; psql
// meta-commands and the data of COPY ... FROM STDIN are kept as statements of their own kind.
// standard_conforming_strings is taken to be on. Where psql and the server differ (a column called "end" in a body, an
// E'' string continued on the next line), the cut is the server's; script_oracles_test.cc lists these places.
//
//   const Script script = Script::Parse(text, {"db/1.sql", 3});
//   for (const Statement& statement : script.statements()) session.Execute(script, statement);
//
// Text is UTF-8; a BOM is dropped and CRLF is accepted. Line numbers are those of the file.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "migrations/error.h"

namespace migproof {

enum class StatementKind {
  kSql,          // ends at its semicolon, or at the end of the text
  kMetaCommand,  // a psql backslash command, to the end of its line; ends a statement that is open there
  kCopyData,     // the lines below COPY ... FROM STDIN (or psql's \copy) up to and without "\."; belongs to that COPY
};

struct Statement {
  StatementKind kind = StatementKind::kSql;
  std::size_t begin = 0;  // byte offset in Script::text(), at the first token: comments before it are left out
  std::size_t end = 0;    // behind the last token, the semicolon not included
  int line = 0;           // line of `begin` in the file, from 1
};

class Script {
 public:
  Script() = default;

  // Cuts `text`, whose first line is start.line of start.file (0 counts as 1).
  // Error(history) with the place of the opening mark for an unterminated quote, dollar quote, comment or COPY block,
  // for text that is not UTF-8 or holds a zero byte, and for text behind COPY ... FROM STDIN on its line.
  // Empty statements are left out. Time is linear in the text.
  static Script Parse(std::string text, const SourceLocation& start);

  // Scripts that run one after the other, as one; each statement keeps its own file and line.
  static Script Join(const std::vector<Script>& parts);

  // As if its first and its last statement, semicolons included, were blanks: what a script says within its own BEGIN
  // and COMMIT. It holds at least two statements.
  Script WithoutOuter() const;

  const std::string& text() const { return text_; }
  const std::string& file() const { return file_; }
  int first_line() const { return first_line_; }
  const std::vector<Statement>& statements() const { return statements_; }
  bool empty() const { return statements_.empty(); }

  std::string_view Text(const Statement& statement) const;
  // The place of a byte offset of text().
  SourceLocation At(std::size_t offset) const;

 private:
  // Where a script that was joined begins in text_.
  struct Part {
    std::size_t begin = 0;
    std::string file;
    int first_line = 1;
  };

  std::string text_;
  std::string file_;
  int first_line_ = 1;
  std::vector<Statement> statements_;
  std::vector<Part> parts_;  // of a joined script, in order
};

// The first `count` words of a statement in upper case, comments skipped, one space between:
// "CREATE INDEX CONCURRENTLY". Words are what the server's lexer calls identifiers and keywords.
std::string LeadingWords(std::string_view statement, int count);

// BEGIN, START TRANSACTION, COMMIT, END, ROLLBACK, ABORT, PREPARE TRANSACTION: what moves transaction boundaries.
// SAVEPOINT, RELEASE, ROLLBACK TO and COMMIT PREPARED do not. What a DO block or procedure does inside isn't seen.
bool ControlsTransaction(std::string_view statement);

// True for statements that the server refuses inside a transaction block (PostgreSQL manual, per command):
// CREATE/DROP INDEX CONCURRENTLY, REINDEX ... CONCURRENTLY and of a whole namespace or database, VACUUM, CLUSTER of all
// tables, CREATE/DROP DATABASE, CREATE/DROP TABLESPACE, ALTER DATABASE ... SET TABLESPACE, ALTER SYSTEM, DISCARD ALL,
// DETACH PARTITION ... CONCURRENTLY, CREATE/DROP SUBSCRIPTION with a slot, ALTER SUBSCRIPTION that refreshes,
// COMMIT/ROLLBACK PREPARED. REFRESH MATERIALIZED VIEW CONCURRENTLY is not one.
// A hint for choosing a way of execution; the server decides.
bool RefusesTransaction(std::string_view statement);

// The tokens of a statement, one space between: words in upper case where unquoted, each string as "''", comments left
// out: "SELECT A . B FROM T WHERE C = ''". For cheap searches ("does it say CONCURRENTLY").
std::string Skeleton(std::string_view statement);

}  // namespace migproof
