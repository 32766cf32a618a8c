#include "harness/verify/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xxhash.h>

#include <algorithm>

#include "harness/verify/property.h"
#include "harness/verify/verify.h"

namespace migproof {

namespace {

std::vector<NamedLaw> LawsAsked(const std::vector<std::string>& names, std::size_t servers) {
  std::vector<NamedLaw> laws;
  for (const std::string& name : names.empty() ? Registry<Property>::Names() : names) {
    const Property& property = Registry<Property>::Get(name);
    const bool unasked = property.OnlyByName() || (property.ComparesServers() && servers == 1);
    if (!names.empty() || !unasked) laws.push_back({name, &property});
  }
  std::stable_sort(laws.begin(), laws.end(), [](const NamedLaw& a, const NamedLaw& b) {
    return std::pair(a.property->Rank(), a.name) < std::pair(b.property->Rank(), b.name);
  });
  return laws;
}

// The revisions are many and alike: a stretch of them costs one walk. The laws about the history are few and dear.
std::vector<PlannedUnit> Dealt(const std::vector<PlannedUnit>& units, bool history, std::size_t index, std::size_t of) {
  std::vector<PlannedUnit> kind;
  std::copy_if(units.begin(), units.end(), std::back_inserter(kind),
               [&](const PlannedUnit& unit) { return (unit.revision == PlannedUnit::kHistory) == history; });
  std::vector<PlannedUnit> dealt;
  for (std::size_t i = 0; i < kind.size(); ++i) {
    const std::size_t shard = history ? of - 1 - i % of : i * of / kind.size();
    if (shard == index) dealt.push_back(kind[i]);
  }
  return dealt;
}

// The first half of the workers takes what is asked with rows, in stretches; the others share the rest in turn.
std::vector<std::vector<PlannedUnit>> ByKind(const std::vector<PlannedUnit>& units, std::size_t of) {
  const auto with_rows = static_cast<std::size_t>(
      std::count_if(units.begin(), units.end(), [](const PlannedUnit& unit) { return unit.with_rows; }));
  const bool both = with_rows > 0 && with_rows < units.size();
  const std::size_t half = both && of > 1 ? of / 2 : of;
  const std::size_t rest = half < of ? half : 0;
  std::vector<std::vector<PlannedUnit>> parts(of);
  std::size_t rows_at = 0;
  std::size_t rest_at = 0;
  for (const PlannedUnit& unit : units) {
    const std::size_t worker = unit.with_rows ? rows_at++ * half / with_rows : rest + rest_at++ % (of - rest);
    parts[worker].push_back(unit);
  }
  return parts;
}

std::string DescribedForDigest(const Revision& revision) {
  std::string text = fmt::format("{}\n{}\n", revision.id, revision.Checksum());
  if (revision.downgrade) text += revision.downgrade->script.text();
  for (const std::string& literal : revision.upgrade.literals) text += literal + "\n";
  return text;
}

}  // namespace

std::vector<PlannedUnit> ShardOf(const std::vector<PlannedUnit>& units, int index, int of) {
  if (of < 1 || index < 1 || index > of) {
    throw Error(ErrorKind::kUsage, fmt::format("there is no shard {} of {}", index, of))
        .WithHint("--shard 1/4 is the first of four");
  }
  std::vector<PlannedUnit> part;
  for (const bool history : {false, true}) {
    for (PlannedUnit& unit : Dealt(units, history, static_cast<std::size_t>(index - 1), static_cast<std::size_t>(of))) {
      part.push_back(std::move(unit));
    }
  }
  return part;
}

Plan::Plan(std::vector<NamedLaw> laws, const std::vector<PlannedUnit>& units) : units_(units), laws_(std::move(laws)) {
  for (const PlannedUnit& unit : units) {
    if (unit.revision == PlannedUnit::kHistory) {
      history_ = true;
    } else {
      revisions_.insert(unit.revision);
    }
    for (const std::string& law : unit.laws) asked_.emplace(law, unit.revision);
  }
}

std::size_t Plan::VerdictsOf(std::size_t index) const {
  return static_cast<std::size_t>(
      std::count_if(asked_.begin(), asked_.end(), [&](const auto& asked) { return asked.second == index; }));
}

std::vector<Plan> Plan::DealtOut(int workers) const {
  const auto of = static_cast<std::size_t>(std::max(workers, 1));
  std::vector<std::vector<PlannedUnit>> parts = ByKind(units_, of);
  std::erase_if(parts, [](const auto& part) { return part.empty(); });
  std::vector<Plan> plans;
  for (const auto& part : parts) plans.emplace_back(laws_, part);
  return plans;
}

Plan Plan::About(bool history) const {
  std::vector<PlannedUnit> units = units_;
  std::erase_if(units, [&](const PlannedUnit& unit) { return (unit.revision == PlannedUnit::kHistory) != history; });
  return {laws_, units};
}

Plan Plan::Comparing(bool servers) const {
  std::vector<NamedLaw> laws = laws_;
  std::erase_if(laws, [&](const NamedLaw& law) { return law.property->ComparesServers() != servers; });
  std::vector<PlannedUnit> units = units_;
  for (PlannedUnit& unit : units) {
    std::erase_if(unit.laws, [&](const std::string& law) {
      return std::none_of(laws.begin(), laws.end(), [&](const NamedLaw& kept) { return kept.name == law; });
    });
  }
  std::erase_if(units, [](const PlannedUnit& unit) { return unit.laws.empty(); });
  return {std::move(laws), units};
}

std::vector<std::pair<std::string, std::string>> Plan::Units(const Subject& subject) const {
  std::vector<std::pair<std::string, std::string>> units;
  for (const NamedLaw& law : laws_) {
    for (const std::size_t index : revisions_) {
      if (Includes(law, index)) units.emplace_back(law.name, subject.order()[index]->id);
    }
    if (IncludesHistory(law)) units.emplace_back(law.name, "");
  }
  return units;
}

std::vector<PlannedUnit> UnitsOf(const Subject& subject, const VerifyOptions& options,
                                 const std::vector<NamedLaw>& laws) {
  std::set<std::size_t> revisions;
  for (const std::string& id : options.revisions) revisions.insert(subject.IndexOf(subject.history().Get(id)));
  const bool all = options.revisions.empty();
  for (std::size_t i = 0; all && i < subject.order().size(); ++i) revisions.insert(i);
  std::vector<PlannedUnit> units;
  for (const std::size_t index : revisions) {
    PlannedUnit with_rows{index, {}, true};
    std::vector<PlannedUnit> others;
    for (const NamedLaw& law : laws) {
      if (!law.property->ChecksRevisions()) continue;
      if (law.property->ChecksRows()) {
        with_rows.laws.push_back(law.name);
      } else {
        others.push_back({index, {law.name}, false});
      }
    }
    if (!with_rows.laws.empty()) units.push_back(std::move(with_rows));
    units.insert(units.end(), others.begin(), others.end());
  }
  for (const NamedLaw& law : laws) {
    if (all && law.property->ChecksHistory()) units.push_back({PlannedUnit::kHistory, {law.name}, false});
  }
  return units;
}

namespace {

// Of `units` what the caller has picked.
std::vector<PlannedUnit> PickedFrom(std::vector<PlannedUnit> units, const Subject& subject,
                                    const std::set<std::pair<std::string, std::string>>& picked) {
  if (picked.empty()) return units;
  for (PlannedUnit& unit : units) {
    const std::string id = unit.revision == PlannedUnit::kHistory ? "" : subject.order()[unit.revision]->id;
    std::erase_if(unit.laws, [&](const std::string& law) { return !picked.contains({law, id}); });
  }
  std::erase_if(units, [](const PlannedUnit& unit) { return unit.laws.empty(); });
  return units;
}

}  // namespace

Plan MakePlan(const Subject& subject, const VerifyOptions& options) {
  const std::vector<NamedLaw> laws = LawsAsked(options.laws, options.servers.size());
  const std::vector<PlannedUnit> units = PickedFrom(UnitsOf(subject, options, laws), subject, options.units);
  return {laws, ShardOf(units, options.shard.index, options.shard.of)};
}

std::string RunDigest(const Subject& subject, const VerifyOptions& options) {
  std::string text = fmt::format("{}\n{}\n{}\n{}\n{}\n", subject.format_name(), fmt::join(options.laws, ","),
                                 options.rows.seed, options.rows.cases, options.nightly);
  text += fmt::format("{}\n", fmt::join(options.revisions, ","));
  if (options.start.untrusted) text += "untrusted\n";
  if (options.servers.size() > 1) {  // of one the report tells
    for (const ServerSpec& server : options.servers) text += server.Label() + "\n";
  }
  for (const Revision* revision : subject.order()) text += DescribedForDigest(*revision);
  if (subject.squash()) text += subject.squash()->script.text();
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

}  // namespace migproof
