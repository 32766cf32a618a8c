// The HTTP interface of a container engine: Docker's, or podman's, which is the same.
//
//   const Engine engine = Engine::Find();
//   const Engine::Answer image = engine.Request("GET", "/images/postgres:17/json");
//
// Each request has a connection of its own. Source of the requests: Docker Engine API 1.40 and later.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace migproof {

class Engine {
 public:
  // What DOCKER_HOST names (unix:///path or tcp://host:port), else the first of Docker's and podman's usual sockets.
  // Error(server) with what to install or to start where no engine answers; Error(usage) for another scheme.
  static Engine Find();

  // An engine at such an address; asks it nothing.
  explicit Engine(const std::string& address);

  // True where containers see this machine's files: the engine is reached through a socket.
  bool local() const { return !socket_.empty(); }
  const std::string& address() const { return address_; }

  struct Answer {
    long status = 0;
    std::string body;  // JSON, or a stream of JSON documents, or ""

    bool ok() const { return status >= 200 && status < 300; }
    // The engine's own words for what went wrong.
    std::string Message() const;
  };
  // Error(server) where the engine can't be reached or does not answer in time. `query` is percent-encoded here.
  using Query = std::vector<std::pair<std::string, std::string>>;
  Answer Request(const std::string& method, const std::string& path, const Query& query = {},
                 const std::string& body = "", int timeout_ms = 30'000) const;

 private:
  std::string address_;
  std::string socket_;  // path, or ""
  std::string base_;    // "http://localhost", "http://host:port"
};

}  // namespace migproof
