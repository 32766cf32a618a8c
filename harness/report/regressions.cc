#include "harness/report/regressions.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/report/waivers.h"
#include "migrations/format.h"

namespace migproof {

std::vector<Regression> ReadRegressions(const std::filesystem::path& file) {
  std::vector<Regression> regressions;
  if (!std::filesystem::exists(file)) return regressions;
  try {
    const auto document = nlohmann::json::parse(ReadTextFile(file));
    for (const auto& entry : document.at("regressions")) {
      regressions.push_back({entry.at("finding"), entry.at("law"), entry.at("revision"), entry.at("message"),
                             DatasetFromJson(entry.at("rows"))});
    }
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' holds no regressions: {}", file.string(), error.what()))
        .WithHint("'migproof verify' writes it");
  }
  return regressions;
}

int SaveRegressions(const std::filesystem::path& file, const Report& report) {
  std::vector<Regression> regressions = ReadRegressions(file);
  int added = 0;
  for (const Verdict& verdict : report.verdicts) {
    if (!verdict.finding || !verdict.finding->counterexample) continue;
    const std::string name = FindingName(verdict);
    const bool known = std::any_of(regressions.begin(), regressions.end(),
                                   [&](const Regression& regression) { return regression.finding == name; });
    if (known) continue;
    regressions.push_back(
        {name, verdict.law, verdict.revision, verdict.finding->message, verdict.finding->counterexample->rows});
    ++added;
  }
  if (added == 0) return 0;
  std::sort(regressions.begin(), regressions.end(),
            [](const Regression& a, const Regression& b) { return a.finding < b.finding; });
  nlohmann::ordered_json entries = nlohmann::ordered_json::array();
  for (const Regression& regression : regressions) {
    entries.push_back({{"finding", regression.finding},
                       {"law", regression.law},
                       {"revision", regression.revision},
                       {"message", regression.message},
                       {"rows", nlohmann::ordered_json::parse(ToJson(regression.rows).dump())}});
  }
  std::ofstream out(file, std::ios::binary);
  out << nlohmann::ordered_json({{"regressions", entries}}).dump(2) << '\n';
  if (!out.flush()) throw Error(ErrorKind::kUsage, fmt::format("can't write '{}'", file.string()));
  return added;
}

}  // namespace migproof
