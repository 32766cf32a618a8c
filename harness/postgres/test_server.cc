#include "harness/postgres/test_server.h"

#include <unistd.h>

#include <cstdlib>
#include <memory>

namespace migproof {

namespace {

class LentTestServer : public Server {
 public:
  std::string Conninfo(const std::string& database) const override { return TestServer().Conninfo(database); }
  std::string Description() const override { return TestServer().Description(); }
  int major_version() const override { return TestServer().major_version(); }
  std::string DatabasePrefix() const override { return TestServer().DatabasePrefix(); }
};

}  // namespace

const Server& TestServer() {
  const char* wanted = std::getenv("MIGPROOF_TEST_SERVER");  // NOLINT(concurrency-mt-unsafe)
  static const std::unique_ptr<Server> server =
      ParseServerSpec(wanted == nullptr ? "local" : wanted).Start({.allow_existing = wanted != nullptr});
  return *server;
}

std::unique_ptr<Server> LendTestServer() { return std::make_unique<LentTestServer>(); }

}  // namespace migproof
