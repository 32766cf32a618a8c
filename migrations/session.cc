#include "migrations/session.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <pqxx/pqxx>
#include <set>
#include <utility>

#include "migrations/session_connection.h"

namespace migproof {

namespace {

std::shared_ptr<pg_result> Own(PGresult* result) { return {result, PQclear}; }

std::string Field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? std::string() : std::string(text);
}

// The server counts error positions in characters of the query, from 1.
std::size_t ByteOffset(std::string_view text, int position) {
  std::size_t offset = 0;
  for (int characters = 1; offset < text.size() && characters < position; ++characters) {
    ++offset;
    while (offset < text.size() && (static_cast<unsigned char>(text[offset]) & 0xC0) == 0x80) ++offset;
  }
  return offset;
}

SqlFailure ReadFailure(PGconn* connection, const PGresult* result, std::string_view statement) {
  SqlFailure failure;
  failure.statement = std::string(statement);
  failure.sqlstate = Field(result, PG_DIAG_SQLSTATE);
  failure.message = Field(result, PG_DIAG_MESSAGE_PRIMARY);
  failure.detail = Field(result, PG_DIAG_MESSAGE_DETAIL);
  failure.hint = Field(result, PG_DIAG_MESSAGE_HINT);
  failure.context = Field(result, PG_DIAG_CONTEXT);
  failure.schema = Field(result, PG_DIAG_SCHEMA_NAME);
  failure.table = Field(result, PG_DIAG_TABLE_NAME);
  failure.column = Field(result, PG_DIAG_COLUMN_NAME);
  failure.type = Field(result, PG_DIAG_DATATYPE_NAME);
  failure.constraint = Field(result, PG_DIAG_CONSTRAINT_NAME);
  // What has no state comes from libpq itself: after a send that failed it learns from the next read that the
  // connection is gone.
  if (failure.sqlstate.empty()) (void)PQconsumeInput(connection);
  failure.connection_lost = PQstatus(connection) != CONNECTION_OK;
  if (failure.message.empty()) {
    failure.message = PQerrorMessage(connection);
    while (!failure.message.empty() && failure.message.back() == '\n') failure.message.pop_back();
  }
  return failure;
}

int ErrorPosition(const PGresult* result) {
  const std::string text = Field(result, PG_DIAG_STATEMENT_POSITION);
  int position = 0;
  std::from_chars(text.data(), text.data() + text.size(), position);
  return position;
}

Error Refusal(SqlFailure failure) {
  const ErrorKind kind = failure.connection_lost ? ErrorKind::kServer : ErrorKind::kMigration;
  return Error(kind, std::move(failure));
}

std::string UrlEncoded(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain =
        std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("-._~").find(c) != std::string_view::npos;
    encoded += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return encoded;
}

bool IsRefusal(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE || status == PGRES_PIPELINE_ABORTED ||
         result == nullptr;
}

std::vector<const char*> Pointers(const std::vector<std::optional<std::string>>& parameters) {
  std::vector<const char*> values;
  values.reserve(parameters.size());
  for (const auto& parameter : parameters) values.push_back(parameter ? parameter->c_str() : nullptr);
  return values;
}

}  // namespace

Rows::Rows(std::shared_ptr<pg_result> result)
    : result_(std::move(result)), size_(PQntuples(result_.get())), columns_(PQnfields(result_.get())) {}

std::string_view Rows::ColumnName(int column) const { return PQfname(result_.get(), column); }

bool Rows::IsNull(int row, int column) const { return PQgetisnull(result_.get(), row, column) != 0; }

std::string_view Rows::Get(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column), static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::optional<std::string> Rows::GetOptional(int row, int column) const {
  if (IsNull(row, column)) return std::nullopt;
  return std::string(Get(row, column));
}

std::int64_t Rows::GetInt(int row, int column) const {
  const std::string_view text = Get(row, column);
  std::int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    throw Error(ErrorKind::kInternal, fmt::format("'{}' is not an integer", text));
  }
  return value;
}

