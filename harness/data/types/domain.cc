#include <algorithm>
#include <map>
#include <mutex>

#include "harness/data/check_values.h"
#include "harness/data/column_generator.h"
#include "harness/data/domain_checks.h"

namespace migproof {

namespace {

constexpr int kSearched = 400;  // values of the base looked at before the progression is made of draws

// All that tells two types apart, as far as values go: names alone do not, since another catalog may hold another type
// by the same name.
std::string IdentityOf(const ColumnType& type) {
  std::string identity = type.name + "\x1f" + std::to_string(static_cast<int>(type.form));
  for (const std::string& label : type.labels) identity += "\x1f" + label;
  for (const std::string& check : type.checks) identity += "\x1f" + check;
  for (const auto& [name, field] : type.fields) identity += "\x1f" + name + " " + IdentityOf(field);
  return type.element ? identity + "\x1e" + IdentityOf(*type.element) : identity;
}

// What takes a search to find, kept for the next time.
struct FoundValues {
  std::vector<std::string> edges;
  std::vector<std::string> progression;
  std::uint64_t looked_at = 0;  // of the progression of the base
  Random draws{2};
  bool ended = false;
};

class FoundValuesByType {
 public:
  template <typename Use>
  auto With(const ColumnType& type, Use use) {
    const std::lock_guard lock(mutex_);
    return use(found_[IdentityOf(type)]);
  }

 private:
  std::recursive_mutex mutex_;
  std::map<std::string, FoundValues> found_;
};

FoundValuesByType& Found() {
  static FoundValuesByType found;
  return found;
}

std::vector<std::string> FindEdges(const ColumnType& type) {
  const ColumnType& base = Unwrapped(type);
  std::vector<std::string> edges = GeneratorFor(base).Edges(base);
  std::erase_if(edges, [&](const std::string& edge) { return !DomainAccepts(type, edge); });
  Random fixed(1);
  for (int i = 0; i < 8 && !ChecksOfDomain(type).columns().empty(); ++i) {
    const auto solved = ChecksOfDomain(type).SolveOne("VALUE", base, fixed);
    if (!solved) break;
    if (std::find(edges.begin(), edges.end(), *solved) == edges.end()) edges.push_back(*solved);
  }
  if (edges.empty()) edges.push_back(GeneratorFor(base).Simplest(base));
  return edges;
}

// One value more of the progression: the next of the base that passes, or where those are too rare a solution that
// surely differs from all before.
void FindNext(const ColumnType& type, FoundValues& found) {
  const ColumnType& base = Unwrapped(type);
  const ValueFamily family = FamilyOf(base);
  const auto differs = [&](const std::string& value) {
    return std::all_of(found.progression.begin(), found.progression.end(), [&](const std::string& before) {
      return AreEqual({before, family, &base}, {value, family, &base}) == false;
    });
  };
  while (found.looked_at < found.progression.size() + kSearched) {
    const auto value = GeneratorFor(base).Nth(base, found.looked_at);
    if (!value) break;
    ++found.looked_at;
    if (!DomainAccepts(type, *value)) continue;
    found.progression.push_back(*value);
    return;
  }
  for (int idle = 0; idle < 60; ++idle) {
    const auto solved = ChecksOfDomain(type).SolveOne("VALUE", base, found.draws);
    if (!solved) break;
    if (!differs(*solved)) continue;
    found.progression.push_back(*solved);
    return;
  }
  found.ended = true;
}

// Values of the base that the CHECKs let pass, as far as they are understood; what is not is left to the server.
class DomainGenerator : public ColumnGenerator {
 public:
  bool Claims(const ColumnType& type) const override { return type.form == ColumnType::Form::kDomain; }

  std::string Simplest(const ColumnType& type) const override { return Edges(type).front(); }

  // Those of the base that pass, then those at the boundaries of the CHECKs.
  std::vector<std::string> Edges(const ColumnType& type) const override {
    return Found().With(type, [&](FoundValues& found) {
      if (found.edges.empty()) found.edges = FindEdges(type);
      return found.edges;
    });
  }

  std::string Draw(const ColumnType& type, Random& random) const override {
    const std::vector<std::string> edges = Edges(type);
    if (random.OneIn(2)) return random.Pick(edges);
    const ColumnType& base = Unwrapped(type);
    const std::string drawn = GeneratorFor(base).Draw(base, random);
    if (DomainAccepts(type, drawn)) return drawn;
    const auto solved = ChecksOfDomain(type).SolveOne("VALUE", base, random);
    return solved ? *solved : edges.front();
  }

  std::optional<std::string> Nth(const ColumnType& type, std::uint64_t n) const override {
    return Found().With(type, [&](FoundValues& found) -> std::optional<std::string> {
      while (found.progression.size() <= n && !found.ended) FindNext(type, found);
      return n < found.progression.size() ? std::optional(found.progression[n]) : std::nullopt;
    });
  }

  std::vector<std::string> Shrink(const ColumnType& type, const std::string& value) const override {
    const std::string simplest = Simplest(type);
    if (value == simplest) return {};
    const ColumnType& base = Unwrapped(type);
    std::vector<std::string> smaller = GeneratorFor(base).Shrink(base, value);
    std::erase_if(smaller, [&](const auto& v) { return v == simplest || !DomainAccepts(type, v); });
    smaller.insert(smaller.begin(), simplest);
    return smaller;
  }
};

const Registered<ColumnGenerator, DomainGenerator> kDomain("domain");

}  // namespace

}  // namespace migproof
