#include "harness/verify/ramble.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/verify/fill.h"

namespace migproof {

namespace {

constexpr std::size_t kRowsAtOnce = 3;
constexpr std::size_t kAimedAt = 3;  // revisions ahead and behind whose tables get rows

std::vector<const Section*> Sections(const Revision& revision) {
  std::vector<const Section*> sections = {&revision.upgrade};
  if (revision.downgrade) sections.push_back(&*revision.downgrade);
  return sections;
}

std::set<std::string> Subjects(const Stumble& stumble) {
  std::set<std::string> subjects;
  for (const Difference& d : stumble.gap.differences) subjects.insert(d.object.kind + " " + d.object.name);
  for (const std::string& line : stumble.gap.rows) subjects.insert(line.substr(2, line.find(": ") - 2));
  return subjects;
}

// What is there though it should not be, and some revision declares to leave it.
void TakeOutLeft(const Subject& subject, Gap& gap) {
  std::erase_if(gap.differences, [&](const Difference& difference) {
    return difference.change == Difference::Change::kExtra &&
           std::any_of(subject.order().begin(), subject.order().end(),
                       [&](const Revision* r) { return FindLeaves(*r, difference.object) != nullptr; });
  });
}

// What is expected, with sequences where they stand: how far they have come depends on how often revisions were undone.
Observation AsFarAsSequencesGo(const Observation& expected, const Observation& seen) {
  Observation should_be = expected;
  should_be.refusals.clear();
  auto rows = std::make_shared<RowSnapshot>(*expected.rows);
  for (auto& [name, state] : rows->sequences) {
    if (const auto found = seen.rows->sequences.find(name); found != seen.rows->sequences.end()) state = found->second;
  }
  should_be.rows = std::move(rows);
  return should_be;
}

}  // namespace

std::string ToString(const Leg& leg) {
  const std::string id = leg.revision == nullptr ? "" : leg.revision->id;
  switch (leg.kind) {
    case LegKind::kUpgrade: return "upgrade to " + id;
    case LegKind::kDowngrade: return "downgrade below " + id;
    case LegKind::kRunAgain: return "run again";
    case LegKind::kStamp: return id.empty() ? "stamp anew" : fmt::format("stamp '{}', which does nothing here", id);
    case LegKind::kInsert: {
      const std::size_t rows = leg.rows ? leg.rows->Rows() : 0;
      return fmt::format("insert {} row{}", rows, rows == 1 ? "" : "s");
    }
    case LegKind::kUpdate: return "update a row";
    case LegKind::kDelete: return "delete a row";
  }
  return "";
}

bool Stumble::Matches(const Stumble& other) const {
  if (kind != other.kind || revision != other.revision || direction != other.direction) return false;
  if (kind == Kind::kLedger) return true;
  if (kind == Kind::kRefused) return refusals.front().sqlstate() == other.refusals.front().sqlstate();
  const std::set<std::string> mine = Subjects(*this);
  const std::set<std::string> theirs = Subjects(other);
  return std::any_of(mine.begin(), mine.end(), [&](const std::string& subject) { return theirs.contains(subject); });
}

Rambler::Rambler(const Bench& bench, Expected& expected, const std::set<const Revision*>& barred)
    : bench_(bench),
      expected_(expected),
      barred_(barred),
      stand_(bench.subject().touches_cluster() ? std::make_unique<Stand>(bench.Another())
                                               : std::make_unique<Stand>(bench, bench.Fresh(), 0)) {}

std::optional<Stumble> Rambler::Go(Ramble& ramble) {
  std::optional<Stumble> stumble = Look();
  for (std::size_t i = 0; i < ramble.size() && !stumble && !ended_ && !bench_.OutOfTime(); ++i) {
    stumble = GoLeg(ramble[i]);
    if (!stumble && !ended_) stumble = Look();
    if (stumble) stumble->leg = i;
  }
  if (stumble) stumble->applied = applied_;
  return stumble;
}

std::set<const Revision*> Rambler::Culprits(Ramble ramble) {
  watching_ = true;
  for (Leg& leg : ramble) {
    if (ended_ || GoLeg(leg)) break;
  }
  return std::move(culprits_);
}

std::optional<Stumble> Rambler::GoLeg(Leg& leg) {
  switch (leg.kind) {
    case LegKind::kUpgrade: return GoUp(*leg.revision);
    case LegKind::kDowngrade: return GoDown(*leg.revision);
    case LegKind::kRunAgain: return RunAgain();
    case LegKind::kStamp: return Stamp(leg.revision);
    case LegKind::kInsert: Insert(leg); return std::nullopt;
    case LegKind::kUpdate:
    case LegKind::kDelete: Change(leg); return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Stumble> Rambler::GoUp(const Revision& target) {
  for (const Revision* revision : bench_.subject().history().UpgradePath(Ids(), target.id)) {
    if (with_rows_ && watching_) WatchUp(*revision);
    if (ended_) return std::nullopt;
    const bool is_up = std::find(applied_.begin(), applied_.end(), revision) != applied_.end();
    if (auto stumble = is_up ? std::nullopt : StepUp(*revision)) return stumble;
    if (ended_) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Stumble> Rambler::StepUp(const Revision& revision) {
  ++counts_.upgrades;
  steps_.push_back({Direction::kUpgrade, &revision});
  std::vector<Error> refusals = stand_->runner().ApplyLeavingOutFailures({Direction::kUpgrade, &revision});
  applied_.push_back(&revision);
  moved_.insert(&revision);
  if (refusals.empty()) return std::nullopt;
  // What upgrades alone have refused here, in this very order, is another law's finding: from there no way is expected
  // to lead anywhere, unless all orders have it refused.
  std::vector<Error> fresh = NewRefusals(refusals, expected_.After(applied_).refusals);
  if (fresh.empty()) {
    ended_ = !NewRefusals(refusals, expected_.InItsPlace(revision)).empty();
    return std::nullopt;
  }
  if (with_rows_) {
    ended_ = true;
    ++counts_.ended;
    return std::nullopt;
  }
  return Stumble{.kind = Stumble::Kind::kRefused, .revision = &revision, .refusals = std::move(fresh)};
}

bool Rambler::CanGoDown(const Revision& revision) const {
  return expected_.CanGoDown(revision) && !(with_rows_ && barred_.contains(&revision));
}

std::optional<Stumble> Rambler::GoDown(const Revision& lowest) {
  std::set<const Revision*> going = {&lowest};
  for (const Revision* above : bench_.subject().history().Descendants(lowest)) going.insert(above);
  std::vector<const Revision*> path;
  const auto& order = bench_.subject().order();
  for (auto r = order.rbegin(); r != order.rend(); ++r) {
    if (going.contains(*r) && std::find(applied_.begin(), applied_.end(), *r) != applied_.end()) path.push_back(*r);
  }
  if (std::any_of(path.begin(), path.end(), [&](const Revision* r) { return !CanGoDown(*r); })) return std::nullopt;
  for (const Revision* revision : path) {
    if (auto stumble = StepDown(*revision)) return stumble;
    if (ended_) return std::nullopt;
    if (with_rows_ && watching_) WatchDown(*revision);
    if (ended_) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<Stumble> Rambler::StepDown(const Revision& revision) {
  ++counts_.downgrades;
  steps_.push_back({Direction::kDowngrade, &revision});
  try {
    stand_->runner().Apply({Direction::kDowngrade, &revision});
  } catch (const Error& refusal) {
    if (!IsRefusal(refusal)) throw;
    if (with_rows_) {
      ended_ = true;
      ++counts_.ended;
      return std::nullopt;
    }
    return Stumble{.kind = Stumble::Kind::kRefused,
                   .revision = &revision,
                   .direction = Direction::kDowngrade,
                   .refusals = {refusal}};
  }
  std::erase(applied_, &revision);
  moved_.insert(&revision);
  return std::nullopt;
}

std::optional<Stumble> Rambler::RunAgain() {
  const History& history = bench_.subject().history();
  stand_->runner().Prepare();
  for (const Revision* head : history.AppliedHeads(Ids())) {
    for (const Revision* again : history.UpgradePath(stand_->runner().Applied(), head->id)) {
      return LedgerIsWrong(fmt::format("upgrading to '{}' once more would run '{}' again", head->id, again->id));
    }
  }
  return std::nullopt;
}

std::optional<Stumble> Rambler::Stamp(const Revision* more_or_less) {
  if (more_or_less != nullptr && !with_rows_) {
    Expected::Sequence other = applied_;
    if (std::erase(other, more_or_less) == 0) other.push_back(more_or_less);
    const Observation& here = expected_.After(applied_);
    const Observation& there = expected_.After(other);
    const bool nothing = *here.catalog == *there.catalog && *here.rows == *there.rows && !there.refused();
    if (nothing) applied_ = std::move(other);
  }
  stand_->runner().Stamp({});
  if (!stand_->runner().Applied().empty()) return LedgerIsWrong("it is not empty after a stamp to base");
  stand_->runner().Stamp(Ids());
  return std::nullopt;
}

void Rambler::Insert(Leg& leg) {
  const auto catalog = stand_->ObserveCatalog();
  if (!leg.rows) {
    const auto& order = bench_.subject().order();
    std::vector<const Section*> sections;
    std::size_t ahead = 0;
    for (const Revision* revision : order) {
      if (std::find(applied_.begin(), applied_.end(), revision) != applied_.end() || ahead++ >= kAimedAt) continue;
      for (const Section* section : Sections(*revision)) sections.push_back(section);
    }
    for (std::size_t i = applied_.size() - std::min(applied_.size(), kAimedAt); i < applied_.size(); ++i) {
      for (const Section* section : Sections(*applied_[i])) sections.push_back(section);
    }
    const Fill fill(stand_->session(), bench_.subject(), {*catalog, *catalog, {}, StatementsOf(sections)}, kRowsAtOnce);
    Random random(leg.seed);
    leg.rows = fill.possible() ? fill.Draw(random, false) : Dataset();
  }
  counts_.rows += static_cast<std::int64_t>(PutIn(stand_->session(), bench_.subject(), *catalog, *leg.rows).Rows());
  with_rows_ = true;
  written_ = See();
  written_at_ = AppliedSet();
  moved_.clear();
}

// Whatever the server lets happen to a row.
void Rambler::Change(const Leg& leg) {
  const Observation before = See();
  std::vector<std::string> tables;
  for (const auto& [table, rows] : before.rows->tables) {
    if (!rows->columns.empty()) tables.push_back(table);
  }
  if (tables.empty()) return;
  Random random(leg.seed);
  const std::string table = random.Pick(tables);
  const std::string column = random.Pick(before.rows->tables.at(table)->columns);
  const std::string row = fmt::format("t.ctid = (SELECT o.ctid FROM ONLY {} AS o ORDER BY o::text LIMIT 1 OFFSET {})",
                                      table, random.Below(2));
  std::string statement = fmt::format("DELETE FROM ONLY {} AS t WHERE {}", table, row);
  if (leg.kind == LegKind::kUpdate) {
    const std::string value =
        random.OneIn(2) ? "NULL"
                        : fmt::format("(SELECT o.{} FROM {} AS o ORDER BY o::text DESC LIMIT 1)", column, table);
    statement = fmt::format("UPDATE ONLY {} AS t SET {} = {} WHERE {}", table, column, value, row);
  }
  Reconnect(stand_->session());
  try {
    Transaction transaction(stand_->session());
    stand_->session().Execute(statement);
    transaction.Commit();
  } catch (const Error& refusal) {
    if (!IsRefusal(refusal)) throw;
  }
  Reconnect(stand_->session());
  with_rows_ = true;
  written_ = See();
  written_at_ = AppliedSet();
  moved_.clear();
}

std::optional<Stumble> Rambler::Look() {
  if (stand_->runner().Applied() != Ids()) return LedgerIsWrong("it does not hold what is applied");
  return with_rows_ ? LookAtRows() : LookAtAll();
}

std::optional<Stumble> Rambler::LookAtAll() {
  const Observation seen = See();
  const Observation& expected = expected_.After(applied_);
  counts_.objects += static_cast<std::int64_t>(expected.catalog->objects().size());
  const Observation should_be = AsFarAsSequencesGo(expected, seen);
  Gap gap = GapBetween(should_be, seen, {});
  TakeOutLeft(bench_.subject(), gap);
  if (gap.empty()) return std::nullopt;
  gap = GapBetween(should_be, seen, expected_.UnsteadyAfter(applied_));
  TakeOutLeft(bench_.subject(), gap);
  if (gap.empty()) return std::nullopt;
  const auto kind = gap.differences.empty() ? Stumble::Kind::kRows : Stumble::Kind::kCatalog;
  return Stumble{.kind = kind, .gap = std::move(gap)};
}

// The tables that no script of these revisions has to do with.
std::set<std::string> Rambler::Untouched(const Observation& was, const Observation& is,
                                         const std::set<const Revision*>& scripts) const {
  std::vector<const Section*> sections;
  for (const Revision* revision : scripts) {
    for (const Section* section : Sections(*revision)) sections.push_back(section);
  }
  const Drift drift = Compare(*was.catalog, *is.catalog);
  const std::set<std::string> touched =
      TouchedTables({*was.catalog, *is.catalog, drift.differences, StatementsOf(sections)});
  std::set<std::string> untouched;
  for (const std::string& table : was.catalog->Names("table")) {
    if (!touched.contains(table) && is.catalog->Find("table", table) != nullptr) untouched.insert(table);
  }
  return untouched;
}

std::optional<Stumble> Rambler::LookAtRows() {
  const Observation seen = See();
  counts_.rows_compared += seen.rows->Count();
  const std::set<const Revision*> applied = AppliedSet();
  const bool went_lower =
      std::any_of(written_at_.begin(), written_at_.end(), [&](const Revision* r) { return moved_.contains(r); });
  std::vector<std::string> lines;
  if (applied == written_at_ && !went_lower) {
    lines = CompareRowsOfSharedTables(written_, seen, {}, {}, std::nullopt, true);
  } else {
    const std::set<std::string> only = Untouched(written_, seen, moved_);
    if (!only.empty()) lines = CompareRowsOfSharedTables(written_, seen, {}, {}, only, true);
  }
  if (lines.empty()) return std::nullopt;
  Stumble stumble{.kind = Stumble::Kind::kRows};
  stumble.gap.rows = std::move(lines);
  return stumble;
}

std::optional<Stumble> Rambler::LedgerIsWrong(const std::string& how) {
  return Stumble{.kind = Stumble::Kind::kLedger, .ledger = how};
}

Observation Rambler::See() { return WithoutLedger(stand_->Observe()); }

// The upgrade to come, and its downgrade, by themselves.
void Rambler::WatchUp(const Revision& revision) {
  const Observation before = See();
  if (StepUp(revision) || ended_) return;
  const Observation upgraded = See();
  const std::set<std::string> only = Untouched(before, upgraded, {&revision});
  const bool reaches_others = !only.empty() && !CompareRowsOfSharedTables(before, upgraded, {}, {}, only, true).empty();
  if (reaches_others) culprits_.insert(&revision);
  if (!CanGoDown(revision)) return;  // it stays up: who steps up next finds it done
  if (StepDown(revision) || ended_) {
    culprits_.insert(&revision);
    return;
  }
  if (!CompareRowsOfSharedTables(before, See(), {}, {}, std::nullopt, true).empty()) {
    culprits_.insert(&revision);
  }
}

// The downgrade that was, from where it led to.
void Rambler::WatchDown(const Revision& revision) {
  const Observation before = See();
  if (StepUp(revision) || ended_) return;
  if (StepDown(revision) || ended_) return;
  if (!CompareRowsOfSharedTables(before, See(), {}, {}, std::nullopt, true).empty()) {
    culprits_.insert(&revision);
  }
}

History::Applied Rambler::Ids() const {
  History::Applied ids;
  for (const Revision* revision : applied_) ids.insert(revision->id);
  return ids;
}

}  // namespace migproof
