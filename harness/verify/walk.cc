#include "harness/verify/walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "harness/data/read_cast.h"
#include "harness/verify/elsewhere.h"
#include "harness/verify/model.h"
#include "harness/verify/rambles.h"

namespace migproof {

namespace {

bool Contains(std::string_view text, std::string_view word) { return text.find(word) != std::string_view::npos; }

std::string InUpperCase(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
  return upper;
}

// Words that make a script behave otherwise inside a transaction that is rolled back, by the manual's page of each.
bool IsUnfit(std::string_view statement) {
  if (ControlsTransaction(statement) || RefusesTransaction(statement)) return true;
  const std::string first = LeadingWords(statement, 1);
  if (first == "SET") return LeadingWords(statement, 2) != "SET CONSTRAINTS";
  static constexpr std::string_view kSessionWords[] = {"RESET", "DISCARD", "LISTEN", "PREPARE", "DEALLOCATE", "LOAD"};
  if (std::find(std::begin(kSessionWords), std::end(kSessionWords), first) != std::end(kSessionWords)) return true;
  const std::string skeleton = Skeleton(statement);
  static constexpr std::string_view kWords[] = {"SET_CONFIG", "ON COMMIT",   "SETVAL",    "ADD VALUE",
                                                "DBLINK",     "PG_ADVISORY", "TEMPORARY", " TEMP "};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](std::string_view word) { return Contains(skeleton, word); });
}

// Bodies of DO and of functions are strings, so Skeleton does not see into them; what they can do to a transaction is
// looked for in their text.
bool HasUnfitBody(std::string_view statement) {
  const std::string upper = InUpperCase(statement);
  static constexpr std::string_view kWords[] = {"COMMIT", "ROLLBACK", "SETVAL", "SET_CONFIG", "DBLINK", "ADD VALUE"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](std::string_view word) { return Contains(upper, word); });
}

// The last word before the parenthesis: "S.P" of "CALL s.p(1)".
std::string NameCalled(std::string_view statement) {
  std::string upper = InUpperCase(statement.substr(0, statement.find('(')));
  while (!upper.empty() && std::isspace(static_cast<unsigned char>(upper.back())) != 0) upper.pop_back();
  return upper.substr(upper.find_last_of(" \t\r\n") + 1);
}

// A procedure may end the transaction: only those that the script itself makes are known not to.
bool CallIsUnfit(std::string_view call, const Script& script) {
  bool known = false;
  for (const Statement& statement : script.statements()) {
    const std::string_view text = script.Text(statement);
    const bool makes =
        LeadingWords(text, 2) == "CREATE PROCEDURE" || LeadingWords(text, 4) == "CREATE OR REPLACE PROCEDURE";
    if (!makes || NameCalled(text) != NameCalled(call)) continue;
    if (HasUnfitBody(text)) return true;
    known = true;
  }
  return !known;
}

bool BodyIsUnfit(std::string_view statement, const Script& script) {
  const std::string first = LeadingWords(statement, 1);
  if (first == "CALL") return HasUnfitBody(statement) || CallIsUnfit(statement, script);
  return (first == "DO" || first == "SELECT") && HasUnfitBody(statement);
}

// Where the run of statements from `begin` on ends that do the same when they are sent together: none that sets how
// others are read, none that takes data.
std::size_t EndOfRun(const Script& script, std::size_t begin) {
  static const std::set<std::string, std::less<>> kPlain = {"ALTER", "COMMENT", "CREATE", "DELETE",   "DROP",
                                                            "GRANT", "INSERT",  "REVOKE", "TRUNCATE", "UPDATE"};
  const auto& statements = script.statements();
  std::size_t end = begin;
  while (end < statements.size() && statements[end].kind == StatementKind::kSql &&
         kPlain.contains(LeadingWords(script.Text(statements[end]), 1))) {
    ++end;
  }
  return end;
}

}  // namespace

std::vector<Error> RunInside(Session& session, const Section& section, bool leaving_out, bool together) {
  std::vector<Error> refusals;
  const auto& statements = section.script.statements();
  for (std::size_t i = 0; i < statements.size(); ++i) {
    if (statements[i].kind == StatementKind::kCopyData) continue;
    const bool has_data = i + 1 < statements.size() && statements[i + 1].kind == StatementKind::kCopyData;
    if (leaving_out) session.Execute("SAVEPOINT migproof_statement");
    try {
      const std::size_t end = together && !leaving_out ? EndOfRun(section.script, i) : i;
      if (end > i + 1) {
        session.ExecuteTogether(section.script, i, end);
        i = end - 1;
      } else {
        session.Execute(section.script, statements[i], has_data ? &statements[i + 1] : nullptr);
      }
      if (leaving_out) session.Execute("RELEASE migproof_statement");
    } catch (const Error& refusal) {
      if (!refusal.sql() || refusal.sql()->IsEnvironmental()) throw;
      refusals.push_back(refusal);
      if (!leaving_out) return refusals;
      session.Execute("ROLLBACK TO migproof_statement; RELEASE migproof_statement");
    }
  }
  return refusals;
}

