#include "harness/catalog/read_scope.h"

#include <fmt/format.h>

#include "migrations/error.h"

namespace migproof {

namespace {

// pg_temp stands last, so that no temporary table hides a catalog. Deadlines keep a lock that somebody else holds from
// hanging the read. Plans are made once for a table or all of them, however small the catalogs are then: by index.
constexpr const char* kReadSettings =
    "SELECT set_config('role', 'none', true), set_config('search_path', 'pg_catalog, pg_temp', true),"
    " set_config('client_encoding', 'UTF8', true), set_config('datestyle', 'ISO, YMD', true),"
    " set_config('intervalstyle', 'postgres', true), set_config('timezone', 'UTC', true),"
    " set_config('bytea_output', 'hex', true), set_config('extra_float_digits', '1', true),"
    " set_config('standard_conforming_strings', 'on', true), set_config('quote_all_identifiers', 'off', true),"
    " set_config('lc_monetary', 'C', true), set_config('lc_numeric', 'C', true), set_config('row_security', 'on', "
    "true),"
    " set_config('statement_timeout', '300s', true), set_config('lock_timeout', '60s', true),"
    " set_config('jit', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true),"
    " set_config('max_parallel_workers_per_gather', '0', true), set_config('enable_seqscan', 'off', true),"
    " set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)";

}  // namespace

ReadScope::ReadScope(Session& session)
    : session_(session), savepoint_(session.transaction_state() != TransactionState::kIdle) {
  session_.Execute(fmt::format(
      "{}; {}", savepoint_ ? "SAVEPOINT migproof_catalog_read" : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
      kReadSettings));
}

ReadScope::~ReadScope() {
  if (session_.broken()) return;
  try {
    session_.Execute(savepoint_ ? "ROLLBACK TO SAVEPOINT migproof_catalog_read; RELEASE SAVEPOINT migproof_catalog_read"
                                : "ROLLBACK");
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): see the header
  }
}

}  // namespace migproof
