#include "harness/catalog/server_names.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace migproof {

namespace {

bool IsWordCharacter(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$'; }

// The name without its number, where the server may have chosen it.
std::optional<std::string> StemOf(const std::string& name) {
  static constexpr std::array<std::string_view, 7> kEndings = {"_check", "_key", "_fkey", "_idx",
                                                               "_excl",  "_seq", "_pkey"};
  std::string stem = name;
  while (!stem.empty() && std::isdigit(static_cast<unsigned char>(stem.back())) != 0) stem.pop_back();
  const bool chosen =
      std::any_of(kEndings.begin(), kEndings.end(), [&](auto ending) { return stem.ends_with(ending); });
  return chosen ? std::optional(stem) : std::nullopt;
}

// The bare name of an object of a kind that the server names: "orders_check" of "orders_check on public.orders".
std::string BareName(const ObjectKey& key, const CatalogObject& object) {
  std::string name;
  if (key.kind == "index" || key.kind == "sequence") {
    name = key.name.substr(key.name.rfind('.') + 1);
  } else if (key.kind.ends_with(" constraint") || key.kind == "foreign key" || key.kind == "primary key") {
    const std::size_t on = key.name.rfind(" on " + object.relation);
    if (on != std::string::npos) name = key.name.substr(0, on);
  }
  std::erase(name, '"');
  return name;
}

using Names = std::map<std::string, std::string>;

// `text` with every word that `names` knows replaced.
std::string Renamed(const std::string& text, const Names& names) {
  std::string renamed;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && IsWordCharacter(text[end])) ++end;
    if (end == at) {
      renamed += text[at++];
      continue;
    }
    const std::string word = text.substr(at, end - at);
    const auto found = names.find(word);
    renamed += found == names.end() ? word : found->second;
    at = end;
  }
  return renamed;
}

std::string Meaning(const ObjectKey& key, const CatalogObject& object, const std::string& bare) {
  const Names without = {{bare, ""}};
  std::string meaning = key.kind + "\n";
  for (const auto& [name, value] : object.attributes) meaning += name + "=" + Renamed(value, without) + "\n";
  return meaning;
}

// Where the name is replaced: about its relation; a sequence's everywhere.
std::string PlaceOf(const ObjectKey& key, const CatalogObject& object) {
  return key.kind == "sequence" ? "" : object.relation;
}

// For each relation ("" for all), the names to be replaced there.
std::map<std::string, Names> LevelNames(const Catalog& catalog) {
  using Place = std::pair<std::string, std::string>;
  std::map<Place, std::map<std::string, std::string>> meanings;  // by relation and stem: what each name stands for
  for (const auto& [key, object] : catalog.objects()) {
    const std::string bare = BareName(key, object);
    const std::optional<std::string> stem = StemOf(bare);
    if (stem) meanings[{PlaceOf(key, object), *stem}][bare] += Meaning(key, object, bare);
  }
  std::map<std::string, Names> names;
  for (const auto& [place, group] : meanings) {
    std::vector<std::pair<std::string, std::string>> by_meaning;
    for (const auto& [name, meaning] : group) by_meaning.emplace_back(meaning, name);
    std::sort(by_meaning.begin(), by_meaning.end());
    for (std::size_t i = 0; i < by_meaning.size(); ++i) {
      const std::string level = i == 0 ? place.second : place.second + std::to_string(i);
      if (level != by_meaning[i].second) names[place.first][by_meaning[i].second] = level;
    }
  }
  return names;
}

}  // namespace

Catalog WithLevelNames(const Catalog& catalog) {
  const std::map<std::string, Names> names = LevelNames(catalog);
  if (names.empty()) return catalog;
  Catalog level;
  for (const auto& [key, object] : catalog.objects()) {
    Names here;
    for (const std::string& relation : {object.relation, std::string()}) {
      if (const auto found = names.find(relation); found != names.end()) {
        here.insert(found->second.begin(), found->second.end());
      }
    }
    if (here.empty()) {
      level.objects().emplace(key, object);
      continue;
    }
    CatalogObject renamed{Renamed(object.relation, here), {}};
    for (const auto& [name, value] : object.attributes) renamed.attributes[name] = Renamed(value, here);
    level.objects().emplace({key.kind, Renamed(key.name, here)}, std::move(renamed));
  }
  return level;
}

}  // namespace migproof