bool FitsProbe(const Section& section) {
  if (section.execution == Execution::kStatements || section.execution == Execution::kTool) return false;
  return std::none_of(section.script.statements().begin(), section.script.statements().end(), [&](const Statement& s) {
    return s.kind == StatementKind::kMetaCommand || IsUnfit(section.script.Text(s)) ||
           BodyIsUnfit(section.script.Text(s), section.script);
  });
}

Walk::Walk(const Bench& bench, bool remembers)
    : bench_(bench), source_(bench), stand_(std::make_unique<Stand>(bench, bench.Fresh(), 0)), remembers_(remembers) {}

Walk::~Walk() = default;

Elsewhere& Walk::elsewhere() {
  if (elsewhere_ == nullptr) elsewhere_ = std::make_unique<Elsewhere>(bench_);
  return *elsewhere_;
}

void Walk::GoTo(std::size_t index) {
  if (placed_ && index == unit_) return;
  placed_ = true;
  EndProbe();
  ReturnToUpgraded();
  std::optional<Observation> here;
  if (stand_->index() == index && index == unit_ + 1) {
    if (const auto found = seen_.find({Move::kUpgrade}); found != seen_.end()) here = found->second;
  }
  seen_.clear();
  committed_.clear();
  done_.clear();
  unstable_.reset();
  probed_ = false;
  while (stand_->index() < index && missing().empty()) {
    unit_ = stand_->index();
    seen_.clear();
    if (remembers_) Before();
    stand_->UpgradeNext();
  }
  if (!here) seen_.clear();
  unit_ = index;
  if (here) {
    here->refusals.clear();
    seen_[{}] = *here;
  }
  if (remembers_ && missing().empty()) Before();
}

const Observation& Walk::Before() {
  const auto found = seen_.find({});
  if (found != seen_.end()) {
    if (remembers_) places_.try_emplace(unit_, Place{found->second.catalog, found->second.rows});
    return found->second;
  }
  Observation& seen = seen_[{}] = ObserveCommitted();
  if (remembers_) places_.try_emplace(unit_, Place{seen.catalog, seen.rows});
  return seen;
}

const Observation& Walk::After(const std::vector<Move>& path) {
  Before();
  if (const auto found = seen_.find(path); found != seen_.end()) return found->second;
  const std::vector<Move> upgraded = {Move::kUpgrade};
  if (!seen_.contains(upgraded)) seen_[upgraded] = ObserveUpgraded();
  if (path == upgraded) return seen_[upgraded];
  return FitsProbe(path) ? Probe(path) : AfterCommitted(path);
}

const Observation& Walk::AfterCommitted(const std::vector<Move>& path) {
  EndProbe();
  if (path.size() < 2) return After(path);
  After({Move::kUpgrade});
  if (const auto found = committed_.find(path); found != committed_.end()) return found->second;
  const bool continues = done_.size() < path.size() && std::equal(done_.begin(), done_.end(), path.begin());
  if (!continues) ReturnToUpgraded();
  if (done_.empty()) done_ = {Move::kUpgrade};
  while (done_.size() < path.size()) {
    CommitMove(path[done_.size()]);
    if (committed_.at(done_).catalog == nullptr) return committed_[path] = committed_.at(done_);
  }
  return committed_.at(path);
}

void Walk::CommitMove(Move move) {
  done_.push_back(move);
  Observation seen;
  std::vector<Error> refusals = stand_->Apply(move, revision());
  // A refused upgrade goes on without the refused statements, as the first one did; any other refused move ends there.
  const bool ended = !refusals.empty() && (move == Move::kDowngrade || stand_->RefusalsOf(unit_).empty());
  if (!ended) seen = stand_->Observe();
  seen.refusals = std::move(refusals);
  committed_[done_] = std::move(seen);
}

// Leaves the database as the unit's upgrade left it: by upgrading again where that does it, else by making it anew.
void Walk::ReturnToUpgraded() {
  if (done_.size() < 2) return;
  const Observation& last = committed_.at(done_);
  const Observation& upgraded = seen_.at({Move::kUpgrade});
  bool same = last.catalog != nullptr;
  if (same && done_.back() == Move::kDowngrade) same = stand_->Apply(Move::kUpgrade, revision()).empty();
  if (same) {
    const Observation now = stand_->Observe();
    same = *now.catalog == *upgraded.catalog && *now.rows == *upgraded.rows;
  }
  done_.clear();
  if (same) return;
  auto rebuilt = source_.At(unit_ + 1);
  rebuilt->InheritRefusals(*stand_);
  stand_ = std::move(rebuilt);
  // What the clock froze into the catalog is another moment now: the next revision is compared with this one.
  Observation& again = seen_.at({Move::kUpgrade});
  std::vector<Error> refusals = std::move(again.refusals);
  again = ObserveCommitted();
  again.refusals = std::move(refusals);
}

