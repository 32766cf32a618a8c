#include "harness/verify/rambles.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "harness/data/random.h"

namespace migproof {

namespace {

using Sequence = Expected::Sequence;

// Legs that are drawn: of the walk without rows of others, and of each with rows (about).
constexpr std::size_t kDrawnLegs = 40;
constexpr std::size_t kLegsWithRows = 8;
// Sets of rows that go in at once.
constexpr int kInserts = 3;
// Legs at the end of a walk that are tried by themselves.
constexpr std::size_t kEnd = 8;
// Steps that the walks to and from every revision may take, more or less.
constexpr std::size_t kStepsToEach = 300;
// How far a walk goes while rows of others are in, in revisions: rows stay what they are only near where they came in.
constexpr std::size_t kNear = 8;

bool Holds(const Sequence& applied, const Revision* revision) {
  return std::find(applied.begin(), applied.end(), revision) != applied.end();
}

// Draws legs, and follows what they do to the set of applied revisions.
class Drawing {
 public:
  Drawing(const Bench& bench, const Expected& expected, const std::set<const Revision*>& barred, Random random)
      : history_(bench.subject().history()),
        order_(bench.subject().order()),
        expected_(expected),
        barred_(barred),
        random_(random) {}

  // Without rows of others, all on one database: to the heads and as low as can be, twice; the same revision by
  // revision; from the heads below each revision and back; to each from as low as can be; then by chance.
  Ramble Bare(std::size_t effort) {
    for (int round = 0; round < 2; ++round) {
      UpToHeads();
      Add({LegKind::kRunAgain});
      AsLowAsCanBe();
    }
    for (const Revision* revision : order_) UpTo(*revision);
    for (auto heads = Heads(); !heads.empty(); heads = Heads()) DownBelow(*heads.back());
    for (const Revision* revision : Some()) {
      UpToHeads();
      const std::vector<const Revision*> down = WaysDown();
      if (std::find(down.begin(), down.end(), revision) != down.end()) DownBelow(*revision);
    }
    for (const Revision* revision : Some()) {
      AsLowAsCanBe();
      UpTo(*revision);
    }
    const std::size_t legs = ramble_.size() + kDrawnLegs;
    steps_ = 0;
    while (ramble_.size() < legs && steps_ < effort) AddLeg();
    return std::move(ramble_);
  }

  // Rows go in at a revision, and the walk goes up and straight back.
  Ramble ThereAndBack(const Revision& from) {
    UpTo(from);
    const Sequence before = applied_;
    rows_ = true;
    for (int i = 0; i < kInserts; ++i) Add({LegKind::kInsert, nullptr, random_.Next()});
    for (const Revision* revision : WaysUp()) {
      if (!CanGo(revision)) break;
      UpTo(*revision);
    }
    for (bool lower = true; lower;) {
      lower = false;
      for (const Revision* revision : WaysDown()) {
        if (lower || Holds(before, revision)) continue;
        DownBelow(*revision);
        lower = true;
      }
    }
    return std::move(ramble_);
  }

  // Rows go in, are changed, and more come in, on a way that is drawn.
  Ramble WithRows() {
    UpTo(*order_[random_.Below(order_.size())]);
    rows_ = true;
    Add({LegKind::kInsert, nullptr, random_.Next()});
    const std::size_t legs = kLegsWithRows / 2 + random_.Below(kLegsWithRows);
    while (ramble_.size() < legs) AddLeg();
    return std::move(ramble_);
  }

  // All revisions, or of a long history some.
  std::vector<const Revision*> Some() {
    std::vector<const Revision*> revisions = order_;
    const std::size_t some = std::max<std::size_t>(2, kStepsToEach / order_.size());
    while (revisions.size() > some) {
      revisions.erase(revisions.begin() + static_cast<std::ptrdiff_t>(random_.Below(revisions.size())));
    }
    return revisions;
  }

 private:
  void UpToHeads() {
    for (const Revision* head : history_.Heads()) {
      if (!Holds(applied_, head)) UpTo(*head);
    }
  }

  void AsLowAsCanBe() {
    for (auto down = WaysDown(); !down.empty(); down = WaysDown()) DownBelow(*down.front());
  }

  void Add(Leg leg) { ramble_.push_back(std::move(leg)); }

