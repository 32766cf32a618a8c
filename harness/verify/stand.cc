#include "harness/verify/stand.h"

#include <fmt/format.h>

#include "harness/verify/made_beforehand.h"

namespace migproof {

namespace {

constexpr const char* kInsufficientPrivilege = "42501";

// Settings under which every value is read back: the same text for the same value, whatever the server's own are. They
// are the session's defaults, so RESET ALL in a migration comes back to them.
constexpr const char* kFixedSettings =
    "-c TimeZone=UTC -c DateStyle=ISO,YMD -c IntervalStyle=postgres -c bytea_output=hex -c extra_float_digits=1 "
    "-c client_min_messages=warning -c jit=off";

ReadOptions CatalogOptions(const Subject& subject) {
  return {.leave_out_tables = subject.ledger().Tables(), .alone = !subject.hides_from_counters()};
}

// The extension that a refused CREATE EXTENSION asked for, where the server has no such extension; else "".
std::string UnavailableExtension(Session& session, const Error& refusal) {
  if (!refusal.sql() || LeadingWords(refusal.sql()->statement, 2) != "CREATE EXTENSION") return "";
  const std::vector<std::optional<std::string>> statement = {refusal.sql()->statement};
  const Rows name = session.Query(
      R"sql(SELECT coalesce(m[1], lower(m[2])) FROM regexp_match($1,
            '^\s*create\s+extension\s+(?:if\s+not\s+exists\s+)?(?:"([^"]+)"|([a-z0-9_]+))', 'i') m)sql",
      statement);
  if (name.empty() || name.IsNull(0, 0)) return "";
  const std::string extension(name.Get(0, 0));
  // Its library, or a library which that one needs, is not on this machine: the server knows no state of its own for
  // the latter, but XX000, which is any internal error's.
  const bool loads = refusal.sql()->message.find("could not load library") == std::string::npos;
  if (refusal.sqlstate() == "58P01" || (refusal.sqlstate() == "XX000" && !loads)) return extension;
  const Rows found = session.Query("SELECT 1 FROM pg_catalog.pg_available_extensions WHERE name = $1", {extension});
  return found.empty() ? extension : "";
}

std::string MissingExtension(const std::string& extension) {
  return fmt::format("extension '{}' is not available on this server", extension);
}

// Likewise, with what wants it.
std::string NeededBy(const std::string& missing, const std::string& needed_by) {
  return fmt::format("{} (needed by {})", missing, needed_by);
}

}  // namespace

RunnerOptions OptionsFor(const Subject& subject, const Database& database) {
  RunnerOptions options;
  options.guard = [&database](Session& session) { database.CheckToken(session); };
  options.tool = subject.tool();
  options.proof = {database.TokenQuestion(), database.TokenAnswer()};
  return options;
}

bool IsRefusal(const Error& error) {
  return error.kind() == ErrorKind::kMigration && !(error.sql() && error.sql()->IsEnvironmental());
}

void RunScript(Session& session, const Script& script, const std::function<bool(const Error&)>& may_pass) {
  const auto& statements = script.statements();
  for (std::size_t i = 0; i < statements.size(); ++i) {
    if (statements[i].kind == StatementKind::kCopyData) continue;
    const bool has_data = i + 1 < statements.size() && statements[i + 1].kind == StatementKind::kCopyData;
    try {
      session.Execute(script, statements[i], has_data ? &statements[i + 1] : nullptr);
    } catch (const Error& error) {
      if (!may_pass || !may_pass(error)) throw;
    }
  }
}

std::string FixedConninfo(const Database& database, const std::vector<std::string>& settings) {
  std::string options = kFixedSettings;
  for (const std::string& setting : settings) options += " -c " + setting;  // the last word counts
  return WithOption(database.Conninfo(), "options", options);
}

