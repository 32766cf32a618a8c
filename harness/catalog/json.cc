#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/catalog/catalog.h"
#include "migrations/error.h"

namespace migproof {

namespace {

using nlohmann::json;

constexpr int kModelVersion = 1;
constexpr const char* kModelKey = "migproof_model";
constexpr const char* kServerVersionKey = "server_version";
constexpr const char* kObjectsKey = "objects";
constexpr const char* kRelationKey = "relation";

Error NotAModel(const std::string& what) {
  return Error(ErrorKind::kUsage, "the model can't be read: " + what)
      .WithHint("'migproof catalog' writes a model of a database");
}

const json& ObjectAt(const json& parent, const std::string& key, const std::string& place) {
  const auto found = parent.find(key);
  if (found == parent.end()) throw NotAModel(fmt::format("'{}' is missing", place));
  if (!found->is_object()) throw NotAModel(fmt::format("'{}' is of type {}, not an object", place, found->type_name()));
  return *found;
}

CatalogObject ReadObject(const json& parent, const std::string& kind, const std::string& name) {
  const std::string place = fmt::format("{}.{}.{}", kObjectsKey, kind, name);
  CatalogObject object;
  for (const auto& [attribute, value] : ObjectAt(parent, name, place).items()) {
    if (!value.is_string()) {
      throw NotAModel(fmt::format("'{}.{}' is of type {}, not a string", place, attribute, value.type_name()));
    }
    (attribute == kRelationKey ? object.relation : object.attributes[attribute]) = value.get<std::string>();
  }
  return object;
}

void CheckHeader(const json& model) {
  if (!model.is_object()) throw NotAModel(fmt::format("it is of type {}, not an object", model.type_name()));
  for (const auto& [key, unused] : model.items()) {
    const std::vector<std::string> known{kModelKey, kServerVersionKey, kObjectsKey};
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    throw Error(ErrorKind::kUsage, fmt::format("the model can't be read: unknown key '{}'", key))
        .WithHint(NearNameHint(key, known, fmt::format("its keys are {}", fmt::join(known, ", "))));
  }
  const auto version = model.find(kModelKey);
  if (version == model.end()) throw NotAModel(fmt::format("'{}' is missing", kModelKey));
  if (!version->is_number_integer() || *version != kModelVersion) {
    throw NotAModel(fmt::format("'{}' is {}, expected {}", kModelKey, version->dump(), kModelVersion));
  }
}

}  // namespace

nlohmann::json ToJson(const Catalog& catalog, int server_version) {
  json objects = json::object();
  for (const auto& [key, object] : catalog.objects()) {
    json& written = objects[key.kind][key.name];
    written = object.attributes;
    if (!object.relation.empty()) written[kRelationKey] = object.relation;
  }
  json model{{kModelKey, kModelVersion}, {kObjectsKey, std::move(objects)}};
  if (server_version != 0) model[kServerVersionKey] = server_version;
  return model;
}

Catalog CatalogFromJson(const nlohmann::json& model) {
  CheckHeader(model);
  const std::vector<std::string> kinds = CatalogKinds();
  Catalog catalog;
  for (const auto& [kind, unused] : ObjectAt(model, kObjectsKey, kObjectsKey).items()) {
    if (!std::binary_search(kinds.begin(), kinds.end(), kind)) {
      throw Error(ErrorKind::kUsage,
                  fmt::format("the model can't be read: unknown kind '{}' in '{}'", kind, kObjectsKey))
          .WithHint(NearNameHint(kind, kinds, fmt::format("the kinds are {}", fmt::join(kinds, ", "))));
    }
    const json& named = ObjectAt(model[kObjectsKey], kind, fmt::format("{}.{}", kObjectsKey, kind));
    for (const auto& [name, value] : named.items()) {
      catalog.objects().emplace(ObjectKey{kind, name}, ReadObject(named, kind, name));
    }
  }
  return catalog;
}

}  // namespace migproof
