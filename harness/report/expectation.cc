#include "harness/report/expectation.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <regex>

#include "migrations/format.h"

namespace migproof {

std::string MaskTimes(const std::string& text) {
  static const std::regex kTime(R"(\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(\.\d+)?([+-]\d{2}(:\d{2})?)?)");
  return std::regex_replace(text, kTime, "<time>");
}

namespace {

using Unit = std::pair<std::string, std::string>;

std::string Show(const Unit& unit) {
  return unit.second.empty() ? fmt::format("{} (the history)", unit.first)
                             : fmt::format("{} {}", unit.first, unit.second);
}

bool IsQuiet(const Verdict& verdict) {
  return verdict.outcome == Outcome::kHeld || verdict.outcome == Outcome::kNotApplicable;
}

nlohmann::ordered_json Entry(const Verdict& verdict) {
  nlohmann::ordered_json entry = {
      {"law", verdict.law}, {"revision", verdict.revision}, {"outcome", Name(verdict.outcome)}};
  if (verdict.finding) {
    entry["message"] = MaskTimes(verdict.finding->message);
    entry["drift"] = nlohmann::ordered_json::array();
    for (const std::string& line : verdict.finding->drift) entry["drift"].push_back(MaskTimes(line));
  }
  return entry;
}

std::map<Unit, nlohmann::json> Read(const std::filesystem::path& file) {
  static const std::vector<std::string> kKeys = {"law", "revision", "outcome", "message", "drift", "why"};
  std::map<Unit, nlohmann::json> entries;
  try {
    const auto document = nlohmann::json::parse(ReadTextFile(file));
    for (const auto& entry : document.at("expected")) {
      for (const auto& [key, unused] : entry.items()) {
        if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
          throw Error(ErrorKind::kUsage, fmt::format("unknown key '{}' in '{}'", key, file.string()))
              .WithHint(NearNameHint(key, kKeys));
        }
      }
      entries[{entry.at("law"), entry.at("revision")}] = entry;
    }
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' is no expectation: {}", file.string(), error.what()))
        .WithHint("'migproof verify --expect FILE --bless' writes one");
  }
  return entries;
}

void CompareOne(const Verdict& verdict, const nlohmann::json& expected, std::vector<std::string>& lines) {
  const Unit unit{verdict.law, verdict.revision};
  const nlohmann::ordered_json entry = Entry(verdict);
  for (const char* key : {"outcome", "message"}) {
    if (!expected.contains(key) || entry.value(key, "") == expected.at(key)) continue;
    lines.push_back(fmt::format("{}: {} is '{}', expected '{}'", Show(unit), key, entry.value(key, ""),
                                expected.at(key).get<std::string>()));
  }
  if (!expected.contains("drift")) return;
  const auto found = entry.value("drift", std::vector<std::string>());
  const auto wanted = expected.at("drift").get<std::vector<std::string>>();
  for (const std::string& line : wanted) {
    if (std::find(found.begin(), found.end(), line) == found.end()) {
      lines.push_back(fmt::format("{}: expected, but not found: {}", Show(unit), line));
    }
  }
  for (const std::string& line : found) {
    if (std::find(wanted.begin(), wanted.end(), line) == wanted.end()) {
      lines.push_back(fmt::format("{}: found, but not expected: {}", Show(unit), line));
    }
  }
}

}  // namespace

std::vector<std::string> CompareWithExpectation(const Report& report, const std::filesystem::path& file) {
  std::map<Unit, nlohmann::json> expected = Read(file);
  std::vector<std::string> lines;
  for (const Verdict& verdict : report.verdicts) {
    const auto entry = expected.extract({verdict.law, verdict.revision});
    if (!entry.empty()) {
      CompareOne(verdict, entry.mapped(), lines);
    } else if (!IsQuiet(verdict)) {
      lines.push_back(fmt::format("{}: is {}, expected held: {}", Show({verdict.law, verdict.revision}),
                                  Name(verdict.outcome), verdict.finding ? verdict.finding->message : verdict.reason));
    }
  }
  for (const auto& [unit, entry] : expected) {
    lines.push_back(
        fmt::format("{}: expected {}, but nobody looked", Show(unit), entry.at("outcome").get<std::string>()));
  }
  return lines;
}

std::string ExpectationOf(const Report& report) {
  nlohmann::ordered_json document;
  document["expected"] = nlohmann::ordered_json::array();
  for (const Verdict& verdict : report.verdicts) {
    if (!IsQuiet(verdict)) document["expected"].push_back(Entry(verdict));
  }
  return document.dump(2) + "\n";
}

}  // namespace migproof
