// Servers in containers of Docker or podman: each a container of its own, removed with its server.
//
// The image follows the environment contract of the official one (PGDATA, POSTGRES_HOST_AUTH_METHOD,
// POSTGRES_PASSWORD, a command that begins with "postgres"): see https://hub.docker.com/_/postgres.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <thread>

#include "harness/postgres/engine.h"
#include "harness/postgres/prepared_data.h"
#include "harness/postgres/process_identity.h"
#include "harness/postgres/provider.h"
#include "harness/postgres/run_directory.h"
#include "harness/postgres/token.h"
#include "harness/postgres/watchdog.h"
#include "migrations/error.h"

namespace migproof {

namespace {

constexpr const char* kDefaultImage = "postgres:17";
constexpr const char* kKeeperLabel = "migproof.keeper";
constexpr const char* kBakedLabel = "migproof.baked";
constexpr int kContainerTokenDigits = 12;
constexpr int kPullTimeoutMs = 600'000;
constexpr int kRemoveTimeoutMs = 12'000;
constexpr auto kReadyPollEvery = std::chrono::milliseconds(2);
constexpr int kPollsPerLook = 50;  // how often the socket is tried for each question whether the container still runs
constexpr std::size_t kLogLines = 12;

using EngineClock = std::chrono::steady_clock;

enum class Reach { kSocket, kPort };

// "postgres:17", "postgres:17?connect=port".
struct ImageSpec {
  std::string image = kDefaultImage;
  std::optional<Reach> reach;  // none: the socket where the engine is on this machine
};

ImageSpec ParseImageSpec(const std::string& argument) {
  ImageSpec spec;
  const std::size_t question = argument.find('?');
  if (question != 0 && !argument.empty()) spec.image = argument.substr(0, question);
  if (question == std::string::npos) return spec;
  const std::string option = argument.substr(question + 1);
  if (option == "connect=socket") {
    spec.reach = Reach::kSocket;
  } else if (option == "connect=port") {
    spec.reach = Reach::kPort;
  } else if (option != "connect=auto") {
    throw Error(ErrorKind::kUsage, fmt::format("'docker:{}' is not understood: '{}'", argument, option))
        .WithHint("docker:IMAGE, docker:IMAGE?connect=socket, docker:IMAGE?connect=port");
  }
  return spec;
}

Engine::Answer Checked(Engine::Answer answer, const std::string& what) {
  if (!answer.ok()) throw Error(ErrorKind::kServer, fmt::format("{}: {}", what, answer.Message()));
  return answer;
}

nlohmann::json InspectImage(const Engine& engine, const std::string& image) {
  Engine::Answer answer = engine.Request("GET", "/images/" + image + "/json");
  if (answer.status == 404) {
    const std::size_t colon = image.rfind(':');
    const bool tagged = colon != std::string::npos && image.find('/', colon) == std::string::npos;
    const Engine::Answer pulled = engine.Request("POST", "/images/create",
                                                 {{"fromImage", image.substr(0, tagged ? colon : std::string::npos)},
                                                  {"tag", tagged ? image.substr(colon + 1) : "latest"}},
                                                 "", kPullTimeoutMs);
    answer = engine.Request("GET", "/images/" + image + "/json");
    if (!answer.ok()) {
      std::istringstream lines(pulled.body);
      std::string last;
      for (std::string line; std::getline(lines, line);) last = line;
      const nlohmann::json told = nlohmann::json::parse(last, nullptr, false);
      const std::string why =
          told.is_object() && told.contains("error") ? told.at("error").get<std::string>() : pulled.Message();
      throw Error(ErrorKind::kServer,
                  fmt::format("image '{}' is not on this machine and can't be pulled: {}", image, why))
          .WithHint(fmt::format("docker pull {}, or docker/base-image, which builds one from Debian packages", image));
    }
  }
  return nlohmann::json::parse(Checked(answer, fmt::format("image '{}'", image)).body);
}

// What an image says of itself.
struct ImageFacts {
  int major = 13;      // whose settings every later one takes too
  bool baked = false;  // docker/base-image: no server runs while its entry point prepares the data
};

ImageFacts FactsOf(const nlohmann::json& image) {
  ImageFacts facts;
  const nlohmann::json config = image.value("Config", nlohmann::json::object());
  if (config.contains("Env") && config.at("Env").is_array()) {
    for (const std::string variable : config.at("Env")) {
      if (variable.rfind("PG_MAJOR=", 0) == 0) facts.major = std::atoi(variable.c_str() + 9);
    }
  }
  facts.baked =
      config.contains("Labels") && config.at("Labels").is_object() && config.at("Labels").contains(kBakedLabel);
  return facts;
}

// Containers whose keeper is gone: it was killed, and this machine with it.
void SweepContainers(const Engine& engine) {
  const Engine::Answer answer = engine.Request(
      "GET", "/containers/json", {{"all", "1"}, {"filters", nlohmann::json{{"label", {kKeeperLabel}}}.dump()}});
  if (!answer.ok()) return;
  for (const nlohmann::json& container : nlohmann::json::parse(answer.body)) {
    const std::string keeper = container.at("Labels").value(kKeeperLabel, "");
    if (PresenceOf(keeper) != Presence::kGone) continue;
    engine.Request("DELETE", "/containers/" + container.at("Id").get<std::string>(), {{"force", "1"}, {"v", "1"}}, "",
                   kRemoveTimeoutMs);
  }
}

// What the watchdog does for a container: makes the directory and the container, and removes both.
class ContainerDuty : public WatchdogDuty {
 public:
  explicit ContainerDuty(const std::string& address) : engine_(address) {}

