// Opens a connection through libpqxx and keeps libpq's handle beside it; included by session.cc only.
//
// The two generations of libpqxx give the handle in different ways: up to 6 through a connection policy, from 7.7 on by
// adopting one that libpq opened.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <pqxx/pqxx>
#include <string>

namespace migproof {

class SessionConnection {
 public:
  // Error(server) without a password in it when there is no connection within the time.
  SessionConnection(const std::string& conninfo, int connect_timeout_ms);

  PGconn* raw() const { return raw_; }

#if PQXX_VERSION_MAJOR >= 7
  pqxx::connection& pqxx() { return *connection_; }

 private:
  PGconn* raw_ = nullptr;
  std::unique_ptr<pqxx::connection> connection_;
#else
  pqxx::connection_base& pqxx() { return *connection_; }

 private:
  // Remembers the handle that libpqxx opened; libpqxx itself keeps it to itself.
  class Policy : public pqxx::connect_direct {
   public:
    explicit Policy(const std::string& options) : pqxx::connect_direct(options) {}
    handle do_startconnect(handle original) override {
      opened = pqxx::connect_direct::do_startconnect(original);
      return opened;
    }
    static thread_local PGconn* opened;
  };
  using Connection = pqxx::basic_connection_base<Policy>;
  PGconn* raw_ = nullptr;
  std::unique_ptr<Connection> connection_;
#endif
};

}  // namespace migproof
