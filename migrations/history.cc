#include "migrations/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <queue>

namespace migproof {

namespace {

constexpr std::string_view kReservedTargets[] = {"head", "heads", "base"};

Error HistoryError(const Revision& revision, const std::string& message) {
  return Error(ErrorKind::kHistory, message).WithLocation(revision.where);
}

bool IsReserved(std::string_view name) {
  return std::find(std::begin(kReservedTargets), std::end(kReservedTargets), name) != std::end(kReservedTargets);
}

}  // namespace

History::History(std::vector<Revision> revisions) : revisions_(std::move(revisions)) {
  if (revisions_.empty()) {
    throw Error(ErrorKind::kHistory, "the history holds no revisions")
        .WithHint("check the path and the format: zero revisions prove nothing");
  }
  Index();
  CheckReferences();
  Link();
  Sort();
  CheckAcyclic();
}

void History::Index() {
  for (std::size_t i = 0; i < revisions_.size(); ++i) {
    const Revision& revision = revisions_[i];
    if (revision.id.empty()) throw HistoryError(revision, "a revision has no id");
    if (IsReserved(revision.id)) {
      throw HistoryError(revision, fmt::format("revision id '{}' is a word with a meaning of its own", revision.id));
    }
    const auto [there, added] = by_id_.emplace(revision.id, i);
    if (!added) {
      throw HistoryError(revision, fmt::format("revision '{}' is there twice: the other is {}", revision.id,
                                               revisions_[there->second].where.ToString()))
          .WithHint("give one of them another id, or take it away");
    }
    if (!revision.ledger_key.empty()) by_key_.emplace(revision.ledger_key, i);
  }
  for (std::size_t i = 0; i < revisions_.size(); ++i) {
    for (const std::string& label : revisions_[i].labels) IndexLabel(label, i);
  }
}

void History::IndexLabel(const std::string& label, std::size_t index) {
  const Revision& revision = revisions_[index];
  if (IsReserved(label)) {
    throw HistoryError(revision, fmt::format("label '{}' is a word with a meaning of its own", label));
  }
  if (by_id_.contains(label)) {
    throw HistoryError(revision,
                       fmt::format("label '{}' of revision '{}' is the id of a revision", label, revision.id));
  }
  const auto [there, added] = by_label_.emplace(label, index);
  if (!added) {
    throw HistoryError(revision, fmt::format("label '{}' stands on two revisions: '{}' and '{}'", label,
                                             revisions_[there->second].id, revision.id));
  }
}

void History::CheckReferences() const {
  const auto check = [&](const Revision& revision, const std::vector<std::string>& names, const char* verb) {
    std::set<std::string_view> seen;
    for (const std::string& name : names) {
      if (!seen.insert(name).second) {
        throw HistoryError(revision, fmt::format("revision '{}' {} '{}' twice", revision.id, verb, name));
      }
      if (by_id_.contains(name)) continue;
      throw HistoryError(
          revision, fmt::format("revision '{}' {} '{}', which is not in the history ({} read)", revision.id, verb, name,
                                size() == 1 ? "1 revision" : fmt::format("{} revisions", size())))
          .WithHint(NearNameHint(name, Ids(), "add the file of that revision, or name another one"));
    }
  };
  for (const Revision& revision : revisions_) {
    check(revision, revision.parents, "names parent");
    check(revision, revision.depends_on, "depends on");
  }
}

void History::Link() {
  children_.resize(size());
  requires_.resize(size());
  dependents_.resize(size());
  for (std::size_t i = 0; i < size(); ++i) {
    for (const std::string& parent : revisions_[i].parents) {
      const std::size_t p = by_id_.find(parent)->second;
      children_[p].push_back(i);
      requires_[i].push_back(p);
    }
    for (const std::string& name : revisions_[i].depends_on) {
      const std::size_t p = by_id_.find(name)->second;
      if (std::find(requires_[i].begin(), requires_[i].end(), p) == requires_[i].end()) requires_[i].push_back(p);
    }
    for (const std::size_t p : requires_[i]) dependents_[p].push_back(i);
  }
}

// Of the revisions whose requirements are placed, the one read first comes next.
void History::Sort() {
  std::vector<std::size_t> missing(size());
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t i = 0; i < size(); ++i) {
    missing[i] = requires_[i].size();
    if (missing[i] == 0) ready.push(i);
  }
  order_.reserve(size());
  position_.assign(size(), size());
  while (!ready.empty()) {
    const std::size_t i = ready.top();
    ready.pop();
    position_[i] = order_.size();
    order_.push_back(i);
    for (const std::size_t dependent : dependents_[i]) {
      if (--missing[dependent] == 0) ready.push(dependent);
    }
  }
}

