#include "harness/report/merge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>

#include "harness/verify/property.h"

namespace migproof {

namespace {

using NamedReport = std::pair<std::string, Report>;

void CheckSameRun(const NamedReport& first, const NamedReport& other) {
  if (first.second.run != other.second.run || first.second.shard.of != other.second.shard.of) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' and '{}' are not of the same run", first.first, other.first))
        .WithHint("shards have the same history, laws, seed, cases and --shard I/N of the same N");
  }
}

// Of a run on several a shard tells of those that it has started.
bool DifferInServers(const Report& a, const Report& b) {
  if (a.servers.empty() || b.servers.empty()) return a.server != b.server;
  return std::any_of(a.servers.begin(), a.servers.end(), [&](const ReportedServer& server) {
    return std::any_of(b.servers.begin(), b.servers.end(), [&](const ReportedServer& other) {
      return other.name == server.name && other.description != server.description;
    });
  });
}

void CheckServers(const std::vector<NamedReport>& shards) {
  const NamedReport* first = nullptr;
  for (const NamedReport& shard : shards) {
    if (shard.second.server.empty()) continue;  // it had nothing to look at
    if (first != nullptr && DifferInServers(first->second, shard.second)) {
      throw Error(ErrorKind::kUsage, fmt::format("'{}' is from {}, '{}' from {}", first->first, first->second.server,
                                                 shard.first, shard.second.server));
    }
    if (first == nullptr) first = &shard;
  }
}

void CheckComplete(const std::vector<NamedReport>& shards) {
  const int of = shards.front().second.shard.of;
  std::map<int, std::string> seen;
  for (const auto& [name, report] : shards) {
    const auto [at, fresh] = seen.emplace(report.shard.index, name);
    if (!fresh) {
      throw Error(ErrorKind::kUsage,
                  fmt::format("'{}' and '{}' are both shard {} of {}", at->second, name, report.shard.index, of));
    }
  }
  std::vector<int> missing;
  for (int index = 1; index <= of; ++index) {
    if (!seen.contains(index)) missing.push_back(index);
  }
  if (!missing.empty()) {
    throw Error(ErrorKind::kUsage,
                fmt::format("{} of {} shards are missing: {}", missing.size(), of, fmt::join(missing, ", ")))
        .WithHint("a shard that did not end has checked nothing: run it again");
  }
}

// Laws come as in every report; the checks that are no laws (of the gate) come first, as they do there.
std::pair<int, std::string> PlaceOfLaw(const std::string& law) {
  static const std::vector<std::string> known = Registry<Property>::Names();
  const bool is_law = std::binary_search(known.begin(), known.end(), law);
  return {is_law ? Registry<Property>::Get(law).Rank() : std::numeric_limits<int>::min(), law};
}

void SortVerdicts(Report& report) {
  std::map<std::string, std::size_t> revisions;
  for (std::size_t i = 0; i < report.graph.size(); ++i) revisions.emplace(report.graph[i].id, i);
  // Servers come in their order, what is about all of them last.
  const auto server_of = [&](const Verdict& verdict) {
    const auto server = std::find_if(report.servers.begin(), report.servers.end(),
                                     [&](const ReportedServer& known) { return known.name == verdict.server; });
    return server - report.servers.begin();
  };
  const auto place = [&](const Verdict& verdict) {
    const auto revision = revisions.find(verdict.revision);
    const std::size_t last = verdict.revision.empty() ? report.graph.size() + 1 : report.graph.size();
    return std::tuple(server_of(verdict), PlaceOfLaw(verdict.law),
                      revision == revisions.end() ? last : revision->second);
  };
  std::stable_sort(report.verdicts.begin(), report.verdicts.end(),
                   [&](const Verdict& a, const Verdict& b) { return place(a) < place(b); });
}

}  // namespace

Report MergeReports(const std::vector<NamedReport>& shards) {
  if (shards.empty()) throw Error(ErrorKind::kUsage, "there is no report to merge");
  for (const NamedReport& shard : shards) CheckSameRun(shards.front(), shard);
  CheckComplete(shards);
  CheckServers(shards);
  std::vector<NamedReport> in_order = shards;
  std::sort(in_order.begin(), in_order.end(),
            [](const NamedReport& a, const NamedReport& b) { return a.second.shard.index < b.second.shard.index; });
  Report whole = in_order.front().second;
  for (auto shard = in_order.begin() + 1; shard != in_order.end(); ++shard) {
    const Report& part = shard->second;
    whole.verdicts.insert(whole.verdicts.end(), part.verdicts.begin(), part.verdicts.end());
    whole.law_sentences.insert(part.law_sentences.begin(), part.law_sentences.end());
    whole.coverage.Merge(part.coverage);
    if (whole.server.empty() || whole.servers.size() < part.servers.size()) {
      whole.server = part.server;
      whole.servers = part.servers;
    }
    whole.seconds += part.seconds;
    for (const std::string& note : part.notes) {
      if (std::find(whole.notes.begin(), whole.notes.end(), note) == whole.notes.end()) whole.notes.push_back(note);
    }
  }
  whole.shard = {};
  SortVerdicts(whole);
  return whole;
}

}  // namespace migproof
