// Takes rows out of a database together with whatever refers to them.
//
//   const std::int64_t broken = TakeOutRows(session, "public.users", "(email LIKE '%@%') IS FALSE");
//
// In one statement, so that rows may refer to each other in a circle.
#pragma once

#include <cstdint>
#include <string>

#include "migrations/session.h"

namespace migproof {

// The rows of `table` (qualified and quoted; its partitions and heirs with it) for which `condition` is true. Returns
// how many those were, without the rows that went along. Inside the caller's transaction; Error as from any statement.
std::int64_t TakeOutRows(Session& session, const std::string& table, const std::string& condition);

}  // namespace migproof
