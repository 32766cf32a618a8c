// How long it takes until a server in a container answers. MIGPROOF_TEST_IMAGE names the image, one of
// docker/base-image, say.
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "ci/bench/bench.h"
#include "harness/postgres/engine.h"
#include "harness/postgres/provider.h"
#include "harness/postgres/token.h"
#include "migrations/error.h"

namespace migproof {
namespace {

std::string Image() {
  const char* image = std::getenv("MIGPROOF_TEST_IMAGE");  // NOLINT(concurrency-mt-unsafe)
  return image == nullptr ? "" : image;
}

// A container of the same image that does nothing, made, started and waited for.
double PlainContainer(const Engine& engine) {
  const std::string name = "migproof-bench-" + RandomToken(8);
  const nlohmann::json body = {{"Image", Image()}, {"Entrypoint", {"true"}}, {"HostConfig", {{"NetworkMode", "none"}}}};
  const double took = Milliseconds([&] {
    engine.Request("POST", "/containers/create", {{"name", name}}, body.dump());
    engine.Request("POST", "/containers/" + name + "/start");
    engine.Request("POST", "/containers/" + name + "/wait");
  });
  engine.Request("DELETE", "/containers/" + name, {{"force", "1"}});
  return took;
}

class ContainerStart : public Measurement {
 public:
  std::string_view Summary() const override {
    return "a server in a container that answers, against a container that does nothing";
  }
  Limits limits() const override { return {250, 0}; }
  std::string WhyNot() const override {
    return Image().empty() ? "MIGPROOF_TEST_IMAGE names no image"
                           : Registry<Provider>::Get("docker").WhyUnavailable(Image(), {});
  }
  Round Measure() const override {
    std::unique_ptr<Server> server;
    const double ours = Milliseconds([&] {
      server = ParseServerSpec("docker:" + Image()).Start({});
      server->Admin().Execute("SELECT 1");
    });
    server.reset();
    return {ours, PlainContainer(Engine::Find())};
  }
};

const Registered<Measurement, ContainerStart> kContainerStart("container_start");

}  // namespace
}  // namespace migproof
