#include "harness/report/waivers.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>

#include "harness/report/expectation.h"
#include "migrations/format.h"

namespace migproof {

namespace {

nlohmann::ordered_json ReadWaivers(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file)) return {{"waivers", nlohmann::ordered_json::array()}};
  try {
    auto document = nlohmann::ordered_json::parse(ReadTextFile(file));
    for (const auto& waiver : document.at("waivers")) {
      for (const char* key : {"finding", "why", "until"}) waiver.at(key).get<std::string>();
    }
    return document;
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' holds no waivers: {}", file.string(), error.what()))
        .WithHint("'migproof accept' writes it");
  }
}

bool IsDay(const std::string& text) {
  static const std::regex kDay("[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])");
  return std::regex_match(text, kDay);
}

// Once: the waivers of merged shards are applied again.
void AddNote(Report& report, const std::string& note) {
  if (std::find(report.notes.begin(), report.notes.end(), note) == report.notes.end()) report.notes.push_back(note);
}

// Whether the run would have found it: a shard, or a run over some revisions, says nothing about the others. A revision
// that is no longer there is looked at by everybody.
bool WasLookedAt(const Report& report, const std::string& finding) {
  const std::size_t colon = finding.find(':');
  const std::string law = finding.substr(0, colon);
  const std::string revision = finding.substr(colon + 1, finding.rfind('#') - colon - 1);
  const bool there = revision.empty() || std::any_of(report.graph.begin(), report.graph.end(),
                                                     [&](const auto& known) { return known.id == revision; });
  return !there || std::any_of(report.verdicts.begin(), report.verdicts.end(), [&](const Verdict& verdict) {
    return verdict.law == law && verdict.revision == revision;
  });
}

}  // namespace

std::string FindingName(const Verdict& verdict) {
  std::string text = verdict.law + "\n" + verdict.revision + "\n";
  if (verdict.finding && verdict.finding->counterexample) {
    text += verdict.finding->counterexample->signature;  // other seeds find the same fault with other rows
  } else if (verdict.finding) {
    text += MaskTimes(verdict.finding->message) + "\n";
    for (const std::string& line : verdict.finding->drift) text += MaskTimes(line) + "\n";
  }
  return fmt::format("{}:{}#{:08x}", verdict.law, verdict.revision,
                     static_cast<std::uint32_t>(XXH3_64bits(text.data(), text.size())));
}

void ApplyWaivers(Report& report, const std::filesystem::path& file, const std::string& today) {
  const auto waivers = ReadWaivers(file);
  for (const auto& waiver : waivers.at("waivers")) {
    const std::string finding = waiver.at("finding");
    const std::string until = waiver.at("until");
    const bool expired = until < today;
    bool occurs = false;
    for (Verdict& verdict : report.verdicts) {
      if (verdict.outcome != Outcome::kFalsified || FindingName(verdict) != finding) continue;
      occurs = true;
      if (!expired) verdict.waiver = fmt::format("{} (until {})", waiver.at("why").get<std::string>(), until);
    }
    if (expired) AddNote(report, fmt::format("the waiver of {} expired on {}", finding, until));
    if (!occurs && WasLookedAt(report, finding)) {
      AddNote(report, fmt::format("the waiver of {} covers nothing in this run", finding));
    }
  }
}

void AcceptFinding(const std::filesystem::path& file, const std::string& finding, const std::string& why,
                   const std::string& until, const std::string& today) {
  static const std::regex kName("[a-z_]+:[^#]*#[0-9a-f]{8}");
  if (!std::regex_match(finding, kName)) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' is not the name of a finding", finding))
        .WithHint("reports print it behind 'accept:', like round_trip:s44#1f0c2a9b");
  }
  if (why.empty()) throw Error(ErrorKind::kUsage, "a waiver needs a reason");
  if (!IsDay(until)) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' is not a day", until)).WithHint("--until YYYY-MM-DD");
  }
  if (until < today) throw Error(ErrorKind::kUsage, fmt::format("the day {} is over (today is {})", until, today));
  auto document = ReadWaivers(file);
  auto& waivers = document["waivers"];
  for (auto waiver = waivers.begin(); waiver != waivers.end(); ++waiver) {
    if (waiver->at("finding") != finding) continue;
    waivers.erase(waiver);
    break;
  }
  waivers.push_back({{"finding", finding}, {"why", why}, {"until", until}});
  std::ofstream out(file);
  out << document.dump(2) << '\n';
  if (!out.flush()) throw Error(ErrorKind::kUsage, fmt::format("can't write '{}'", file.string()));
}

std::string Today() {
  const std::time_t now = std::time(nullptr);
  std::tm day{};
  gmtime_r(&now, &day);
  char text[11];
  std::strftime(text, sizeof text, "%Y-%m-%d", &day);
  return text;
}

}  // namespace migproof