Observation Walk::ObserveUpgraded() {
  std::vector<Error> refusals = stand_->UpgradeNext();
  Observation seen = ObserveCommitted();
  seen.refusals = std::move(refusals);
  return seen;
}

Observation Walk::ObserveCommitted() {
  Observation seen = stand_->Observe();
  if (stand_->index() != counted_at_) return seen;
  if (census_ == nullptr) {
    census_ = std::make_shared<const Census>(TakeCensus(stand_->session(), bench_.subject().ledger().Tables()));
  }
  seen.census = census_;
  return seen;
}

bool Walk::FitsProbe(const std::vector<Move>& path) const {
  const Revision& r = revision();
  const bool verifies = std::find(path.begin(), path.end(), Move::kVerify) != path.end();
  if (verifies && !migproof::FitsProbe(*r.verification)) return false;
  return migproof::FitsProbe(r.upgrade) && (!r.downgrade || migproof::FitsProbe(*r.downgrade));
}

const Observation& Walk::Probe(const std::vector<Move>& path) {
  probed_ = true;
  const bool continues = open_ && open_->size() < path.size() && std::equal(open_->begin(), open_->end(), path.begin());
  if (!continues) {
    EndProbe();
    stand_->session().Execute("BEGIN");
    open_ = std::vector<Move>{Move::kUpgrade};
  }
  const Observation* last = nullptr;
  while (open_ && open_->size() < path.size()) {
    std::vector<Move> next = *open_;
    next.push_back(path[next.size()]);
    last = &ProbeMove(next);
  }
  if (last != nullptr && !seen_.contains(path)) return seen_[path] = *last;
  return seen_.at(path);
}

// Runs the last move of `path`. A refused move closes the probe: the server has undone everything.
const Observation& Walk::ProbeMove(const std::vector<Move>& path) {
  Session& session = stand_->session();
  const Move move = path.back();
  if (move == Move::kVerify) {
    Observation verified = seen_.at({Move::kUpgrade});
    verified.refusals = RunInside(session, *revision().verification, false);
    EndProbe();
    return seen_[path] = std::move(verified);
  }
  const bool leaving_out = !stand_->RefusalsOf(unit_).empty() && move != Move::kDowngrade;
  if (move == Move::kAdopt) {
    const auto& subject = bench_.subject();
    for (const auto& sql : subject.ledger().ForgetSql(revision(), subject.history())) session.Execute(sql);
  }
  Observation seen;
  seen.refusals =
      RunInside(session, move == Move::kDowngrade ? *revision().downgrade : revision().upgrade, leaving_out);
  if (seen.refusals.empty() || leaving_out) {
    try {
      session.Execute("SET CONSTRAINTS ALL IMMEDIATE");
    } catch (const Error& refusal) {
      seen.refusals.push_back(refusal);
    }
  }
  if (session.transaction_state() == TransactionState::kOpen) {
    const Observation looked = stand_->Observe();
    seen.catalog = looked.catalog;
    seen.rows = looked.rows;
    open_ = path;
  } else {
    EndProbe();
  }
  return seen_[path] = std::move(seen);
}

std::shared_ptr<const TableRows> Walk::ReadCast(const Path& path, const std::string& table,
                                                const std::map<std::string, std::string>& casts) {
  if (path != Path{Move::kUpgrade}) return Mover::ReadCast(path, table, casts);
  const Observation& seen = After(path);
  if (seen.rows == nullptr) return nullptr;
  EndProbe();
  ReturnToUpgraded();
  return migproof::ReadCast(stand_->session(), *seen.rows, table, casts);
}

void Walk::EndProbe() {
  if (!open_) return;
  open_.reset();
  stand_->session().Execute("ROLLBACK");
}

namespace {

std::vector<std::string> LinesWithout(const std::vector<std::string>& lines, const std::vector<std::string>& known) {
  std::vector<std::string> rest;
  for (const std::string& line : lines) {
    if (std::ranges::find(known, line) == known.end()) rest.push_back(line);
  }
  return rest;
}

}  // namespace

const Observation& Walk::AtHeads() {
  if (!at_heads_) {
    GoTo(bench_.subject().order().size());
    at_heads_ = Before();
    reached_past_at_heads_ = stand_->ReachedPast(unit_);
  }
  return *at_heads_;
}

