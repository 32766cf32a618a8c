#include "harness/postgres/provider.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>

#include "harness/postgres/guest_server.h"
#include "migrations/session.h"

namespace migproof {

Server::Server() = default;
Server::~Server() { AbandonInherited(); }

// Closing a connection that a forked child merely inherited would end it for the parent too: the child lets it be.
void Server::AbandonInherited() const {
  static auto& abandoned = *new std::vector<std::unique_ptr<Session>>;  // what leak checkers can still reach
  if (!admin_ || admin_process_ == getpid()) return;
  abandoned.push_back(std::move(admin_));
}

Session& Server::Admin() const {
  AbandonInherited();
  if (!admin_ || admin_->broken()) {
    admin_ = std::make_unique<Session>(AdminConninfo());
    admin_process_ = getpid();
  }
  return *admin_;
}

void Server::Kill() {
  AbandonInherited();
  admin_.reset();
  KillAndStart();
}

void Server::KillAndStart() { throw Error(ErrorKind::kUsage, "this server serves others too: it can't be killed"); }

std::unique_ptr<Server> ServerSpec::Start(const StartOptions& options) const {
  return options.untrusted ? StartGuestServer(*this, options)
                           : Registry<Provider>::Get(provider).Start(argument, options);
}

std::string ServerSpec::Label() const {
  if (provider == "local" && !argument.empty()) return argument;
  return argument.empty() ? provider : fmt::format("{}:{}", provider, argument);
}

ServerSpec ParseServerSpec(std::string_view text) {
  if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos) {
    return {"local", std::string(text)};
  }
  const std::size_t colon = text.find(':');
  ServerSpec spec;
  spec.provider = std::string(text.substr(0, colon));
  if (colon != std::string_view::npos) spec.argument = std::string(text.substr(colon + 1));
  Registry<Provider>::Get(spec.provider);
  return spec;
}

std::vector<ServerSpec> ParseServerSpecs(std::string_view text) {
  constexpr std::string_view kExisting = "existing:";
  if (text.starts_with(kExisting)) return {ParseServerSpec(text)};  // a URL may hold commas
  std::vector<ServerSpec> specs;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    std::string_view one = text.substr(at, end - at);
    one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
    one = one.substr(0, one.find_last_not_of(' ') + 1);
    if (one.starts_with(kExisting)) {
      throw Error(ErrorKind::kUsage, "a server that is there already can't be one of several")
          .WithHint("verify on it by itself: --postgres existing:URL");
    }
    specs.push_back(ParseServerSpec(one));
    if (std::count(specs.begin(), specs.end(), specs.back()) > 1) {
      throw Error(ErrorKind::kUsage, fmt::format("the server '{}' is named twice", specs.back().Label()));
    }
    at = end + 1;
  }
  return specs;
}

void ExpectAvailable(const std::vector<ServerSpec>& specs, const StartOptions& options) {
  std::vector<std::string> missing;
  std::vector<std::string> majors;
  std::string why;
  for (const ServerSpec& spec : specs) {
    std::string reason = Registry<Provider>::Get(spec.provider).WhyUnavailable(spec.argument, options);
    if (reason.empty()) continue;
    missing.push_back(spec.Label());
    if (spec.provider == "local" && !spec.argument.empty()) majors.push_back(spec.argument);
    if (why.empty()) why = std::move(reason);
  }
  if (missing.empty()) return;
  Error error(ErrorKind::kServer, fmt::format("{} of {} servers can't be started: {}", missing.size(), specs.size(),
                                              fmt::join(missing, ", ")));
  error.AddContext(fmt::format("{}: {}", missing.front(), why));
  if (majors.size() == missing.size()) {
    error.WithHint(fmt::format("migproof servers install {}", fmt::join(majors, " ")));
  }
  throw error;
}

}  // namespace migproof
