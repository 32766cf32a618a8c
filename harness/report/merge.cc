#include "harness/report/merge.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

namespace migproof {

namespace {

using NamedReport = std::pair<std::string, Report>;

void CheckSameRun(const NamedReport& first, const NamedReport& other) {
  if (first.second.run != other.second.run || first.second.shard.of != other.second.shard.of) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' and '{}' are not of the same run", first.first, other.first))
        .WithHint("shards have the same history, laws, seed, cases and --shard I/N of the same N");
  }
}

void CheckServers(const std::vector<NamedReport>& shards) {
  const NamedReport* first = nullptr;
  for (const NamedReport& shard : shards) {
    if (shard.second.server.empty()) continue;  // it had nothing to look at
    if (first != nullptr && first->second.server != shard.second.server) {
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

std::vector<std::string> LawsInOrder(const Report& report) {
  std::vector<std::string> laws;
  for (const Verdict& verdict : report.verdicts) {
    if (laws.empty() || laws.back() != verdict.law) laws.push_back(verdict.law);
  }
  return laws;
}

// One order that agrees with that of each shard.
std::vector<std::string> LawsOfAll(const std::vector<NamedReport>& shards) {
  std::vector<std::vector<std::string>> lists;
  for (const auto& [unused, report] : shards) lists.push_back(LawsInOrder(report));
  std::vector<std::string> order;
  for (;;) {
    std::erase_if(lists, [](const auto& list) { return list.empty(); });
    if (lists.empty()) return order;
    const auto first = std::find_if(lists.begin(), lists.end(), [&](const auto& list) {
      return std::none_of(lists.begin(), lists.end(), [&](const auto& other) {
        return std::find(other.begin() + 1, other.end(), list.front()) != other.end();
      });
    });
    order.push_back(first == lists.end() ? lists.front().front() : first->front());
    for (auto& list : lists) std::erase(list, order.back());
  }
}

void SortVerdicts(Report& report, const std::vector<std::string>& laws) {
  std::map<std::string, std::size_t> revisions;
  for (std::size_t i = 0; i < report.graph.size(); ++i) revisions.emplace(report.graph[i].id, i);
  const auto place = [&](const Verdict& verdict) {
    const auto law = std::find(laws.begin(), laws.end(), verdict.law) - laws.begin();
    const auto revision = revisions.find(verdict.revision);
    const std::size_t last = verdict.revision.empty() ? report.graph.size() + 1 : report.graph.size();
    return std::pair(law, revision == revisions.end() ? last : revision->second);
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
  Report whole = shards.front().second;
  for (auto shard = shards.begin() + 1; shard != shards.end(); ++shard) {
    const Report& part = shard->second;
    whole.verdicts.insert(whole.verdicts.end(), part.verdicts.begin(), part.verdicts.end());
    whole.law_sentences.insert(part.law_sentences.begin(), part.law_sentences.end());
    whole.coverage.Merge(part.coverage);
    if (whole.server.empty()) whole.server = part.server;
    whole.seconds += part.seconds;
    for (const std::string& note : part.notes) {
      if (std::find(whole.notes.begin(), whole.notes.end(), note) == whole.notes.end()) whole.notes.push_back(note);
    }
  }
  whole.shard = {};
  SortVerdicts(whole, LawsOfAll(shards));
  return whole;
}

}  // namespace migproof
