#include "harness/verify/inspection.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/report/printable.h"
#include "harness/verify/property.h"
#include "harness/verify/search.h"
#include "harness/verify/walk.h"

namespace migproof {

namespace {

using Law = NamedLaw;

// Checks what one worker was given.
class Inspection {
 public:
  using Clock = std::chrono::steady_clock;

  // Looks at all of `plan`, or where there are `stretches` of it at those it can take.
  Inspection(const Subject& subject, const Plan& plan, Stretches* stretches, const VerifyOptions& options,
             const Bench& bench, const Budget& budget, const Emit& emit)
      : deadline_(budget.deadline),
        limit_(budget.limit),
        subject_(subject),
        plan_(plan),
        stretches_(stretches),
        options_(options),
        walk_(bench, Wants("round_trip")),
        search_(bench, walk_, options.rows),
        emit_(emit),
        major_(bench.server().major_version()) {
    if (options.servers.size() > 1) servers_ = bench.options().name;
    for (const OtherServer& other : bench.options().others) servers_ += "," + other.name;
    walk_.SetChance(options.rows.seed, options.rows.cases);
  }

  void Run() {
    CountAtTheEnd();
    CountUnits();
    if (stretches_ == nullptr) {
      for (const std::size_t index : plan_.revisions()) CheckRevision(index);
    } else {
      CheckStretches();
    }
    if (search_.coverage().tables() > 0) emit_({{"coverage", ToJson(search_.coverage())}});
    for (const Law& law : plan_.laws()) {
      if (!plan_.IncludesHistory(law)) continue;
      emit_({{"at", law.name}});
      TakeShare();
      Verdict verdict;
      CheckUnit(law, nullptr, verdict);
      emit_(ToJson(verdict));
    }
  }

 private:
  void CheckStretches() {
    stretches_->Join();
    while (const std::optional<std::vector<std::size_t>> stretch = stretches_->Take()) {
      std::size_t verdicts = 0;
      for (const std::size_t index : *stretch) verdicts += plan_.VerdictsOf(index);
      emit_({{"taken", verdicts}});
      for (const std::size_t index : *stretch) {
        CheckRevision(index);
        stretches_->Done();
      }
    }
  }

  // A revision has one share of the budget, and so has a law about the history.
  void CountUnits() {
    units_left_ = static_cast<int>(plan_.revisions().size());
    for (const Law& law : plan_.laws()) units_left_ += plan_.IncludesHistory(law) ? 1 : 0;
  }

  // What the units before have left over is shared by those that follow: by as many at once as there are workers.
  void TakeShare() {
    const int units = std::max(1, units_left_--);
    if (deadline_ == Clock::time_point::max()) return;
    const Clock::time_point now = Clock::now();
    const std::size_t rounds = stretches_ == nullptr
                                   ? static_cast<std::size_t>(units)
                                   : (stretches_->left() + stretches_->hands() - 1) / stretches_->hands();
    limit_.Begin(now + (std::max(deadline_, now) - now) / static_cast<int>(std::max<std::size_t>(1, rounds)));
    search_.set_deadline(limit_.until());
  }

  // Where this worker's walk ends there is most to be seen, and to be blind to.
  void CountAtTheEnd() { walk_.CountAt(plan_.history() ? subject_.order().size() : *plan_.revisions().rbegin() + 1); }

  bool Wants(std::string_view law) const {
    return std::any_of(plan_.laws().begin(), plan_.laws().end(),
                       [&](const Law& l) { return l.name == law && plan_.IncludesHistory(l); });
  }

  void CheckRevision(std::size_t index) {
    std::vector<Verdict> verdicts;
    std::vector<Law> with_rows;
    emit_({{"at", subject_.order()[index]->id}});
    TakeShare();
    try {
      for (const Law& law : plan_.laws()) {
        if (!plan_.Includes(law, index)) continue;
        Verdict& verdict = verdicts.emplace_back();
        CheckUnit(law, subject_.order()[index], verdict);
        const bool open =
            verdict.outcome == Outcome::kHeld || (verdict.outcome == Outcome::kGaveUp && law.property->NeedsRows());
        if (open && law.property->ChecksRows()) with_rows.push_back(law);
      }
      if (!with_rows.empty()) CheckRows(index, with_rows, verdicts);
    } catch (const Error&) {  // the walk has lost its database: what is left can't be looked at here
      for (const Verdict& verdict : verdicts) emit_(ToJson(verdict));
      throw;
    }
    for (const Verdict& verdict : verdicts) emit_(ToJson(verdict));
  }

