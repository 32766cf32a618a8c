#include "harness/verify/versions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "harness/catalog/across_versions.h"
#include "harness/verify/run_differences.h"

namespace migproof {

// One database on one server.
struct Versions::Runner {
  Runner(std::string called, std::unique_ptr<Bench> made)
      : name(std::move(called)),
        own(std::move(made)),
        major(own->server().major_version()),
        source(*own),
        stand(std::make_unique<Stand>(*own, own->Fresh(), 0)) {}

  void Look() { seen = stand->Observe(); }

  // `seen`, as a server of major `oldest` could say it.
  Observation On(int oldest) const {
    Observation normal = seen;
    normal.catalog = std::make_shared<const Catalog>(AsOn(oldest, *seen.catalog, major));
    return normal;
  }

  std::string name;
  std::unique_ptr<Bench> own;
  int major;
  ReplaySource source;
  std::unique_ptr<Stand> stand;
  Observation seen;
  std::set<std::string> known;  // differences from the first that earlier steps have added
};

namespace {

std::string StatementOf(const Error& refusal) {
  return refusal.where().ToString() + "\n" + (refusal.sql() ? refusal.sql()->statement : refusal.message());
}

bool AmongRefused(const std::vector<Error>& refusals, const Error& refusal) {
  return std::any_of(refusals.begin(), refusals.end(),
                     [&](const Error& other) { return StatementOf(other) == StatementOf(refusal); });
}

// Servers with the same differences from the first are told together.
void AddFault(VersionFault fault, std::vector<VersionFault>& faults) {
  for (VersionFault& known : faults) {
    if (known.move != fault.move || known.against != fault.against || known.drift != fault.drift ||
        known.rows != fault.rows) {
      continue;
    }
    known.servers.push_back(fault.servers.front());
    return;
  }
  faults.push_back(std::move(fault));
}

}  // namespace

Versions::Versions(const Bench& bench) : bench_(bench) {
  const BenchOptions& options = bench.options();
  runners_.push_back(std::make_unique<Runner>(options.name, bench.Another()));
  for (const OtherServer& other : options.others) {
    BenchOptions plain;
    plain.seed = options.seed;
    runners_.push_back(
        std::make_unique<Runner>(other.name, std::make_unique<Bench>(bench.subject(), other.factory, plain)));
  }
}

Versions::~Versions() = default;

const VersionStep& Versions::At(std::size_t index) {
  if (steps_.empty()) {
    steps_.resize(bench_.subject().order().size());
    GoUp();
    GoDown();
  }
  return steps_[index];
}

void Versions::GoUp() {
  const auto& order = bench_.subject().order();
  for (std::size_t i = 0; i < order.size(); ++i) {
    VersionStep& step = steps_[i];
    if (i > 0) {
      step.declared = steps_[i - 1].declared;
      step.not_declared = steps_[i - 1].not_declared;
    }
    LeaveOut(step, *order[i]);
    if (i == 0) {
      for (const auto& runner : runners_) runner->Look();
    }
    Rebase(i);
    std::vector<std::vector<Error>> refusals;
    for (const auto& runner : runners_) refusals.push_back(runner->stand->UpgradeNext());
    for (std::size_t at = runners_.size(); at-- > 0;) {
      const std::string lacks = runners_[at]->stand->missing();
      if (lacks.empty()) continue;
      step.not_declared[runners_[at]->name] = lacks;
      refusals.erase(refusals.begin() + static_cast<std::ptrdiff_t>(at));
      runners_.erase(runners_.begin() + static_cast<std::ptrdiff_t>(at));
    }
    Rebase(i);
    for (const auto& runner : runners_) step.compared.push_back(runner->name);
    if (runners_.size() < 2) continue;
    twin_->stand->UpgradeNext();
    step.steps += static_cast<std::int64_t>(runners_.size());
    CompareRefusals(Move::kUpgrade, refusals, step);
    for (const auto& runner : runners_) runner->Look();
    NoteExtensions(step);
    Compare(Move::kUpgrade, step);
  }
}

// Servers that are not meant for what comes now end here.
void Versions::LeaveOut(VersionStep& step, const Revision& revision) {
  std::erase_if(runners_, [&](const std::unique_ptr<Runner>& runner) {
    if (const Declaration* unmet = revision.UnmetBy(runner->major)) {
      step.declared[runner->name] = fmt::format("{} requires {}", revision.id, unmet->object);
      return true;
    }
    if (runner->stand->missing().empty()) return false;
    step.not_declared[runner->name] = runner->stand->missing();
    return true;
  });
}

void Versions::CompareRefusals(Move move, const std::vector<std::vector<Error>>& refusals, VersionStep& step) {
  std::vector<const Error*> told;
  for (const std::vector<Error>& of_one : refusals) {
    for (const Error& refusal : of_one) {
      const bool again = std::any_of(told.begin(), told.end(),
                                     [&](const Error* other) { return StatementOf(*other) == StatementOf(refusal); });
      if (again) continue;
      told.push_back(&refusal);
      VersionRefusal found{.move = move, .line = EvidenceLine(refusal), .where = refusal.where()};
      for (std::size_t i = 0; i < refusals.size(); ++i) {
        const int major = runners_[i]->major;
        if (AmongRefused(refusals[i], refusal)) {
          found.refusing.push_back(runners_[i]->name);
          found.newest_refusing = std::max(found.newest_refusing, major);
        } else {
          found.taking.push_back(runners_[i]->name);
          found.oldest_taking = found.oldest_taking == 0 ? major : std::min(found.oldest_taking, major);
        }
      }
      if (!found.taking.empty()) step.refusals.push_back(std::move(found));
    }
  }
}

void Versions::NoteExtensions(VersionStep& step) {
  std::map<std::string, std::map<std::string, std::vector<std::string>>> versions;
  for (const auto& runner : runners_) {
    for (const std::string& extension : runner->seen.catalog->Names("extension")) {
      const std::string version = runner->seen.catalog->Attribute("extension", extension, "version");
      versions[extension][version].push_back(runner->name);
    }
  }
  for (const auto& [extension, by_version] : versions) {
    if (by_version.size() < 2) continue;
    std::vector<std::string> parts;
    for (const auto& [version, servers] : by_version) {
      parts.push_back(fmt::format("{} on {}", version, fmt::join(servers, ", ")));
    }
    std::string note = fmt::format("extension {} is {}", extension, fmt::join(parts, "; "));
    if (noted_.insert(note).second) step.notes.push_back(std::move(note));
  }
}

// What the servers have otherwise before the revision is nobody's fault. To be asked before the twin upgrades; what was
// seen of the others is from before the revision, too.
void Versions::Rebase(std::size_t index) {
  if (runners_.size() < 2 || (twin_ != nullptr && twin_->name == runners_.front()->name)) return;
  Runner& first = *runners_.front();
  twin_ = std::make_unique<Runner>(first.name, first.own->Another());
  twin_->stand->UpgradeTo(index);
  twin_->Look();
  VersionStep nobody;
  for (std::size_t i = 1; i < runners_.size(); ++i) {
    runners_[i]->known.clear();
    CompareWith(first, *runners_[i], Move::kUpgrade, nobody);
  }
}

void Versions::Compare(Move move, VersionStep& step) {
  Runner& first = *runners_.front();
  twin_->Look();
  for (std::size_t i = 1; i < runners_.size(); ++i) CompareWith(first, *runners_[i], move, step);
  step.objects += static_cast<std::int64_t>(first.seen.catalog->objects().size());
  step.rows += first.seen.rows->Count();
}

void Versions::CompareWith(Runner& first, Runner& other, Move move, VersionStep& step) {
  const int oldest = std::min(first.major, other.major);
  RunDifferences differences = CompareRuns(first.On(oldest), other.On(oldest), twin_->On(oldest));
  VersionFault fault{.move = move, .servers = {other.name}, .against = first.name};
  for (const Difference& difference : differences.drift) {
    std::string line = difference.ToLine();
    if (other.known.contains(line)) continue;
    other.known.insert(line);
    if (RendersAlike(first.stand->session(), other.stand->session(), difference)) continue;
    fault.drift.push_back(std::move(line));
  }
  for (std::string& line : differences.rows) {
    if (other.known.insert(line).second) fault.rows.push_back(std::move(line));
  }
  if (!fault.drift.empty() || !fault.rows.empty()) AddFault(std::move(fault), step.faults);
}

void Versions::GoDown() {
  const auto& order = bench_.subject().order();
  // A server that was left out on the way up has nothing to go down from.
  for (std::size_t i = order.size(); i-- > 0 && runners_.size() >= 2;) {
    const Revision& revision = *order[i];
    VersionStep& step = steps_[i];
    const bool undone = revision.downgrade && !revision.Declares("irreversible") && DowngradeAll(i, step);
    if (undone) continue;
    if (i == 0) return;
    for (const auto& runner : runners_) runner->stand = runner->source.At(i);
    twin_->stand = twin_->source.At(i);
  }
}

// False where the state below the revision has to be made anew.
bool Versions::DowngradeAll(std::size_t index, VersionStep& step) {
  std::vector<std::vector<Error>> refusals;
  bool refused = false;
  for (const auto& runner : runners_) {
    refusals.push_back(runner->stand->DowngradeLast());
    refused = refused || !refusals.back().empty();
  }
  refused = !twin_->stand->DowngradeLast().empty() || refused;
  step.steps += static_cast<std::int64_t>(runners_.size());
  CompareRefusals(Move::kDowngrade, refusals, step);
  if (refused) return false;
  for (const auto& runner : runners_) runner->Look();
  Compare(Move::kDowngrade, step);
  return runners_.front()->stand->index() == index;
}

}  // namespace migproof
