// One database of our own on a server: made empty or as a clone of another, dropped when the object goes.
//
// Every database carries the server's prefix and a random token (a database-level comment and the name itself), so that
// a step can prove on its own connection where it is, and so that only ours is ever dropped.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "harness/postgres/provider.h"
#include "migrations/session.h"

namespace migproof {

class CatalogMemory;

class Database {
 public:
  // An empty database (template0, UTF8, C.UTF-8 or the server's locale). `locale` are options of CREATE DATABASE
  // ("LOCALE_PROVIDER icu ICU_LOCALE 'und'") that name another one.
  static std::unique_ptr<Database> Create(const Server& server, const std::string& locale = "");
  // A copy of `source`, which nobody may be connected to (STRATEGY file_copy where the server knows it). It has the
  // settings of ALTER DATABASE ... SET too where who makes it is a superuser.
  static std::unique_ptr<Database> Clone(const Server& server, const Database& source);

  // Waits until our backends have gone, then drops it; in a forked child it does nothing. Failures are swallowed: the
  // server's end takes the rest.
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  const std::string& name() const { return name_; }
  const std::string& token() const { return token_; }
  std::string Conninfo() const {
    ++handed_out_;
    return server_.Conninfo(name_);
  }
  // How often somebody has asked for that: who has may write.
  int handed_out() const { return handed_out_; }
  std::unique_ptr<Session> Connect() const { return std::make_unique<Session>(Conninfo()); }

  // Error(server) unless `session` is connected to this very database: name and token are compared.
  void CheckToken(Session& session) const;

  // The same for a connection that is not ours: a query, and its answer in this database only.
  std::string TokenQuestion() const;
  std::string TokenAnswer() const;

  // What its catalog is, told by somebody who has just read it and will not write any more.
  void Remember(std::shared_ptr<const CatalogMemory> memory) {
    catalog_memory_ = std::move(memory);
    remembered_at_ = handed_out_;
  }
  // What was so told of this database, or of the one that it was copied from; null: nothing, or somebody has asked
  // since how to connect.
  std::shared_ptr<const CatalogMemory> catalog_memory() const {
    return handed_out_ == remembered_at_ ? catalog_memory_ : nullptr;
  }

  // Leaves the database in place at destruction (for --keep).
  void Keep() { keep_ = true; }

 private:
  Database(const Server& server, std::string name, std::string token);

  const Server& server_;
  std::string name_;
  std::string token_;
  int owner_process_;
  bool keep_ = false;
  mutable std::atomic<int> handed_out_ = 0;
  int remembered_at_ = 0;  // handed_out_ then
  std::shared_ptr<const CatalogMemory> catalog_memory_;
};

}  // namespace migproof
