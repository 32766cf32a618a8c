#include "harness/postgres/provider.h"

#include <unistd.h>

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

ServerSpec ParseServerSpec(std::string_view text) {
  const std::size_t colon = text.find(':');
  ServerSpec spec;
  spec.provider = std::string(text.substr(0, colon));
  if (colon != std::string_view::npos) spec.argument = std::string(text.substr(colon + 1));
  Registry<Provider>::Get(spec.provider);
  return spec;
}

}  // namespace migproof
