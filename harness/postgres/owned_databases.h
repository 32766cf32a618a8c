// Which databases of a shared server are ours, and what may therefore be dropped.
//
// A name is migproof_<owner token, 12 hex digits>_<token of the database, 16 hex digits>. A living owner holds a
// session's advisory lock on its token, so a name whose lock nobody holds belongs to nobody. Kept databases say so in
// their comment.
#pragma once

#include <string>
#include <vector>

#include "migrations/session.h"

namespace migproof {

inline constexpr int kOwnerTokenDigits = 12;

// The role that stands in for another owner of what a history makes: the only one that a run puts on a server.
inline constexpr const char* kOtherOwner = "migproof_other_owner";

// "migproof_<owner>_"
std::string OwnedPrefix(const std::string& owner);

// The lock lasts as long as `session`. Error(server) when somebody holds it.
void HoldOwnerLock(Session& session, const std::string& owner);

// The databases of `owner`, kept ones left out.
std::vector<std::string> OwnedDatabases(Session& session, const std::string& owner);

// Ends whoever is connected to databases of `owner`, or calls himself (application_name) like its prefix, and drops
// them, until there are none or the time is over: a CREATE DATABASE that was under way is waited for. kOtherOwner goes
// as well, where no other owner lives that may have made it.
void DropOwnedDatabases(Session& session, const std::string& owner, int timeout_ms);

// Drops the databases of owners that are no more. What can't be dropped (another role's) is left.
void SweepOrphanedDatabases(Session& session);

}  // namespace migproof
