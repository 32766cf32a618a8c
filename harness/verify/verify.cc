#include "harness/verify/verify.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "harness/postgres/cpu_seat.h"
#include "harness/postgres/provider.h"
#include "harness/report/printable.h"
#include "harness/verify/inspection.h"
#include "harness/verify/plan.h"
#include "harness/verify/property.h"
#include "harness/verify/stretches.h"
#include "harness/verify/worker.h"

namespace migproof {

namespace {

// Year, month, day of the month and of the week are other ones then.
constexpr int kDaysLater = 400;

using Law = NamedLaw;

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

  std::size_t server = 0;             // index, or all of them: what compares servers
  Plan plan;                          // what it alone looks at
  std::shared_ptr<Stretches> shared;  // what it looks at afterwards, with others; none: nothing
};

// Servers run side by side: each has its part of the machine, and none waits for the slowest.
std::vector<Assignment> Assign(const Subject& subject, const VerifyOptions& options, const Plan& on_each,
                               const Plan& on_all) {
  std::vector<Assignment> assignments;
  for (std::size_t server = 0; on_each.Verdicts() > 0 && server < options.servers.size(); ++server) {
    const int jobs = Jobs(options, subject, on_each);
    if (jobs > 1 && on_each.HasStretches()) {
      const auto shared = std::make_shared<Stretches>(on_each.About(false), jobs);
      for (int worker = 0; worker < jobs; ++worker) {
        assignments.push_back({server, worker == 0 ? on_each.About(true) : Plan({}, {}), shared});
      }
      continue;
    }
    for (Plan& part : on_each.DealtOut(jobs)) assignments.push_back({server, std::move(part), nullptr});
  }
  if (on_all.Verdicts() > 0) assignments.push_back({Assignment::kAllServers, on_all, nullptr});
  return assignments;
}

// What one worker does: its own part first, since that is long and can't be shared.
void Work(const Subject& subject, const VerifyOptions& options, const Assignment& part, const Bench& bench,
          const Budget& budget, const Emit& emit) {
  if (part.plan.Verdicts() > 0) Inspect(subject, part.plan, options, bench, budget, emit);
  if (part.shared == nullptr || part.shared->Exhausted()) return;
  // Where the history has changed what all databases share, the way begins again on another server.
  const bool used = part.plan.Verdicts() > 0 && subject.touches_cluster();
  const std::unique_ptr<Bench> another = used ? bench.Another() : nullptr;
  Inspect(subject, *part.shared, options, another ? *another : bench, budget, emit);
}

// How far the workers are. What waits to be taken counts as theirs in equal parts.
class Advance {
 public:
  explicit Advance(const std::vector<Assignment>& assignments) {
    for (const Assignment& part : assignments) {
      taken_.push_back(part.plan.Verdicts());
      workers_.push_back({});
      shared_.push_back(part.shared.get());
      if (part.shared != nullptr) waiting_[part.shared.get()] = part.shared->plan().Verdicts();
    }
    Share();
  }

  const std::vector<WorkerProgress>& workers() const { return workers_; }
  void At(std::size_t worker, std::string at) { workers_[worker].at = std::move(at); }
  void Done(std::size_t worker) { ++workers_[worker].done; }
  void Taken(std::size_t worker, std::size_t verdicts) {
    taken_[worker] += verdicts;
    waiting_[shared_[worker]] -= verdicts;
    Share();
  }

 private:
  void Share() {
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      workers_[i].all = taken_[i];
      if (shared_[i] == nullptr) continue;
      const auto hands = static_cast<std::size_t>(std::count(shared_.begin(), shared_.end(), shared_[i]));
      const auto before = static_cast<std::size_t>(
          std::count(shared_.begin(), shared_.begin() + static_cast<std::ptrdiff_t>(i), shared_[i]));
      workers_[i].all += (waiting_[shared_[i]] + hands - 1 - before) / hands;
    }
  }

  std::vector<WorkerProgress> workers_;
  std::vector<std::size_t> taken_;                   // verdicts, by worker
  std::vector<const Stretches*> shared_;             // by worker
  std::map<const Stretches*, std::size_t> waiting_;  // verdicts
};

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
  Advance advance(assignments);
  const auto show = [&] {
    if (progress) progress(advance.workers());
  };
  const auto work = [&](int worker, const Emit& emit) {
    const Assignment& part = assignments[static_cast<std::size_t>(worker)];
    const CpuSeat seat;
    TimeLimit limit;
    const Bench bench = MakeBench(subject, options, part, emit, limit);
    emit({{"server", bench.server().Description()}});
    Work(subject, options, part, bench, {deadline, limit}, emit);
  };
  const auto receive = [&](int worker, const nlohmann::json& document) {
    const auto sender = static_cast<std::size_t>(worker);
    const std::size_t server = assignments[sender].server;
    const std::string name = NameOf(options, server);
    if (document.contains("server")) {
      described[document.value("index", server == Assignment::kAllServers ? 0 : server)] = document.at("server");
    } else if (document.contains("coverage")) {
      report.coverage.Merge(Coverage::FromJson(document.at("coverage")));
    } else if (document.contains("taken")) {
      advance.Taken(sender, document.at("taken"));
    } else if (document.contains("at")) {
      const std::string at = document.at("at");
      advance.At(sender, name.empty() ? at : fmt::format("{}: {}", name, at));
      show();
    } else {
      Verdict verdict = VerdictFromJson(document);
      verdict.server = name;
      given[{name, verdict.law, verdict.revision}] = std::move(verdict);
      advance.Done(sender);
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
