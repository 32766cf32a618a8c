#include "harness/verify/search.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <rapidcheck.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/data/sequence_use.h"
#include "harness/verify/fill.h"
#include "harness/verify/forbidden_tally.h"
#include "harness/verify/reproduction.h"
#include "harness/verify/unfilled.h"
#include "harness/verify/volume.h"
#include "harness/verify/written_tables.h"

namespace migproof {

namespace {

// A case on a copy costs as much as ten inside a transaction.
constexpr int kCopyCost = 10;
// Where a revision touches no table that is there, its cases only watch that it does not.
constexpr int kBystanderCases = 10;

// Sets of rows with those simpler than they are, drawn out on demand.
rc::Shrinkable<Dataset> Shrinkable(const RowGenerator& generator, Dataset rows) {
  return rc::shrinkable::shrinkRecur(std::move(rows),
                                     [&generator](const Dataset& bigger) { return ShrinksOf(generator, bigger); });
}

std::size_t HashOf(const Dataset& rows) {
  return std::hash<std::string>()(ToJson(rows).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

// The case with many rows, where they may matter: early, so that a short run has it too.
constexpr int kManyRowsTurn = 2;

// On so many cases comes one with rows that break what the revision assumes.
constexpr int kForbiddenEvery = 4;

// Every fourth case has rows of the new shape.
bool IsNewShapeTurn(int number) { return number % 4 == 3; }

std::vector<std::string> Texts(const Revision& revision) {
  if (!revision.downgrade) return StatementsOf({&revision.upgrade});
  return StatementsOf({&revision.upgrade, &*revision.downgrade});
}

}  // namespace

// The search at one revision.
class Search::Unit {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  Unit(CaseGround& ground, const SearchOptions& options, std::vector<NamedLaw> laws, TimePoint deadline)
      : ground_(ground), options_(options), open_(std::move(laws)), deadline_(deadline) {
    for (const NamedLaw& law : open_) results_[law.name];
    Prepare();
  }

  std::map<std::string, RowsResult> Run() {
    TryRegressions(false);
    int done = 0;
    for (const int cases = Cases(); done < cases && !open_.empty() && generator_; ++done) {
      if (std::chrono::steady_clock::now() > deadline_) {
        LeaveOut(open_, done, cases);
        break;
      }
      Random random = Random(options_.seed).Split(ground_.revision().id).Split(std::to_string(done));
      const bool late = done > cases * 3 / 5;
      const std::vector<NamedLaw> about_new =
          new_generator_ && IsNewShapeTurn(done) ? AboutNewRows() : std::vector<NamedLaw>();
      if (!about_new.empty()) {
        Dataset rows = new_generator_->Draw(random, false);
        rows.new_shape = true;
        Try(about_new, rows, done);
      } else {
        const bool plain = done % 2 == 0 && TakesFewRows();
        if (plain && !plain_generator_) plain_generator_ = make_plain_();
        Try(open_,
            done == kManyRowsTurn && many_generator_
                ? Many(random)
                : (plain ? plain_generator_ : (late ? late_generator_ : generator_))->Draw(random, done == 0),
            done);
      }
    }
    TryRegressions(true);
    TryForbidden();
    for (const NamedLaw& law : asked_) {
      if (law.property->ChecksForbiddenRows()) {
        ConcludeForbidden(law);
      } else {
        Conclude(law, done);
      }
    }
    if (done > 0) FindStale();
    return std::move(results_);
  }

  const Coverage& coverage() const { return coverage_; }

 private:
  void Prepare() {
    before_ = ground_.BeforeWithoutRows().catalog;
    const Observation& upgraded = ground_.WithoutRows({Move::kUpgrade});
    if (before_ == nullptr || upgraded.catalog == nullptr) return;
    const Revision& here = ground_.revision();
    // A tool's downgrade is seen before it is sent again.
    if (here.downgrade && here.downgrade->execution == Execution::kTool) {
      ground_.WithoutRows({Move::kUpgrade, Move::kDowngrade});
    }
    fits_ = Fits(here.upgrade, *before_) && (!here.downgrade || Fits(*here.downgrade, *upgraded.catalog));
    // What a tool does after a refusal is its own: what was recorded up to there does not tell.
    if (here.upgrade.execution == Execution::kTool && upgraded.refused()) fits_ = false;
    runs_code_ = RunsCode(ground_.revision().upgrade) ||
                 (ground_.revision().downgrade && RunsCode(*ground_.revision().downgrade));
    RowGeneratorOptions options;
    options.leave_out = NotToBeFilled(ground_.subject(), *before_);
    options.few_draws = !fits_;
    const AimInput input{*before_, *upgraded.catalog, ground_.Compared(before_, upgraded.catalog),
                         Texts(ground_.revision())};
    focus_ = TouchedTables(input);
    for (const std::string& table : options.leave_out) focus_.erase(table);
    touches_ = !focus_.empty();
    ground_.watch().Want(focus_);
    options.focus = focus_;
    assumptions_ = ReadAssumptions(ground_.session(), ground_.subject(), ground_.subject().IndexOf(here), *before_);
    ground_.set_assumptions(assumptions_.all);
    const Catalog assumed = WithAssumptions(*before_, assumptions_.all);
    if (!HasTables(options.leave_out)) return;
    if (!touches_) options.focus = {FirstTable(options.leave_out)};
    const RowSnapshot& base = ground_.watch().base();
    if (const auto& rows = ground_.BeforeWithoutRows().rows) options.unsteady = UnstableBetween(base, *rows);
    const Targets targets = TargetsFor(input, false);
    generator_ = std::make_unique<RowGenerator>(assumed, base, options, targets);
    NoteUnfillable(ground_.session(), *generator_, *before_, base, options, coverage_);
    late_generator_ = std::make_unique<RowGenerator>(assumed, base, options, TargetsFor(input, true));
    make_plain_ = [assumed, &base, plain = options, targets]() mutable {
      plain.plain = true;
      return std::make_unique<RowGenerator>(assumed, base, plain, targets);
    };
    PrepareNewShape(upgraded, options);
    PrepareForbidden(options, targets);
    if (!touches_ || !CountsOnRows(input.statements)) return;
    options.rows_per_table = 2 * kManyRows;
    many_generator_ = std::make_unique<RowGenerator>(assumed, base, options, Targets());
  }

  // With kManyRows in a table that the revision touches, where one can hold so many.
  Dataset Many(const Random& random) const {
    constexpr int kDraws = 8;  // about every other has as many
    Dataset rows;
    for (int draw = 0; draw < kDraws; ++draw) {
      Random own = random.Split(std::to_string(draw));
      rows = many_generator_->Draw(own);
      const bool many = std::any_of(rows.tables.begin(), rows.tables.end(), [&](const DatasetTable& table) {
        return focus_.contains(table.table) && table.rows.size() >= kManyRows;
      });
      if (many) break;
    }
    return rows;
  }

  // Rows for after the upgrade, where it touches tables, everything ran and there is a way down.
  void PrepareNewShape(const Observation& upgraded, RowGeneratorOptions options) {
    const Revision& revision = ground_.revision();
    const bool both_ways = revision.downgrade && !revision.Declares("irreversible") && !ground_.leaves_out();
    if (!touches_ || !both_ways || AboutNewRows().empty()) return;
    std::erase_if(options.focus, [&](const auto& table) { return upgraded.catalog->Find("table", table) == nullptr; });
    if (options.focus.empty()) return;
    options.numbered = NoLongerNumbered(*before_, *upgraded.catalog);
    // The way down is a change as any other.
    const AimInput down{*upgraded.catalog, *before_, ground_.Compared(upgraded.catalog, before_), Texts(revision)};
    new_generator_ =
        std::make_unique<RowGenerator>(*upgraded.catalog, *upgraded.rows, options, TargetsFor(down, false));
  }

  // Rows that break what the revision assumes, where a law is about such rows and everything ran without them.
  void PrepareForbidden(const RowGeneratorOptions& options, const Targets& targets) {
    tally_.emplace(ground_, assumptions_, *before_, options.leave_out);
    const std::vector<Assumption>& own = ground_.own_assumptions();
    if (own.empty() || AboutForbidden().empty() || ground_.leaves_out()) return;
    forbidden_ =
        std::make_unique<ForbiddenDraws>(*before_, ground_.watch().base(), own, assumptions_.all, options, targets);
  }

  // Where some row that the upgrade refuses spoils most cases, laws about what it does see little: every other case
  // then has rows that it is more likely to take.
  bool TakesFewRows() const {
    constexpr int kEnough = 4;
    return upgraded_ >= kEnough && refused_ * 2 > upgraded_ && !ground_.leaves_out();
  }

  std::vector<NamedLaw> AboutForbidden() const {
    std::vector<NamedLaw> laws;
    std::copy_if(open_.begin(), open_.end(), std::back_inserter(laws),
                 [](const NamedLaw& law) { return law.property->ChecksForbiddenRows(); });
    return laws;
  }

  std::vector<NamedLaw> AboutNewRows() const {
    std::vector<NamedLaw> laws;
    std::copy_if(open_.begin(), open_.end(), std::back_inserter(laws),
                 [](const NamedLaw& law) { return law.property->ChecksNewRows(); });
    return laws;
  }

  bool HasTables(const std::vector<std::string>& leave_out) const { return !FirstTable(leave_out).empty(); }

  std::string FirstTable(const std::vector<std::string>& leave_out) const {
    for (const std::string& table : before_->Names("table")) {
      if (std::find(leave_out.begin(), leave_out.end(), table) == leave_out.end()) return table;
    }
    return "";
  }

  // Whether the section does the same inside the transaction that has inserted the rows as behind it.
  static bool Fits(const Section& section, const Catalog& catalog) {
    return FitsProbe(section.AsSql()) && !WritesBelowDeferredKeys(section.AsSql(), catalog);
  }

  int Cases() const {
    if (options_.cases == 0) return 0;
    int cases = touches_ || runs_code_ ? options_.cases : std::min(options_.cases, kBystanderCases);
    if (!fits_) cases = (cases + kCopyCost - 1) / kCopyCost;
    return cases;
  }

  // Rows that break what is assumed come last: by then it is known what the upgrade does to any row.
  void TryRegressions(bool forbidden) {
    if (!generator_) return;
    const std::vector<NamedLaw> laws = open_;
    for (const NamedLaw& law : laws) {
      const auto found = options_.regressions.find({law.name, ground_.revision().id});
      if (found == options_.regressions.end()) continue;
      for (const Dataset& rows : found->second) {
        if (!IsOpen(law)) break;
        if (rows.forbidden != forbidden || (rows.forbidden && !forbidden_)) continue;
        if (rows.new_shape && !new_generator_) continue;
        ++results_[law.name].exercised["saved rows tried"];
        if (*Try({law}, rows, 0) == rows) continue;
        RowsResult& result = results_[law.name];
        result.notes.emplace_back("saved rows are not accepted by the database any more");
        if (options_.cases == 0 && !result.finding) result.gave_up = result.notes.back();  // nothing else is tried
      }
    }
  }

  bool IsOpen(const NamedLaw& law) const {
    return std::any_of(open_.begin(), open_.end(), [&](const NamedLaw& other) { return other.name == law.name; });
  }

  // The second case of every revision has real commits.
  std::unique_ptr<Case> MakeCase(std::shared_ptr<const Dataset> rows, int number) {
    if (!fits_ || number == 1) return std::make_unique<CommittedCase>(ground_, std::move(rows), runs_code_);
    return std::make_unique<RowsCase>(ground_, std::move(rows), runs_code_ || number == 0);
  }

  // What the laws said of one set of rows.
  struct Told {
    struct Answer {
      NamedLaw law;
      std::optional<Finding> finding;
      std::map<std::string, std::int64_t> exercised;
      std::vector<std::string> notes;
      std::set<const Declaration*> needed;
      std::optional<Suspicion> suspicion;
    };
    std::unique_ptr<Case> rows;
    bool refused = false;
    std::vector<Answer> answers;
  };

  Told Ask(const std::vector<NamedLaw>& laws, const std::shared_ptr<const Dataset>& rows, int number) {
    Told told;
    told.rows = MakeCase(rows, number);
    Case& one = *told.rows;
    one.Before();
    if (rows->new_shape) {
      one.After({Move::kUpgrade, Move::kInsert});
    } else if (!rows->forbidden) {
      told.refused = one.After({Move::kUpgrade}).refused();
    }
    for (const NamedLaw& law : laws) {
      Trial trial(ground_.subject(), &ground_.revision(), one);
      std::optional<Finding> finding = law.property->Check(trial);
      ground_.AddRewritten(trial.rewrites());
      told.answers.push_back(
          {law, std::move(finding), trial.exercised(), trial.notes(), trial.needed(), trial.suspicion()});
    }
    return told;
  }

  // Returns what of the rows the database took.
  std::shared_ptr<const Dataset> Try(const std::vector<NamedLaw>& laws, Dataset drawn, int number) {
    std::vector<Found> found;
    std::shared_ptr<const Dataset> inserted;
    {
      const auto given = std::make_shared<const Dataset>(std::move(drawn));
      const Dataset& rows = *given;
      Told told = Asking(ground_, [&] { return Ask(laws, given, number); });
      inserted = told.rows->inserted().inserted;
      if (rows.forbidden) {
        tally_->Add(*told.rows);
      } else if (!rows.new_shape) {
        coverage_.Add(told.rows->inserted(), *before_, told.rows->forbidden(), *told.rows->Before().rows);
        ++upgraded_;
        if (told.refused) ++refused_;
      }
      for (Told::Answer& answer : told.answers) {
        RowsResult& result = results_[answer.law.name];
        if (answer.law.property->ChecksForbiddenRows() && !rows.forbidden) continue;  // it only learns from those
        ++result.exercised[number == 1 || !fits_ ? "cases with real commits" : "cases"];
        if (rows.new_shape) {
          result.exercised["rows of the new shape"] += static_cast<std::int64_t>(inserted->Rows());
        }
        for (const auto& [what, count] : answer.exercised) {
          if (rows.forbidden || what == "rows compared") result.exercised[what] += count;
        }
        for (const std::string& note : answer.notes) {
          if (std::find(result.notes.begin(), result.notes.end(), note) == result.notes.end())
            result.notes.push_back(note);
        }
        needed_.insert(answer.needed.begin(), answer.needed.end());
        if (answer.finding) {
          found.push_back({answer.law, std::move(*answer.finding), answer.suspicion.value_or(Suspicion()), *inserted});
        }
      }
      if (rows.forbidden) needed_.merge(tally_->Needed(*told.rows, !found.empty(), asked_));
    }
    for (Found& one : found) Pursue(std::move(one));
    return inserted;
  }

  void Pursue(Found found) {
    std::erase_if(open_, [&](const NamedLaw& law) { return law.name == found.law.name; });
    RowsResult& result = results_[found.law.name];
    std::int64_t evaluations = 0;
    const Dataset smallest = Shrunk(found, evaluations);
    CommittedCase confirming(ground_, std::make_shared<const Dataset>(smallest), true);
    Trial trial(ground_.subject(), &ground_.revision(), confirming);
    std::optional<Finding> finding = found.law.property->Check(trial);
    if (!finding) {
      result.error =
          fmt::format("found with rows inside one transaction, but not with real commits: {}", found.finding.message);
      return;
    }
    const Suspicion suspicion = trial.suspicion().value_or(found.suspicion);
    Counterexample counterexample;
    counterexample.rows = smallest;
    counterexample.was = suspicion.was;
    counterexample.is = suspicion.is;
    counterexample.refused = suspicion.refused;
    counterexample.signature = suspicion.signature;
    counterexample.evaluations = evaluations;
    counterexample.shown = Shown(confirming, suspicion, smallest);
    counterexample.script = ReproductionScript(ground_, *finding, suspicion, smallest);
    finding->counterexample = std::move(counterexample);
    result.finding = std::move(finding);
  }

  // Whether the law is broken in the same way by these rows.
  bool StillFails(const Found& found, const Dataset& rows) {
    return Asking(ground_, [&] {
      // What a refusal leaves shows with real commits only.
      const std::unique_ptr<Case> one =
          MakeCase(std::make_shared<const Dataset>(rows), rows.forbidden && found.suspicion.refused ? 1 : 2);
      Trial trial(ground_.subject(), &ground_.revision(), *one);
      const bool fails = found.law.property->Check(trial).has_value();
      return fails && trial.suspicion() && *one->inserted().inserted == rows &&
             found.suspicion.Matches(*trial.suspicion());
    });
  }

  // Takes the first simpler set that still fails, again and again, until none does or the budget is spent.
  Dataset Shrunk(const Found& found, std::int64_t& evaluations) {
    const auto deadline =
        std::min(deadline_, std::chrono::steady_clock::now() + std::chrono::milliseconds(options_.shrink_budget_ms));
    std::set<std::size_t> tried;  // by hash: the sets may be large
    const RowGenerator& generator = found.rows.forbidden   ? forbidden_->generator()
                                    : found.rows.new_shape ? *new_generator_
                                                           : *generator_;
    rc::Shrinkable<Dataset> best = Shrinkable(generator, found.rows);
    bool simpler = true;
    while (simpler) {
      simpler = false;
      auto candidates = best.shrinks();
      while (auto candidate = candidates.next()) {
        const bool spent =
            evaluations >= options_.shrink_budget_evaluations || std::chrono::steady_clock::now() > deadline;
        if (spent) return best.value();
        const Dataset rows = candidate->value();
        if (!tried.insert(HashOf(rows)).second) continue;
        ++evaluations;
        if (!StillFails(found, rows)) continue;
        best = *candidate;
        simpler = true;
        break;
      }
    }
    return best.value();
  }

  // The tables that matter, before and after.
  static std::vector<Counterexample::Shown> Shown(Case& one, const Suspicion& suspicion, const Dataset& rows) {
    std::set<std::string> tables = suspicion.tables;
    for (const DatasetTable& table : rows.tables) tables.insert(table.table);
    std::vector<Counterexample::Shown> shown;
    const auto show = [&](const Observation& seen, const std::string& when) {
      if (seen.rows == nullptr) return;
      for (const std::string& name : tables) {
        const auto found = seen.rows->tables.find(name);
        if (found != seen.rows->tables.end() && found->second->checksum.empty()) {
          shown.push_back({when, name, found->second});
        } else if (name.rfind("sequence ", 0) != 0 && seen.catalog != nullptr &&
                   seen.catalog->Find("table", name) != nullptr) {
          shown.push_back({when, name, {}});
        }
      }
    };
    if (!rows.new_shape) show(one.Before(), "before");
    Path is = suspicion.is;
    if (suspicion.refused) is.pop_back();  // what it met
    if (!suspicion.was.empty()) show(one.After(suspicion.was), "after " + ToString(suspicion.was));
    if (!is.empty()) show(one.After(is), "after " + ToString(is));
    return shown;
  }

  void LeaveOut(const std::vector<NamedLaw>& laws, int done, int cases) {
    for (const NamedLaw& law : laws) {
      results_[law.name].gave_up = fmt::format("the budget was spent on {} of {} sets of rows", done, cases);
    }
  }

  void Conclude(const NamedLaw& law, int done) {
    RowsResult& result = results_[law.name];
    if (done == 0) return;
    result.exercised["rows"] += coverage_.rows();
    if (result.finding || !result.error.empty() || !result.gave_up.empty()) return;
    if (touches_) {
      const std::vector<std::string> empty = coverage_.Empty(focus_);
      if (!empty.empty()) result.gave_up = fmt::format("{}", fmt::join(empty, "; "));
    } else if (coverage_.rows() == 0) {
      result.gave_up = "no row could be inserted anywhere";
    }
    const bool compared = result.exercised.contains("rows compared") && result.exercised.at("rows compared") > 0;
    if (result.gave_up.empty() && law.property->NeedsRows() && !compared && refused_ > 0 && refused_ == upgraded_) {
      result.gave_up = fmt::format("the upgrade refuses the rows of every case, {} of {}", refused_, upgraded_);
    }
  }

  // Every few cases one meets such rows; the first with real commits.
  void TryForbidden() {
    if (!forbidden_) return;
    const int cases = (Cases() + kForbiddenEvery - 1) / kForbiddenEvery;
    for (int done = 0; done < cases; ++done) {
      const std::vector<NamedLaw> laws = AboutForbidden();
      if (laws.empty()) return;
      if (std::chrono::steady_clock::now() > deadline_) return LeaveOut(laws, done, cases);
      const Random random =
          Random(options_.seed).Split(ground_.revision().id).Split("forbidden").Split(std::to_string(done));
      Try(laws, forbidden_->Draw(random), done == 0 ? 1 : 2);
    }
  }

  // Nothing that was not tried is held.
  void ConcludeForbidden(const NamedLaw& law) {
    RowsResult& result = results_[law.name];
    if (!result.finding && result.error.empty() && result.gave_up.empty() && tally_) {
      result.gave_up = tally_->WhyUntried();
    }
  }

  // Declarations that no law needed, told by the first law that could have; only where all those laws looked.
  void FindStale() {
    for (const Declaration& declaration : ground_.revision().declarations) {
      if (needed_.contains(&declaration)) continue;
      if (declaration.kind == "assumes" && (!tally_ || tally_->InDoubt(declaration))) continue;
      RowsResult* teller = nullptr;
      bool all_looked = true;
      for (const std::string& name : Registry<Property>::Names()) {
        const Property& property = Registry<Property>::Get(name);
        if (!IsExcusedBy(property, declaration.kind)) continue;
        // A law that has nothing to say of the revision can't need the declaration.
        if (!property.WhyNotApplicable(ground_.subject(), &ground_.revision()).empty()) continue;
        const bool looked = std::any_of(asked_.begin(), asked_.end(), [&](const NamedLaw& law) {
          const RowsResult& result = results_[name];
          return law.name == name && !result.finding && result.error.empty() && result.gave_up.empty();
        });
        all_looked = all_looked && looked;
        if (looked && teller == nullptr) teller = &results_[name];
      }
      if (!all_looked || teller == nullptr) continue;
      teller->stale.push_back(StaleLine(ground_.revision(), declaration));
    }
  }

  CaseGround& ground_;
  const SearchOptions& options_;
  std::vector<NamedLaw> open_;
  const std::vector<NamedLaw> asked_ = open_;
  TimePoint deadline_;
  std::map<std::string, RowsResult> results_;
  std::shared_ptr<const Catalog> before_;
  std::unique_ptr<RowGenerator> generator_;
  std::unique_ptr<RowGenerator> late_generator_;  // for the last cases
  std::function<std::unique_ptr<RowGenerator>()> make_plain_;
  std::unique_ptr<RowGenerator> plain_generator_;  // of rows that an upgrade is likely to take; made when needed
  std::unique_ptr<RowGenerator> many_generator_;   // for one case with many rows; null where few tell as much
  std::unique_ptr<RowGenerator> new_generator_;    // for rows of the new shape; null where there can be none
  AssumptionsHere assumptions_;
  std::unique_ptr<ForbiddenDraws> forbidden_;  // null where the revision assumes nothing, or nobody asks
  std::optional<ForbiddenTally> tally_;
  std::set<std::string> focus_;
  std::set<const Declaration*> needed_;
  Coverage coverage_;
  int upgraded_ = 0;  // cases with rows before the upgrade
  int refused_ = 0;   // those that it refused
  bool fits_ = false;
  bool runs_code_ = false;
  bool touches_ = false;
};

Search::Search(const Bench& bench, Walk& walk, SearchOptions options)
    : ground_(bench, walk, options.step_timeout_ms), options_(std::move(options)) {}

std::map<std::string, RowsResult> Search::Run(std::size_t index, const std::vector<NamedLaw>& laws) {
  if (options_.cases == 0 && options_.regressions.empty()) return {};
  ground_.GoTo(index);
  Unit unit(ground_, options_, laws, deadline_);
  std::map<std::string, RowsResult> results = unit.Run();
  coverage_.Merge(unit.coverage());
  return results;
}

}  // namespace migproof