std::string_view Rows::CommandTag() const { return result_ ? PQcmdStatus(result_.get()) : ""; }

class Session::Impl {
 public:
  Impl(const std::string& conninfo, int connect_timeout_ms) : connection_(conninfo, connect_timeout_ms) {
    PQsetNoticeReceiver(raw(), &Impl::OnNotice, this);
    database_ = PQdb(raw());
  }

  PGconn* raw() const { return connection_.raw(); }
  pqxx::connection_base& pqxx() { return connection_.pqxx(); }
  const std::string& database() const { return database_; }
  std::vector<Notice> TakeNotices() { return std::exchange(notices_, {}); }

  // Runs one simple query, reading every result; a COPY that was asked for is served by `data`, or ended.
  // `statement_of(i)` gives place and text of the i-th statement for the Error.
  // `each`, where there is one, gets every result.
  Rows Run(std::string_view sql, std::string_view data, const std::function<void(SqlFailure&, int, int)>& describe,
           std::vector<Rows>* each = nullptr) {
    const std::string text(sql);
    ++requests_;
    if (PQsendQuery(raw(), text.c_str()) == 0) throw Refused(nullptr, sql, 0, describe);
    Rows last;
    std::shared_ptr<pg_result> failed;
    int index = 0;
    int failed_index = 0;
    while (PGresult* next = PQgetResult(raw())) {
      std::shared_ptr<pg_result> result = Own(next);
      const ExecStatusType status = PQresultStatus(next);
      if (status == PGRES_COPY_IN) {
        SendCopyData(data);
        continue;
      }
      if (status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
        DrainCopy();
        continue;
      }
      if (IsRefusal(next)) {
        if (!failed) {
          failed = result;
          failed_index = index;
        }
        // A broken connection gives the same complaint for ever on some versions of libpq.
        if (PQstatus(raw()) != CONNECTION_OK) break;
        continue;
      }
      ++index;
      NoteUndone(next);
      last = Rows(std::move(result));
      if (each != nullptr) each->push_back(last);
    }
    if (failed) throw Refused(failed.get(), sql, failed_index, describe);
    return last;
  }

  Rows Checked(PGresult* result, std::string_view sql) {
    ++requests_;
    std::shared_ptr<pg_result> owned = Own(result);
    if (IsRefusal(result)) throw Refused(result, sql, 0, nullptr);
    NoteUndone(result);
    return Rows(std::move(owned));
  }

  void PrepareOnce(const std::string& name, std::string_view sql) {
    if (prepared_.contains(name)) return;
    Checked(PQprepare(raw(), name.c_str(), std::string(sql).c_str(), 0, nullptr), sql);
    prepared_.insert(name);
  }

  std::uint64_t undone() const { return undone_; }
  std::uint64_t requests() const { return requests_; }

  // DISCARD ALL and DEALLOCATE in a migration take our prepared queries away with its own.
  void ForgetPrepared() { prepared_.clear(); }

  // As many commands as there are names; "" where there is none.
  std::string TakeNames(const std::string& prefix) {
    std::string commands;
    for (auto at = prepared_.lower_bound(prefix); at != prepared_.end() && at->starts_with(prefix);) {
      commands += fmt::format("DEALLOCATE {};", *at);
      at = prepared_.erase(at);
    }
    return commands;
  }

  Error Refused(const PGresult* result, std::string_view sql, int index,
                const std::function<void(SqlFailure&, int, int)>& describe) {
    ++undone_;
    SqlFailure failure = ReadFailure(raw(), result, sql);
    if (describe) describe(failure, index, result == nullptr ? 0 : ErrorPosition(result));
    return Refusal(std::move(failure));
  }