void History::CheckAcyclic() const {
  if (order_.size() == size()) return;
  // What could not be placed has a requirement that could not be placed either: following those ends in a cycle.
  const auto unplaced = [&](std::size_t i) { return position_[i] == size(); };
  std::size_t at = 0;
  while (!unplaced(at)) ++at;
  std::vector<std::size_t> path;
  std::vector<bool> seen(size());
  while (!seen[at]) {
    seen[at] = true;
    path.push_back(at);
    at = *std::find_if(requires_[at].begin(), requires_[at].end(), unplaced);
  }
  const auto start = std::find(path.begin(), path.end(), at);
  std::string spelled;
  for (auto step = start; step != path.end(); ++step) spelled += revisions_[*step].id + " -> ";
  throw HistoryError(revisions_[at], fmt::format("revision '{}' is its own ancestor: {}{}", revisions_[at].id, spelled,
                                                 revisions_[at].id))
      .WithHint("each name stands before what it names as parent or dependency: take one of these away");
}

std::vector<std::string> History::Ids() const {
  std::vector<std::string> ids;
  ids.reserve(size());
  for (const Revision& revision : revisions_) ids.push_back(revision.id);
  return ids;
}

std::size_t History::IndexOf(std::string_view id) const {
  const auto found = by_id_.find(id);
  if (found != by_id_.end()) return found->second;
  throw Error(ErrorKind::kUsage, fmt::format("there is no revision '{}'", id)).WithHint(NearNameHint(id, Ids()));
}

const Revision& History::Get(std::string_view id) const { return revisions_[IndexOf(id)]; }

const Revision* History::Find(std::string_view id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &revisions_[found->second];
}

std::vector<bool> History::Reach(const std::vector<std::size_t>& from, const Edges& edges) const {
  std::vector<bool> reached(size());
  std::vector<std::size_t> open = from;
  while (!open.empty()) {
    const std::size_t i = open.back();
    open.pop_back();
    if (reached[i]) continue;
    reached[i] = true;
    open.insert(open.end(), edges[i].begin(), edges[i].end());
  }
  return reached;
}

std::vector<bool> History::Mark(const Applied& applied) const {
  std::vector<bool> marked(size());
  for (const std::string& id : applied) marked[IndexOf(id)] = true;
  return marked;
}

std::vector<const Revision*> History::Heads() const {
  return InOrder([&](std::size_t i) { return children_[i].empty(); });
}

std::vector<const Revision*> History::Bases() const {
  return InOrder([&](std::size_t i) { return revisions_[i].parents.empty(); });
}

std::vector<const Revision*> History::Children(const Revision& revision) const {
  std::vector<std::size_t> children = children_[IndexOf(revision.id)];
  std::sort(children.begin(), children.end(), [&](auto a, auto b) { return position_[a] < position_[b]; });
  std::vector<const Revision*> result;
  for (const std::size_t child : children) result.push_back(&revisions_[child]);
  return result;
}

std::vector<const Revision*> History::Ancestors(const Revision& revision) const {
  const std::size_t self = IndexOf(revision.id);
  const std::vector<bool> reached = Reach({self}, requires_);
  return InOrder([&](std::size_t i) { return reached[i] && i != self; });
}

std::vector<const Revision*> History::Descendants(const Revision& revision) const {
  const std::size_t self = IndexOf(revision.id);
  const std::vector<bool> reached = Reach({self}, dependents_);
  return InOrder([&](std::size_t i) { return reached[i] && i != self; });
}

std::vector<const Revision*> History::Linear() const {
  return InOrder([](std::size_t) { return true; });
}

bool History::IsLinear() const {
  for (std::size_t i = 1; i < order_.size(); ++i) {
    const auto& needed = requires_[order_[i]];
    if (std::find(needed.begin(), needed.end(), order_[i - 1]) == needed.end()) return false;
  }
  return true;
}

std::vector<const Revision*> History::AppliedHeads(const Applied& applied) const {
  const std::vector<bool> marked = Mark(applied);
  std::vector<bool> below(size());  // has an applied descendant
  for (auto i = order_.rbegin(); i != order_.rend(); ++i) {
    if (!marked[*i] && !below[*i]) continue;
    for (const std::size_t needed : requires_[*i]) below[needed] = true;
  }
  return InOrder([&](std::size_t i) { return marked[i] && !below[i]; });
}

History::Applied History::Closure(const std::vector<const Revision*>& revisions) const {
  std::vector<std::size_t> from;
  for (const Revision* revision : revisions) from.push_back(IndexOf(revision->id));
  const std::vector<bool> reached = Reach(from, requires_);
  Applied closure;
  for (std::size_t i = 0; i < size(); ++i) {
    if (reached[i]) closure.insert(revisions_[i].id);
  }
  return closure;
}

}  // namespace migproof
