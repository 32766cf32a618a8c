#include <fmt/format.h>

#include <algorithm>

#include "harness/report/reporter.h"
#include "harness/report/waivers.h"

namespace migproof {

namespace {

constexpr std::size_t kShownLines = 12;

class TextWriter {
 public:
  TextWriter(const Report& report, const ReporterOptions& options, std::ostream& out)
      : report_(report), options_(options), out_(out) {}

  void Write() {
    out_ << fmt::format("{} revision{} in {} ({}) on {}\n", report_.revisions, report_.revisions == 1 ? "" : "s",
                        report_.directory, report_.format, report_.server);
    for (const std::string& law : Laws()) WriteLaw(law);
    WriteCoverage();
    WriteFindings();
    WriteUnchecked();
    for (const std::string& note : report_.notes) out_ << fmt::format("note: {}\n", note);
    WriteSummary();
  }

 private:
  std::vector<std::string> Laws() const {
    std::vector<std::string> laws;
    for (const Verdict& verdict : report_.verdicts) {
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

  void WriteLaw(const std::string& law) {
    std::map<Outcome, int> counts;
    std::map<std::string, std::int64_t> exercised;
    int waived = 0;
    for (const Verdict& verdict : report_.verdicts) {
      if (verdict.law != law) continue;
      if (!verdict.waiver.empty()) {
        ++waived;
      } else {
        ++counts[verdict.outcome];
      }
      for (const auto& [what, count] : verdict.exercised) exercised[what] += count;
    }
    std::vector<std::string> parts;
    for (const auto& [outcome, count] : counts) {
      std::string name(Name(outcome));
      std::replace(name.begin(), name.end(), '_', ' ');
      parts.push_back(Painted(outcome, fmt::format("{} {}", count, name)));
    }
    if (waived > 0) parts.push_back(fmt::format("{} waived", waived));
    out_ << fmt::format("  {:<20} {}", law, fmt::join(parts, ", "));
    if (const std::string looked = Looked(exercised); !looked.empty()) out_ << Paint("2", "  (" + looked + ")");
    out_ << '\n';
  }

  static std::string Looked(const std::map<std::string, std::int64_t>& exercised) {
    std::vector<std::string> parts;
    std::int64_t of_model = 0;  // told per kind in a finding, and in the JSON report
    for (const auto& [what, count] : exercised) {
      if (what.rfind("model ", 0) == 0) {
        of_model += count;
      } else if (count > 0) {
        parts.push_back(fmt::format("{} {}", count, what));
      }
    }
    if (of_model > 0) parts.push_back(fmt::format("{} objects of the model", of_model));
    return fmt::format("{}", fmt::join(parts, ", "));
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
    for (const std::string& empty : coverage.Empty()) out_ << fmt::format("    {}\n", empty);
  }

  void WriteFindings() {
    for (const Verdict& verdict : report_.verdicts) {
      if (verdict.outcome == Outcome::kFalsified && verdict.waiver.empty()) WriteFinding(verdict);
    }
  }

  void WriteFinding(const Verdict& verdict) {
    const Finding& finding = *verdict.finding;
    out_ << fmt::format("\n{}  {}  {}\n", Painted(Outcome::kFalsified, "falsified"), Paint("1", verdict.law),
                        Paint("1", verdict.revision.empty() ? "(the history)" : verdict.revision));
    if (!finding.location.empty()) out_ << fmt::format("  at {}\n", finding.location.ToString());
    out_ << fmt::format("  {}\n", finding.message);
    WriteLines(finding.drift);
    WriteLines(finding.evidence);
    if (finding.counterexample) WriteRows(*finding.counterexample);
    if (!finding.hint.empty()) out_ << fmt::format("  hint: {}\n", finding.hint);
    if (!verdict.reached_past.empty()) {
      out_ << fmt::format("  reached past what fails in: {}\n", fmt::join(verdict.reached_past, ", "));
    }
    if (finding.counterexample) {
      out_ << fmt::format("  again:  migproof reproduce {}   (as a script for psql: --sql)\n", FindingName(verdict));
    } else if (!verdict.reproduction.empty()) {
      out_ << fmt::format("  again:  {}\n", verdict.reproduction);
    }
    out_ << fmt::format("  accept: migproof accept {} \"WHY\" --until DAY\n", FindingName(verdict));
  }

  void WriteRows(const Counterexample& counterexample) {
    std::string when;
    for (const auto& shown : counterexample.shown) {
      if (shown.when != when) out_ << fmt::format("  {}:\n", when = shown.when);
      WriteTable(shown.table, shown.rows);
    }
  }

  // A few rows as psql shows them, cells cut to a width that still tells them apart.
  void WriteTable(const std::string& name, const TableRows& table) {
    constexpr std::size_t kShownRows = 8;
    if (table.rows.empty()) {
      out_ << fmt::format("    {}: no rows\n", name);
      return;
    }
    out_ << fmt::format("    {}\n", name);
    std::vector<std::vector<std::string>> lines = {table.columns};
    for (std::size_t row = 0; row < std::min(table.rows.size(), kShownRows); ++row) {
      std::vector<std::string>& cells = lines.emplace_back();
      for (const Cell& cell : table.rows[row]) cells.push_back(ShowCell(cell));
    }
    std::vector<std::size_t> widths(table.columns.size(), 0);
    for (const auto& cells : lines) {
      for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], Characters(cells[i]));
    }
    for (std::size_t row = 0; row < lines.size(); ++row) {
      std::string text = "     ";
      for (std::size_t i = 0; i < lines[row].size(); ++i) {
        text += fmt::format("{} {}{}", i == 0 ? "" : " |", lines[row][i],
                            std::string(widths[i] - Characters(lines[row][i]), ' '));
      }
      text.erase(text.find_last_not_of(' ') + 1);
      out_ << (row == 0 ? Paint("2", text) : text) << '\n';
    }
    if (table.rows.size() > kShownRows) out_ << fmt::format("      ... and {} more\n", table.rows.size() - kShownRows);
  }

