#include "harness/postgres/engine.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "migrations/error.h"

namespace migproof {

namespace {

constexpr const char* kApiVersion = "/v1.40";  // Docker 19.03 and podman 3 speak it
constexpr int kPingTimeoutMs = 5'000;

struct CurlDeleter {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};
using Curl = std::unique_ptr<CURL, CurlDeleter>;

std::size_t AppendTo(const char* data, std::size_t size, std::size_t count, void* to) {
  static_cast<std::string*>(to)->append(data, size * count);
  return size * count;
}

std::string Variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
  return value == nullptr ? "" : value;
}

std::vector<std::string> UsualSockets() {
  std::vector<std::string> sockets = {"/var/run/docker.sock"};
  if (const std::string runtime = Variable("XDG_RUNTIME_DIR"); !runtime.empty()) {
    sockets.push_back(runtime + "/docker.sock");
    sockets.push_back(runtime + "/podman/podman.sock");
  }
  sockets.emplace_back("/run/podman/podman.sock");
  return sockets;
}

std::string Encoded(CURL* curl, const std::string& text) {
  char* escaped = curl_easy_escape(curl, text.c_str(), static_cast<int>(text.size()));
  std::string encoded = escaped;
  curl_free(escaped);
  return encoded;
}

}  // namespace

std::string Engine::Answer::Message() const {
  const nlohmann::json document = nlohmann::json::parse(body, nullptr, false);
  if (document.is_object() && document.contains("message")) return document.at("message").get<std::string>();
  return body.empty() ? fmt::format("HTTP status {}", status) : body;
}

Engine::Engine(const std::string& address) : address_(address) {
  const auto after = [&](std::string_view scheme) {
    return address.compare(0, scheme.size(), scheme) == 0 ? address.substr(scheme.size()) : "";
  };
  if (const std::string path = after("unix://"); !path.empty()) {
    socket_ = path;
    base_ = "http://localhost";
  } else if (const std::string host = after("tcp://"); !host.empty()) {
    base_ = "http://" + host;
  } else {
    throw Error(ErrorKind::kUsage, fmt::format("the container engine's address '{}' is not understood", address))
        .WithHint("DOCKER_HOST is unix:///path/of/the.sock or tcp://host:port");
  }
}

Engine Engine::Find() {
  const std::string named = Variable("DOCKER_HOST");
  std::vector<std::string> addresses;
  if (!named.empty()) {
    addresses.push_back(named);
  } else {
    for (const std::string& socket : UsualSockets()) {
      if (std::filesystem::exists(socket)) addresses.push_back("unix://" + socket);
    }
  }
  std::string problem;
  for (const std::string& address : addresses) {
    Engine engine(address);
    try {
      const Answer answer = engine.Request("GET", "/_ping", {}, "", kPingTimeoutMs);
      if (answer.ok()) return engine;
      problem = fmt::format("'{}' answers: {}", address, answer.Message());
    } catch (const Error& error) {
      problem = error.message();
    }
  }
  if (problem.empty()) problem = "there is no socket of Docker or podman on this machine";
  throw Error(ErrorKind::kServer, fmt::format("no container engine: {}", problem))
      .WithHint("start Docker ('systemctl start docker') or podman's service, or set DOCKER_HOST");
}

Engine::Answer Engine::Request(const std::string& method, const std::string& path, const Query& query,
                               const std::string& body, int timeout_ms) const {
  const Curl curl(curl_easy_init());
  std::string url = base_ + (path == "/_ping" ? "" : kApiVersion) + path;
  char separator = '?';
  for (const auto& [name, value] : query) {
    url += fmt::format("{}{}={}", separator, name, Encoded(curl.get(), value));
    separator = '&';
  }
  Answer answer;
  char problem[CURL_ERROR_SIZE] = "";
  curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
  if (local()) curl_easy_setopt(curl.get(), CURLOPT_UNIX_SOCKET_PATH, socket_.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, method.c_str());
  if (method == "POST") {
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.c_str());
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  }
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, AppendTo);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(timeout_ms));
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, problem);
  const CURLcode code = curl_easy_perform(curl.get());
  curl_slist_free_all(headers);
  if (code != CURLE_OK) {
    throw Error(ErrorKind::kServer, fmt::format("the container engine at '{}' can't be reached: {}", address_,
                                                problem[0] != '\0' ? problem : curl_easy_strerror(code)));
  }
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  return answer;
}

}  // namespace migproof
