#include "harness/catalog/drift.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "harness/catalog/one_line.h"
#include "harness/catalog/parts.h"

namespace migproof {

namespace {

using Change = Difference::Change;

constexpr std::size_t kShownValue = 100;
constexpr const char* kPosition = "position";
constexpr const char* kColumnOrder = "column order";

// What a reader of drift wants to see first; the kinds that are not here follow by name.
int KindRank(const std::string& kind) {
  static const std::vector<std::string> order{"extension",
                                              "namespace",
                                              "enum",
                                              "domain",
                                              "composite type",
                                              "table",
                                              "column",
                                              "primary key",
                                              "foreign key",
                                              "unique constraint",
                                              "check constraint",
                                              "exclusion constraint",
                                              "index",
                                              "view",
                                              "materialized view",
                                              "sequence",
                                              "function",
                                              "procedure",
                                              "trigger",
                                              "policy",
                                              "rule"};
  return static_cast<int>(std::find(order.begin(), order.end(), kind) - order.begin());
}

bool Earlier(const Difference& a, const Difference& b) {
  const int rank_a = KindRank(a.object.kind);
  const int rank_b = KindRank(b.object.kind);
  if (rank_a != rank_b) return rank_a < rank_b;
  if (a.object != b.object) return a.object < b.object;
  return a.attribute < b.attribute;
}

// "" is an absent attribute; one that is there and empty must look different.
std::string Shown(const std::string* value) {
  if (value == nullptr) return "";
  return value->empty() ? "(empty)" : *value;
}

bool IsWhiteSpaceOnly(const ObjectKey& key, const std::string& attribute, const std::string& was,
                      const std::string& is) {
  if (attribute != "body" || (key.kind != "function" && key.kind != "procedure")) return false;
  return OnOneLine(was) == OnOneLine(is);
}

class Comparison {
 public:
  Comparison(const Catalog& was, const Catalog& is, Equivalence equivalence)
      : was_(was), is_(is), logical_(equivalence == Equivalence::kLogical) {}

  Drift Run() {
    auto was = was_.objects().begin();
    auto is = is_.objects().begin();
    const auto was_end = was_.objects().end();
    const auto is_end = is_.objects().end();
    while (was != was_end || is != is_end) {
      // The same object in both is not looked at.
      const bool same = was != was_end && is != is_end && &*was == &*is;
      const auto order = same             ? std::strong_ordering::equal
                         : was == was_end ? std::strong_ordering::greater
                         : is == is_end   ? std::strong_ordering::less
                                          : was->first <=> is->first;
      if (order < 0) AddOneSided(Change::kMissing, was->first, was->second);
      if (order > 0) AddOneSided(Change::kExtra, is->first, is->second);
      if (order == 0 && !same && was->second != is->second) AddChanged(was->first, was->second, is->second);
      if (order <= 0) ++was;
      if (order >= 0) ++is;
    }
    for (const std::string& relation : reordered_) AddColumnOrder(relation);
    std::stable_sort(drift_.differences.begin(), drift_.differences.end(), Earlier);
    return std::move(drift_);
  }

 private:
  void AddOneSided(Change change, const ObjectKey& key, const CatalogObject& object) {
    const bool missing = change == Change::kMissing;
    if (GoesWithItsWhole(key, object, missing ? was_ : is_, missing ? is_ : was_)) return;
    Difference difference{change, key, object.relation, "", "", "", false};
    (missing ? difference.was : difference.is) = Describe(key, object);
    drift_.differences.push_back(std::move(difference));
  }

  void AddChanged(const ObjectKey& key, const CatalogObject& was, const CatalogObject& is) {
    std::set<std::string> names;
    for (const auto& [name, value] : was.attributes) names.insert(name);
    for (const auto& [name, value] : is.attributes) names.insert(name);
    for (const std::string& name : names) {
      const auto before = was.attributes.find(name);
      const auto after = is.attributes.find(name);
      AddAttribute(key, was.relation, name, before == was.attributes.end() ? nullptr : &before->second,
                   after == is.attributes.end() ? nullptr : &after->second);
    }
  }

