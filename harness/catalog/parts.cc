#include "harness/catalog/parts.h"

#include <string_view>

namespace migproof {

namespace {

using Wholes = std::vector<ObjectKey>;

const std::vector<std::string>& RelationKinds() {
  static const std::vector<std::string> kinds{"table",    "view",          "materialized view",
                                              "sequence", "foreign table", "composite type"};
  return kinds;
}

// The kinds that a word of the server's (in comments, privileges, labels) may stand for.
std::vector<std::string> KindsOf(std::string_view word) {
  if (word == "constraint") {
    return {"primary key", "unique constraint", "foreign key", "check constraint", "exclusion constraint"};
  }
  if (word == "type") return {"enum", "domain", "range type", "base type", "composite type"};
  return {std::string(word)};
}

void AddWholes(const std::vector<std::string>& kinds, std::string_view name, Wholes& wholes) {
  for (const std::string& kind : kinds) wholes.push_back({kind, std::string(name)});
}

// Position of `separator` outside double quotes and parentheses, or npos.
std::size_t FindOutside(std::string_view text, std::string_view separator) {
  bool quoted = false;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (quoted) continue;
    if (text[i] == '(') ++depth;
    if (text[i] == ')') --depth;
    if (depth == 0 && text.substr(i).starts_with(separator)) return i;
  }
  return std::string_view::npos;
}

std::string_view Before(std::string_view text, std::string_view separator) {
  return text.substr(0, FindOutside(text, separator));
}

std::string_view After(std::string_view text, std::string_view separator) {
  const std::size_t at = FindOutside(text, separator);
  return at == std::string_view::npos ? std::string_view() : text.substr(at + separator.size());
}

// "materialized view public.v": the word may be several.
void AddDescribed(std::string_view described, Wholes& wholes) {
  for (std::size_t space = described.find(' '); space != std::string_view::npos;
       space = described.find(' ', space + 1)) {
    AddWholes(KindsOf(described.substr(0, space)), described.substr(space + 1), wholes);
  }
}

std::string Attribute(const CatalogObject& object, const std::string& attribute) {
  const auto found = object.attributes.find(attribute);
  return found == object.attributes.end() ? "" : found->second;
}

void AddWholesByAttribute(const ObjectKey& key, const CatalogObject& object, Wholes& wholes) {
  if (key.kind == "sequence") wholes.push_back({"column", Attribute(object, "owned_by")});
  if (key.kind == "index") {
    AddWholes(KindsOf("constraint"), Attribute(object, "constraint") + " on " + object.relation, wholes);
  }
  if (key.kind == "operator family operator" || key.kind == "operator family function") {
    const std::string_view family = After(key.name, " of ");
    wholes.push_back({"operator family", std::string(family)});
    wholes.push_back(
        {"operator class", Attribute(object, "class") + " USING " + std::string(After(family, " USING "))});
  }
}

void AddWholesByName(const ObjectKey& key, Wholes& wholes) {
  const std::string_view name = key.name;
  if (key.kind == "comment") AddDescribed(name, wholes);
  if (key.kind == "privilege") AddDescribed(Before(name, " to "), wholes);
  if (key.kind == "security label") AddDescribed(Before(name, " by "), wholes);
  if (key.kind == "domain constraint") AddWholes({"domain"}, After(name, " on "), wholes);
  if (key.kind == "user mapping") AddWholes({"server"}, After(name, " on "), wholes);
  if (key.kind == "role setting") AddWholes({"role"}, Before(After(name, " of "), " in "), wholes);
  if (key.kind == "publication table" || key.kind == "publication namespace") {
    AddWholes({"publication"}, After(name, " in "), wholes);
  }
  if (key.kind == "role membership") {
    AddWholes({"role"}, Before(name, " in "), wholes);
    AddWholes({"role"}, Before(After(name, " in "), " by "), wholes);
  }
}

}  // namespace

bool GoesWithItsWhole(const ObjectKey& key, const CatalogObject& object, const Catalog& here, const Catalog& there) {
  Wholes wholes;
  if (!object.relation.empty() && key.name != object.relation) AddWholes(RelationKinds(), object.relation, wholes);
  AddWholesByAttribute(key, object, wholes);
  AddWholesByName(key, wholes);
  for (const ObjectKey& whole : wholes) {
    if (here.objects().contains(whole) && !there.objects().contains(whole)) return true;
  }
  return false;
}

}  // namespace migproof
