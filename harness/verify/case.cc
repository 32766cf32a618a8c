#include "harness/verify/case.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "harness/data/definition_text.h"
#include "harness/data/read_cast.h"
#include "harness/data/statement_words.h"
#include "harness/verify/failures.h"
#include "harness/verify/fill.h"
#include "migrations/step_sql.h"

namespace migproof {

namespace {

constexpr std::string_view kEndedByTime = "57014";  // query_canceled
constexpr std::string_view kLittleTime = "SET LOCAL statement_timeout = '200ms'";

std::string DeferredConstraints(const Catalog& catalog) {
  std::string names;
  for (const char* kind : kDeferrableKinds) {
    for (const std::string& name : catalog.Names(kind)) {
      const CatalogObject& object = *catalog.Find(kind, name);
      const auto definition = object.attributes.find("definition");
      if (definition == object.attributes.end()) continue;
      if (definition->second.find("INITIALLY DEFERRED") == std::string::npos) continue;
      // Constraints are named within the namespace of their table.
      const std::string constraint = name.substr(0, name.rfind(" on " + object.relation));
      const std::size_t dot = object.relation.rfind('.');
      names += fmt::format("{}{}.{}", names.empty() ? "" : ", ",
                           dot == std::string::npos ? "public" : object.relation.substr(0, dot), constraint);
    }
  }
  return names;
}

const Path kUp = {Move::kUpgrade};
const Path kUpAndDown = {Move::kUpgrade, Move::kDowngrade};
const Path kUpAgain = {Move::kUpgrade, Move::kDowngrade, Move::kUpgrade};

// `in_place`: in the same tables and columns, not only in some that are called the same. Rows that nobody has read, and
// that are not those of the other side, may be any.
bool AreTheSame(const RowSnapshot& one, const RowSnapshot& other, bool in_place) {
  const auto same = [in_place](const auto& a, const auto& b) {
    const SharedRows& rows = a.second;
    const SharedRows& others = b.second;
    if (a.first != b.first) return false;
    if (rows.IsSame(others)) return true;
    if (rows.IsUnread() || others.IsUnread() || *rows != *others) return false;
    return !in_place || (rows->oid == others->oid && rows->numbers == others->numbers);
  };
  return one.sequences == other.sequences && std::ranges::equal(one.tables, other.tables, same);
}

[[noreturn]] void RefuseHistory() {
  throw Error(ErrorKind::kInternal, "a law of the history as a whole was asked about single rows");
}

}  // namespace

bool RunsCode(const Section& written) {
  const Section& section = written.AsSql();
  if (section.execution == Execution::kTool) return true;
  return std::any_of(section.script.statements().begin(), section.script.statements().end(), [&](const Statement& s) {
    if (s.kind != StatementKind::kSql) return s.kind == StatementKind::kMetaCommand;
    const std::string first = LeadingWords(section.script.Text(s), 1);
    return first == "DO" || first == "CALL" || first == "SELECT" || first == "EXECUTE" || first == "WITH";
  });
}

CaseGround::CaseGround(const Bench& bench, Walk& walk, int step_timeout_ms)
    : bench_(bench), walk_(walk), source_(bench), step_timeout_ms_(step_timeout_ms) {}

void CaseGround::GoTo(std::size_t index) {
  if (stand_ != nullptr && index == index_) return;
  if (stand_ == nullptr) {
    stand_ = subject().touches_cluster() ? std::make_unique<Stand>(bench_.Another())
                                         : std::make_unique<Stand>(bench_, bench_.Fresh(), 0);
    watch_ = std::make_unique<RowWatch>(stand_->session(), subject().ledger().Tables());
    inserts_ = std::make_unique<KeptInserts>(stand_->session());
  }
  session().Execute("RESET statement_timeout");  // what takes long without rows may do so
  VacuumFilled();
  stand_->UpgradeTo(index);
  if (step_timeout_ms_ > 0) session().Execute(fmt::format("SET statement_timeout = {}", step_timeout_ms_));
  migproof::Reconnect(session());
  index_ = index;
  reconnection_.reset();
  of_catalogs_.clear();
  catalog_ = stand_->ObserveCatalog();  // outside a transaction: what the cases' looks go by after a ROLLBACK
  watch_->Begin();
  inserts_->Begin(watch_->InsertTypes());
  std::set<std::string> keyed;  // tables whose largest key is held against a sequence
  for (const SequenceUse& use : SequenceUses(*catalog_)) keyed.insert(use.table);
  watch_->Want(keyed);
  compared_.clear();
  rewritten_.clear();
  endless_ = false;
  times_wanted_ = 0;
  upgrades_again_ = 0;
  upgrades_again_differ_ = false;
}

void CaseGround::Want(const RowsWanted& wanted) {
  constexpr int kTimes = 2;  // who looks at more tables than that one by one looks at all
  std::set<std::string> tables = wanted.tables;
  if (++times_wanted_ > kTimes) {
    for (const std::string& table : catalog_->Names("table")) tables.insert(table);
  }
  if (!watch_->Want(tables)) throw Error(ErrorKind::kInternal, "rows that are read are not known");
}

void CaseGround::set_assumptions(std::vector<Assumption> assumptions) {
  assumptions_ = std::move(assumptions);
  own_assumptions_ = OwnAssumptions(revision(), assumptions_);
}

bool CaseGround::OutdatesPlans() {
  const auto& was = BeforeWithoutRows().catalog;
  const auto& is = WithoutRows({Move::kUpgrade}).catalog;
  const auto retypes = [](const Difference& difference) { return difference.attribute == "type"; };
  const auto has_code = [](const Catalog& catalog) {
    return !catalog.Names("function").empty() || !catalog.Names("procedure").empty();
  };
  return was == nullptr || is == nullptr ||
         ((has_code(*was) || has_code(*is)) && std::ranges::any_of(Compared(was, is), retypes));
}

bool CaseGround::OutdatesCode() {
  const auto in_plpgsql = [](const std::shared_ptr<const Catalog>& catalog) {
    if (catalog == nullptr) return true;
    return std::ranges::any_of(catalog->objects(), [](const auto& entry) {
      const auto language = entry.second.attributes.find("language");
      return language != entry.second.attributes.end() && language->second == "plpgsql";
    });
  };
  if (!in_plpgsql(BeforeWithoutRows().catalog) && !in_plpgsql(WithoutRows({Move::kUpgrade}).catalog)) return false;
  // Types that another takes the name of; those of rows among them.
  const auto of_step = [](const Section& written) {
    if (written.AsSql().execution == Execution::kTool) return true;
    const StatementWords words = WordsOf(written.AsSql().script.text());
    return words.Has("type") || words.Has("domain") ||
           (words.Has("table") && (words.Has("rename") || (words.Has("drop") && words.Has("create"))));
  };
  return of_step(revision().upgrade) || (revision().downgrade && of_step(*revision().downgrade));
}

bool CaseGround::AsksWhatWasDrawn() const {
  const auto of_step = [](const Section& written) { return migproof::AsksWhatWasDrawn(written.AsSql().script.text()); };
  if (of_step(revision().upgrade) || (revision().downgrade && of_step(*revision().downgrade))) return true;
  return std::ranges::any_of(catalog_->objects(), [](const auto& entry) {
    return std::ranges::any_of(entry.second.attributes,
                               [](const auto& attribute) { return migproof::AsksWhatWasDrawn(attribute.second); });
  });
}

const std::vector<std::string_view>& CaseGround::Reconnection() {
  if (!reconnection_) {
    reconnection_.emplace();
    if (OutdatesPlans()) reconnection_->emplace_back(kForgetPlans);
    if (AsksWhatWasDrawn()) reconnection_->emplace_back(kForgetDrawn);
    if (OutdatesCode()) reconnection_->emplace_back(kForgetCode);
  }
  return *reconnection_;
}

void CaseGround::AddRefusals(const std::vector<Error>& refusals) {
  if (std::ranges::any_of(refusals, [](const Error& refusal) { return refusal.sqlstate() == kEndedByTime; })) {
    endless_ = true;
  }
}

void CaseGround::Reconnect() {
  for (const std::string_view statement : Reconnection()) session().Execute(statement);
}

bool CaseGround::HasDeferrable(const std::shared_ptr<const Catalog>& catalog) {
  if (catalog == nullptr) return true;
  std::optional<bool>& has = of_catalogs_[catalog].has_deferrable;
  if (!has) has = migproof::HasDeferrable(*catalog);
  return *has;
}

// DDL that is rolled back leaves its dead rows in the catalogs, and every statement after it wades through them.
void CaseGround::Tidy() {
  constexpr int kCasesBetween = 20;
  if (++cases_since_tidy_ < kCasesBetween) return;
  cases_since_tidy_ = 0;
  session().Execute(
      "VACUUM (TRUNCATE false) pg_catalog.pg_class, pg_catalog.pg_attribute, pg_catalog.pg_type, pg_catalog.pg_depend, "
      "pg_catalog.pg_index, pg_catalog.pg_constraint, pg_catalog.pg_attrdef, pg_catalog.pg_trigger, "
      "pg_catalog.pg_shdepend, pg_catalog.pg_statistic, pg_catalog.pg_description, pg_catalog.pg_proc");
}

// Rows that were rolled back stay in the tables and in their indexes, and each row after them passes them by.
void CaseGround::VacuumFilled() {
  if (!filled_.empty()) session().Execute(fmt::format("VACUUM {}", fmt::join(filled_, ", ")));
  filled_.clear();
}

const std::string& CaseGround::Deferred(const std::shared_ptr<const Catalog>& catalog) {
  std::optional<std::string>& names = of_catalogs_[catalog].deferred;
  if (!names) names = DeferredConstraints(*catalog);
  return *names;
}

const SequenceStatements& CaseGround::SequencesOf(const std::shared_ptr<const Catalog>& catalog) {
  std::optional<SequenceStatements>& statements = of_catalogs_[catalog].sequences;
  if (!statements) statements.emplace(*catalog);
  return *statements;
}

std::vector<Session::Prepared> CaseGround::Kept(const std::vector<std::string>& statements) {
  std::vector<Session::Prepared> queries;
  for (const std::string& sql : statements) {
    const auto number = kept_.try_emplace(sql, kept_.size()).first->second;
    queries.push_back({fmt::format("migproof_kept_{}", number), sql, {}});
  }
  return queries;
}

const std::vector<Difference>& CaseGround::Compared(const std::shared_ptr<const Catalog>& was,
                                                    const std::shared_ptr<const Catalog>& is) {
  const auto found = compared_.find({was, is});
  if (found != compared_.end()) return found->second;
  return compared_[{was, is}] = migproof::Compare(*was, *is).differences;
}

std::vector<Difference> Case::Compare(const Observation& was, const Observation& is) {
  return ground_.Compared(was.catalog, is.catalog);
}

const Observation& Case::Before() {
  if (!seen_.contains({})) Begin();
  return seen_.at({});
}

void Case::Begin() {
  if (open_) Close();
  open_.reset();
  Session& session = Open();
  if (!dataset_.new_shape) PutRowsIn(session);
  open_ = Path();
  if (!seen_.contains({})) seen_[{}] = ObserveHere({});
  Settle();
}

void Case::PutRowsIn(Session& session) {
  RowWatch* const watch = Watch();
  const bool deferrable = ground_.HasDeferrable(ground_.BeforeWithoutRows().catalog);
  InsertOptions options{.deferrable = deferrable};
  const Observation& before = ground_.BeforeWithoutRows();
  if (watch != nullptr) {
    options.returning = &watch->returning();
    options.kept = &ground_.inserts();
    options.before = std::exchange(opening_, {});
    // What follows the rows goes along with them where nothing comes between.
    if (before.catalog != nullptr && ground_.assumptions().empty() && !dataset_.forbidden) {
      options.after = ground_.Kept(ground_.SequencesOf(before.catalog).For(dataset_));
      options.after.push_back(watch->Question());
    }
  }
  inserted_ = Insert(session, rows_, options);
  if (watch != nullptr) ground_.AddFilled(dataset_);
  if (watch != nullptr && inserted_.at_once && !dataset_.forbidden) {
    watch->Inserted(*inserted_.inserted, std::exchange(inserted_.stored, {}));
  }
  if (!inserted_.told.empty()) {
    watch->Told(inserted_.told.back());
    return;
  }
  forbidden_ = TakeOut(session, ground_.assumptions(),
                       dataset_.forbidden ? ground_.own_assumptions() : std::vector<Assumption>());
  if (before.catalog == nullptr) return;
  if (dataset_.forbidden) forbidden_rows_ = FindForbidden(session, *before.catalog, ground_.own_assumptions());
  BringSequencesAlong(before.catalog);
}

void Case::BringSequencesAlong(const std::shared_ptr<const Catalog>& catalog) {
  const std::vector<std::string> statements = ground_.SequencesOf(catalog).For(*inserted_.inserted);
  if (statements.empty()) return;
  if (Watch() != nullptr) {
    Here().QueryAll(ground_.Kept(statements));
  } else {
    Here().Execute(fmt::format("{}", fmt::join(statements, "")));
  }
}

const ForbiddenRows& Case::Forbidden() {
  if (!dataset_.forbidden) return Mover::Forbidden();
  Before();
  return forbidden_rows_;
}

void Case::PutNewRowsIn() {
  OpenOnTheWay();
  inserted_ = Insert(Here(), rows_);
  BringSequencesAlong(CatalogHere());
  Settle();
}

const Observation& Case::After(const Path& path) {
  Before();
  const auto found = seen_.find(path);
  if (found != seen_.end()) return found->second;
  GoAlong(path);
  if (path == kUpAgain && Concludes() && AreTheSame({}, kUpAndDown, true)) {
    ground_.AddUpgradeAgain(AreTheSame(kUp, kUpAgain, false));
  }
  return seen_.at(path);
}

bool Case::KnowsUpgradeAgain() {
  return Concludes() && ground_.KnowsUpgradeAgain() && AreTheSame({}, kUpAndDown, true);
}

// As far as a script can tell: rows, sequences, catalogs to the order of the columns.
bool Case::AreTheSame(const Path& one, const Path& other, bool in_place) {
  const auto a = seen_.find(one);
  const auto b = seen_.find(other);
  if (a == seen_.end() || b == seen_.end()) return false;
  for (const Observation& seen : {std::cref(a->second), std::cref(b->second)}) {
    if (seen.refused() || seen.catalog == nullptr || seen.rows == nullptr) return false;
  }
  return migproof::AreTheSame(*a->second.rows, *b->second.rows, in_place) && Compare(a->second, b->second).empty();
}

// Leaves the database where `path` leads; false where a refusal ends the way before.
bool Case::GoAlong(const Path& path) {
  const bool continues =
      open_ && open_->size() <= path.size() && std::equal(open_->begin(), open_->end(), path.begin());
  if (!continues) Begin();
  while (open_->size() < path.size()) {
    const Move move = path[open_->size()];
    Path next = *open_;
    next.push_back(move);
    std::vector<Error> refusals;
    if (move == Move::kInsert) {
      PutNewRowsIn();
    } else {
      refusals = Run(next);
    }
    const bool ended = !refusals.empty() && (move == Move::kDowngrade || !ground_.leaves_out());
    if (!seen_.contains(next)) {
      Observation seen;
      if (!ended) seen = ObserveHere(next);
      seen.refusals = std::move(refusals);
      seen.path = next;
      seen_[next] = std::move(seen);
    }
    if (ended) {
      Close();
      open_.reset();
      if (next != path) seen_[path] = seen_.at(next);
      return false;
    }
    open_ = std::move(next);
  }
  return true;
}

std::shared_ptr<const TableRows> Case::ReadCast(const Path& path, const std::string& table,
                                                const std::map<std::string, std::string>& casts) {
  const Observation& seen = After(path);
  if (seen.rows == nullptr || !GoAlong(path)) return nullptr;
  return migproof::ReadCast(Here(), *seen.rows, table, casts);
}

const Observation& Case::AtHeads() { RefuseHistory(); }
const Observation& Case::AfterUpgradeAtHeads() { RefuseHistory(); }
const DescentResult& Case::Descent() { RefuseHistory(); }
const Catalog& Case::Model() { RefuseHistory(); }
std::vector<std::string> Case::ReachedPast() const { return {}; }

const UnstableColumns& Case::Unstable(const Path& path) {
  if (const auto found = unstable_.find(path); found != unstable_.end()) return found->second;
  const Observation once = After(path);
  if (open_) Close();
  open_.reset();
  UnstableColumns& unstable = unstable_[path];
  if (once.rows == nullptr) return unstable;
  const std::unique_ptr<Case> again = Again();
  const Observation& second = again->After(path);
  if (second.rows != nullptr) unstable = UnstableBetween(*once.rows, *second.rows);
  again->Close();
  return unstable;
}

RowsCase::RowsCase(CaseGround& ground, std::shared_ptr<const Dataset> rows, bool reads_catalog)
    : Case(ground, std::move(rows)), reads_catalog_(reads_catalog) {}

RowsCase::~RowsCase() {
  try {
    Close();
  } catch (const Error&) {  // NOLINT(bugprone-empty-catch): the connection broke; whoever asks next is told
  }
}

Session& RowsCase::Open() {
  ground_.Reconnect();
  begun_ = true;
  if (dataset_.new_shape) {
    ground_.watch().Start();
  } else {
    opening_ = ground_.watch().Opening();
  }
  if (ground_.endless()) ground_.session().Execute(kLittleTime);
  return ground_.session();
}

void RowsCase::OpenOnTheWay() { ground_.Reconnect(); }

void RowsCase::Close() {
  if (!begun_) return;
  begun_ = false;
  ground_.watch().Rewind();
  ground_.Tidy();
}

Observation RowsCase::ObserveHere(const Path& path) {
  Observation seen;
  // Where the catalog is what it is without rows, so is what alters the tables; but which statements are left out may
  // be up to the rows.
  if (!reads_catalog_) seen.catalog = ground_.AlongWithoutRows(path).catalog;
  const bool same_each_time = seen.catalog != nullptr && !path.empty() && !ground_.leaves_out();
  seen.rows = ground_.watch().Look(same_each_time ? ToString(path) : "");
  if (reads_catalog_ && path.empty() && !ground_.watch().saw_ddl()) {
    seen.catalog = ground_.catalog();  // rows alone change none, unless a trigger does
  }
  if (seen.catalog == nullptr) seen.catalog = ground_.stand().ObserveCatalog();
  return seen;
}

RowWatch* RowsCase::Watch() { return &ground_.watch(); }

Session& RowsCase::Here() { return ground_.session(); }

void RowsCase::Settle() {
  const std::string& deferred = ground_.Deferred(CatalogHere());
  if (!deferred.empty()) ground_.session().Execute(fmt::format("SET CONSTRAINTS {} DEFERRED", deferred));
}

std::vector<Error> RowsCase::Run(const Path& path) {
  const Move move = path.back();
  Session& session = ground_.session();
  Settle();
  ground_.Reconnect();
  const Revision& revision = ground_.revision();
  if (move == Move::kAdopt) {
    const Subject& subject = ground_.subject();
    for (const auto& sql : subject.ledger().ForgetSql(revision, subject.history())) session.Execute(sql);
  }
  const bool leaving_out = move != Move::kDowngrade && ground_.leaves_out();
  std::vector<Error> refusals = RunInside(
      session, (move == Move::kDowngrade ? *revision.downgrade : revision.upgrade).AsSql(), leaving_out, true);
  if ((refusals.empty() || leaving_out) && MayDefer(path)) {
    // What COMMIT would check.
    try {
      session.Execute("SET CONSTRAINTS ALL IMMEDIATE");
    } catch (const Error& refusal) {
      if (!refusal.sql() || refusal.sql()->IsEnvironmental()) throw;
      refusals.push_back(refusal);
    }
  }
  ground_.AddRefusals(refusals);
  return refusals;
}

// Whether a constraint may be unchecked where `path` has led: one that may be deferred, there or before.
bool RowsCase::MayDefer(const Path& path) {
  const auto& catalog = reads_catalog_ ? nullptr : ground_.AlongWithoutRows(path).catalog;
  return catalog == nullptr || ground_.HasDeferrable(catalog) || ground_.HasDeferrable(CatalogHere());
}

std::unique_ptr<Case> RowsCase::Again() const { return std::make_unique<RowsCase>(ground_, rows_, false); }

CommittedCase::CommittedCase(CaseGround& ground, std::shared_ptr<const Dataset> rows, bool reads_catalog)
    : Case(ground, std::move(rows)), reads_catalog_(reads_catalog) {}

Session& CommittedCase::Open() {
  stand_ = ground_.Copy();
  stand_->LimitSteps(ground_.step_timeout_ms());
  stand_->session().Execute("BEGIN");
  return stand_->session();
}

Session& CommittedCase::Here() { return stand_->session(); }

void CommittedCase::OpenOnTheWay() {
  Reconnect(stand_->session());
  stand_->session().Execute("BEGIN");
}

void CommittedCase::Settle() { stand_->session().Execute("COMMIT"); }

void CommittedCase::Close() { stand_.reset(); }

Observation CommittedCase::ObserveHere(const Path& path) {
  if (reads_catalog_) return stand_->Observe();
  Observation seen;
  seen.rows = std::make_shared<const RowSnapshot>(ReadRows(stand_->session(), ground_.subject().ledger().Tables()));
  seen.catalog = ground_.AlongWithoutRows(path).catalog;
  if (seen.catalog == nullptr) seen.catalog = stand_->ObserveCatalog();
  return seen;
}

std::vector<Error> CommittedCase::Run(const Path& path) {
  const Move move = path.back();
  Reconnect(stand_->session());
  const bool meets_forbidden = dataset_.forbidden && move == Move::kUpgrade && !ground_.leaves_out();
  return meets_forbidden ? UpgradeAsRunnersDo() : stand_->Apply(move, ground_.revision());
}

// What is refused ends the step, and its mark is looked for.
std::vector<Error> CommittedCase::UpgradeAsRunnersDo() {
  const Subject& subject = ground_.subject();
  const Step step{Direction::kUpgrade, &ground_.revision()};
  const LedgerState before = ReadLedger(stand_->session(), subject);
  try {
    stand_->runner().Apply(step);
    return {};
  } catch (const Error& refusal) {
    if (!IsRefusal(refusal)) throw;
    const LedgerState now = ReadLedger(stand_->session(), subject);
    const bool marks = !subject.ledger().BeforeSql(step, subject.history()).empty();
    const bool as_before = now.applied == before.applied && (marks || now.dirty == before.dirty);
    left_ = Aftermath{stand_->Observe(), as_before ? "" : now.ToString()};
    left_->seen.path = {Move::kUpgrade};
    return {refusal};
  }
}

std::unique_ptr<Case> CommittedCase::Again() const { return std::make_unique<CommittedCase>(ground_, rows_, false); }

}  // namespace migproof
