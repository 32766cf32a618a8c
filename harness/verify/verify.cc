#include "harness/verify/verify.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "harness/postgres/provider.h"
#include "harness/report/printable.h"
#include "harness/verify/plan.h"
#include "harness/verify/property.h"
#include "harness/verify/walk.h"
#include "harness/verify/worker.h"

namespace migproof {

namespace {

// Year, month, day of the month and of the week are other ones then.
constexpr int kDaysLater = 400;

using Law = NamedLaw;

// Checks what one worker was given.
class Inspection {
 public:
  using Clock = std::chrono::steady_clock;

  Inspection(const Subject& subject, const Plan& plan, const VerifyOptions& options, const Bench& bench,
             Clock::time_point deadline, TimeLimit& limit, const Emit& emit)
      : deadline_(deadline),
        limit_(limit),
        subject_(subject),
        plan_(plan),
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
    for (const std::size_t index : plan_.revisions()) CheckRevision(index);
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
  // A revision has one share of the budget, and so has a law about the history.
  void CountUnits() {
    units_left_ = static_cast<int>(plan_.revisions().size());
    for (const Law& law : plan_.laws()) units_left_ += plan_.IncludesHistory(law) ? 1 : 0;
  }

  // What the units before have left over is shared by those that follow.
  void TakeShare() {
    const int units = std::max(1, units_left_--);
    if (deadline_ == Clock::time_point::max()) return;
    const Clock::time_point now = Clock::now();
    limit_.Begin(now + (std::max(deadline_, now) - now) / units);
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
  const VerifyOptions& options_;
  Walk walk_;
  Search search_;
  const Emit& emit_;
  int major_;            // of this server
  std::string servers_;  // in a run on several: those that a reproduction takes
};

// About how much the database has to do for the history: a step that a tool runs counts as some statements.
std::size_t Statements(const Subject& subject) {
  constexpr std::size_t kByTool = 4;
  std::size_t statements = 0;
  for (const Revision* revision : subject.order()) {
    const Section& upgrade = revision->upgrade;
    statements += upgrade.execution == Execution::kTool ? kByTool : upgrade.script.statements().size();
  }
  return statements;
}

// For each server.
int Jobs(const VerifyOptions& options, const Subject& subject, const Plan& plan) {
  const auto servers = static_cast<int>(options.servers.size());
  if (options.jobs > 0) return std::max(1, options.jobs / servers);
  if (servers > 1) return 1;
  // A second server, with the history once more, costs as much as some twenty revisions, or the rows of a few.
  constexpr std::size_t kWorthAServer = 40;
  const std::size_t stretches = 1 + plan.revisions().size() / Plan::kStretch;
  const std::size_t useful = stretches == 1 && Statements(subject) >= kWorthAServer ? 2 : stretches;
  return std::clamp(static_cast<int>(useful), 1, std::max(1, static_cast<int>(std::thread::hardware_concurrency())));
}

// What one worker process looks at.
struct Assignment {
  static constexpr std::size_t kAllServers = static_cast<std::size_t>(-1);