  // Sends the queries in libpq's pipeline mode, each that is not prepared yet with its preparation before it, and waits
  // once.
  std::vector<Rows> Pipeline(const std::vector<Call>& calls) {
    struct Part {
      const Call* call;
      bool prepares;
    };
    std::vector<Part> parts;
    parts.reserve(calls.size());
    std::set<std::string_view> prepared;
    for (const Call& call : calls) {
      const std::string& name = call.statement->name;
      if (!name.empty() && !prepared_.contains(name) && prepared.insert(name).second) parts.push_back({&call, true});
      parts.push_back({&call, false});
    }
    ++requests_;
    if (PQenterPipelineMode(raw()) == 0) throw Refused(nullptr, "", 0, nullptr);
    for (const auto& [call, prepares] : parts) prepares ? SendPreparation(*call->statement) : Send(*call);
    PQpipelineSync(raw());
    std::vector<Rows> all;
    all.reserve(calls.size());
    std::optional<Error> refused;
    for (const auto& [call, prepares] : parts) {
      while (PGresult* next = PQgetResult(raw())) {
        std::shared_ptr<pg_result> result = Own(next);
        if (IsRefusal(next)) {
          if (!refused) refused = Refused(next, call->statement->sql, 0, nullptr);
        } else if (prepares) {
          prepared_.insert(call->statement->name);
        } else {
          NoteUndone(next);
          all.emplace_back(std::move(result));
        }
        if (PQstatus(raw()) != CONNECTION_OK) throw *refused;
      }
    }
    PQclear(PQgetResult(raw()));  // the end of the pipeline (PGRES_PIPELINE_SYNC)
    PQexitPipelineMode(raw());
    if (refused) throw *refused;
    return all;
  }

  std::string CopyOut(std::string_view sql) {
    ++requests_;
    std::shared_ptr<pg_result> result = Own(PQexec(raw(), std::string(sql).c_str()));
    if (PQresultStatus(result.get()) != PGRES_COPY_OUT) throw Refused(result.get(), sql, 0, nullptr);
    std::string text;
    char* buffer = nullptr;
    int length = 0;
    while ((length = PQgetCopyData(raw(), &buffer, 0)) > 0) {
      text.append(buffer, static_cast<std::size_t>(length));
      PQfreemem(buffer);
    }
    FinishCopy(sql);
    return text;
  }

  void CopyIn(std::string_view sql, std::string_view data) {
    ++requests_;
    std::shared_ptr<pg_result> result = Own(PQexec(raw(), std::string(sql).c_str()));
    if (PQresultStatus(result.get()) != PGRES_COPY_IN) throw Refused(result.get(), sql, 0, nullptr);
    SendCopyData(data);
    FinishCopy(sql);
  }

 private:
  static void OnNotice(void* self, const PGresult* result) {
    static_cast<Impl*>(self)->notices_.push_back({Field(result, PG_DIAG_SEVERITY_NONLOCALIZED),
                                                  Field(result, PG_DIAG_SQLSTATE),
                                                  Field(result, PG_DIAG_MESSAGE_PRIMARY)});
  }

  void SendPreparation(const Prepared& query) {
    std::vector<Oid> types;
    for (const std::string& type : query.types) types.push_back(static_cast<Oid>(std::stoul(type)));
    PQsendPrepare(raw(), query.name.c_str(), query.sql.c_str(), static_cast<int>(types.size()), types.data());
  }

  void Send(const Call& call) {
    const Prepared& statement = *call.statement;
    if (statement.name.empty()) {
      PQsendQueryParams(raw(), statement.sql.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0);
      return;
    }
    PQsendQueryPrepared(raw(), statement.name.c_str(), static_cast<int>(call.parameters.size()), call.parameters.data(),
                        nullptr, nullptr, 0);
  }

  // COMMIT of a failed transaction answers ROLLBACK too.
  void NoteUndone(PGresult* result) {
    const std::string_view tag = PQcmdStatus(result);
    if (tag == "ROLLBACK" || tag == "PREPARE TRANSACTION") ++undone_;
  }

  void SendCopyData(std::string_view data) {
    constexpr std::size_t kChunk = 1 << 20;
    for (std::size_t at = 0; at < data.size(); at += kChunk) {
      const std::string_view chunk = data.substr(at, kChunk);
      PQputCopyData(raw(), chunk.data(), static_cast<int>(chunk.size()));
    }
    PQputCopyEnd(raw(), nullptr);
  }