std::unique_ptr<Bench> Bench::Mortal() const {
  if (!options_.durable) return nullptr;
  auto bench = std::make_unique<Bench>(subject_, options_.durable, options_);
  return bench->server().CanBeKilled() ? std::move(bench) : nullptr;
}

Bench::Bench(const Subject& subject, ServerFactory factory, BenchOptions options)
    : subject_(subject),
      factory_(std::move(factory)),
      options_(std::move(options)),
      server_(factory_()),
      ground_(Database::Create(*server_)) {
  auto session = ground_->Connect();
  ground_->CheckToken(*session);
  for (const Script& script : subject_.before()) {
    try {
      RunScript(*session, script);
    } catch (const Error& refusal) {
      const std::string extension = UnavailableExtension(*session, refusal);
      if (extension.empty()) throw;
      missing_ = NeededBy(MissingExtension(extension), script.At(0).file);
      return;
    }
  }
  // Who upgrades comes after what ALTER DATABASE ... SET may have said there.
  if (!subject_.before().empty()) session = ground_->Connect();
  Runner(*session, subject_.history(), subject_.ledger(), OptionsFor(subject_, *ground_)).Prepare();
  CatalogReader reader(*session, CatalogOptions(subject_));
  reader.Read();
  ground_->Remember(reader.Memory());
}

Stand::Stand(const Bench& bench, std::unique_ptr<Database> database, std::size_t index)
    : bench_(bench), database_(std::move(database)), index_(index), missing_(bench.missing()) {
  Connect();
}

Stand::Stand(std::unique_ptr<Bench> bench)
    : own_bench_(std::move(bench)),
      bench_(*own_bench_),
      database_(bench_.Fresh()),
      index_(0),
      missing_(bench_.missing()) {
  Connect();
}

void Stand::InheritRefusals(const Stand& other) {
  for (const auto& [index, refusals] : other.refusals_) refusals_.try_emplace(index, refusals);
}

void Stand::Connect() {
  const auto memory = database_->catalog_memory();
  knows_catalog_ = memory != nullptr;
  session_ = std::make_unique<Session>(FixedConninfo(*database_));
  handed_out_ = database_->handed_out();
  runner_ = MakeRunner(bench_.subject().ledger());
  reader_ = std::make_unique<CatalogReader>(*session_, CatalogOptions(bench_.subject()), memory);
}

std::unique_ptr<Runner> Stand::MakeRunner(const Ledger& ledger, int statement_timeout_ms) const {
  RunnerOptions options = OptionsFor(bench_.subject(), *database_);
  options.statement_timeout_ms = statement_timeout_ms;
  return std::make_unique<Runner>(*session_, bench_.subject().history(), ledger, std::move(options));
}

void Stand::LimitSteps(int statement_timeout_ms) {
  runner_ = MakeRunner(bench_.subject().ledger(), statement_timeout_ms);
}

std::shared_ptr<const Catalog> Stand::ObserveCatalog() {
  const Catalog& catalog = reader_->Read();
  if (last_catalog_ == nullptr || last_version_ != reader_->version()) {
    last_catalog_ = std::make_shared<const Catalog>(catalog);
    last_version_ = reader_->version();
  }
  return last_catalog_;
}

Observation Stand::Observe() {
  Observation seen;
  seen.catalog = ObserveCatalog();
  seen.rows = std::make_shared<const RowSnapshot>(ReadRows(*session_, bench_.subject().ledger().Tables()));
  return seen;
}

Stand::Sequences Stand::ReadSequences() {
  Sequences sequences = TakeSequences(session_->QueryAll({SequencesQuery()}).front());
  for (const std::string& table : bench_.subject().ledger().Tables()) {
    const Rows rows = session_->Query(fmt::format(R"sql(
SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname)
  FROM pg_catalog.pg_depend d
  JOIN pg_catalog.pg_class c ON c.oid = d.objid AND c.relkind = 'S'
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i')
   AND d.refclassid = d.classid AND d.refobjid = pg_catalog.to_regclass({}))sql",
                                                  session_->QuoteLiteral(table)));
    for (int i = 0; i < rows.size(); ++i) sequences.erase(std::string(rows.Get(i, 0)));
  }
  return sequences;
}

