// GitHub's workflow commands ("Workflow commands for GitHub Actions"), one line each, and the job summary beside them.
#include <fmt/format.h>

#include <fstream>
#include <map>
#include <vector>

#include "harness/report/finding_text.h"
#include "harness/report/markdown.h"
#include "harness/report/printable.h"
#include "harness/report/reporter.h"

namespace migproof {

namespace {

// What stands behind the two colons; a value of a property also spells out its own delimiters.
std::string CommandEscaped(std::string_view text, bool property) {
  std::string escaped;
  for (const char c : Printable(text)) {
    const bool special = c == '%' || c == '\n' || (property && (c == ':' || c == ','));
    escaped += special ? fmt::format("%{:02X}", static_cast<unsigned char>(c)) : std::string(1, c);
  }
  return escaped;
}

class GithubWriter {
 public:
  GithubWriter(const Report& report, std::ostream& out) : report_(report), out_(out) {
    for (const ReportedRevision& revision : report.graph) places_[revision.id] = revision.where;
  }

  void Write() {
    for (const ToldFinding& finding : FindingsToTell(report_)) {
      Annotation("error", *finding.verdict, finding.Where(), FindingText(*finding.verdict, {.shown_lines = 12}));
    }
    Unchecked();
    for (const std::string& note : report_.notes) out_ << fmt::format("::notice::{}\n", CommandEscaped(note, false));
    const char* command = report_.ExitStatus() == 0 ? "notice" : report_.ExitStatus() == 1 ? "error" : "warning";
    out_ << fmt::format("::{} title=migproof::{}\n", command, CommandEscaped(SummaryText(report_), false));
  }

 private:
  // Few annotations are shown of each kind: verdicts of equal reason share one.
  void Unchecked() {
    std::map<std::string, std::vector<const Verdict*>> by_reason;
    for (const Verdict& verdict : report_.verdicts) {
      const bool told = verdict.outcome == Outcome::kGaveUp || verdict.outcome == Outcome::kSkipped ||
                        verdict.outcome == Outcome::kError;
      if (told) by_reason[fmt::format("{}: {}", ReadableName(verdict.outcome), verdict.reason)].push_back(&verdict);
    }
    for (const auto& [reason, verdicts] : by_reason) {
      const std::string more = verdicts.size() > 1 ? fmt::format(" and {} more", verdicts.size() - 1) : "";
      Annotation("warning", *verdicts.front(), UnitName(*verdicts.front()) + more, reason);
    }
  }

  void Annotation(const char* command, const Verdict& verdict, const std::string& unit, const std::string& text) {
    const auto known = places_.find(verdict.revision);
    SourceLocation where = known == places_.end() ? SourceLocation() : known->second;
    if (verdict.finding && !verdict.finding->location.empty()) where = verdict.finding->location;
    std::string properties;
    if (!where.empty()) properties += fmt::format("file={},", CommandEscaped(where.file, true));
    if (where.line > 0) properties += fmt::format("line={},", where.line);
    out_ << fmt::format("::{} {}title={}::{}\n", command, properties,
                        CommandEscaped(fmt::format("{} {}", verdict.law, PrintableLine(unit)), true),
                        CommandEscaped(text, false));
  }

  const Report& report_;
  std::ostream& out_;
  std::map<std::string, SourceLocation> places_;
};

class GithubReporter : public Reporter {
 public:
  std::string_view Summary() const override {
    return "GitHub Actions: annotations, and a job summary where $GITHUB_STEP_SUMMARY names its file";
  }
  void Write(const Report& report, const ReporterOptions& options, std::ostream& out) const override {
    GithubWriter(report, out).Write();
    if (options.job_summary.empty()) return;
    std::ofstream summary(options.job_summary, std::ios::binary | std::ios::app);
    summary << MarkdownReport(report);
    if (!summary.flush()) {
      throw Error(ErrorKind::kUsage, fmt::format("can't write the job summary to '{}'", options.job_summary.string()));
    }
  }
};

const Registered<Reporter, GithubReporter> kGithub("github");

}  // namespace

}  // namespace migproof