  // NULL bare; '' and what begins or ends with a space in quotes; line ends and other control characters as escapes.
  static std::string ShowCell(const Cell& cell) {
    if (!cell) return "NULL";
    constexpr std::size_t kShown = 40;
    std::string text;
    std::size_t characters = 0;
    for (const char c : *cell) {
      const bool continues = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
      if (!continues && ++characters > kShown) return fmt::format("{}... ({} bytes)", text, cell->size());
      if (c == '\n') {
        text += "\\n";
      } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
        text += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
      } else {
        text += c;
      }
    }
    const bool quoted = text.empty() || text.front() == ' ' || text.back() == ' ' || text == "NULL";
    return quoted ? "'" + text + "'" : text;
  }

  static std::size_t Characters(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
  }

  void WriteLines(const std::vector<std::string>& lines) {
    for (std::size_t i = 0; i < std::min(lines.size(), kShownLines); ++i) {
      const char first = lines[i].empty() ? ' ' : lines[i][0];
      const std::string text = "    " + lines[i];
      out_ << (first == '+' ? Paint("32", text) : first == '-' ? Paint("31", text) : text) << '\n';
    }
    if (lines.size() > kShownLines) out_ << fmt::format("    ... and {} more\n", lines.size() - kShownLines);
  }

  // Verdicts of equal reason are told once: a missing extension skips a whole history.
  void WriteUnchecked() {
    std::map<std::string, std::vector<const Verdict*>> by_reason;
    for (const Verdict& verdict : report_.verdicts) {
      const bool told = verdict.outcome == Outcome::kGaveUp || verdict.outcome == Outcome::kSkipped ||
                        verdict.outcome == Outcome::kError;
      if (told) by_reason[fmt::format("{}: {}", Name(verdict.outcome), verdict.reason)].push_back(&verdict);
    }
    for (const auto& [reason, verdicts] : by_reason) {
      const Verdict& first = *verdicts.front();
      std::string where = fmt::format("{} {}", first.law, first.revision);
      if (verdicts.size() > 1) where += fmt::format(" and {} more", verdicts.size() - 1);
      out_ << fmt::format("\n{}\n  {}\n", Painted(Outcome::kSkipped, reason), where);
    }
  }

  void WriteSummary() {
    std::map<Outcome, int> counts = report_.Counts();
    const int status = report_.ExitStatus();
    const int unchecked = counts[Outcome::kGaveUp] + counts[Outcome::kSkipped] + counts[Outcome::kError];
    std::string text;
    if (status == 0) {
      text = fmt::format("all {} checks held", counts[Outcome::kHeld]);
    } else if (status == 1) {
      text = fmt::format("{} falsified, {} held", counts[Outcome::kFalsified], counts[Outcome::kHeld]);
      if (unchecked > 0) text += fmt::format(", {} not checked", unchecked);
    } else if (unchecked == 0) {
      text = "nothing was checked";
    } else {
      text = fmt::format("{} not checked, {} held", unchecked, counts[Outcome::kHeld]);
    }
    if (report_.Waived() > 0) text += fmt::format(", {} waived", report_.Waived());
    out_ << '\n'
         << Painted(status == 0   ? Outcome::kHeld
                    : status == 1 ? Outcome::kFalsified
                                  : Outcome::kSkipped,
                    text)
         << fmt::format(" ({:.2f} s)\n", report_.seconds);
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