std::vector<std::string> Walk::ReachedPast() const {
  return at_heads_ ? reached_past_at_heads_ : stand_->ReachedPast(unit_);
}

const Observation& Walk::AfterUpgradeAtHeads() {
  if (after_upgrade_at_heads_) return *after_upgrade_at_heads_;
  AtHeads();
  const History& history = bench_.subject().history();
  Runner& runner = stand_->runner();
  Observation seen;
  try {
    runner.Prepare();
    for (const Revision* again : history.UpgradePath(runner.Applied(), "heads")) {
      seen.refusals.push_back(Error(ErrorKind::kMigration, fmt::format("'{}' is run again at the heads", again->id))
                                  .WithLocation(again->where));
      runner.Apply({Direction::kUpgrade, again});
    }
  } catch (const Error& refusal) {
    if (refusal.kind() == ErrorKind::kServer) throw;
    seen.refusals.push_back(refusal);
  }
  const Observation looked = stand_->Observe();
  seen.catalog = looked.catalog;
  seen.rows = looked.rows;
  return *(after_upgrade_at_heads_ = std::move(seen));
}

const DescentResult& Walk::Descent() {
  if (!descent_) {
    AfterUpgradeAtHeads();
    descent_.emplace();
    DescendFrom(bench_.subject().order().size());
  }
  return *descent_;
}

const OrdersResult& Walk::Orders() {
  if (!orders_) orders_ = TryOrders(bench_, {.seed = seed_, .cases = cases_});
  return *orders_;
}

const RamblesResult& Walk::Rambles() {
  if (rambles_ == nullptr) {
    rambles_ = std::make_unique<const RamblesResult>(TryRambles(bench_, {.seed = seed_, .cases = cases_}));
  }
  return *rambles_;
}

const UnstableColumns& Walk::Unstable(const Path&) {
  if (unstable_) return *unstable_;
  const Observation once = After({Move::kUpgrade});
  ReplaySource source(bench_);
  const auto again = source.At(unit_);
  again->UpgradeNext();
  unstable_ = UnstableBetween(*once.rows, *again->Observe().rows);
  return *unstable_;
}

const Catalog& Walk::Model() {
  const Subject& subject = bench_.subject();
  if (subject.model()) return *subject.model();
  if (model_) return *model_;
  if (subject.model_code()) {
    model_ = RunModelCode(*subject.model_code(), subject.tool_settings(), bench_.server(),
                          AtHeads().catalog->Names("extension"), subject.ledger().Tables());
    return *model_;
  }
  model_ = subject.touches_cluster() ? RunModelScript(*subject.model_script(), *bench_.Another())
                                     : RunModelScript(*subject.model_script(), bench_);
  return *model_;
}

void Walk::DescendFrom(std::size_t index) {
  Drift known;  // what the steps above have left
  std::vector<std::string> known_rows;
  std::optional<Observation> above;  // what the step above has left; nothing where the place was made again
  UnstableColumns unstable;
  ReplaySource another(bench_);
  const auto rows_against = [&](std::size_t at, const Observation& seen) {
    const Place& expected = places_.at(at);
    return CompareRowsOfSharedTables({expected.catalog, expected.rows, {}}, seen, unstable);
  };
  while (index > 0) {
    const Revision& r = *bench_.subject().order()[--index];
    if (!r.downgrade || r.Declares("irreversible")) {
      descent_->stopped = fmt::format("{} {}", r.id, r.downgrade ? "is declared irreversible" : "gives no downgrade");
      return;
    }
    DescentStep step;
    step.revision = &r;
    step.refusals = stand_->DowngradeLast();
    if (!step.refusals.empty()) {
      known = {};
      known_rows.clear();
      above.reset();
      stand_ = source_.At(index);
      descent_->steps.push_back(std::move(step));
      continue;
    }
    const Observation seen = stand_->Observe();
    const Place& expected = places_.at(index);
    Drift drift;
    if (seen.catalog != expected.catalog) drift = migproof::Compare(*expected.catalog, *seen.catalog);
    step.differences = Without(drift, known).differences;
    step.objects = static_cast<std::int64_t>(expected.catalog->objects().size());
    std::vector<std::string> rows = rows_against(index, seen);
    step.rows = LinesWithout(rows, known_rows);
    if (!step.rows.empty()) {
      // The places are not all of one run, and what the clock writes differs between two.
      unstable.merge(UnstableBetween(*expected.rows, *another.At(index)->Observe().rows));
      rows = rows_against(index, seen);
      if (above) known_rows = rows_against(index + 1, *above);
      step.rows = LinesWithout(rows, known_rows);
    }
    known = std::move(drift);
    known_rows = std::move(rows);
    above = seen;
    descent_->steps.push_back(std::move(step));
  }
}

}  // namespace migproof
