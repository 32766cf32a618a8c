#include "harness/postgres/test_server.h"

#include <unistd.h>

#include <cstdlib>
#include <memory>

namespace migproof {

const Server& TestServer() {
  const char* wanted = std::getenv("MIGPROOF_TEST_SERVER");  // NOLINT(concurrency-mt-unsafe)
  static const std::unique_ptr<Server> server = ParseServerSpec(wanted == nullptr ? "local" : wanted).Start({});
  return *server;
}

}  // namespace migproof
