#include "harness/cli/verify_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "harness/cli/config.h"
#include "harness/report/expectation.h"
#include "harness/report/regressions.h"
#include "harness/report/reporter.h"
#include "harness/report/waivers.h"
#include "harness/verify/property.h"

namespace migproof {

namespace {

struct ReportTarget {
  std::string name;
  std::filesystem::path file;  // empty: standard output
};

std::vector<ReportTarget> ReportTargets(const std::vector<std::string>& reports) {
  std::vector<ReportTarget> targets;
  for (const std::string& report : reports) {
    const std::size_t equals = report.find('=');
    targets.push_back({report.substr(0, equals), equals == std::string::npos ? "" : report.substr(equals + 1)});
    Registry<Reporter>::Get(targets.back().name);
  }
  const auto to_output = std::count_if(targets.begin(), targets.end(), [](const auto& t) { return t.file.empty(); });
  if (to_output > 1) {
    throw Error(ErrorKind::kUsage, fmt::format("{} reports want standard output", to_output))
        .WithHint("--report text --report json=report.json");
  }
  return targets;
}

void WriteFile(const std::filesystem::path& file, const std::string& text) {
  std::ofstream out(file, std::ios::binary);
  out << text;
  if (!out.flush()) throw Error(ErrorKind::kUsage, fmt::format("can't write '{}'", file.string()));
}

// GitHub Actions names it.
std::filesystem::path JobSummaryFile() {
  const char* file = std::getenv("GITHUB_STEP_SUMMARY");
  return file == nullptr ? "" : file;
}

void WriteReports(const Report& report, const std::vector<ReportTarget>& targets, std::ostream& out) {
  for (const ReportTarget& target : targets) {
    const Reporter& reporter = Registry<Reporter>::Get(target.name);
    if (target.file.empty()) {
      const bool color = isatty(STDOUT_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr;
      reporter.Write(report, {.color = color, .job_summary = JobSummaryFile()}, out);
      continue;
    }
    std::ostringstream text;
    reporter.Write(report, {.job_summary = JobSummaryFile()}, text);
    WriteFile(target.file, text.str());
  }
}

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

Progress ShowProgress(std::ostream&) { return nullptr; }

// With an expectation the question is another one: are these the known answers?
int Judge(const Report& report, const VerifyCommand& command, std::ostream& out) {
  if (command.expect.empty()) return report.ExitStatus();
  if (command.bless) {
    WriteFile(command.expect, ExpectationOf(report));
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

void ScrubEnvironment() {
  for (const char* name :
       {"PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGOPTIONS", "PGSERVICE", "PGSERVICEFILE",
        "PGAPPNAME", "PGDATESTYLE", "PGTZ", "PGGEQO", "PGCLIENTENCODING", "PGTARGETSESSIONATTRS", "PGDATA"}) {
    unsetenv(name);
  }
}

Subject ReadSubject(const Config& config) {
  Subject subject(config.format, config.path, config.before, ReadHistory(config), ToolSettingsOf(config));
  if (!config.model.empty()) subject.ReadModel(config.model);
  return subject;
}

namespace {

VerifyOptions OptionsOf(const VerifyCommand& command) {
  VerifyOptions options;
  options.server = ParseServerSpec(command.config.postgres);
  options.start = command.start;
  options.laws = command.config.laws;
  options.jobs = command.config.jobs;
  options.rows.seed = command.config.seed;
  options.rows.cases = command.config.cases;
  options.nightly = command.nightly;
  options.rows.shrink_budget_evaluations = command.config.shrink_budget_evaluations;
  options.rows.shrink_budget_ms = command.config.shrink_budget_ms;
  options.reproduce_with = command.command_line;
  return options;
}

}  // namespace

int RunVerify(const VerifyCommand& command, std::ostream& out, std::ostream& err) {
  const std::vector<ReportTarget> targets = ReportTargets(command.reports);
  for (const std::string& law : command.config.laws) Registry<Property>::Get(law);
  VerifyOptions options = OptionsOf(command);
  const Subject subject = ReadSubject(command.config);
  options.revisions = ChosenRevisions(subject, command);
  if (options.rows.cases > 0) {
    for (Regression& regression : ReadRegressions(command.config.regressions)) {
      options.rows.regressions[{regression.law, regression.revision}].push_back(std::move(regression.rows));
    }
  }
  if (!command.expect.empty() && !command.bless) CompareWithExpectation({}, command.expect);  // refused before the run
  Report nothing;
  ApplyWaivers(nothing, command.config.waivers, Today());  // likewise
  ScrubEnvironment();
  Report report = Verify(subject, options, ShowProgress(err));
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
