// random_walk: what a database is depends on which revisions are applied, and on nothing else.
#include <fmt/format.h>

#include <algorithm>

#include "harness/verify/property.h"
#include "harness/verify/rambles.h"
#include "harness/verify/trial.h"

namespace migproof {

namespace {

std::string Ids(const std::vector<const Revision*>& revisions) {
  constexpr std::size_t kShown = 8;
  std::string ids;
  const std::size_t begin = revisions.size() > kShown ? revisions.size() - kShown : 0;
  for (std::size_t i = begin; i < revisions.size(); ++i) ids += (ids.empty() ? "" : ", ") + revisions[i]->id;
  return begin > 0 ? fmt::format("... ({} more), {}", begin, ids) : ids.empty() ? "nothing" : ids;
}

class RandomWalk : public Property {
 public:
  std::string_view Sentence() const override {
    return "whatever way leads there, catalog and ledger are what the applied revisions make, and rows survive";
  }
  bool ChecksRevisions() const override { return false; }
  bool ChecksHistory() const override { return true; }
  int Rank() const override { return 70; }
  std::string WhyNotApplicable(const Subject&, const Revision*) const override { return ""; }

  std::optional<Finding> Check(Trial& trial) const override {
    const RamblesResult& result = trial.Rambles();
    trial.Exercised("walks", result.rambles);
    trial.Exercised("moves", result.legs);
    trial.Exercised("upgrades", result.counts.upgrades);
    trial.Exercised("downgrades", result.counts.downgrades);
    trial.Exercised("objects compared", result.counts.objects);
    trial.Exercised("rows", result.counts.rows);
    trial.Exercised("rows compared", result.counts.rows_compared);
    if (result.left_out > 0) {
      trial.Note(fmt::format("no walk goes down across {} revision{}, whose round trip by itself is not exact",
                             result.left_out, result.left_out == 1 ? "" : "s"));
    }
    if (result.counts.ended > 0) {
      trial.Note(fmt::format("{} of {} walks ended where a step was refused because of rows", result.counts.ended,
                             result.rambles));
    }
    if (!result.stumble) return std::nullopt;
    return Describe(result);
  }

 private:
  static Finding Describe(const RamblesResult& result) {
    const Stumble& stumble = *result.stumble;
    Finding finding;
    finding.message = Message(stumble);
    finding.location = Where(result);
    for (const Difference& difference : stumble.gap.differences) finding.drift.push_back(difference.ToLine());
    int number = 0;
    for (const Leg& leg : result.ramble) {
      finding.evidence.push_back(fmt::format("move {}: {}", ++number, ToString(leg)));
      if (!leg.rows) continue;
      for (const std::string& statement : InsertStatements(*leg.rows)) AddLines(statement, finding.evidence);
    }
    for (const Error& refusal : stumble.refusals) finding.evidence.push_back(EvidenceLine(refusal));
    finding.evidence.insert(finding.evidence.end(), stumble.gap.rows.begin(), stumble.gap.rows.end());
    finding.evidence.push_back("applied then: " + Ids(stumble.applied));
    return finding;
  }

  static std::string Message(const Stumble& stumble) {
    switch (stumble.kind) {
      case Stumble::Kind::kRefused:
        return fmt::format("by this way, the {} of '{}' fails: {}", Name(stumble.direction), stumble.revision->id,
                           stumble.refusals.front().message());
      case Stumble::Kind::kCatalog:
        return "by this way, the catalog is not what upgrades alone make of the revisions that are applied";
      case Stumble::Kind::kRows: return "by this way, the rows are not what they should be";
      case Stumble::Kind::kLedger: return "by this way, the ledger is wrong: " + stumble.ledger;
    }
    return "";
  }

  // The refused statement; else what the last move was about.
  static SourceLocation Where(const RamblesResult& result) {
    const Stumble& stumble = *result.stumble;
    if (!stumble.refusals.empty() && !stumble.refusals.front().where().empty()) {
      return stumble.refusals.front().where();
    }
    for (auto leg = result.ramble.rbegin(); leg != result.ramble.rend(); ++leg) {
      if (leg->revision != nullptr) return leg->revision->where;
    }
    return {};
  }

  static void AddLines(const std::string& text, std::vector<std::string>& lines) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      lines.push_back(text.substr(at, end - at));
      at = end + 1;
    }
  }
};

const Registered<Property, RandomWalk> kRandomWalk("random_walk");

}  // namespace

}  // namespace migproof