  void AddLeg() {
    const std::uint64_t kind = random_.Below(20);
    if (kind == 0) return Add({LegKind::kRunAgain});
    if (kind <= 2) return Add({LegKind::kStamp, kind == 1 ? StampTarget() : nullptr});
    if (rows_ && kind <= 6) {
      static const std::vector<LegKind> kKinds = {LegKind::kInsert, LegKind::kInsert, LegKind::kUpdate,
                                                  LegKind::kDelete};
      return Add({random_.Pick(kKinds), nullptr, random_.Next()});
    }
    const std::vector<const Revision*> up = WaysUp();
    const std::vector<const Revision*> down = WaysDown();
    if (up.empty() && down.empty()) return Add({LegKind::kRunAgain});
    if (down.empty() || (!up.empty() && random_.OneIn(2))) return UpTo(*Chosen(up));
    DownBelow(*Chosen(down));
  }

  // The far end and the nearest as often as all between.
  const Revision* Chosen(const std::vector<const Revision*>& ways) {
    const std::uint64_t how = random_.Below(4);
    if (how == 0) return ways.front();
    if (how == 1) return ways.back();
    return random_.Pick(ways);
  }

  std::vector<const Revision*> WaysUp() const {
    std::vector<const Revision*> up;
    for (const Revision* revision : order_) {
      if (!Holds(applied_, revision)) up.push_back(revision);
      if (rows_ && up.size() == kNear) break;
    }
    return up;
  }

  bool CanGo(const Revision* revision) const {
    return expected_.CanGoDown(*revision) && !(rows_ && barred_.contains(revision));
  }

  // Applied revisions below which a walk may go, the lowest first.
  std::vector<const Revision*> WaysDown() const {
    std::vector<const Revision*> down;
    std::set<const Revision*> stays;  // what may not be undone, and what that stands on
    for (auto at = order_.rbegin(); at != order_.rend(); ++at) {
      if (!Holds(applied_, *at)) continue;
      if (!CanGo(*at)) stays.insert(*at);
      if (stays.contains(*at)) {
        for (const Revision* needed : history_.Ancestors(**at)) stays.insert(needed);
        continue;
      }
      down.push_back(*at);
      if (rows_ && down.size() == kNear) break;
    }
    std::reverse(down.begin(), down.end());
    return down;
  }

  // Of those, what nothing applied stands on.
  std::vector<const Revision*> Heads() const {
    std::vector<const Revision*> heads;
    for (const Revision* revision : WaysDown()) {
      const auto above = history_.Descendants(*revision);
      if (std::none_of(above.begin(), above.end(), [&](const Revision* r) { return Holds(applied_, r); })) {
        heads.push_back(revision);
      }
    }
    return heads;
  }

  // What may be stamped by itself: it can come next, or nothing stands on it.
  const Revision* StampTarget() {
    std::vector<const Revision*> targets = Heads();
    for (const Revision* revision : order_) {
      const auto needed = history_.Ancestors(*revision);
      const bool next = !Holds(applied_, revision) && std::all_of(needed.begin(), needed.end(), [&](const Revision* r) {
        return Holds(applied_, r);
      });
      if (next) targets.push_back(revision);
    }
    return targets.empty() || rows_ ? nullptr : random_.Pick(targets);
  }

  void UpTo(const Revision& target) {
    Add({LegKind::kUpgrade, &target});
    const std::size_t before = applied_.size();
    for (const Revision* revision : history_.Ancestors(target)) {
      if (!Holds(applied_, revision)) applied_.push_back(revision);
    }
    if (!Holds(applied_, &target)) applied_.push_back(&target);
    steps_ += applied_.size() - before;
  }

  void DownBelow(const Revision& lowest) {
    Add({LegKind::kDowngrade, &lowest});
    const std::size_t before = applied_.size();
    std::erase(applied_, &lowest);
    for (const Revision* above : history_.Descendants(lowest)) std::erase(applied_, above);
    steps_ += before - applied_.size();
  }

  const History& history_;
  const Sequence& order_;
  const Expected& expected_;
  const std::set<const Revision*>& barred_;
  Random random_;
  Ramble ramble_;
  Sequence applied_;  // but for stamps, which the walk itself decides
  bool rows_ = false;
  std::size_t steps_ = 0;
};

class RamblesTrial {
 public:
  RamblesTrial(const Bench& bench, const RamblesOptions& options)
      : bench_(bench), options_(options), random_(Random(options.seed).Split("rambles")), expected_(bench) {}