  void DrainCopy() {
    char* buffer = nullptr;
    while (PQgetCopyData(raw(), &buffer, 0) > 0) PQfreemem(buffer);
  }

  void FinishCopy(std::string_view sql) {
    std::shared_ptr<pg_result> failed;
    while (PGresult* next = PQgetResult(raw())) {
      std::shared_ptr<pg_result> result = Own(next);
      if (IsRefusal(next) && !failed) failed = result;
      if (PQstatus(raw()) != CONNECTION_OK) break;
    }
    if (failed) throw Refused(failed.get(), sql, 0, nullptr);
  }

  SessionConnection connection_;
  std::string database_;
  std::vector<Notice> notices_;
  std::set<std::string, std::less<>> prepared_;
  std::uint64_t undone_ = 0;
  std::uint64_t requests_ = 0;
};

Session::Session(const std::string& conninfo, int connect_timeout_ms)
    : impl_(std::make_unique<Impl>(conninfo, connect_timeout_ms)) {}

Session::~Session() = default;

Rows Session::Execute(std::string_view sql) { return impl_->Run(sql, "", nullptr); }

std::vector<Rows> Session::ExecuteEach(std::string_view sql) {
  std::vector<Rows> each;
  impl_->Run(sql, "", nullptr, &each);
  return each;
}

Rows Session::Execute(const Script& script, const Statement& statement, const Statement* data) {
  const std::string_view text = script.Text(statement);
  const std::string first = LeadingWords(text, 3);
  const bool takes_all = first == "DISCARD ALL" || first == "DEALLOCATE ALL" || first == "DEALLOCATE PREPARE ALL";
  if (takes_all) impl_->ForgetPrepared();  // ours would be prepared twice where only one of the script's has gone
  return impl_->Run(text, data == nullptr ? std::string_view() : script.Text(*data),
                    [&](SqlFailure& failure, int, int position) {
                      const std::size_t inside = position > 0 ? ByteOffset(text, position) : 0;
                      failure.where = script.At(statement.begin + inside);
                    });
}

void Session::ExecuteTogether(const Script& script, std::size_t begin, std::size_t end) {
  std::string sql;
  std::vector<std::size_t> starts;
  for (std::size_t i = begin; i < end; ++i) {
    starts.push_back(sql.size());
    sql.append(script.Text(script.statements()[i])).append(";\n");
  }
  impl_->Run(sql, "", [&](SqlFailure& failure, int index, int position) {
    // A syntax error stops the server before the first statement; then only the position tells the place.
    const std::size_t offset = position > 0 ? ByteOffset(sql, position) : 0;
    const auto after = std::upper_bound(starts.begin(), starts.end(), offset);
    const std::size_t at = position > 0 ? static_cast<std::size_t>(after - starts.begin()) - 1
                                        : std::min(static_cast<std::size_t>(index), starts.size() - 1);
    const Statement& statement = script.statements()[begin + at];
    failure.statement = std::string(script.Text(statement));
    failure.where = script.At(statement.begin + (position > 0 ? offset - starts[at] : 0));
  });
}

void Session::ExecuteWhole(const Script& script) {
  for (const Statement& statement : script.statements()) {
    if (statement.kind == StatementKind::kSql) continue;
    throw Error(ErrorKind::kHistory, statement.kind == StatementKind::kCopyData
                                         ? "COPY FROM STDIN can't be sent as part of one query"
                                         : "psql meta-commands are not SQL: the server can't run them")
        .WithLocation(script.At(statement.begin));
  }
  impl_->Run(script.text(), "", [&](SqlFailure& failure, int index, int position) {
    // A syntax error stops the server before the first statement; then only the position tells the place.
    std::size_t offset = position > 0 ? ByteOffset(script.text(), position) : 0;
    for (std::size_t i = 0; i < script.statements().size(); ++i) {
      const Statement& statement = script.statements()[i];
      const bool holds = position > 0 ? offset < statement.end + 1 : static_cast<int>(i) == index;
      if (!holds) continue;
      failure.statement = std::string(script.Text(statement));
      failure.where = script.At(position > 0 ? std::max(offset, statement.begin) : statement.begin);
      return;
    }
    failure.where = script.At(offset);
  });
}

