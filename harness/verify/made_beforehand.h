// What a guest finds in its databases before it has done anything (guest_server.h).
#pragma once

#include "harness/postgres/provider.h"
#include "migrations/error.h"
#include "migrations/script.h"

namespace migproof {

// Whether `refusal` is that of a CREATE EXTENSION because the superuser has made the extension for the guest.
inline bool IsMadeBeforehand(const Server& server, const Error& refusal) {
  constexpr const char* kDuplicateObject = "42710";
  return !server.Guest().empty() && refusal.sql() && refusal.sql()->sqlstate == kDuplicateObject &&
         LeadingWords(refusal.sql()->statement, 2) == "CREATE EXTENSION";
}

}  // namespace migproof