  RamblesResult Run() {
    const std::vector<const Revision*>& order = bench_.subject().order();
    Try(Make("bare").Bare(Scaled(60 + 2 * order.size())));
    if (options_.cases > 0 && !result_.stumble) TryWithRows();
    result_.left_out = expected_.left_out();
    result_.alone = expected_.steps();
    return std::move(result_);
  }

 private:
  std::size_t Scaled(std::size_t usual) const {
    return std::max<std::size_t>(1, usual * static_cast<std::size_t>(options_.cases) / 100);
  }

  void TryWithRows() {
    std::vector<const Revision*> from = bench_.subject().order();
    Random random = random_.Split("from");
    while (from.size() > Scaled(6)) from.erase(from.begin() + static_cast<std::ptrdiff_t>(random.Below(from.size())));
    for (const Revision* revision : from) {
      if (!result_.stumble && !bench_.OutOfTime()) Try(Make("rows at " + revision->id).ThereAndBack(*revision));
    }
    for (std::size_t i = 0; i < Scaled(2) && !result_.stumble && !bench_.OutOfTime(); ++i) {
      Try(Make(fmt::format("rows {}", i)).WithRows());
    }
  }

  Drawing Make(const std::string& name) { return {bench_, expected_, barred_, random_.Split(name)}; }

  void Try(Ramble ramble) {
    ++result_.rambles;
    result_.legs += static_cast<std::int64_t>(ramble.size());
    Rambler rambler(bench_, expected_, barred_);
    std::optional<Stumble> stumble = rambler.Go(ramble);
    Add(rambler.counts());
    result_.steps.insert(result_.steps.end(), rambler.steps().begin(), rambler.steps().end());
    if (!stumble || IsExplained(ramble, *stumble)) return;
    ramble.resize(stumble->leg + 1);
    ramble = Shortest(bench_, expected_, barred_, std::move(ramble), *stumble, options_, result_.evaluations);
    if (IsExplained(ramble, *stumble)) return;
    result_.ramble = std::move(ramble);
    result_.stumble = std::move(stumble);
  }

  // Rows that a revision by itself does not keep are other laws' findings: walks with rows go around it from now on.
  bool IsExplained(const Ramble& ramble, const Stumble& stumble) {
    const bool rows = std::any_of(ramble.begin(), ramble.end(), [](const Leg& leg) {
      return leg.kind == LegKind::kInsert || leg.kind == LegKind::kUpdate || leg.kind == LegKind::kDelete;
    });
    if (!rows || stumble.kind != Stumble::Kind::kRows) return false;
    const std::set<const Revision*> culprits = Rambler(bench_, expected_, barred_).Culprits(ramble);
    barred_.insert(culprits.begin(), culprits.end());
    return !culprits.empty();
  }

  void Add(const RambleCounts& counts) {
    result_.counts.upgrades += counts.upgrades;
    result_.counts.downgrades += counts.downgrades;
    result_.counts.objects += counts.objects;
    result_.counts.rows += counts.rows;
    result_.counts.rows_compared += counts.rows_compared;
    result_.counts.ended += counts.ended;
  }

  const Bench& bench_;
  const RamblesOptions& options_;
  const Random random_;
  Expected expected_;
  std::set<const Revision*> barred_;
  RamblesResult result_;
};

// Shortens one ramble.
class Shortening {
 public:
  Shortening(const Bench& bench, Expected& expected, const std::set<const Revision*>& barred, Ramble ramble,
             Stumble& stumble, const RamblesOptions& options)
      : bench_(bench),
        expected_(expected),
        barred_(barred),
        best_(std::move(ramble)),
        stumble_(stumble),
        left_(options.shrink_budget_evaluations),
        until_(std::chrono::steady_clock::now() + std::chrono::milliseconds(options.shrink_budget_ms)) {}

  Ramble Run() {
    TryEndsAlone();
    for (std::size_t size = best_.size() / 2; size > 1; size /= 2) TakeOut(size);
    for (bool shorter = true; shorter && !Spent();) {
      shorter = TakeOut(1);
      shorter = Nearer() || shorter;
      shorter = FewerRows() || shorter;
    }
    return std::move(best_);
  }

  std::int64_t evaluations() const { return evaluations_; }

 private:
  bool Spent() const { return left_ <= 0 || std::chrono::steady_clock::now() > until_; }