  void AddAttribute(const ObjectKey& key, const std::string& relation, const std::string& name, const std::string* was,
                    const std::string* is) {
    if (was != nullptr && is != nullptr && *was == *is) return;
    if (key.kind == "column" && name == kPosition) {
      reordered_.insert(relation);
      return;
    }
    const bool note = logical_ && was != nullptr && is != nullptr && IsWhiteSpaceOnly(key, name, *was, *is);
    drift_.differences.push_back({Change::kChanged, key, relation, name, Shown(was), Shown(is), note});
  }

  // Positions also differ where a column in front came or went: only the order of those on both sides is compared.
  void AddColumnOrder(const std::string& relation) {
    const std::string was = CommonColumns(relation, was_, is_);
    const std::string is = CommonColumns(relation, is_, was_);
    if (was == is) return;
    drift_.differences.push_back(
        {Change::kChanged, {RelationKind(relation), relation}, relation, kColumnOrder, was, is, logical_});
  }

  static std::string CommonColumns(const std::string& relation, const Catalog& here, const Catalog& there) {
    std::vector<std::pair<int, std::string>> columns;
    const std::string prefix = relation + ".";
    for (auto at = here.objects().lower_bound({"column", prefix}); at != here.objects().end(); ++at) {
      const auto& [key, column] = *at;
      if (key.kind != "column" || !key.name.starts_with(prefix)) break;
      const auto position = column.attributes.find(kPosition);
      if (column.relation != relation || position == column.attributes.end() || !there.objects().contains(key))
        continue;
      columns.emplace_back(std::atoi(position->second.c_str()), key.name.substr(prefix.size()));
    }
    std::sort(columns.begin(), columns.end());
    std::string names;
    for (const auto& [position, name] : columns) names += (names.empty() ? "" : ", ") + name;
    return names;
  }

  std::string RelationKind(const std::string& relation) const {
    for (const char* kind : {"view", "materialized view", "foreign table"}) {
      if (was_.Find(kind, relation) != nullptr) return kind;
    }
    return "table";
  }

  const Catalog& was_;
  const Catalog& is_;
  const bool logical_;
  Drift drift_;
  std::set<std::string> reordered_;  // relations with columns at other positions
};

std::string ShownValue(const std::string& value, std::size_t at) {
  return value.empty() ? "absent" : Excerpt(value, at, kShownValue);
}

}  // namespace

std::string Difference::ToLine() const {
  const std::string subject = fmt::format("{} {}", object.kind, object.name);
  if (change != Change::kChanged) {
    const bool missing = change == Change::kMissing;
    const std::string& definition = missing ? was : is;
    return fmt::format("{} {}{}{}", missing ? "-" : "+", subject, definition.empty() ? "" : ": ", definition);
  }
  const std::string one = OnOneLine(was);
  const std::string other = OnOneLine(is);
  const auto at = std::mismatch(one.begin(), one.end(), other.begin(), other.end()).first - one.begin();
  if (one == other) return fmt::format("~ {}: {} differs in white space", subject, attribute);
  return fmt::format("~ {}: {} was {}, is {}", subject, attribute, ShownValue(one, static_cast<std::size_t>(at)),
                     ShownValue(other, static_cast<std::size_t>(at)));
}

bool Drift::empty() const {
  return std::all_of(differences.begin(), differences.end(), [](const Difference& d) { return d.note; });
}

std::vector<Difference> Drift::Findings() const {
  std::vector<Difference> findings;
  std::copy_if(differences.begin(), differences.end(), std::back_inserter(findings),
               [](const Difference& d) { return !d.note; });
  return findings;
}

Drift Compare(const Catalog& was, const Catalog& is, Equivalence equivalence) {
  return Comparison(was, is, equivalence).Run();
}

Drift Without(const Drift& drift, const Drift& known) {
  Drift rest;
  std::copy_if(drift.differences.begin(), drift.differences.end(), std::back_inserter(rest.differences),
               [&](const Difference& d) {
                 return std::find(known.differences.begin(), known.differences.end(), d) == known.differences.end();
               });
  return rest;
}

}  // namespace migproof