  std::size_t server = 0;  // index, or all of them: what compares servers
  Plan plan;
};

// Servers run side by side: each has its part of the machine, and none waits for the slowest.
std::vector<Assignment> Assign(const Subject& subject, const VerifyOptions& options, const Plan& on_each,
                               const Plan& on_all) {
  std::vector<Assignment> assignments;
  for (std::size_t server = 0; on_each.Verdicts() > 0 && server < options.servers.size(); ++server) {
    for (Plan& part : on_each.DealtOut(Jobs(options, subject, on_each))) {
      assignments.push_back({server, std::move(part)});
    }
  }
  if (on_all.Verdicts() > 0) assignments.push_back({Assignment::kAllServers, on_all});
  return assignments;
}

std::string NameOf(const VerifyOptions& options, std::size_t server) {
  const bool one = options.servers.size() == 1 || server == Assignment::kAllServers;
  return one ? "" : options.servers[server].Label();
}

ServerFactory FactoryOf(const ServerSpec& server, const StartOptions& start) {
  return [server, start] { return server.Start(start); };
}

// The server that a walk goes on.
ServerFactory UsualFactoryOf(const VerifyOptions& options, std::size_t server) {
  return server == 0 && options.factory ? options.factory : FactoryOf(options.servers[server], options.start);
}

// Starts one of the other servers, and says what it is.
ServerFactory Announced(const VerifyOptions& options, std::size_t server, const Emit& emit) {
  return [server, start = UsualFactoryOf(options, server), &emit] {
    std::unique_ptr<Server> started = start();
    emit({{"server", started->Description()}, {"index", server}});
    return started;
  };
}

Bench MakeBench(const Subject& subject, const VerifyOptions& options, const Assignment& assignment, const Emit& emit,
                const TimeLimit& limit) {
  const std::size_t server = assignment.server == Assignment::kAllServers ? 0 : assignment.server;
  const ServerSpec& spec = options.servers[server];
  StartOptions durable = options.start;
  durable.durable = true;
  StartOptions later = options.start;
  later.days_later = kDaysLater;
  BenchOptions beyond{.durable = FactoryOf(spec, durable),
                      .seed = options.rows.seed,
                      .nightly = options.nightly,
                      .limit = &limit,
                      .name = NameOf(options, server)};
  if (spec.provider == "existing") beyond.durable = nullptr;  // kills must hit no neighbour
  for (std::size_t other = 1; assignment.server == Assignment::kAllServers && other < options.servers.size(); ++other) {
    beyond.others.push_back({options.servers[other].Label(), Announced(options, other, emit)});
  }
  beyond.why_not_later = Registry<Provider>::Get(spec.provider).WhyClockStays();
  if (beyond.why_not_later.empty()) beyond.later = FactoryOf(spec, later);
  return Bench(subject, UsualFactoryOf(options, server), beyond);
}

struct GivenUnit {
  std::string server, law, revision;

