#include "harness/report/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/report/waivers.h"

namespace migproof {

namespace {

nlohmann::json GraphJson(const std::vector<ReportedRevision>& graph) {
  nlohmann::json revisions = nlohmann::json::array();
  for (const ReportedRevision& revision : graph) {
    revisions.push_back({{"id", revision.id},
                         {"title", revision.title},
                         {"parents", revision.parents},
                         {"depends_on", revision.depends_on},
                         {"location", {{"file", revision.where.file}, {"line", revision.where.line}}}});
  }
  return revisions;
}

std::vector<ReportedRevision> GraphFromJson(const nlohmann::json& json) {
  std::vector<ReportedRevision> graph;
  for (const auto& revision : json) {
    const auto& where = revision.at("location");
    graph.push_back({revision.at("id"),
                     revision.at("title"),
                     revision.at("parents"),
                     revision.at("depends_on"),
                     {where.at("file"), where.at("line")}});
  }
  return graph;
}

}  // namespace

std::map<Outcome, int> Report::Counts() const {
  std::map<Outcome, int> counts;
  for (const Verdict& verdict : verdicts) {
    if (verdict.outcome != Outcome::kFalsified || verdict.waiver.empty()) ++counts[verdict.outcome];
  }
  return counts;
}

int Report::Waived() const {
  int waived = 0;
  for (const Verdict& verdict : verdicts) waived += verdict.outcome == Outcome::kFalsified && !verdict.waiver.empty();
  return waived;
}

bool Report::NothingChecked() const {
  return std::all_of(verdicts.begin(), verdicts.end(),
                     [](const Verdict& verdict) { return verdict.outcome == Outcome::kNotApplicable; });
}

int Report::ExitStatus() const {
  std::map<Outcome, int> counts = Counts();
  if (counts[Outcome::kFalsified] > 0) return 1;
  const bool unchecked = counts[Outcome::kGaveUp] + counts[Outcome::kSkipped] + counts[Outcome::kError] > 0;
  // A shard may well have nothing to look at; the whole may not.
  return unchecked || (shard.of == 1 && NothingChecked()) ? 2 : 0;
}

nlohmann::json ToJson(const Report& report) {
  nlohmann::json verdicts = nlohmann::json::array();
  for (const Verdict& verdict : report.verdicts) verdicts.push_back(ToJson(verdict));
  nlohmann::json summary;
  std::map<Outcome, int> counts = report.Counts();
  for (const Outcome outcome : {Outcome::kHeld, Outcome::kFalsified, Outcome::kNotApplicable, Outcome::kGaveUp,
                                Outcome::kSkipped, Outcome::kError}) {
    summary[std::string(Name(outcome))] = counts[outcome];
  }
  summary["waived"] = report.Waived();
  summary["exit_status"] = report.ExitStatus();
  nlohmann::json servers = nlohmann::json::array();
  for (const ReportedServer& server : report.servers) {
    servers.push_back({{"name", server.name}, {"description", server.description}});
  }
  return {{"verdicts", std::move(verdicts)},
          {"summary", std::move(summary)},
          {"server", report.server},
          {"servers", std::move(servers)},
          {"history",
           {{"format", report.format},
            {"directory", report.directory},
            {"revisions", report.revisions},
            {"heads", report.heads},
            {"graph", GraphJson(report.graph)}}},
          {"run", report.run},
          {"shard", {{"index", report.shard.index}, {"of", report.shard.of}}},
          {"laws", report.law_sentences},
          {"equivalence", report.equivalence},
          {"rows", ToJson(report.coverage)},
          {"notes", report.notes}};
}

Report ReportFromJson(const nlohmann::json& json, const std::string& name) {
  try {
    Report report;
    for (const auto& verdict : json.at("verdicts")) report.verdicts.push_back(VerdictFromJson(verdict));
    const auto& history = json.at("history");
    report.format = history.at("format");
    report.directory = history.at("directory");
    report.revisions = history.at("revisions");
    report.heads = history.at("heads");
    report.graph = GraphFromJson(history.at("graph"));
    report.run = json.at("run");
    report.shard = {json.at("shard").at("index"), json.at("shard").at("of")};
    report.law_sentences = json.at("laws").get<std::map<std::string, std::string>>();
    report.server = json.at("server");
    for (const auto& server : json.value("servers", nlohmann::json::array())) {
      report.servers.push_back({server.at("name"), server.at("description")});
    }
    report.equivalence = json.at("equivalence");
    report.coverage = Coverage::FromJson(json.at("rows"));
    report.notes = json.at("notes");
    return report;
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' is no report of migproof: {}", name, error.what()))
        .WithHint("'migproof verify --report json=FILE' writes one");
  }
}

std::string UnitName(const Verdict& verdict) {
  std::string name = verdict.revision.empty() ? "the history" : verdict.revision;
  if (!verdict.server.empty()) name += " on " + verdict.server;
  return name;
}

std::vector<std::string> StaleDeclarations(const Report& report) {
  std::vector<std::string> lines;
  for (const Verdict& verdict : report.verdicts) {
    for (const std::string& line : verdict.stale) {
      const bool everywhere = std::all_of(report.verdicts.begin(), report.verdicts.end(), [&](const Verdict& other) {
        return other.law != verdict.law || other.revision != verdict.revision || other.outcome == Outcome::kSkipped ||
               std::find(other.stale.begin(), other.stale.end(), line) != other.stale.end();
      });
      const bool told = std::find(lines.begin(), lines.end(), line) != lines.end();
      if (everywhere && !told) lines.push_back(line);
    }
  }
  return lines;
}

std::string ServerOf(const Report& report, const Verdict& verdict) {
  for (const ReportedServer& server : report.servers) {
    if (server.name == verdict.server) return server.description;
  }
  return report.server;
}

std::string ToldFinding::Where() const {
  const std::string name = verdict->revision.empty() ? "the history" : verdict->revision;
  return servers.empty() ? name : fmt::format("{} on {}", name, fmt::join(servers, ", "));
}

std::vector<ToldFinding> FindingsToTell(const Report& report, bool waived) {
  std::vector<ToldFinding> told;
  for (const Verdict& verdict : report.verdicts) {
    if (verdict.outcome != Outcome::kFalsified || verdict.waiver.empty() == waived) continue;
    const auto known = std::find_if(told.begin(), told.end(), [&](const ToldFinding& other) {
      return other.verdict->server != verdict.server && FindingName(*other.verdict) == FindingName(verdict);
    });
    ToldFinding& here = known == told.end() ? told.emplace_back(ToldFinding{&verdict, {}}) : *known;
    if (!verdict.server.empty()) here.servers.push_back(verdict.server);
  }
  return told;
}

std::string ExercisedText(const std::map<std::string, std::int64_t>& exercised) {
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

std::string ReadableName(Outcome outcome) {
  std::string name(Name(outcome));
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::string SummaryText(const Report& report) {
  std::map<Outcome, int> counts = report.Counts();
  const int status = report.ExitStatus();
  const int unchecked = counts[Outcome::kGaveUp] + counts[Outcome::kSkipped] + counts[Outcome::kError];
  std::string text;
  if (status == 0 && report.NothingChecked()) {
    text = fmt::format("nothing falls to shard {} of {}", report.shard.index, report.shard.of);
  } else if (status == 0) {
    text = fmt::format("all {} checks held", counts[Outcome::kHeld]);
  } else if (status == 1) {
    text = fmt::format("{} falsified, {} held", counts[Outcome::kFalsified], counts[Outcome::kHeld]);
    if (unchecked > 0) text += fmt::format(", {} not checked", unchecked);
  } else if (unchecked == 0) {
    text = "nothing was checked";
  } else {
    text = fmt::format("{} not checked, {} held", unchecked, counts[Outcome::kHeld]);
  }
  if (report.Waived() > 0) text += fmt::format(", {} waived", report.Waived());
  return text;
}

}  // namespace migproof
