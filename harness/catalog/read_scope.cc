#include "harness/catalog/read_scope.h"

#include <fmt/format.h>

#include "migrations/error.h"

namespace migproof {

namespace {

constexpr const char* kBegin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
constexpr const char* kSavepoint = "SAVEPOINT migproof_catalog_read";

// pg_temp stands last, so that no temporary table hides a catalog. Deadlines keep a lock that somebody else holds from
// hanging the read. Plans are made once for a table or all of them, however small the catalogs are then: by index.
constexpr const char* kReadSettings =
    "SELECT pg_catalog.set_config('role', 'none', true), pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', "
    "true),"
    " pg_catalog.set_config('client_encoding', 'UTF8', true), pg_catalog.set_config('datestyle', 'ISO, YMD', true),"
    " pg_catalog.set_config('intervalstyle', 'postgres', true), pg_catalog.set_config('timezone', 'UTC', true),"
    " pg_catalog.set_config('bytea_output', 'hex', true), pg_catalog.set_config('extra_float_digits', '1', true),"
    " pg_catalog.set_config('standard_conforming_strings', 'on', true), pg_catalog.set_config('quote_all_identifiers', "
    "'off', true),"
    " pg_catalog.set_config('lc_monetary', 'C', true), pg_catalog.set_config('lc_numeric', 'C', true), "
    "pg_catalog.set_config('row_security', 'on', "
    "true),"
    " pg_catalog.set_config('statement_timeout', '300s', true), pg_catalog.set_config('lock_timeout', '60s', true),"
    " pg_catalog.set_config('jit', 'off', true), pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true),"
    " pg_catalog.set_config('max_parallel_workers_per_gather', '0', true), pg_catalog.set_config('enable_seqscan', "
    "'off', true),"
    " pg_catalog.set_config('enable_hashjoin', 'off', true), pg_catalog.set_config('enable_mergejoin', 'off', true)";

}  // namespace

ReadScope::ReadScope(Session& session)
    : session_(session), savepoint_(session.transaction_state() != TransactionState::kIdle) {
  session_.Execute(fmt::format("{}; {}", savepoint_ ? kSavepoint : kBegin, kReadSettings));
}

ReadScope::ReadScope(Session& session, int generation, const std::vector<Session::Prepared>& first)
    : session_(session), savepoint_(session.transaction_state() != TransactionState::kIdle) {
  std::vector<Session::Prepared> queries{{"", savepoint_ ? kSavepoint : kBegin, {}},
                                         {fmt::format("migproof_{}_settings", generation), kReadSettings, {}}};
  const std::ptrdiff_t own = std::ssize(queries);
  queries.insert(queries.end(), first.begin(), first.end());
  try {
    results_ = session_.QueryAll(queries);
  } catch (const Error&) {
    End();
    throw;
  }
  results_.erase(results_.begin(), results_.begin() + own);
}

ReadScope::~ReadScope() { End(); }

void ReadScope::End() noexcept {
  if (session_.broken()) return;
  try {
    session_.Execute(savepoint_ ? "ROLLBACK TO SAVEPOINT migproof_catalog_read; RELEASE SAVEPOINT migproof_catalog_read"
                                : "ROLLBACK");
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): see the header
  }
}

}  // namespace migproof