  // Whether it stumbles in the same way; then it is the best so far, and ends there.
  bool Try(Ramble ramble) {
    if (Spent()) return false;
    --left_;
    ++evaluations_;
    std::optional<Stumble> stumble = Rambler(bench_, expected_, barred_).Go(ramble);
    if (!stumble || !stumble->Matches(stumble_)) return false;
    ramble.resize(stumble->leg + 1);
    best_ = std::move(ramble);
    stumble_ = std::move(*stumble);
    return true;
  }

  // The last few legs, from an empty database or from the heads: most of the long way there does not matter.
  void TryEndsAlone() {
    for (std::size_t legs = 1; legs < best_.size() && legs <= kEnd; legs *= 2) {
      const Ramble end(best_.end() - static_cast<std::ptrdiff_t>(legs), best_.end());
      if (Try(end)) return;
      Ramble from_heads;
      for (const Revision* head : bench_.subject().history().Heads()) from_heads.push_back({LegKind::kUpgrade, head});
      from_heads.insert(from_heads.end(), end.begin(), end.end());
      if (from_heads.size() < best_.size() && Try(std::move(from_heads))) return;
    }
  }

  // Runs of `size` legs, from the front: what came first is the least likely to matter.
  bool TakeOut(std::size_t size) {
    bool any = false;
    for (std::size_t at = 0; at + size <= best_.size();) {
      Ramble fewer = best_;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(at),
                  fewer.begin() + static_cast<std::ptrdiff_t>(at + size));
      const bool still = !fewer.empty() && Try(std::move(fewer));
      any |= still;
      if (!still) ++at;
      if (Spent()) break;
    }
    return any;
  }

  // Upgrades that end lower, and downgrades that end higher.
  bool Nearer() {
    bool any = false;
    for (std::size_t at = 0; at < best_.size(); ++at) {
      const Leg leg = best_[at];
      if (leg.kind != LegKind::kUpgrade && leg.kind != LegKind::kDowngrade) continue;
      const History& history = bench_.subject().history();
      std::vector<const Revision*> nearer =
          leg.kind == LegKind::kUpgrade ? history.Ancestors(*leg.revision) : history.Descendants(*leg.revision);
      if (leg.kind == LegKind::kDowngrade) std::reverse(nearer.begin(), nearer.end());
      const std::size_t step = std::max<std::size_t>(1, nearer.size() / 12);
      for (std::size_t i = 0; i < nearer.size(); i += step) {
        Ramble shorter = best_;
        shorter[at].revision = nearer[i];
        if (!Try(std::move(shorter))) continue;
        any = true;
        break;
      }
    }
    return any;
  }

  bool FewerRows() {
    bool any = false;
    for (std::size_t at = 0; at < best_.size(); ++at) {
      for (bool fewer = best_[at].rows.has_value(); fewer;) {
        fewer = false;
        const Dataset rows = *best_[at].rows;
        for (std::size_t table = 0; table < rows.tables.size() && !fewer; ++table) {
          for (std::size_t row = 0; row < rows.tables[table].rows.size() && !fewer; ++row) {
            Ramble with_fewer = best_;
            auto& kept = with_fewer[at].rows->tables[table].rows;
            kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(row));
            if (kept.empty()) {
              auto& tables = with_fewer[at].rows->tables;
              tables.erase(tables.begin() + static_cast<std::ptrdiff_t>(table));
            }
            fewer = Try(std::move(with_fewer));
            any |= fewer;
          }
        }
        if (at >= best_.size()) break;
      }
    }
    return any;
  }

  const Bench& bench_;
  Expected& expected_;
  const std::set<const Revision*>& barred_;
  Ramble best_;
  Stumble& stumble_;
  int left_;
  const std::chrono::steady_clock::time_point until_;
  std::int64_t evaluations_ = 0;
};

}  // namespace

Ramble Shortest(const Bench& bench, Expected& expected, const std::set<const Revision*>& barred, Ramble ramble,
                Stumble& stumble, const RamblesOptions& options, std::int64_t& evaluations) {
  Shortening shortening(bench, expected, barred, std::move(ramble), stumble, options);
  Ramble shortest = shortening.Run();
  evaluations += shortening.evaluations();
  return shortest;
}

RamblesResult TryRambles(const Bench& bench, const RamblesOptions& options) {
  return RamblesTrial(bench, options).Run();
}

}  // namespace migproof
