// For tests: the ground and the statements of fixtures/catalogs, and a database to try them in.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/session.h"

namespace migproof {

struct ListedStatement {
  enum class Expected { kBoth, kCatalogOnly, kDumpOnly, kNeither };

  int line = 0;
  std::string kind;
  std::string sql;
  Expected expected = Expected::kBoth;
};

inline std::string ReadCatalogFixture(const std::string& name) {
  std::ifstream file(std::string(MIGPROOF_SOURCE_DIR) + "/fixtures/catalogs/" + name);
  EXPECT_TRUE(file.good()) << name;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// The file's grammar stands in its head.
inline std::vector<ListedStatement> ListedStatements(const std::string& file = "statements.sql") {
  std::istringstream text(ReadCatalogFixture(file));
  std::vector<ListedStatement> statements;
  ListedStatement next;
  int number = 0;
  for (std::string line; std::getline(text, line);) {
    ++number;
    using Expected = ListedStatement::Expected;
    if (line.starts_with("-- kind ")) next.kind = line.substr(8);
    if (line.starts_with("-- catalog only: ")) next.expected = Expected::kCatalogOnly;
    if (line.starts_with("-- dump only: ")) next.expected = Expected::kDumpOnly;
    if (line.starts_with("-- neither: ")) next.expected = Expected::kNeither;
    if (line.empty() || line.starts_with("--")) continue;
    if (next.sql.empty()) next.line = number;
    next.sql += line + "\n";
    if (!line.ends_with(";")) continue;
    statements.push_back(next);
    next = {0, next.kind, "", Expected::kBoth};
  }
  return statements;
}

// A database with the ground in it, and the roles it takes for granted; both go at the end.
class GroundDatabase {
 public:
  GroundDatabase() : database_(Database::Create(TestServer())), session_(database_->Connect()) {
    for (const char* role : kRoles) session_->Execute(std::string("CREATE ROLE ") + role);
    for (const ListedStatement& statement : ListedStatements("ground.sql")) Apply(statement);
  }

  ~GroundDatabase() {
    if (session_->transaction_state() != TransactionState::kIdle) session_->Execute("ROLLBACK");
    session_->Execute("UPDATE pg_subscription SET subenabled = false, subslotname = NULL");
    const Rows subscriptions = session_->Query("SELECT quote_ident(subname) FROM pg_subscription");
    for (int i = 0; i < subscriptions.size(); ++i) {
      session_->Execute("DROP SUBSCRIPTION " + std::string(subscriptions.Get(i, 0)));
    }
    session_.reset();
    database_.reset();
    Session server(TestServer().Conninfo("postgres"));
    for (const char* role : kRoles) {
      server.Execute(std::string("DROP OWNED BY ") + role);
      server.Execute(std::string("DROP ROLE ") + role);
    }
  }

  Session& session() { return *session_; }
  const Database& database() const { return *database_; }

  // Whether the server took the statement. The lists are written for server 15; others may refuse what they don't know,
  // and what builds on that. Rolls back what stood before it in an open transaction then.
  bool Apply(const ListedStatement& statement) {
    if (TestServer().major_version() == kListedFor) {
      session_->Execute(Text(statement));
      return true;
    }
    try {
      session_->Execute(Text(statement));
      return true;
    } catch (const Error&) {
      if (session_->transaction_state() == TransactionState::kFailed) session_->Execute("ROLLBACK");
      return false;
    }
  }

  // ":database" stands for the database's name.
  std::string Text(const ListedStatement& statement) const {
    std::string sql = statement.sql;
    const std::string name = ":database";
    const std::size_t at = sql.find(name);
    return at == std::string::npos ? sql : sql.replace(at, name.size(), session_->QuoteName(database_->name()));
  }

 private:
  static constexpr int kListedFor = 15;
  static constexpr const char* kRoles[] = {"catalog_alice", "catalog_bob", "catalog_group"};

  std::unique_ptr<Database> database_;
  std::unique_ptr<Session> session_;
};

}  // namespace migproof
