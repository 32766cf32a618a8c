// The SQL around a step's script, the same for the online run and the offline script.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "migrations/history.h"
#include "migrations/ledger.h"

namespace migproof {

struct RunnerOptions;

// What `step` runs: null for a stamp. Error(usage) for the downgrade of a revision that has none.
const Section* SectionOf(const Step& step);

// The statements of a script that are SQL, not meta-commands or COPY data.
std::vector<const Statement*> SqlStatements(const Script& script);
int CountSqlStatements(const Script& script);

// True where the script itself begins or ends transactions.
bool HoldsTransactionControl(const Script& script);

// "SET [LOCAL] lock_timeout = ...;SET ...", "" where the options name none.
std::string TimeoutSql(const RunnerOptions& options, bool local);

// True where the section's script, or the timeouts set for it, could outlive the step on its connection.
bool NeedsReset(const Section& section, const RunnerOptions& options);

// Back to the role that connected.
extern const std::string_view kResetRole;

// Takes away what a script can leave on a connection without meaning to: role, settings, temporary tables, values of
// sequences that currval would give, LISTEN, cursors. Prepared statements and advisory locks stay: the session's owner
// has some of its own.
extern const std::string_view kResetSession;

// What a connection has in mind beyond its session, each with what forgets it.
//
// A PL/pgSQL function keeps the plans that it has made, and they fail (42804) once a column has another type.
inline constexpr std::string_view kForgetPlans = "DISCARD PLANS";
// currval and lastval fail (55000) on a connection that has drawn nothing, and answer on one that rows came by.
inline constexpr std::string_view kForgetDrawn = "DISCARD SEQUENCES";
// A PL/pgSQL function is compiled once for a connection, with the types that its variables have then, and fails (XX000)
// once one of them is gone, though another has its name now; until its own row changes.
inline constexpr std::string_view kForgetCode =
    "DO $migproof$ BEGIN IF current_setting('is_superuser') = 'on' THEN UPDATE pg_catalog.pg_proc SET prosrc = prosrc "
    "WHERE oid >= 16384 AND prolang = (SELECT oid FROM pg_catalog.pg_language WHERE lanname = 'plpgsql'); END IF; "
    "END $migproof$";

// What ends a step on a connection that the next one shares: kResetSession, less where less will do, or "".
std::string_view SessionEnd(const Section& section, const RunnerOptions& options);

// Joined by semicolons, to be sent as one simple query (one implicit transaction).
std::string JoinSql(const std::vector<std::string>& statements);

// What makes a ledger that holds `recorded` say that exactly `applied` is applied.
std::vector<std::string> StampSql(const std::vector<LedgerEntry>& recorded, const History::Applied& applied,
                                  const History& history, const Ledger& ledger);

}  // namespace migproof
