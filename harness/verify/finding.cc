#include "harness/verify/finding.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace migproof {

namespace {

constexpr std::pair<Outcome, std::string_view> kOutcomeNames[] = {
    {Outcome::kHeld, "held"},      {Outcome::kFalsified, "falsified"}, {Outcome::kNotApplicable, "not_applicable"},
    {Outcome::kGaveUp, "gave_up"}, {Outcome::kSkipped, "skipped"},     {Outcome::kError, "error"},
};

nlohmann::json ToJson(const Finding& finding) {
  nlohmann::json json = {{"message", finding.message},
                         {"location", {{"file", finding.location.file}, {"line", finding.location.line}}},
                         {"drift", finding.drift},
                         {"evidence", finding.evidence}};
  if (!finding.hint.empty()) json["hint"] = finding.hint;
  return json;
}

Finding FindingFromJson(const nlohmann::json& json) {
  Finding finding;
  finding.message = json.at("message");
  finding.location = {json.at("location").at("file"), json.at("location").at("line")};
  finding.drift = json.at("drift");
  finding.evidence = json.at("evidence");
  finding.hint = json.value("hint", "");
  return finding;
}

}  // namespace

std::string_view Name(Outcome outcome) {
  for (const auto& [value, name] : kOutcomeNames) {
    if (value == outcome) return name;
  }
  return "error";
}

std::optional<Outcome> OutcomeNamed(std::string_view name) {
  for (const auto& [value, known] : kOutcomeNames) {
    if (known == name) return value;
  }
  return std::nullopt;
}

nlohmann::json ToJson(const Verdict& verdict) {
  nlohmann::json json = {{"law", verdict.law},
                         {"revision", verdict.revision},
                         {"outcome", Name(verdict.outcome)},
                         {"exercised", verdict.exercised},
                         {"notes", verdict.notes},
                         {"stale", verdict.stale},
                         {"reached_past", verdict.reached_past}};
  if (!verdict.reason.empty()) json["reason"] = verdict.reason;
  if (verdict.finding) json["finding"] = ToJson(*verdict.finding);
  if (!verdict.reproduction.empty()) json["reproduction"] = verdict.reproduction;
  if (!verdict.waiver.empty()) json["waiver"] = verdict.waiver;
  return json;
}

Verdict VerdictFromJson(const nlohmann::json& json) {
  Verdict verdict;
  verdict.law = json.at("law");
  verdict.revision = json.at("revision");
  verdict.outcome = OutcomeNamed(json.at("outcome").get<std::string>()).value_or(Outcome::kError);
  verdict.exercised = json.at("exercised").get<std::map<std::string, std::int64_t>>();
  verdict.notes = json.at("notes");
  verdict.stale = json.at("stale");
  verdict.reached_past = json.at("reached_past");
  verdict.reason = json.value("reason", "");
  if (json.contains("finding")) verdict.finding = FindingFromJson(json.at("finding"));
  verdict.reproduction = json.value("reproduction", "");
  verdict.waiver = json.value("waiver", "");
  return verdict;
}

}  // namespace migproof
