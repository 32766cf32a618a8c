#include "harness/postgres/provider.h"

#include <unistd.h>

#include "migrations/session.h"

namespace migproof {

Server::Server() = default;
Server::~Server() {
  // Closing a connection that a forked child merely inherited would end it for the parent too: the child lets it go.
  if (admin_process_ != getpid()) static_cast<void>(admin_.release());
}

void Server::AdminCloser::operator()(Session* session) const { delete session; }

Session& Server::Admin() const {
  if (admin_process_ != getpid()) static_cast<void>(admin_.release());
  if (!admin_ || admin_->broken()) {
    admin_.reset(new Session(AdminConninfo()));
    admin_process_ = getpid();
  }
  return *admin_;
}

std::unique_ptr<Server> ServerSpec::Start(const StartOptions& options) const {
  return Registry<Provider>::Get(provider).Start(argument, options);
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