  // "claim": a directory for the socket. Anything else is the body of a request that creates a container; its id.
  std::string Answer(const std::string& request) override {
    if (request == "claim") {
      directory_.emplace(RunDirectory::ChooseBase(""), ServerUser{"", getuid(), getgid(), false});
      // Whoever runs the server in the container writes here; nobody else comes as far.
      const std::string sockets = directory_->path() + "/s";
      mkdir(sockets.c_str(), 0700);
      chmod(sockets.c_str(), 0777);
      return sockets;
    }
    nlohmann::json body = nlohmann::json::parse(request);
    body["Labels"][kKeeperLabel] = IdentityOf(getpid());
    name_ = "migproof-" + RandomToken(kContainerTokenDigits);
    Checked(engine_.Request("POST", "/containers/create", {{"name", name_}}, body.dump()), "no container can be made");
    Checked(engine_.Request("POST", "/containers/" + name_ + "/start"), "the container can't be started");
    return name_;
  }

  void CleanUp() override {
    if (!name_.empty()) {
      try {
        engine_.Request("DELETE", "/containers/" + name_, {{"force", "1"}, {"v", "1"}}, "", kRemoveTimeoutMs);
      } catch (const Error&) {  // the engine is gone, and the container with it or for the next sweep
      }
    }
    directory_.reset();
  }

 private:
  Engine engine_;
  std::optional<RunDirectory> directory_;
  std::string name_;
};

// The log of a container without terminal comes in frames: eight bytes, the last four the length of what follows
// (Engine API, "Attach to a container").
std::string LogText(const std::string& frames) {
  std::string text;
  for (std::size_t at = 0; at + 8 <= frames.size();) {
    std::size_t length = 0;
    for (std::size_t i = 4; i < 8; ++i) length = length << 8U | static_cast<unsigned char>(frames[at + i]);
    text += frames.substr(at + 8, length);
    at += 8 + length;
  }
  return text;
}

class DockerServer : public Server {
 public:
  DockerServer(const Engine& engine, const ImageSpec& spec, const StartOptions& options)
      : engine_(engine),
        image_(FactsOf(InspectImage(engine, spec.image))),
        reach_(spec.reach.value_or(engine.local() ? Reach::kSocket : Reach::kPort)),
        options_(options),
        prefix_(fmt::format("migproof_{}_", RandomToken(8))),
        password_(options.superuser_password.empty() ? RandomToken(32) : options.superuser_password),
        watchdog_(std::make_unique<ContainerDuty>(engine.address())) {
    if (reach_ == Reach::kSocket) sockets_ = watchdog_.Ask("claim", options.start_timeout_ms);
    name_ = watchdog_.Ask(Container(spec.image).dump(), options.start_timeout_ms);
    WaitUntilReady();
    major_ = Admin().major_version();
    const std::string version(Admin().Query("SELECT split_part(current_setting('server_version'), ' ', 1)").Get(0, 0));
    description_ = fmt::format("PostgreSQL {} (docker, {})", version, spec.image);
  }

