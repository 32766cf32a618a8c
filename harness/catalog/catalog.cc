#include "harness/catalog/catalog.h"

#include <set>

#include "harness/catalog/queries.h"

namespace migproof {

const CatalogObject* Catalog::Find(const std::string& kind, const std::string& name) const {
  const auto found = objects_.find({kind, name});
  return found == objects_.end() ? nullptr : &found->second;
}

std::string Catalog::Attribute(const std::string& kind, const std::string& name, const std::string& attribute) const {
  const CatalogObject* object = Find(kind, name);
  if (object == nullptr) return "";
  const auto found = object->attributes.find(attribute);
  return found == object->attributes.end() ? "" : found->second;
}

std::size_t Catalog::Count(const std::string& kind) const { return Names(kind).size(); }

std::vector<std::string> Catalog::Names(const std::string& kind) const {
  std::vector<std::string> names;
  for (auto at = objects_.lower_bound({kind, ""}); at != objects_.end() && at->first.kind == kind; ++at) {
    names.push_back(at->first.name);
  }
  return names;
}

std::vector<std::string> CatalogKinds() {
  constexpr int kAnyVersion = 18;
  std::set<std::string> kinds;
  for (const CatalogQuery& query : CatalogQueries(kAnyVersion, true)) kinds.insert(query.kind);
  return {kinds.begin(), kinds.end()};
}

}  // namespace migproof
