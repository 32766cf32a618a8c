// What users type to name a place in a history, and the paths that lead there.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "migrations/history.h"

namespace migproof {

namespace {

constexpr std::size_t kShortestPrefix = 4;
constexpr std::size_t kNamesInMessage = 8;

using Path = std::vector<const Revision*>;

std::string QuotedIds(const Path& revisions) {
  std::string text;
  for (std::size_t i = 0; i < revisions.size() && i < kNamesInMessage; ++i) {
    text += fmt::format("{}'{}'", i == 0 ? "" : ", ", revisions[i]->id);
  }
  if (revisions.size() > kNamesInMessage) text += fmt::format(" and {} more", revisions.size() - kNamesInMessage);
  return text;
}

// "ID+2", "+2", "-1": the name before the sign, and the signed count. No number behind a sign: nothing.
struct RelativeTarget {
  std::string_view base;
  int steps = 0;
};

std::optional<RelativeTarget> ParseRelative(std::string_view target) {
  const std::size_t sign = target.find_last_of("+-");
  if (sign == std::string_view::npos || sign + 1 == target.size()) return std::nullopt;
  int count = 0;
  const char* const end = target.data() + target.size();
  const auto parsed = std::from_chars(target.data() + sign + 1, end, count);
  if (parsed.ec != std::errc() || parsed.ptr != end || count < 0) return std::nullopt;
  return RelativeTarget{target.substr(0, sign), target[sign] == '-' ? -count : count};
}

std::string Count(std::size_t n) { return n == 1 ? "1 revision" : fmt::format("{} revisions", n); }

Error Ambiguous(std::string_view target, const std::string& why) {
  return Error(ErrorKind::kUsage, fmt::format("'{}' is ambiguous: {}", target, why))
      .WithHint("name the revision itself");
}

}  // namespace

const Revision* History::FindByPrefix(std::string_view prefix) const {
  if (prefix.size() < kShortestPrefix) return nullptr;
  Path matches;
  for (auto at = by_id_.lower_bound(prefix); at != by_id_.end(); ++at) {
    if (std::string_view(at->first).substr(0, prefix.size()) != prefix) break;
    matches.push_back(&revisions_[at->second]);
  }
  if (matches.size() > 1) {
    throw Error(ErrorKind::kUsage, fmt::format("'{}' is ambiguous: {} begin with it", prefix, QuotedIds(matches)))
        .WithHint("type more of the revision's id");
  }
  return matches.empty() ? nullptr : matches.front();
}

const Revision* History::FindNamed(std::string_view name) const {
  if (const Revision* exact = Find(name)) return exact;
  if (const auto label = by_label_.find(name); label != by_label_.end()) return &revisions_[label->second];
  if (const auto key = by_key_.find(name); key != by_key_.end()) return &revisions_[key->second];
  return FindByPrefix(name);
}

Path History::Resolve(std::string_view target) const {
  if (target == "base") return {};
  if (target == "heads") return Heads();
  if (target == "head") {
    Path heads = Heads();
    if (heads.size() == 1) return heads;
    throw Error(ErrorKind::kUsage,
                fmt::format("'head' is ambiguous: the history has {} heads, {}", heads.size(), QuotedIds(heads)))
        .WithHint("say 'heads' for all of them, or name one");
  }
  if (const Revision* named = FindNamed(target)) return {named};
  throw UnknownTarget(target);
}

Error History::UnknownTarget(std::string_view target) const {
  std::vector<std::string> candidates = Ids();
  for (const auto& [label, unused] : by_label_) candidates.push_back(label);
  candidates.insert(candidates.end(), {"head", "heads", "base"});
  return Error(ErrorKind::kUsage, fmt::format("there is no revision '{}'", target))
      .WithHint(NearNameHint(target, candidates,
                             "an id, a prefix of at least 4 characters, a label, head, heads, base, or ID+N"));
}

// `steps` children up from `revision`, or parents down. Null: one below a base.
const Revision* History::Walk(const Revision& revision, int steps, std::string_view target) const {
  const Revision* at = &revision;
  for (int i = 0; i < std::abs(steps); ++i) {
    if (at == nullptr) throw Error(ErrorKind::kUsage, fmt::format("'{}' goes below the base", target));
    Path next;
    if (steps > 0) {
      next = Children(*at);
      if (next.empty()) {
        throw Error(ErrorKind::kUsage, fmt::format("'{}' goes beyond the head '{}'", target, at->id));
      }
    } else {
      for (const std::string& parent : at->parents) next.push_back(&Get(parent));
    }
    if (next.size() > 1) {
      throw Ambiguous(target, fmt::format("'{}' has {} {}, {}", at->id, next.size(), steps > 0 ? "children" : "parents",
                                          QuotedIds(next)));
    }
    at = next.empty() ? nullptr : next.front();
  }
  return at;
}

Path History::PathTo(const Path& targets, const Applied& applied) const {
  std::vector<std::size_t> from;
  for (const Revision* target : targets) from.push_back(IndexOf(target->id));
  const std::vector<bool> wanted = Reach(from, requires_);
  const std::vector<bool> there = Mark(applied);
  return InOrder([&](std::size_t i) { return wanted[i] && !there[i]; });
}

// Steps from the applied heads: each time the one revision whose requirements are all applied.
Path History::NextSteps(const Applied& applied, int steps, std::string_view target) const {
  std::vector<bool> there = Mark(applied);
  std::vector<std::size_t> missing(size());
  std::set<std::size_t> ready;  // positions in the legal order
  for (std::size_t i = 0; i < size(); ++i) {
    for (const std::size_t needed : requires_[i]) missing[i] += there[needed] ? 0 : 1;
    if (!there[i] && missing[i] == 0) ready.insert(position_[i]);
  }
  Path path;
  while (static_cast<int>(path.size()) < steps) {
    if (ready.empty()) {
      throw Error(ErrorKind::kUsage,
                  fmt::format("'{}' goes beyond the head: {} can still be applied", target, Count(path.size())));
    }
    if (ready.size() > 1) {
      Path choices;
      for (const std::size_t position : ready) choices.push_back(&revisions_[order_[position]]);
      throw Ambiguous(target, fmt::format("{} can come next", QuotedIds(choices)));
    }
    const std::size_t next = order_[*ready.begin()];
    ready.clear();
    path.push_back(&revisions_[next]);
    for (const std::size_t dependent : dependents_[next]) {
      if (--missing[dependent] == 0 && !there[dependent]) ready.insert(position_[dependent]);
    }
  }
  return path;
}

// Resolve, and "ID+2" or "ID-1" as well.
Path History::ResolveStep(std::string_view target) const {
  const bool has_meaning = target == "base" || target == "head" || target == "heads";
  if (has_meaning || FindNamed(target) != nullptr) return Resolve(target);
  const auto relative = ParseRelative(target);
  if (!relative || relative->base.empty()) throw UnknownTarget(target);
  const Path base = Resolve(relative->base);
  if (base.size() != 1) throw Ambiguous(target, fmt::format("'{}' is {}", relative->base, Count(base.size())));
  const Revision* reached = Walk(*base.front(), relative->steps, target);
  return reached == nullptr ? Path() : Path{reached};
}

Path History::UpgradePath(const Applied& applied, std::string_view target) const {
  const auto relative = ParseRelative(target);
  if (!relative || !relative->base.empty()) return PathTo(ResolveStep(target), applied);
  if (relative->steps < 0) {
    throw Error(ErrorKind::kUsage, fmt::format("an upgrade can't go to '{}'", target))
        .WithHint("an upgrade goes up: +N; 'downgrade' takes -N");
  }
  return NextSteps(applied, relative->steps, target);
}

// The last `steps` revisions, each time the only applied head.
Path History::LastSteps(const Applied& applied, int steps, std::string_view target) const {
  std::vector<bool> there = Mark(applied);
  std::vector<std::size_t> above(size());
  std::set<std::size_t> heads;
  for (std::size_t i = 0; i < size(); ++i) {
    for (const std::size_t dependent : dependents_[i]) above[i] += there[dependent] ? 1 : 0;
    if (there[i] && above[i] == 0) heads.insert(position_[i]);
  }
  Path path;
  while (static_cast<int>(path.size()) < steps) {
    if (heads.empty()) {
      throw Error(ErrorKind::kUsage,
                  fmt::format("'{}' goes below the base: {} can be undone", target, Count(path.size())));
    }
    if (heads.size() > 1) {
      Path choices;
      for (const std::size_t position : heads) choices.push_back(&revisions_[order_[position]]);
      throw Ambiguous(target, fmt::format("{} heads are applied, {}", choices.size(), QuotedIds(choices)));
    }
    const std::size_t last = order_[*heads.begin()];
    heads.clear();
    path.push_back(&revisions_[last]);
    there[last] = false;
    for (const std::size_t needed : requires_[last]) {
      if (--above[needed] == 0 && there[needed]) heads.insert(position_[needed]);
    }
  }
  return path;
}

// The applied descendants of `stays` (its requirements' dependents, depends_on counted), newest first.
Path History::PathDownTo(const Path& stays, const Applied& applied) const {
  const std::vector<bool> there = Mark(applied);
  std::vector<std::size_t> from;
  for (const Revision* revision : stays) {
    const std::size_t i = IndexOf(revision->id);
    if (!there[i]) {
      throw Error(ErrorKind::kUsage, fmt::format("can't downgrade to '{}': it is not applied", revision->id))
          .WithHint("'migproof current' shows what is");
    }
    from.insert(from.end(), dependents_[i].begin(), dependents_[i].end());
  }
  const std::vector<bool> goes = Reach(from, dependents_);
  Path path = InOrder([&](std::size_t i) { return goes[i] && there[i]; });
  std::reverse(path.begin(), path.end());
  return path;
}

Path History::DowngradePath(const Applied& applied, std::string_view target) const {
  if (target == "base") {
    const std::vector<bool> there = Mark(applied);
    Path path = InOrder([&](std::size_t i) { return there[i]; });
    std::reverse(path.begin(), path.end());
    return path;
  }
  if (target == "head" || target == "heads") return PathDownTo(Resolve(target), applied);
  if (const Revision* named = FindNamed(target)) return PathDownTo({named}, applied);
  const auto relative = ParseRelative(target);
  if (!relative) throw UnknownTarget(target);
  if (!relative->base.empty()) return RelativeDescent(applied, relative->base, relative->steps, target);
  if (relative->steps > 0) {
    throw Error(ErrorKind::kUsage, fmt::format("a downgrade can't go to '{}'", target))
        .WithHint("a downgrade goes down: -N; 'upgrade' takes +N");
  }
  return LastSteps(applied, -relative->steps, target);
}

Path History::RelativeDescent(const Applied& applied, std::string_view base, int steps, std::string_view target) const {
  const Path named = Resolve(base);
  if (named.size() != 1) throw Ambiguous(target, fmt::format("'{}' is {}", base, Count(named.size())));
  if (const Revision* reached = Walk(*named.front(), steps, target)) return PathDownTo({reached}, applied);
  // One below a base: that base goes too.
  const Revision& last = *Walk(*named.front(), steps + 1, target);
  Path path = PathDownTo({&last}, applied);
  path.push_back(&last);
  return path;
}

Path History::Range(std::string_view range) const {
  const std::size_t colon = range.find(':');
  const std::string_view from = colon == std::string_view::npos ? "" : range.substr(0, colon);
  std::string_view to = colon == std::string_view::npos ? range : range.substr(colon + 1);
  if (to.empty()) to = "heads";
  const Path start = from.empty() ? Path() : Resolve(from);
  const Applied below = Closure(start);
  if (to.front() == '+') return UpgradePath(below, to);
  const Path end = ResolveStep(to);
  const Applied reached = Closure(end);
  for (const Revision* revision : start) {
    if (reached.contains(revision->id)) continue;
    throw Error(ErrorKind::kUsage, fmt::format("range '{}': '{}' is not below '{}'", range, from, to))
        .WithHint("a range goes up: the lower revision stands before the colon");
  }
  return PathTo(end, below);
}

}  // namespace migproof