const std::vector<Error>& Stand::UpgradeNext() {
  const Revision& revision = *bench_.subject().order()[index_];
  std::vector<Error> refusals = runner_->ApplyLeavingOutFailures({Direction::kUpgrade, &revision});
  NoticeMissing(revision, refusals);
  return refusals_[index_++] = std::move(refusals);
}

void Stand::UpgradeTo(std::size_t index) {
  while (index_ < index && missing_.empty()) UpgradeNext();
}

void Stand::NoticeMissing(const Revision& revision, const std::vector<Error>& refusals) {
  for (const Error& refusal : refusals) {
    const std::string missing = MissingFor(refusal);
    if (missing.empty()) continue;
    missing_ = NeededBy(missing, revision.id);
    return;
  }
}

// What the server, or a guest's lack of rights, is to blame for; else "".
std::string Stand::MissingFor(const Error& refusal) {
  const std::string extension = UnavailableExtension(*session_, refusal);
  if (!extension.empty()) return MissingExtension(extension);
  if (bench_.server().Guest().empty() || !refusal.sql()) return "";
  if (IsMadeBeforehand(bench_.server(), refusal)) {
    return fmt::format("made beforehand, for an untrusted history: {} (IF NOT EXISTS takes that)", refusal.message());
  }
  if (refusal.sql()->sqlstate != kInsufficientPrivilege) return "";
  return fmt::format("an untrusted history may not do this: {}", refusal.message());
}

std::vector<Error> Stand::Apply(Move move, const Revision& revision) {
  try {
    if (move == Move::kDowngrade) {
      runner_->Apply({Direction::kDowngrade, &revision});
      return {};
    }
    if (move == Move::kVerify) return runner_->Verify(revision);
    if (move != Move::kUpgrade) {  // a second entry of the same revision would be the harness's fault, not the script's
      for (const std::string& sql : bench_.subject().ledger().ForgetSql(revision, bench_.subject().history())) {
        session_->Execute(sql);
      }
    }
    const bool leaves_out = refusals_.contains(index_ - 1) && !refusals_.at(index_ - 1).empty();
    if (leaves_out || move == Move::kUpgrade) return runner_->ApplyLeavingOutFailures({Direction::kUpgrade, &revision});
    runner_->Apply({Direction::kUpgrade, &revision});
    return {};
  } catch (const Error& refusal) {
    if (!IsRefusal(refusal)) throw;
    NoticeMissing(revision, {refusal});
    return {refusal};
  }
}

std::vector<Error> Stand::DowngradeLast() {
  std::vector<Error> refusals = Apply(Move::kDowngrade, *bench_.subject().order()[index_ - 1]);
  if (refusals.empty()) --index_;
  return refusals;
}

const std::vector<Error>& Stand::RefusalsOf(std::size_t index) const {
  static const std::vector<Error> kNone;
  const auto found = refusals_.find(index);
  return found == refusals_.end() ? kNone : found->second;
}

std::vector<std::string> Stand::ReachedPast(std::size_t index) const {
  std::vector<std::string> revisions;
  for (const auto& [at, refusals] : refusals_) {
    if (at < index && !refusals.empty()) revisions.push_back(bench_.subject().order()[at]->id);
  }
  return revisions;
}

std::unique_ptr<Database> Stand::Release() {
  const bool is_last = !session_->broken() && session_->transaction_state() == TransactionState::kIdle &&
                       database_->handed_out() == handed_out_;
  if (is_last && (knows_catalog_ || last_catalog_ != nullptr)) {
    ObserveCatalog();
    database_->Remember(reader_->Memory());
  }
  reader_.reset();
  runner_.reset();
  session_.reset();
  return std::move(database_);
}

}  // namespace migproof
