// How long a database of one's own takes to come and to go.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "ci/bench/bench.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "harness/postgres/token.h"

namespace migproof {
namespace {

constexpr int kTables = 36;

// What is cloned: 36 tables with a few rows, a key, an index and a reference each.
const Database& Template() {
  static const std::unique_ptr<Database> database = [] {
    auto made = Database::Create(TestServer());
    const auto session = made->Connect();
    session->Execute("CREATE TABLE t0 (id bigint PRIMARY KEY, name text NOT NULL)");
    for (int i = 1; i < kTables; ++i) {
      session->Execute(
          fmt::format("CREATE TABLE t{} (id bigint PRIMARY KEY, name text NOT NULL, "
                      "parent bigint REFERENCES t{}); CREATE INDEX ON t{} (name); "
                      "INSERT INTO t{} SELECT n, n::text FROM generate_series(1, 10) n",
                      i, i - 1, i, i));
    }
    return made;
  }();
  return *database;
}

class Clone : public Measurement {
 public:
  std::string_view Summary() const override {
    return "a clone of 36 tables, against CREATE DATABASE as the server does it";
  }
  int rounds() const override { return 21; }
  Limits limits() const override { return {0, 0.9}; }
  Round Measure() const override {
    Session& admin = TestServer().Admin();
    std::unique_ptr<Database> clone;
    const std::string plain = admin.QuoteName(TestServer().DatabasePrefix() + RandomToken(16));
    Template();
    const Round round{
        Milliseconds([&] { clone = Database::Clone(TestServer(), Template()); }), Milliseconds([&] {
          admin.Execute(fmt::format("CREATE DATABASE {} TEMPLATE {}", plain, admin.QuoteName(Template().name())));
        })};
    admin.Execute("DROP DATABASE " + plain);
    return round;
  }
};

class DropClone : public Measurement {
 public:
  std::string_view Summary() const override { return "a drop right after a session on it, against WITH (FORCE)"; }
  int rounds() const override { return 21; }
  Limits limits() const override { return {0, 0.9}; }
  Round Measure() const override {
    auto ours = Database::Clone(TestServer(), Template());
    auto plain = Database::Clone(TestServer(), Template());
    ours->Connect()->Execute("SELECT 1");
    const double ours_ms = Milliseconds([&] { ours.reset(); });
    Session& admin = TestServer().Admin();
    const auto open = plain->Connect();
    return {ours_ms, Milliseconds([&] {
              admin.Execute(fmt::format("DROP DATABASE {} WITH (FORCE)", admin.QuoteName(plain->name())));
            })};
  }
};

const Registered<Measurement, Clone> kClone("clone");
const Registered<Measurement, DropClone> kDropClone("drop");

}  // namespace
}  // namespace migproof
