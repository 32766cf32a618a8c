#include <fmt/format.h>

#include "harness/catalog/catalog.h"
#include "harness/catalog/one_line.h"

namespace migproof {

namespace {

constexpr std::size_t kDescriptionLength = 160;

std::string Value(const CatalogObject& object, const std::string& attribute) {
  const auto found = object.attributes.find(attribute);
  return found == object.attributes.end() ? "" : found->second;
}

// " word value" where the attribute is there.
std::string With(const CatalogObject& object, const std::string& attribute, const std::string& word) {
  const std::string value = Value(object, attribute);
  return value.empty() ? "" : fmt::format(" {} {}", word, value);
}

std::string DescribeColumn(const CatalogObject& column) {
  std::string text = Value(column, "type") + With(column, "collation", "COLLATE");
  if (Value(column, "not_null") == "true") text += " NOT NULL";
  text += With(column, "default", "DEFAULT") + With(column, "generated", "GENERATED AS");
  return text + With(column, "identity", "IDENTITY");
}

std::string DescribeTable(const CatalogObject& table) {
  const std::string bound = Value(table, "partition_bound");
  std::string text;
  if (Value(table, "persistence") == "unlogged") text += "unlogged ";
  if (!bound.empty()) return fmt::format("{}partition of {} {}", text, Value(table, "inherits"), bound);
  text += With(table, "partition_key", "partitioned by") + With(table, "inherits", "inherits");
  return text;
}

std::string DescribePolicy(const CatalogObject& policy) {
  return fmt::format("for {} to {}{}{}", Value(policy, "command"), Value(policy, "roles"),
                     With(policy, "using", "using"), With(policy, "with_check", "with check"));
}

std::string DescribeRoutine(const CatalogObject& routine) {
  const std::string returns = With(routine, "returns", "returns");
  return (returns.empty() ? "" : returns.substr(1) + ", ") + "language " + Value(routine, "language");
}

std::string DescribeSequence(const CatalogObject& sequence) {
  const std::string owner = Value(sequence, "owned_by");
  return Value(sequence, "type") + (owner.empty() ? "" : ", owned by " + owner);
}

std::string DescribeAttributes(const CatalogObject& object) {
  std::string text;
  for (const auto& [name, value] : object.attributes) {
    if (name == "owner" || name == "default") continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, value);
  }
  return text;
}

std::string FullDescription(const ObjectKey& key, const CatalogObject& object) {
  if (key.kind == "column") return DescribeColumn(object);
  if (key.kind == "table") return DescribeTable(object);
  if (key.kind == "policy") return DescribePolicy(object);
  if (key.kind == "function" || key.kind == "procedure") return DescribeRoutine(object);
  if (key.kind == "sequence") return DescribeSequence(object);
  if (key.kind == "domain") return DescribeColumn(object);
  // What says it all, where an object has it.
  for (const char* attribute : {"definition", "labels", "attributes", "privileges", "text", "value", "version"}) {
    const auto found = object.attributes.find(attribute);
    if (found != object.attributes.end()) return found->second;
  }
  return DescribeAttributes(object);
}

}  // namespace

std::string Describe(const ObjectKey& key, const CatalogObject& object) {
  return Excerpt(FullDescription(key, object), 0, kDescriptionLength);
}

}  // namespace migproof
