// SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), as far as code scanning services read it.
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "harness/report/finding_text.h"
#include "harness/report/printable.h"
#include "harness/report/reporter.h"
#include "harness/report/waivers.h"

namespace migproof {

namespace {

using nlohmann::ordered_json;

// A path as the path of a URI (RFC 3986, section 3.3).
std::string UriPath(const std::string& path) {
  std::string uri;
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~/").find(c) != std::string_view::npos;
    uri += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return uri;
}

class SarifDocument {
 public:
  explicit SarifDocument(const Report& report) : report_(report) {
    for (const Verdict& verdict : report.verdicts) laws_.emplace(verdict.law, 0);
    std::size_t index = 0;
    for (auto& [law, at] : laws_) at = index++;
    for (const ReportedRevision& revision : report.graph) places_[revision.id] = revision.where;
  }

  ordered_json Make() const {
    ordered_json results = ordered_json::array();
    for (const bool waived : {false, true}) {
      for (const ToldFinding& finding : FindingsToTell(report_, waived)) results.push_back(Result(finding));
    }
    ordered_json run = {
        {"tool", {{"driver", {{"name", "migproof"}, {"semanticVersion", MIGPROOF_VERSION}, {"rules", Rules()}}}}},
        {"originalUriBaseIds", {{"%SRCROOT%", {{"description", {{"text", "Where migproof was started."}}}}}}},
        {"invocations", ordered_json::array({Invocation()})},
        {"columnKind", "unicodeCodePoints"},
        {"results", std::move(results)},
        {"properties", {{"server", Printable(report_.server)}, {"history", Printable(report_.directory)}}}};
    return {{"$schema", "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"},
            {"version", "2.1.0"},
            {"runs", ordered_json::array({std::move(run)})}};
  }

 private:
  ordered_json Rules() const {
    ordered_json rules = ordered_json::array();
    for (const auto& [law, unused] : laws_) {
      const auto known = report_.law_sentences.find(law);
      const std::string sentence = known == report_.law_sentences.end() ? law : known->second;
      rules.push_back({{"id", law},
                       {"name", law},
                       {"shortDescription", {{"text", Printable(sentence)}}},
                       {"defaultConfiguration", {{"level", "error"}}}});
    }
    return rules;
  }

  ordered_json Result(const ToldFinding& told) const {
    const Verdict& verdict = *told.verdict;
    ordered_json result = {
        {"ruleId", verdict.law},
        {"ruleIndex", laws_.at(verdict.law)},
        {"kind", "fail"},
        {"level", "error"},
        {"message", {{"text", fmt::format("{}: {}", PrintableLine(told.Where()), FindingText(verdict))}}},
        {"locations", ordered_json::array({Location(verdict)})},
        {"partialFingerprints", {{"migproof/v1", Printable(FindingName(verdict))}}}};
    if (!verdict.waiver.empty()) {
      result["suppressions"] = ordered_json::array(
          {{{"kind", "external"}, {"status", "accepted"}, {"justification", Printable(verdict.waiver)}}});
    }
    return result;
  }

  // Services want a place for each result: the finding's, or else the revision's, or else the directory.
  SourceLocation PlaceOf(const Verdict& verdict) const {
    if (verdict.finding && !verdict.finding->location.empty()) return verdict.finding->location;
    const auto known = places_.find(verdict.revision);
    if (known != places_.end() && !known->second.empty()) return known->second;
    return {report_.directory, 0};
  }

  ordered_json Location(const Verdict& verdict) const {
    const SourceLocation where = PlaceOf(verdict);
    const bool absolute = where.file.starts_with('/');
    ordered_json artifact = {{"uri", (absolute ? "file://" : "") + UriPath(where.file)}};
    if (!absolute) artifact["uriBaseId"] = "%SRCROOT%";
    return {{"physicalLocation",
             {{"artifactLocation", std::move(artifact)}, {"region", {{"startLine", std::max(1, where.line)}}}}},
            {"logicalLocations",
             ordered_json::array({{{"name", PrintableLine(UnitName(verdict))}, {"kind", "migration"}}})}};
  }

  // What could not be checked is told beside the results: silence would read as a pass.
  ordered_json Invocation() const {
    ordered_json notifications = ordered_json::array();
    bool complete = true;
    for (const Verdict& verdict : report_.verdicts) {
      const bool unchecked = verdict.outcome == Outcome::kGaveUp || verdict.outcome == Outcome::kSkipped ||
                             verdict.outcome == Outcome::kError;
      if (!unchecked) continue;
      complete = complete && verdict.outcome != Outcome::kError;
      notifications.push_back({{"level", verdict.outcome == Outcome::kError ? "error" : "warning"},
                               {"message",
                                {{"text", fmt::format("{} {}: {}: {}", verdict.law, PrintableLine(UnitName(verdict)),
                                                      ReadableName(verdict.outcome), Printable(verdict.reason))}}},
                               {"associatedRule", {{"id", verdict.law}, {"index", laws_.at(verdict.law)}}},
                               {"locations", ordered_json::array({Location(verdict)})}});
    }
    for (const std::string& note : report_.notes) {
      notifications.push_back({{"level", "note"}, {"message", {{"text", Printable(note)}}}});
    }
    return {{"executionSuccessful", complete},
            {"exitCode", report_.ExitStatus()},
            {"toolExecutionNotifications", std::move(notifications)}};
  }

  const Report& report_;
  std::map<std::string, std::size_t> laws_;  // and their index among the rules
  std::map<std::string, SourceLocation> places_;
};

class SarifReporter : public Reporter {
 public:
  std::string_view Summary() const override {
    return "SARIF 2.1.0 for code scanning: a rule per law, a result per finding";
  }
  void Write(const Report& report, const ReporterOptions&, std::ostream& out) const override {
    out << SarifDocument(report).Make().dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << '\n';
  }
};

const Registered<Reporter, SarifReporter> kSarif("sarif");

}  // namespace

}  // namespace migproof
