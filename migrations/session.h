// One connection to one database: the only place that knows the client libraries.
//
// libpqxx owns the connection (opening, closing, quoting, encoding); statements go through libpq on the same
// connection, because a migration needs what libpqxx does not give: the result of each statement of a script, the
// server's diagnostic fields, error positions, notices and COPY.
//
//   Session session(conninfo);
//   session.Execute("CREATE TABLE t (id int)");
//   const Rows rows = session.Query("SELECT id, name FROM t ORDER BY 1");
//   for (int i = 0; i < rows.size(); ++i) use(rows.Get(i, 0));
//
// Every complaint of the server becomes an Error: kind migration when a statement was refused, kind server when the
// connection could not be made or broke (sql()->connection_lost). A Session whose connection broke stays broken; it
// never reconnects, since session state would be lost silently. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migrations/error.h"
#include "migrations/script.h"

struct pg_result;

namespace migproof {

// The rows of one statement, in text format. Cheap to copy.
class Rows {
 public:
  Rows() = default;
  explicit Rows(std::shared_ptr<pg_result> result);

  int size() const { return size_; }
  int columns() const { return columns_; }
  bool empty() const { return size_ == 0; }
  std::string_view ColumnName(int column) const;
  bool IsNull(int row, int column) const;
  // The text of a cell; "" for NULL.
  std::string_view Get(int row, int column) const;
  std::optional<std::string> GetOptional(int row, int column) const;
  std::int64_t GetInt(int row, int column) const;
  bool GetBool(int row, int column) const { return Get(row, column) == "t"; }
  // "INSERT 0 3", "CREATE TABLE".
  std::string_view CommandTag() const;

 private:
  std::shared_ptr<pg_result> result_;
  int size_ = 0;
  int columns_ = 0;
};

struct Notice {
  std::string severity;  // NOTICE, WARNING, INFO, LOG, DEBUG; never translated
  std::string sqlstate;
  std::string message;
};

enum class TransactionState { kIdle, kOpen, kFailed, kUnknown };

class Session {
 public:
  // `conninfo` is a libpq connection string or URL. client_encoding is set to UTF8, and application_name to
  // "migproof" where conninfo names none. Error(server) when no connection can be made within connect_timeout_ms
  // (rounded up to whole seconds, libpq's unit); the message never holds a password.
  explicit Session(const std::string& conninfo, int connect_timeout_ms = 10'000);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Sends `sql` as one simple query (several statements allowed: then they share an implicit transaction, as the
  // manual says in "Multiple Statements in a Simple Query"). Returns the last result.
  Rows Execute(std::string_view sql);
  // The same; returns the result of each statement.
  std::vector<Rows> ExecuteEach(std::string_view sql);

  // One statement of a script. Errors carry the statement and its file:line. COPY FROM STDIN takes the data that
  // follows it in the script (pass the kCopyData statement as `data`).
  Rows Execute(const Script& script, const Statement& statement, const Statement* data = nullptr);

  // Several statements of a script, [begin, end) by number, as one simple query: the round trips of all but one are
  // saved. Inside an open transaction they do what they do one by one, except that they share statement_timestamp() and
  // statement_timeout, that all are parsed before the first one runs, and that one which breaks off is told to end at
  // its semicolon. All of kind kSql, none of them COPY FROM
  // STDIN. Errors are those of the statement that was refused.
  void ExecuteTogether(const Script& script, std::size_t begin, std::size_t end);

  // The whole script as one simple query, the way tools do that send a file at once. The Error names the statement
  // that failed. Error(history) where the script holds meta-commands or COPY data.
  void ExecuteWhole(const Script& script);

  // One statement with parameters ($1...), given as text or NULL.
  Rows Query(std::string_view sql, const std::vector<std::optional<std::string>>& parameters = {});

  // As Query, prepared once per session under `name` (the same name means the same text).
  Rows QueryPrepared(const std::string& name, std::string_view sql,
                     const std::vector<std::optional<std::string>>& parameters = {});

  // Sends several prepared queries at once and waits once (libpq's pipeline mode): the results in order. Nothing after
  // the first refusal, which becomes the Error, is executed; what was before it, outside a transaction, is undone. One
  // without a name is sent as it is.
  struct Prepared {
    std::string name;
    std::string sql;
    std::vector<std::optional<std::string>> parameters;
    std::vector<std::string> types = {};  // of the parameters, as oids; what is not said, the server finds out
  };
  std::vector<Rows> QueryAll(const std::vector<Prepared>& queries);
  // The same; statement and parameters (nullptr: NULL) live elsewhere, longer than the call.
  struct Call {
    const Prepared* statement;  // its own parameters are not sent
    std::vector<const char*> parameters = {};
  };
  std::vector<Rows> CallAll(const std::vector<Call>& calls);
  // Takes back what is prepared under names that begin so.
  void Deallocate(const std::string& prefix);

  // COPY ... TO STDOUT and COPY ... FROM STDIN, in the statement's own format.
  std::string CopyOut(std::string_view copy_statement);
  void CopyIn(std::string_view copy_statement, std::string_view data);

  std::string QuoteName(std::string_view name) const;
  std::string QuoteLiteral(std::string_view text) const;

  TransactionState transaction_state() const;
  // Rises whenever the server may have undone something of this session's: a ROLLBACK of any kind, a refusal.
  std::uint64_t undone() const;
  // Rises with everything that is sent to the server: as long as it stays, nothing has come between.
  std::uint64_t requests() const;
  bool broken() const;
  int server_version() const;  // 150020 for 15.20
  int major_version() const { return server_version() / 10000; }
  int backend_pid() const;
  // Where this session is connected, as a URL with the password in it: for a process of ours, never for output.
  std::string Url() const;
  const std::string& database() const;

  // Notices since the last call.
  std::vector<Notice> TakeNotices();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// BEGIN on construction; ROLLBACK on destruction unless Commit() was called.
class Transaction {
 public:
  explicit Transaction(Session& session);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void Commit();

 private:
  Session& session_;
  bool open_ = true;
};

// The text of `conninfo` (URL or key=value) with the password taken out: the only form that may be printed.
std::string WithoutPassword(const std::string& conninfo);

// `conninfo` with the database name replaced.
std::string WithDatabase(const std::string& conninfo, const std::string& database);

// `conninfo` as variables for the environment of a program that uses libpq ("PGHOST=..."), the password among them.
std::vector<std::string> ConninfoEnvironment(const std::string& conninfo);

// `conninfo` with one of libpq's options replaced: WithOption(c, "options", "-c TimeZone=UTC").
std::string WithOption(const std::string& conninfo, const std::string& option, const std::string& value);

}  // namespace migproof