  std::string Conninfo(const std::string& database) const override {
    if (reach_ == Reach::kSocket) {
      const std::string conninfo = WithDatabase(fmt::format("host='{}' port=5432 user=postgres", sockets_), database);
      return options_.superuser_password.empty() ? conninfo : WithOption(conninfo, "password", password_);
    }
    return WithDatabase(fmt::format("host=127.0.0.1 port={} user=postgres password={}", port_, password_), database);
  }
  std::string Description() const override { return description_; }
  int major_version() const override { return major_; }
  std::string DatabasePrefix() const override { return prefix_; }
  // Data on tmpfs is gone when the container stops.
  bool CanBeKilled() const override { return options_.durable; }

 protected:
  void KillAndStart() override {
    Checked(engine_.Request("POST", "/containers/" + name_ + "/kill", {{"signal", "SIGQUIT"}}),
            "the server can't be killed");
    Checked(engine_.Request("POST", "/containers/" + name_ + "/wait", {}, "", options_.start_timeout_ms),
            "the killed server does not end");
    Checked(engine_.Request("POST", "/containers/" + name_ + "/start"), "the killed server can't be started again");
    WaitUntilReady();
  }

 private:
  nlohmann::json Container(const std::string& image) const {
    nlohmann::json command = {"postgres"};
    for (const std::string& setting : ServerSettings(options_.durable, image_.major)) {
      if (setting.rfind("listen_addresses=", 0) == 0 || setting.rfind("unix_socket_permissions=", 0) == 0) continue;
      command.push_back("-c");
      command.push_back(setting);
    }
    // Not empty, as it is while the image's entry point prepares the data: that is how the two are told apart.
    command.push_back("-c");
    command.push_back(reach_ == Reach::kPort ? "listen_addresses=*"
                      : NeedsNoLoopback()    ? "listen_addresses="
                                             : "listen_addresses=127.0.0.1");
    // No more rights than the image's entry point needs to make the data and to become another user.
    nlohmann::json host = {{"Init", false},
                           {"CapDrop", {"ALL"}},
                           {"CapAdd", {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"}},
                           {"SecurityOpt", {"no-new-privileges"}}};
    nlohmann::json body = {
        {"Image", image},
        {"Cmd", command},
        {"Env",
         {"PGDATA=/migproof/data", "POSTGRES_PASSWORD=" + password_,
          std::string("POSTGRES_HOST_AUTH_METHOD=") + (reach_ == Reach::kSocket ? "trust" : "scram-sha-256"),
          "POSTGRES_INITDB_ARGS=--no-sync --locale=C.UTF-8 --encoding=UTF8"}},
        {"StopSignal", "SIGINT"}};
    if (!options_.durable) host["Tmpfs"] = {{"/migproof", "rw,mode=1777"}};
    if (reach_ == Reach::kSocket) {
      host["NetworkMode"] = "none";
      body["NetworkDisabled"] = NeedsNoLoopback();
      host["Binds"] = {sockets_ + ":/var/run/postgresql"};
    } else {
      body["ExposedPorts"] = {{"5432/tcp", nlohmann::json::object()}};
      host["PortBindings"] = {{"5432/tcp", {{{"HostIp", "127.0.0.1"}, {"HostPort", ""}}}}};
    }
    body["HostConfig"] = host;
    return body;
  }

  void WaitUntilReady() {
    const auto deadline = EngineClock::now() + std::chrono::milliseconds(options_.start_timeout_ms);
    for (int polls = 0;; ++polls) {
      // A port is known only by a look.
      if (polls % kPollsPerLook == (reach_ == Reach::kPort ? 0 : kPollsPerLook - 1)) CheckRunning();
      if (Answers()) return;
      if (EngineClock::now() > deadline) {
        Fail(fmt::format("the server in the container did not get ready within {} ms", options_.start_timeout_ms));
      }
      std::this_thread::sleep_for(kReadyPollEvery);
    }
  }

  bool Answers() const {
    if (reach_ == Reach::kSocket && !std::filesystem::exists(sockets_ + "/.s.PGSQL.5432")) return false;
    if (reach_ == Reach::kPort && port_.empty()) return false;
    try {
      return !Session(Conninfo("postgres")).Query("SHOW listen_addresses").Get(0, 0).empty() || NeedsNoLoopback();
    } catch (const Error&) {  // it does not answer yet, or is on its way down from the preparation
      return false;
    }
  }

  void CheckRunning() {
    const nlohmann::json container = nlohmann::json::parse(
        Checked(engine_.Request("GET", "/containers/" + name_ + "/json"), "the container is gone").body);
    const nlohmann::json& state = container.at("State");
    if (!state.at("Running").get<bool>()) {
      Fail(fmt::format("the server in the container ended while starting, exit code {}", state.value("ExitCode", -1)));
    }
    if (reach_ == Reach::kSocket) return;
    const nlohmann::json& ports = container.at("NetworkSettings").at("Ports");
    if (ports.contains("5432/tcp") && ports.at("5432/tcp").is_array()) {
      port_ = ports.at("5432/tcp").at(0).at("HostPort").get<std::string>();
    }
  }

  [[noreturn]] void Fail(const std::string& what) const {
    Error error(ErrorKind::kServer, what);
    const Engine::Answer log = engine_.Request("GET", "/containers/" + name_ + "/logs",
                                               {{"stdout", "1"}, {"stderr", "1"}, {"tail", std::to_string(kLogLines)}});
    std::istringstream lines(LogText(log.body));
    for (std::string line; std::getline(lines, line);) {
      if (!line.empty()) error.AddContext(line);
    }
    throw error;
  }

  // Whether the loopback of its network can stay down: to bring it up is half of what Docker takes for a start. Servers
  // before 15 need it for their statistics, the preparation of other images to be told from what comes after it.
  bool NeedsNoLoopback() const { return reach_ == Reach::kSocket && image_.baked && image_.major >= 15; }

  Engine engine_;
  ImageFacts image_;
  Reach reach_;
  StartOptions options_;
  std::string prefix_;
  std::string password_;
  Watchdog watchdog_;
  std::string sockets_;
  std::string port_;
  std::string name_;
  int major_ = 0;
  std::string description_;
};

class DockerProvider : public Provider {
 public:
  std::string_view Summary() const override {
    return "a container of its own, of Docker or podman: docker:postgres:17 picks the image";
  }

  std::string WhyUnavailable(const std::string& argument, const StartOptions&) const override {
    try {
      const Engine engine = Engine::Find();
      const ImageSpec spec = ParseImageSpec(argument);
      const Engine::Answer image = engine.Request("GET", "/images/" + spec.image + "/json");
      return image.ok() ? "" : fmt::format("image '{}': {}", spec.image, image.Message());
    } catch (const Error& e) {
      return e.hint().empty() ? e.message() : fmt::format("{}: {}", e.message(), e.hint());
    }
  }

  std::unique_ptr<Server> Start(const std::string& argument, const StartOptions& options) const override {
    const ImageSpec spec = ParseImageSpec(argument);
    const Engine engine = Engine::Find();
    SweepContainers(engine);
    RunDirectory::SweepStale(RunDirectory::ChooseBase(""));
    return std::make_unique<DockerServer>(engine, spec, options);
  }
};

const Registered<Provider, DockerProvider> kDocker("docker");

}  // namespace

}  // namespace migproof
