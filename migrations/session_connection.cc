#include "migrations/session_connection.h"

#include <fmt/format.h>

#include <map>

#include "migrations/error.h"
#include "migrations/session.h"

namespace migproof {

namespace {

using Options = std::map<std::string, std::string>;

Options ParseConninfo(const std::string& conninfo) {
  char* complaint = nullptr;
  PQconninfoOption* parsed = PQconninfoParse(conninfo.c_str(), &complaint);
  if (parsed == nullptr) {
    // libpq quotes the whole string in its complaint, the password with it: none of it is repeated.
    PQfreemem(complaint);
    throw Error(ErrorKind::kUsage, "the connection string can't be understood")
        .WithHint("postgresql://user@host:5432/database, or host=... dbname=...");
  }
  Options options;
  for (const PQconninfoOption* option = parsed; option->keyword != nullptr; ++option) {
    if (option->val != nullptr && *option->val != '\0') options[option->keyword] = option->val;
  }
  PQconninfoFree(parsed);
  return options;
}

std::string Join(const Options& options) {
  std::string conninfo;
  for (const auto& [key, value] : options) {
    std::string quoted;
    for (const char c : value) {
      if (c == '\'' || c == '\\') quoted += '\\';
      quoted += c;
    }
    conninfo += fmt::format("{}{}='{}'", conninfo.empty() ? "" : " ", key, quoted);
  }
  return conninfo;
}

std::string Value(const Options& options, const std::string& key) {
  const auto found = options.find(key);
  return found == options.end() ? std::string() : found->second;
}

Error CannotConnect(const Options& options, std::string why) {
  const std::string password = Value(options, "password");
  for (std::size_t at = 0; !password.empty() && (at = why.find(password, at)) != std::string::npos;) {
    why.replace(at, password.size(), "***");
  }
  while (!why.empty() && why.back() == '\n') why.pop_back();
  const std::string host = Value(options, "host");
  return Error(ErrorKind::kServer, fmt::format("can't connect to database '{}' on {}: {}", Value(options, "dbname"),
                                               host.empty() ? "the default host" : fmt::format("'{}'", host), why))
      .WithHint("check that the server runs there, and the host, port, database, user and password of the URL");
}

std::string WithDefaults(Options options, int connect_timeout_ms) {
  options.emplace("application_name", "migproof");
  options.emplace("connect_timeout", std::to_string((connect_timeout_ms + 999) / 1000));
  options["client_encoding"] = "UTF8";
  return Join(options);
}

}  // namespace

#if PQXX_VERSION_MAJOR >= 7

SessionConnection::SessionConnection(const std::string& conninfo, int connect_timeout_ms) {
  const Options options = ParseConninfo(conninfo);
  raw_ = PQconnectdb(WithDefaults(options, connect_timeout_ms).c_str());
  if (PQstatus(raw_) != CONNECTION_OK) {
    const std::string why = PQerrorMessage(raw_);
    PQfinish(raw_);
    throw CannotConnect(options, why);
  }
  connection_ = std::make_unique<pqxx::connection>(pqxx::connection::seize_raw_connection(raw_));
}

#else

thread_local PGconn* SessionConnection::Policy::opened = nullptr;

SessionConnection::SessionConnection(const std::string& conninfo, int connect_timeout_ms) {
  const Options options = ParseConninfo(conninfo);
  try {
    connection_ = std::make_unique<Connection>(WithDefaults(options, connect_timeout_ms));
  } catch (const pqxx::failure& failure) {
    throw CannotConnect(options, failure.what());
  }
  raw_ = Policy::opened;
}

#endif

std::string WithoutPassword(const std::string& conninfo) {
  Options options = ParseConninfo(conninfo);
  options.erase("password");
  options.erase("sslpassword");
  return Join(options);
}

std::vector<std::string> ConninfoEnvironment(const std::string& conninfo) {
  const Options options = ParseConninfo(conninfo);
  std::vector<std::string> environment;
  PQconninfoOption* known = PQconndefaults();
  for (const PQconninfoOption* option = known; option != nullptr && option->keyword != nullptr; ++option) {
    const auto given = options.find(option->keyword);
    if (given == options.end() || option->envvar == nullptr) continue;
    environment.push_back(fmt::format("{}={}", option->envvar, given->second));
  }
  PQconninfoFree(known);
  return environment;
}

std::string WithDatabase(const std::string& conninfo, const std::string& database) {
  return WithOption(conninfo, "dbname", database);
}

std::string WithOption(const std::string& conninfo, const std::string& option, const std::string& value) {
  Options options = ParseConninfo(conninfo);
  options[option] = value;
  return Join(options);
}

}  // namespace migproof
