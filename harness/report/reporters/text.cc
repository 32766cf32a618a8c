#include <fmt/format.h>

#include <algorithm>

#include "harness/report/finding_text.h"
#include "harness/report/printable.h"
#include "harness/report/reporter.h"

namespace migproof {

namespace {

constexpr std::size_t kShownLines = 12;

class TextWriter {
 public:
  TextWriter(const Report& report, const ReporterOptions& options, std::ostream& out)
      : report_(report), options_(options), out_(out) {}

  void Write() {
    out_ << fmt::format("{} revision{} in {} ({}) on {}\n", report_.revisions, report_.revisions == 1 ? "" : "s",
                        PrintableLine(report_.directory), report_.format, PrintableLine(report_.server));
    for (const ReportedServer& server : report_.servers) {
      out_ << fmt::format("{}\n", PrintableLine(server.description));
      for (const std::string& law : Laws(server.name)) WriteLaw(law, server.name);
    }
    const std::vector<std::string> laws = Laws("");
    if (!report_.servers.empty() && !laws.empty()) out_ << "all of them\n";
    for (const std::string& law : laws) WriteLaw(law, "");
    WriteCoverage();
    WriteFindings();
    WriteUnchecked();
    for (const std::string& note : report_.notes) out_ << fmt::format("note: {}\n", PrintableLine(note));
    WriteSummary();
  }

 private:
  std::vector<std::string> Laws(const std::string& server) const {
    std::vector<std::string> laws;
    for (const Verdict& verdict : report_.verdicts) {
      if (verdict.server != server) continue;
      if (laws.empty() || laws.back() != verdict.law) laws.push_back(verdict.law);
    }
    return laws;
  }

  std::string Paint(const char* code, const std::string& text) const {
    return options_.color ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
  }

  std::string Painted(Outcome outcome, const std::string& text) const {
    switch (outcome) {
      case Outcome::kHeld: return Paint("32", text);
      case Outcome::kFalsified: return Paint("31;1", text);
      case Outcome::kNotApplicable: return Paint("2", text);
      default: return Paint("33", text);
    }
  }

  void WriteLaw(const std::string& law, const std::string& server) {
    std::map<Outcome, int> counts;
    std::map<std::string, std::int64_t> exercised;
    int waived = 0;
    for (const Verdict& verdict : report_.verdicts) {
      if (verdict.law != law || verdict.server != server) continue;
      if (!verdict.waiver.empty()) {
        ++waived;
      } else {
        ++counts[verdict.outcome];
      }
      for (const auto& [what, count] : verdict.exercised) exercised[what] += count;
    }
    std::vector<std::string> parts;
    for (const auto& [outcome, count] : counts) {
      parts.push_back(Painted(outcome, fmt::format("{} {}", count, ReadableName(outcome))));
    }
    if (waived > 0) parts.push_back(fmt::format("{} waived", waived));
    out_ << fmt::format("  {:<20} {}", law, fmt::join(parts, ", "));
    if (const std::string looked = ExercisedText(exercised); !looked.empty()) out_ << Paint("2", "  (" + looked + ")");
    out_ << '\n';
  }

  void WriteCoverage() {
    const Coverage& coverage = report_.coverage;
    if (coverage.tables() == 0) return;
    std::string text =
        fmt::format("{} in {} of {} tables", coverage.rows(), coverage.tables_filled(), coverage.tables());
    if (coverage.nullable_columns() > 0) {
      text += fmt::format(", {} of {} nullable columns seen NULL and not", coverage.nullable_columns_seen_both_ways(),
                          coverage.nullable_columns());
    }
    if (coverage.refused() > 0) text += fmt::format(", {} more refused", coverage.refused());
    if (coverage.forbidden() > 0) text += fmt::format(", {} taken out by assumptions", coverage.forbidden());
    out_ << fmt::format("  {:<20} {}\n", "generated rows", text);
    for (const std::string& empty : coverage.Empty()) out_ << fmt::format("    {}\n", PrintableLine(empty));
  }

  void WriteFindings() {
    for (const ToldFinding& finding : FindingsToTell(report_)) WriteFinding(finding);
  }

  void WriteFinding(const ToldFinding& told) {
    const Verdict& verdict = *told.verdict;
    std::string where = verdict.revision.empty() ? "(the history)" : verdict.revision;
    if (!told.servers.empty()) where += fmt::format("  on {}", fmt::join(told.servers, ", "));
    out_ << fmt::format("\n{}  {}  {}\n", Painted(Outcome::kFalsified, "falsified"), Paint("1", verdict.law),
                        Paint("1", PrintableLine(where)));
    out_ << FindingText(verdict, {.indent = "  ", .shown_lines = kShownLines, .color = options_.color});
  }

  // Verdicts of equal reason are told once: a missing extension skips a whole history.
  void WriteUnchecked() {
    std::map<std::string, std::vector<const Verdict*>> by_reason;
    for (const Verdict& verdict : report_.verdicts) {
      const bool told = verdict.outcome == Outcome::kGaveUp || verdict.outcome == Outcome::kSkipped ||
                        verdict.outcome == Outcome::kError;
      if (told)
        by_reason[fmt::format("{}: {}", Name(verdict.outcome), PrintableLine(verdict.reason))].push_back(&verdict);
    }
    for (const auto& [reason, verdicts] : by_reason) {
      const Verdict& first = *verdicts.front();
      std::string where = fmt::format("{} {}", first.law, PrintableLine(first.revision));
      if (!first.server.empty()) where += " on " + PrintableLine(first.server);
      if (verdicts.size() > 1) where += fmt::format(" and {} more", verdicts.size() - 1);
      out_ << fmt::format("\n{}\n  {}\n", Painted(Outcome::kSkipped, reason), where);
    }
  }

  void WriteSummary() {
    const int status = report_.ExitStatus();
    const Outcome tone = status == 0 ? Outcome::kHeld : status == 1 ? Outcome::kFalsified : Outcome::kSkipped;
    out_ << '\n' << Painted(tone, SummaryText(report_));
    if (report_.seconds > 0) out_ << fmt::format(" ({:.2f} s)", report_.seconds);  // a report read back has none
    out_ << '\n';
  }

  const Report& report_;
  const ReporterOptions& options_;
  std::ostream& out_;
};

class TextReporter : public Reporter {
 public:
  std::string_view Summary() const override { return "for people: a line per law, then each finding"; }
  void Write(const Report& report, const ReporterOptions& options, std::ostream& out) const override {
    TextWriter(report, options, out).Write();
  }
};

const Registered<Reporter, TextReporter> kText("text");

}  // namespace

}  // namespace migproof
