// Everything that migrations can define in a database, as a plain value keyed by natural names, never OIDs.
//
//   const Catalog before = CatalogReader(session).Read();
//   ... run something ...
//   for (const Difference& d : Compare(before, after)) print(d.ToLine());
//
// An object is a kind, a name and its attributes; both names and attributes are those a user of PostgreSQL knows
// ("column" "public.orders.note" {type: text, not_null: false}). A kind is one file in queries/.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "harness/catalog/object_map.h"

namespace migproof {

// Cheap to copy, and to compare with what it was copied from.
class Catalog {
 public:
  using Objects = ObjectMap;

  const Objects& objects() const { return objects_; }
  Objects& objects() { return objects_; }

  const CatalogObject* Find(const std::string& kind, const std::string& name) const;
  // An attribute's text, or "" where object or attribute is absent.
  std::string Attribute(const std::string& kind, const std::string& name, const std::string& attribute) const;
  std::size_t Count(const std::string& kind) const;
  // Names of all objects of a kind, sorted.
  std::vector<std::string> Names(const std::string& kind) const;

  bool operator==(const Catalog&) const = default;

 private:
  Objects objects_;
};

// The model format: {"migproof_model": 1, "server_version": 150020, "objects": {"table": {"public.orders": {...}}}}. An
// object's attributes are strings; "relation" among them says what it belongs to.
// Stable: keys sorted, one object per line group, so that it diffs well under version control. `server_version` is left
// out where it is 0.
nlohmann::json ToJson(const Catalog& catalog, int server_version = 0);
// Error(usage) with the place for anything that is not such a model: unknown kind (near name), wrong shape.
Catalog CatalogFromJson(const nlohmann::json& model);

// The definition in a few words on one line, as drift shows it: "text NOT NULL DEFAULT 'x'", "CREATE INDEX i ON ...".
// "" where the name says it all.
std::string Describe(const ObjectKey& key, const CatalogObject& object);

// Every kind the reader covers, sorted.
std::vector<std::string> CatalogKinds();

}  // namespace migproof