  // What held without rows is asked again with them.
  void CheckRows(std::size_t index, const std::vector<Law>& laws, std::vector<Verdict>& verdicts) {
    std::map<std::string, RowsResult> results;
    std::string failure;
    try {
      results = search_.Run(index, laws);
    } catch (const Error& error) {
      if (error.sql() && error.sql()->connection_lost) throw;
      failure = error.Render();
    }
    for (Verdict& verdict : verdicts) {
      const auto asked =
          std::find_if(laws.begin(), laws.end(), [&](const Law& law) { return law.name == verdict.law; });
      if (asked == laws.end()) continue;
      if (!failure.empty()) {
        verdict.outcome = Outcome::kError;
        verdict.reason = failure;
      } else if (results.contains(verdict.law)) {
        Merge(*asked, subject_.order()[index], results.at(verdict.law), verdict);
      }
    }
  }

  void Merge(const Law& law, const Revision* revision, const RowsResult& result, Verdict& verdict) const {
    for (const auto& [what, count] : result.exercised) {
      if (count > 0) verdict.exercised[what] += count;
    }
    for (const std::string& note : result.notes) {
      if (std::find(verdict.notes.begin(), verdict.notes.end(), note) == verdict.notes.end()) {
        verdict.notes.push_back(note);
      }
    }
    verdict.stale.insert(verdict.stale.end(), result.stale.begin(), result.stale.end());
    if (result.finding) {
      verdict.outcome = Outcome::kFalsified;
      verdict.reason.clear();
      verdict.finding = result.finding;
      verdict.reproduction = Reproduction(law, revision);
    } else if (!result.error.empty()) {
      verdict.outcome = Outcome::kError;
      verdict.reason = result.error;
    } else if (!result.gave_up.empty()) {
      verdict.outcome = Outcome::kGaveUp;
      verdict.reason = result.gave_up;
    } else if (verdict.outcome == Outcome::kGaveUp && LookedAtRows(verdict)) {
      verdict.outcome = Outcome::kHeld;  // without rows it had nothing to look at
      verdict.reason.clear();
    }
  }

  static bool LookedAtRows(const Verdict& verdict) {
    return std::any_of(verdict.exercised.begin(), verdict.exercised.end(), [](const auto& entry) {
      return entry.second > 0 && (entry.first == "rows compared" || entry.first == "forbidden rows tried");
    });
  }

  // Fills `verdict`; throws only where the connection to the database was lost, the verdict filled.
  void CheckUnit(const Law& law, const Revision* revision, Verdict& verdict) {
    verdict.law = law.name;
    verdict.revision = revision == nullptr ? "" : revision->id;
    verdict.reason = law.property->WhyNotApplicable(subject_, revision);
    if (verdict.reason.empty() && law.property->NeedsRows() && options_.rows.cases == 0 &&
        options_.rows.regressions.empty()) {
      verdict.reason = "no rows are generated (0 cases)";
    }
    if (!verdict.reason.empty()) {
      verdict.outcome = Outcome::kNotApplicable;
      return;
    }
    if (std::string unmet = WhyNotOnThisServer(law, revision); !unmet.empty()) {
      verdict.outcome = Outcome::kSkipped;
      verdict.reason = std::move(unmet);
      return;
    }
    if (Clock::now() > deadline_) {
      verdict.outcome = Outcome::kGaveUp;
      verdict.reason = "the budget was spent before this was looked at";
      return;
    }
    try {
      Decide(law, revision, verdict);
    } catch (const Error& error) {
      verdict.outcome = Outcome::kError;
      verdict.reason = error.Render();
      if (!error.sql() || !error.sql()->connection_lost) return;
      if (revision == nullptr) emit_(ToJson(verdict));
      throw;
    }
  }

  // A revision that declares to need another server ends what can be looked at here: what comes after it in the order
  // stands on it, and so does the history as a whole. Laws that compare servers look for themselves.
  std::string WhyNotOnThisServer(const Law& law, const Revision* revision) const {
    if (law.property->ComparesServers()) return "";
    const std::size_t last = revision == nullptr ? subject_.order().size() - 1 : subject_.IndexOf(*revision);
    for (std::size_t index = 0; index <= last; ++index) {
      const Revision& needing = *subject_.order()[index];
      if (const Declaration* unmet = needing.UnmetBy(major_)) {
        return fmt::format("{} requires {}, and this is PostgreSQL {}", needing.id, unmet->object, major_);
      }
    }
    return "";
  }