Rows Session::Query(std::string_view sql, const std::vector<std::optional<std::string>>& parameters) {
  const auto values = Pointers(parameters);
  return impl_->Checked(PQexecParams(impl_->raw(), std::string(sql).c_str(), static_cast<int>(values.size()), nullptr,
                                     values.data(), nullptr, nullptr, 0),
                        sql);
}

Rows Session::QueryPrepared(const std::string& name, std::string_view sql,
                            const std::vector<std::optional<std::string>>& parameters) {
  impl_->PrepareOnce(name, sql);
  const auto values = Pointers(parameters);
  return impl_->Checked(
      PQexecPrepared(impl_->raw(), name.c_str(), static_cast<int>(values.size()), values.data(), nullptr, nullptr, 0),
      sql);
}

std::vector<Rows> Session::QueryAll(const std::vector<Prepared>& queries) {
  std::vector<Call> calls;
  calls.reserve(queries.size());
  for (const Prepared& query : queries) calls.push_back({&query, Pointers(query.parameters)});
  return CallAll(calls);
}

std::vector<Rows> Session::CallAll(const std::vector<Call>& calls) { return impl_->Pipeline(calls); }

void Session::Deallocate(const std::string& prefix) {
  const std::string commands = impl_->TakeNames(prefix);
  if (!commands.empty()) Execute(commands);
}

std::string Session::CopyOut(std::string_view copy_statement) { return impl_->CopyOut(copy_statement); }

void Session::CopyIn(std::string_view copy_statement, std::string_view data) { impl_->CopyIn(copy_statement, data); }

std::string Session::QuoteName(std::string_view name) const { return impl_->pqxx().quote_name(std::string(name)); }

std::string Session::QuoteLiteral(std::string_view text) const { return impl_->pqxx().quote(std::string(text)); }

TransactionState Session::transaction_state() const {
  switch (PQtransactionStatus(impl_->raw())) {
    case PQTRANS_IDLE: return TransactionState::kIdle;
    case PQTRANS_INTRANS: return TransactionState::kOpen;
    case PQTRANS_INERROR: return TransactionState::kFailed;
    default: return TransactionState::kUnknown;
  }
}

std::uint64_t Session::undone() const { return impl_->undone(); }

std::uint64_t Session::requests() const { return impl_->requests(); }

bool Session::broken() const { return PQstatus(impl_->raw()) != CONNECTION_OK; }

int Session::server_version() const { return PQserverVersion(impl_->raw()); }

int Session::backend_pid() const { return PQbackendPID(impl_->raw()); }

std::string Session::Url() const {
  const auto text = [](const char* value) { return std::string(value == nullptr ? "" : value); };
  const PGconn* raw = impl_->raw();
  const std::string host = text(PQhost(raw));
  const std::string password = text(PQpass(raw));
  std::string url = "postgresql://" + UrlEncoded(text(PQuser(raw)));
  if (!password.empty()) url += ":" + UrlEncoded(password);
  url += "@";
  const bool is_socket = !host.empty() && host.front() == '/';
  if (!is_socket) url += host + ":" + text(PQport(raw));
  url += "/" + UrlEncoded(text(PQdb(raw)));
  if (is_socket) url += "?host=" + host + "&port=" + text(PQport(raw));
  return url;
}

const std::string& Session::database() const { return impl_->database(); }

std::vector<Notice> Session::TakeNotices() { return impl_->TakeNotices(); }

Transaction::Transaction(Session& session) : session_(session) { session_.Execute("BEGIN"); }

Transaction::~Transaction() {
  if (!open_ || session_.broken()) return;
  try {
    session_.Execute("ROLLBACK");
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): the connection broke; the server rolls back by itself
  }
}

void Transaction::Commit() {
  session_.Execute("COMMIT");
  open_ = false;
}

}  // namespace migproof