  auto operator<=>(const GivenUnit&) const = default;
};

// A verdict for every unit, in order; a unit that no worker spoke of is an error.
void Arrange(const std::vector<std::pair<std::string, std::string>>& units, const std::string& server,
             std::map<GivenUnit, Verdict>& given, const std::string& failure, std::vector<Verdict>& verdicts) {
  for (const auto& [law, revision] : units) {
    const auto found = given.find({server, law, revision});
    if (found != given.end()) {
      verdicts.push_back(std::move(found->second));
    } else {
      verdicts.push_back({.law = law,
                          .revision = revision,
                          .server = server,
                          .outcome = Outcome::kError,
                          .reason = failure.empty() ? "nobody looked at it" : failure});
    }
  }
}

// "PostgreSQL 15.20 (local, ...)", or of several servers "PostgreSQL 13.23, 15.20".
void DescribeServers(const VerifyOptions& options, const std::map<std::size_t, std::string>& described,
                     Report& report) {
  if (options.servers.size() == 1) {
    if (!described.empty()) report.server = described.begin()->second;
    return;
  }
  std::vector<std::string> versions;
  for (const auto& [server, description] : described) {
    report.servers.push_back({options.servers[server].Label(), description});
    const std::size_t version = description.find(' ');
    versions.push_back(description.substr(version + 1, description.find(' ', version + 1) - version - 1));
  }
  report.server = fmt::format("PostgreSQL {}", fmt::join(versions, ", "));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> UnitsToVerify(const Subject& subject, const VerifyOptions& options) {
  return MakePlan(subject, options).Units(subject);
}

Report Describe(const Subject& subject, const VerifyOptions& options) {
  Report report;
  report.format = subject.format_name();
  report.directory = subject.directory().string();
  report.revisions = subject.order().size();
  for (const Revision* head : subject.history().Heads()) report.heads.push_back(head->id);
  for (const Revision* revision : subject.order()) {
    report.graph.push_back({revision->id, revision->title, revision->parents, revision->depends_on, revision->where});
  }
  report.run = RunDigest(subject, options);
  report.shard = options.shard;
  return report;
}

Report Verify(const Subject& subject, const VerifyOptions& options, const Progress& progress) {
  const auto begun = std::chrono::steady_clock::now();
  const auto deadline = options.budget_ms > 0 ? begun + std::chrono::milliseconds(options.budget_ms)
                                              : std::chrono::steady_clock::time_point::max();
  const Plan plan = MakePlan(subject, options);
  Report report = Describe(subject, options);
  if (plan.Verdicts() == 0) {
    report.notes.push_back(fmt::format("shard {} of {} has nothing to look at", options.shard.index, options.shard.of));
    return report;
  }
  if (options.servers.size() > 1) ExpectAvailable(options.servers, options.start);
  const Plan on_each = plan.Comparing(false);
  const Plan on_all = plan.Comparing(true);
  const std::vector<Assignment> assignments = Assign(subject, options, on_each, on_all);

  std::map<GivenUnit, Verdict> given;
  std::map<std::size_t, std::string> described;  // by server
  std::vector<WorkerProgress> workers;
  for (const Assignment& part : assignments) {
    workers.push_back({.all = part.plan.Verdicts()});
  }
  const auto show = [&] {
    if (progress) progress(workers);
  };
  const auto work = [&](int worker, const Emit& emit) {
    const Assignment& part = assignments[static_cast<std::size_t>(worker)];
    TimeLimit limit;
    const Bench bench = MakeBench(subject, options, part, emit, limit);
    emit({{"server", bench.server().Description()}});
    Inspection(subject, part.plan, options, bench, deadline, limit, emit).Run();
  };
  const auto receive = [&](int worker, const nlohmann::json& document) {
    WorkerProgress& sender = workers[static_cast<std::size_t>(worker)];
    const std::size_t server = assignments[static_cast<std::size_t>(worker)].server;
    const std::string name = NameOf(options, server);
    if (document.contains("server")) {
      described[document.value("index", server == Assignment::kAllServers ? 0 : server)] = document.at("server");
    } else if (document.contains("coverage")) {
      report.coverage.Merge(Coverage::FromJson(document.at("coverage")));
    } else if (document.contains("at")) {
      sender.at = document.at("at");
      if (!name.empty()) sender.at = fmt::format("{}: {}", name, sender.at);
      show();
    } else {
      Verdict verdict = VerdictFromJson(document);
      verdict.server = name;
      given[{name, verdict.law, verdict.revision}] = std::move(verdict);
      ++sender.done;
      show();
    }
  };
  std::map<std::size_t, std::string> failures;  // by server
  const std::vector<WorkerEnd> ends =
      RunWorkers(static_cast<int>(assignments.size()), work, receive, progress ? show : std::function<void()>());
  for (std::size_t i = 0; i < ends.size(); ++i) {
    if (!ends[i].failure.empty()) failures[assignments[i].server] = ends[i].failure;
  }
  if (described.empty() && !failures.empty()) {
    const std::string& failure = failures.begin()->second;
    throw Error(ErrorKind::kServer, failure.substr(failure.rfind("error: ", 0) == 0 ? 7 : 0));
  }
  DescribeServers(options, described, report);
  for (std::size_t server = 0; server < options.servers.size(); ++server) {
    Arrange(on_each.Units(subject), NameOf(options, server), given, failures[server], report.verdicts);
  }
  Arrange(on_all.Units(subject), "", given, failures[Assignment::kAllServers], report.verdicts);
  const std::vector<std::string> stale = StaleDeclarations(report);
  report.notes.insert(report.notes.end(), stale.begin(), stale.end());
  for (const Law& law : plan.laws()) report.law_sentences[law.name] = law.property->Sentence();
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return report;
}

}  // namespace migproof
