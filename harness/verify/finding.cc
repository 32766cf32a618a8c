#include "harness/verify/finding.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace migproof {

namespace {

constexpr std::pair<Outcome, std::string_view> kOutcomeNames[] = {
    {Outcome::kHeld, "held"},      {Outcome::kFalsified, "falsified"}, {Outcome::kNotApplicable, "not_applicable"},
    {Outcome::kGaveUp, "gave_up"}, {Outcome::kSkipped, "skipped"},     {Outcome::kError, "error"},
};

nlohmann::json ToJson(const TableRows& table) {
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& row : table.rows) {
    nlohmann::json cells = nlohmann::json::array();
    for (const Cell& cell : row) cells.push_back(cell ? nlohmann::json(*cell) : nlohmann::json(nullptr));
    rows.push_back(std::move(cells));
  }
  return {{"columns", table.columns}, {"rows", std::move(rows)}};
}

TableRows TableRowsFromJson(const nlohmann::json& json) {
  TableRows table;
  table.columns = json.at("columns");
  for (const auto& cells : json.at("rows")) {
    std::vector<Cell> row;
    for (const auto& cell : cells) row.push_back(cell.is_null() ? Cell() : Cell(cell.get<std::string>()));
    table.rows.push_back(std::move(row));
  }
  table.count = static_cast<std::int64_t>(table.rows.size());
  return table;
}

nlohmann::json NamesOf(const Path& path) {
  nlohmann::json names = nlohmann::json::array();
  for (const Move move : path) names.push_back(Name(move));
  return names;
}

Path PathFromJson(const nlohmann::json& json) {
  Path path;
  for (const std::string name : json) {
    for (const Move move :
         {Move::kUpgrade, Move::kDowngrade, Move::kRerun, Move::kInsert, Move::kVerify, Move::kAdopt}) {
      if (Name(move) == name) path.push_back(move);
    }
  }
  return path;
}

nlohmann::json ToJson(const Finding& finding) {
  nlohmann::json json = {{"message", finding.message},
                         {"location", {{"file", finding.location.file}, {"line", finding.location.line}}},
                         {"drift", finding.drift},
                         {"evidence", finding.evidence}};
  if (!finding.hint.empty()) json["hint"] = finding.hint;
  if (finding.counterexample) json["counterexample"] = ToJson(*finding.counterexample);
  return json;
}

Finding FindingFromJson(const nlohmann::json& json) {
  Finding finding;
  finding.message = json.at("message");
  finding.location = {json.at("location").at("file"), json.at("location").at("line")};
  finding.drift = json.at("drift");
  finding.evidence = json.at("evidence");
  finding.hint = json.value("hint", "");
  if (json.contains("counterexample")) finding.counterexample = CounterexampleFromJson(json.at("counterexample"));
  return finding;
}

}  // namespace

nlohmann::json ToJson(const Counterexample& counterexample) {
  nlohmann::json shown = nlohmann::json::array();
  for (const auto& table : counterexample.shown) {
    nlohmann::json json = ToJson(table.rows);
    json["when"] = table.when;
    json["table"] = table.table;
    shown.push_back(std::move(json));
  }
  return {{"rows", ToJson(counterexample.rows)},       {"was", NamesOf(counterexample.was)},
          {"is", NamesOf(counterexample.is)},          {"refused", counterexample.refused},
          {"signature", counterexample.signature},     {"shown", std::move(shown)},
          {"evaluations", counterexample.evaluations}, {"script", counterexample.script}};
}

Counterexample CounterexampleFromJson(const nlohmann::json& json) {
  Counterexample counterexample;
  counterexample.rows = DatasetFromJson(json.at("rows"));
  counterexample.was = PathFromJson(json.at("was"));
  counterexample.is = PathFromJson(json.at("is"));
  counterexample.refused = json.at("refused");
  counterexample.signature = json.at("signature");
  for (const auto& shown : json.at("shown")) {
    counterexample.shown.push_back({shown.at("when"), shown.at("table"), TableRowsFromJson(shown)});
  }
  counterexample.evaluations = json.at("evaluations");
  counterexample.script = json.at("script");
  return counterexample;
}

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
  if (!verdict.server.empty()) json["server"] = verdict.server;
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
  verdict.server = json.value("server", "");
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
