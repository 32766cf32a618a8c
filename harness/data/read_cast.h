// Rows with some of their columns cast to other types on the way.
//
//   auto rows = ReadCast(session, now, "public.orders", {{"amount", "numeric(10,2)"}});
#pragma once

#include <map>
#include <memory>
#include <string>

#include "harness/data/rows.h"
#include "migrations/session.h"

namespace migproof {

// The rows of a table of the database that `now` was read from; null where the server refuses a cast, and a transaction
// that is open goes on all the same.
std::shared_ptr<const TableRows> ReadCast(Session& session, const RowSnapshot& now, const std::string& table,
                                          const std::map<std::string, std::string>& casts);

}  // namespace migproof
