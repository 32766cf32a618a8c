#include "harness/cli/verify_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <optional>
#include <regex>

#include "harness/cli/config.h"
#include "harness/cli/git_base.h"
#include "harness/cli/progress.h"
#include "harness/cli/report_command.h"
#include "harness/cli/untrusted.h"
#include "harness/report/expectation.h"
#include "harness/report/regressions.h"
#include "harness/report/reporter.h"
#include "harness/report/waivers.h"
#include "harness/verify/property.h"

namespace migproof {

namespace {

std::vector<std::string> Since(const Subject& subject, const std::string& since) {
  std::set<const Revision*> old;
  for (const Revision* revision : subject.history().Resolve(since)) {
    old.insert(revision);
    for (const Revision* ancestor : subject.history().Ancestors(*revision)) old.insert(ancestor);
  }
  std::vector<std::string> fresh;
  for (const Revision* revision : subject.order()) {
    if (!old.contains(revision)) fresh.push_back(revision->id);
  }
  return fresh;
}

std::vector<std::string> ChosenRevisions(const Subject& subject, const VerifyCommand& command) {
  std::vector<std::string> chosen;
  for (const std::string& target : command.revisions) {
    for (const Revision* revision : subject.history().Resolve(target)) chosen.push_back(revision->id);
  }
  if (command.since.empty()) return chosen;
  std::vector<std::string> fresh = Since(subject, command.since);
  if (fresh.empty()) {
    throw Error(ErrorKind::kUsage, fmt::format("no revision is newer than '{}': nothing to verify", command.since))
        .WithHint("--since takes the last revision that is known to be good");
  }
  if (command.revisions.empty()) return fresh;
  std::erase_if(chosen,
                [&](const std::string& id) { return std::find(fresh.begin(), fresh.end(), id) == fresh.end(); });
  return chosen;
}

// With an expectation the question is another one: are these the known answers?
int Judge(const Report& report, const VerifyCommand& command, std::ostream& out) {
  if (command.expect.empty()) return report.ExitStatus();
  if (command.bless) {
    WriteTextFile(command.expect, ExpectationOf(report));
    out << fmt::format("blessed: {}\n", command.expect.string());
    return 0;
  }
  const std::vector<std::string> lines = CompareWithExpectation(report, command.expect);
  if (lines.empty() && report.NothingChecked()) {
    out << fmt::format("as expected by {}, but nothing was checked\n", command.expect.string());
    return 2;
  }
  if (lines.empty()) {
    out << fmt::format("as expected by {}\n", command.expect.string());
    return 0;
  }
  out << fmt::format("not as expected by {}:\n", command.expect.string());
  for (const std::string& line : lines) out << "  " << line << '\n';
  const auto counts = report.Counts();
  return counts.contains(Outcome::kSkipped) || counts.contains(Outcome::kError) ? 2 : 1;
}

}  // namespace

Shard ParseShard(const std::string& text) {
  std::smatch found;
  static const std::regex kShard("([0-9]{1,6})/([0-9]{1,6})");
  if (std::regex_match(text, found, kShard)) {
    const Shard shard{std::stoi(found[1]), std::stoi(found[2])};
    if (shard.index >= 1 && shard.index <= shard.of) return shard;
  }
  throw Error(ErrorKind::kUsage, fmt::format("'{}' is no shard", text)).WithHint("--shard 1/4 is the first of four");
}

std::int64_t ParseBudget(const std::string& text) {
  static const std::map<std::string, std::int64_t> kUnits = {{"ms", 1}, {"s", 1'000}, {"m", 60'000}, {"h", 3'600'000}};
  static const std::regex kBudget("([0-9]{1,9})(ms|s|m|h)");
  std::smatch found;
  if (std::regex_match(text, found, kBudget)) {
    const std::int64_t budget_ms = std::stoll(found[1]) * kUnits.at(found[2]);
    if (budget_ms > 0) return budget_ms;
  }
  throw Error(ErrorKind::kUsage, fmt::format("'{}' is no time", text)).WithHint("--budget 60s, 500ms, 5m or 2h");
}

void ScrubEnvironment() {
  for (const char* name :
       {"PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGOPTIONS", "PGSERVICE", "PGSERVICEFILE",
        "PGAPPNAME", "PGDATESTYLE", "PGTZ", "PGGEQO", "PGCLIENTENCODING", "PGTARGETSESSIONATTRS", "PGDATA"}) {
    unsetenv(name);
  }
}

Subject ReadSubject(const Config& config) {
  if (config.untrusted) RefuseWhatRunsHere(config);
  std::vector<Revision> revisions = ReadHistory(config);
  if (config.untrusted) RefuseMetaCommands(config, revisions);
  if (config.forward_only) {
    for (Revision& revision : revisions) revision.downgrade.reset();
  }
  Subject subject(config.format, config.path, config.before, std::move(revisions), ToolSettingsOf(config));
  if (!config.model.empty()) subject.ReadModel(config.model);
  if (!config.squash.empty()) subject.ReadSquash(config.squash);
  return subject;
}

VerifyOptions OptionsOf(const VerifyCommand& command) {
  VerifyOptions options;
  options.servers = ParseServerSpecs(command.config.postgres);
  options.start = command.start;
  options.start.untrusted = command.config.untrusted;
  options.start.extensions = command.config.extensions;
  options.laws = command.config.laws;
  options.jobs = command.config.jobs;
  options.rows.seed = command.config.seed;
  options.rows.cases = command.config.cases;
  options.nightly = command.nightly;
  options.shard = command.shard;
  options.budget_ms = command.budget_ms;
  options.rows.shrink_budget_evaluations = command.config.shrink_budget_evaluations;
  options.rows.shrink_budget_ms = command.config.shrink_budget_ms;
  options.rows.step_timeout_ms = command.config.step_timeout_ms;
  options.reproduce_with = command.command_line;
  return options;
}

void AddRegressions(const Config& config, VerifyOptions& options) {
  if (options.rows.cases == 0) return;
  for (Regression& regression : ReadRegressions(config.regressions)) {
    options.rows.regressions[{regression.law, regression.revision}].push_back(std::move(regression.rows));
  }
}

namespace {

Report VerifyShown(const Subject& subject, const VerifyOptions& options, ProgressDisplay& display) {
  Report report = Verify(subject, options, [&](const std::vector<WorkerProgress>& workers) { display.Show(workers); });
  display.End();
  return report;
}

// Where nothing is new no server is needed. What the change itself does is told by the first shard.
Report VerifyChange(const Subject& subject, const VerifyOptions& options, const GitChange& change,
                    ProgressDisplay& display) {
  Report report = change.revisions.empty() ? Describe(subject, options) : VerifyShown(subject, options, display);
  if (change.revisions.empty()) report.server = "no server: nothing is new";
  report.notes.insert(report.notes.begin(), change.notes.begin(), change.notes.end());
  if (options.shard.index > 1) return report;
  report.verdicts.insert(report.verdicts.begin(), change.verdicts.begin(), change.verdicts.end());
  report.law_sentences.insert(change.sentences.begin(), change.sentences.end());
  return report;
}

}  // namespace

int RunVerify(const VerifyCommand& command, std::ostream& out, std::ostream& err) {
  const std::vector<ReportTarget> targets = ReportTargets(command.reports);
  for (const std::string& law : command.config.laws) Registry<Property>::Get(law);
  VerifyOptions options = OptionsOf(command);
  const Subject subject = ReadSubject(command.config);
  std::optional<GitChange> change;
  if (!command.git_base.empty()) {
    change = CompareWithGitBase(command.config, command.git_base, subject.history(), command.command_line);
    options.revisions = change->revisions;
  } else {
    options.revisions = ChosenRevisions(subject, command);
  }
  AddRegressions(command.config, options);
  if (!command.expect.empty() && !command.bless) CompareWithExpectation({}, command.expect);  // refused before the run
  Report nothing;
  ApplyWaivers(nothing, command.config.waivers, Today());  // likewise
  ScrubEnvironment();
  ProgressDisplay display(ChooseProgress(command.progress), err);
  Report report = change ? VerifyChange(subject, options, *change, display) : VerifyShown(subject, options, display);
  ApplyWaivers(report, command.config.waivers, Today());
  if (command.save && command.expect.empty()) {
    try {
      const int saved = SaveRegressions(command.config.regressions, report);
      if (saved > 0) {
        report.notes.push_back(fmt::format("{} set{} of rows saved in {}: they are tried first from now on", saved,
                                           saved == 1 ? "" : "s", command.config.regressions.string()));
      }
    } catch (const Error& error) {
      report.notes.push_back(fmt::format("the rows that were found are not saved: {}", error.message()));
    }
  }
  WriteReports(report, targets, out);
  return Judge(report, command, out);
}

int RunReproduce(const VerifyCommand& command, const std::string& token, bool sql, std::ostream& out) {
  const std::vector<Regression> regressions = ReadRegressions(command.config.regressions);
  const auto found = std::find_if(regressions.begin(), regressions.end(),
                                  [&](const Regression& regression) { return regression.finding == token; });
  if (found == regressions.end()) {
    std::vector<std::string> names;
    for (const Regression& regression : regressions) names.push_back(regression.finding);
    throw Error(ErrorKind::kUsage, fmt::format("'{}' holds no regression '{}' ({} read)",
                                               command.config.regressions.string(), token, regressions.size()))
        .WithHint(NearNameHint(token, names, "'migproof verify' prints the token with each finding that takes rows"));
  }
  VerifyOptions options = OptionsOf(command);
  const Subject subject = ReadSubject(command.config);
  options.laws = {found->law};
  options.revisions = {subject.history().Get(found->revision).id};
  options.rows.cases = 0;
  options.rows.regressions[{found->law, found->revision}] = {found->rows};
  ScrubEnvironment();
  const Report report = Verify(subject, options, nullptr);
  const Verdict& verdict = report.verdicts.front();
  if (!sql) {
    Registry<Reporter>::Get("text").Write(report, {.color = isatty(STDOUT_FILENO) != 0}, out);
    return report.ExitStatus();
  }
  if (verdict.finding && verdict.finding->counterexample && verdict.finding->counterexample->script.empty()) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' breaks '{}' in the catalog alone: there is no script for that",
                                               found->revision, found->law))
        .WithHint("'migproof reproduce TOKEN' without --sql shows the difference");
  }
  if (!verdict.finding || !verdict.finding->counterexample) {
    throw Error(ErrorKind::kUsage,
                fmt::format("'{}' does not break '{}' with these rows any more", found->revision, found->law))
        .WithHint("'migproof reproduce TOKEN' without --sql says what they do now");
  }
  out << verdict.finding->counterexample->script;
  return 0;
}

}  // namespace migproof
