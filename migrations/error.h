// The one exception type of the project, with answers on it.
//
// Every complaint that reaches a user is an Error: it says what went wrong, quotes its subject, says what was expected,
// and ends with a hint where there is one. Decisions are made from kind() and sql()->sqlstate, never from message text.
//
//   throw Error(ErrorKind::kUsage, fmt::format("unknown law '{}'", name)).WithHint("did you mean 'round_trip'?");
//
// Context is added on the way up: catch (Error& e) { e.AddContext("while reading ./db"); throw; }
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace migproof {

// Who has to act: the caller (usage), the author of the history (history: a file can't be read; migration: a script
// failed), whoever runs the machine (server), or us (internal).
enum class ErrorKind { kUsage, kHistory, kMigration, kServer, kInternal };

std::string_view Name(ErrorKind kind);

// A place in a file. Lines count from 1; 0 means "the file as a whole".
struct SourceLocation {
  std::string file;
  int line = 0;

  bool empty() const { return file.empty(); }
  std::string ToString() const;  // "db/1.sql:12", "db/1.sql", or ""

  bool operator==(const SourceLocation&) const = default;
};

// What the server said about one statement. Fields as in the PostgreSQL manual, "Error and Notice Message Fields"
// (PG_DIAG_*); empty where the server gave none.
struct SqlFailure {
  std::string sqlstate;  // five characters; "" when the connection broke before an answer
  std::string message;   // primary message, without "ERROR:"
  std::string detail;
  std::string hint;
  std::string context;  // PL call stack
  std::string schema, table, column, type, constraint;
  std::string statement;  // the text that was sent
  SourceLocation where;   // the line the server points at, or the statement's first line
  bool connection_lost = false;

  // True where the failure says nothing about the script: the connection broke, or SQLSTATE class 53 (insufficient
  // resources) or 57P (operator intervention).
  bool IsEnvironmental() const;
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message);
  Error(ErrorKind kind, SqlFailure failure);

  ErrorKind kind() const { return kind_; }
  const std::string& message() const { return message_; }
  const std::string& hint() const { return hint_; }
  const std::vector<std::string>& context() const { return context_; }
  const SourceLocation& where() const { return where_; }
  // The server's words, where a server spoke.
  const std::optional<SqlFailure>& sql() const { return sql_; }
  std::string_view sqlstate() const;

  Error& WithHint(std::string hint) &;
  Error&& WithHint(std::string hint) &&;
  Error& WithLocation(SourceLocation where) &;
  Error&& WithLocation(SourceLocation where) &&;
  Error& AddContext(std::string context);

  // The whole report for a terminal: "error: ...", context lines, "hint: ...". No trailing newline.
  std::string Render() const;

 private:
  ErrorKind kind_;
  std::string message_;
  std::string hint_;
  std::vector<std::string> context_;
  SourceLocation where_;
  std::optional<SqlFailure> sql_;
};

// The candidate closest to `name` (edit distance at most a third of its length), or "" when none is near.
std::string NearName(std::string_view name, const std::vector<std::string>& candidates);

// "did you mean 'x'?", or `otherwise` when no candidate is near.
std::string NearNameHint(std::string_view name, const std::vector<std::string>& candidates, std::string otherwise = "");

}  // namespace migproof