  void Decide(const Law& law, const Revision* revision, Verdict& verdict) {
    limit_.BeginPart();
    const bool walks = !law.property->ComparesServers();  // what compares servers goes its own ways
    if (walks) walk_.GoTo(revision == nullptr ? subject_.order().size() : subject_.IndexOf(*revision));
    if (walks && SkippedForMissing(verdict)) return;
    Trial trial(subject_, revision, walk_);
    verdict.finding = law.property->Check(trial);
    if (walks && SkippedForMissing(verdict)) return;
    if (!trial.skipped().empty()) {
      verdict.outcome = Outcome::kSkipped;
      verdict.reason = trial.skipped();
      return;
    }
    if (!trial.not_applicable().empty()) {
      verdict.stale = trial.stale();
      verdict.outcome = Outcome::kNotApplicable;
      verdict.reason = trial.not_applicable();
      return;
    }
    verdict.exercised = trial.exercised();
    verdict.notes = trial.notes();
    verdict.stale = trial.stale();
    verdict.reached_past = walk_.ReachedPast();
    verdict.outcome = verdict.finding ? Outcome::kFalsified : Outcome::kHeld;
    if (verdict.finding && revision != nullptr && walk_.probed()) Confirm(law, *revision, verdict);
    if (verdict.finding) verdict.reproduction = Reproduction(law, revision);
    const bool looked = std::any_of(verdict.exercised.begin(), verdict.exercised.end(),
                                    [](const auto& entry) { return entry.second > 0; });
    if (verdict.outcome == Outcome::kHeld && limit_.cut_short()) {
      verdict.outcome = Outcome::kGaveUp;
      verdict.reason = "the budget was spent before all of this was looked at";
    } else if (verdict.outcome == Outcome::kHeld && !looked) {
      verdict.outcome = Outcome::kGaveUp;
      verdict.reason = "nothing was exercised";
    }
  }

  bool SkippedForMissing(Verdict& verdict) {
    if (walk_.missing().empty()) return false;
    verdict = {
        .law = verdict.law, .revision = verdict.revision, .outcome = Outcome::kSkipped, .reason = walk_.missing()};
    return true;
  }

  // What was found inside a transaction must be found with real commits too.
  void Confirm(const Law& law, const Revision& revision, Verdict& verdict) {
    CommittedMoves moves(walk_);
    Trial trial(subject_, &revision, moves);
    const std::optional<Finding> again = law.property->Check(trial);
    if (again) {
      verdict.finding = again;
      return;
    }
    verdict.outcome = Outcome::kError;
    verdict.reason =
        fmt::format("found inside one transaction, but not with real commits: {}", verdict.finding->message);
    verdict.finding.reset();
  }

  std::string Reproduction(const Law& law, const Revision* revision) const {
    std::string command = fmt::format("{} --law {}", options_.reproduce_with, law.name);
    if (revision != nullptr) command += " --revision " + ShellWord(revision->id);
    if (!servers_.empty()) command += " --postgres " + ShellWord(servers_);
    if (options_.rows.seed != 0) command += fmt::format(" --seed {}", options_.rows.seed);
    return command;
  }

  Clock::time_point deadline_;  // max: none
  TimeLimit& limit_;            // what is left of it for the piece that is looked at
  int units_left_ = 0;
  const Subject& subject_;
  const Plan& plan_;
  Stretches* stretches_;  // of that plan; null: all of it is this worker's
  const VerifyOptions& options_;
  Walk walk_;
  Search search_;
  const Emit& emit_;
  int major_;            // of this server
  std::string servers_;  // in a run on several: those that a reproduction takes
};

}  // namespace

void Inspect(const Subject& subject, const Plan& plan, const VerifyOptions& options, const Bench& bench,
             const Budget& budget, const Emit& emit) {
  Inspection(subject, plan, nullptr, options, bench, budget, emit).Run();
}

void Inspect(const Subject& subject, Stretches& stretches, const VerifyOptions& options, const Bench& bench,
             const Budget& budget, const Emit& emit) {
  Inspection(subject, stretches.plan(), &stretches, options, bench, budget, emit).Run();
}

}  // namespace migproof
