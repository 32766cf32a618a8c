#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

#include "harness/report/finding_text.h"
#include "harness/report/printable.h"
#include "harness/report/reporter.h"

namespace migproof {

namespace {

// Text and attribute values alike: line feeds and tabs of an attribute must survive a reader's normalisation.
std::string XmlEscaped(std::string_view text) {
  std::string escaped;
  for (const char c : Printable(text)) {
    switch (c) {
      case '&': escaped += "&amp;"; break;
      case '<': escaped += "&lt;"; break;
      case '>': escaped += "&gt;"; break;
      case '"': escaped += "&quot;"; break;
      case '\n': escaped += "&#10;"; break;
      case '\t': escaped += "&#9;"; break;
      default: escaped += c;
    }
  }
  return escaped;
}

// A body keeps its lines, so that the file can be read as it is.
std::string XmlBody(std::string_view text) {
  std::string escaped;
  for (const char c : Printable(text)) {
    if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else if (c == '>') {
      escaped += "&gt;";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

struct JunitCounts {
  int tests = 0;
  int failures = 0;
  int errors = 0;
  int skipped = 0;

  void Add(const Verdict& verdict) {
    ++tests;
    switch (verdict.outcome) {
      case Outcome::kHeld: break;
      case Outcome::kFalsified: ++(verdict.waiver.empty() ? failures : skipped); break;
      case Outcome::kGaveUp:
      case Outcome::kError: ++errors; break;
      case Outcome::kNotApplicable:
      case Outcome::kSkipped: ++skipped; break;
    }
  }

  std::string Attributes() const {
    return fmt::format(R"(tests="{}" failures="{}" errors="{}" skipped="{}")", tests, failures, errors, skipped);
  }
};

class JunitWriter {
 public:
  JunitWriter(const Report& report, std::ostream& out) : report_(report), out_(out) {
    for (const ReportedRevision& revision : report.graph) places_[revision.id] = revision.where;
  }

  void Write() {
    std::vector<std::vector<const Verdict*>> suites;  // of one law and server each
    JunitCounts all;
    for (const Verdict& verdict : report_.verdicts) {
      const bool same = !suites.empty() && suites.back().front()->law == verdict.law &&
                        suites.back().front()->server == verdict.server;
      if (!same) suites.emplace_back();
      suites.back().push_back(&verdict);
      all.Add(verdict);
    }
    out_ << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    out_ << fmt::format("<testsuites name=\"migproof\" {} time=\"{:.3f}\">\n", all.Attributes(), report_.seconds);
    for (const auto& verdicts : suites) Suite(verdicts);
    out_ << "</testsuites>\n";
  }

 private:
  void Suite(const std::vector<const Verdict*>& verdicts) {
    const std::string& law = verdicts.front()->law;
    const std::string& server = verdicts.front()->server;
    const std::string name = server.empty() ? law : fmt::format("{} on {}", law, server);
    JunitCounts counts;
    for (const Verdict* verdict : verdicts) counts.Add(*verdict);
    out_ << fmt::format("  <testsuite name=\"{}\" {}>\n    <properties>\n", XmlEscaped(name), counts.Attributes());
    const auto sentence = report_.law_sentences.find(law);
    if (sentence != report_.law_sentences.end()) Property("law", sentence->second);
    Property("history", report_.directory);
    Property("server", ServerOf(report_, *verdicts.front()));
    out_ << "    </properties>\n";
    for (const Verdict* verdict : verdicts) Case(*verdict);
    out_ << "  </testsuite>\n";
  }

  void Property(const char* name, const std::string& value) {
    out_ << fmt::format("      <property name=\"{}\" value=\"{}\"/>\n", name, XmlEscaped(value));
  }

  void Case(const Verdict& verdict) {
    const std::string name = verdict.revision.empty() ? "(the history)" : verdict.revision;
    const std::string server = verdict.server.empty() ? "" : "." + verdict.server;
    out_ << fmt::format("    <testcase classname=\"migproof.{}{}\" name=\"{}\"{}>\n", XmlEscaped(verdict.law),
                        XmlEscaped(server), XmlEscaped(name), Place(verdict));
    Result(verdict);
    const std::string looked = ExercisedText(verdict.exercised);
    if (!looked.empty()) out_ << fmt::format("      <system-out>{}</system-out>\n", XmlBody(looked));
    out_ << "    </testcase>\n";
  }

  std::string Place(const Verdict& verdict) const {
    const auto known = places_.find(verdict.revision);
    SourceLocation where = known == places_.end() ? SourceLocation() : known->second;
    if (verdict.finding && !verdict.finding->location.empty()) where = verdict.finding->location;
    if (where.empty()) return "";
    return fmt::format(" file=\"{}\"", XmlEscaped(where.file)) +
           (where.line > 0 ? fmt::format(" line=\"{}\"", where.line) : "");
  }

  void Result(const Verdict& verdict) {
    const std::string type(Name(verdict.outcome));
    switch (verdict.outcome) {
      case Outcome::kHeld: return;
      case Outcome::kFalsified:
        if (!verdict.waiver.empty()) return Told("skipped", "", "waived: " + verdict.waiver, FindingText(verdict));
        return Told("failure", type, verdict.finding->message, FindingText(verdict));
      case Outcome::kGaveUp:
      case Outcome::kError: return Told("error", type, verdict.reason, verdict.reason);
      case Outcome::kNotApplicable: return Told("skipped", "", "not applicable: " + verdict.reason, "");
      case Outcome::kSkipped: return Told("skipped", "", verdict.reason, "");
    }
  }

  void Told(const char* element, const std::string& type, const std::string& message, const std::string& body) {
    out_ << fmt::format("      <{} message=\"{}\"", element, XmlEscaped(message));
    if (!type.empty()) out_ << fmt::format(" type=\"{}\"", type);
    out_ << (body.empty() ? "/>\n" : fmt::format(">{}</{}>\n", XmlBody(body), element));
  }

  const Report& report_;
  std::ostream& out_;
  std::map<std::string, SourceLocation> places_;
};

class JunitReporter : public Reporter {
 public:
  std::string_view Summary() const override { return "JUnit XML: a suite per law, a case per revision"; }
  void Write(const Report& report, const ReporterOptions&, std::ostream& out) const override {
    JunitWriter(report, out).Write();
  }
};

const Registered<Reporter, JunitReporter> kJunit("junit");

}  // namespace

}  // namespace migproof
