// Checks a document against a JSON Schema (draft 2020-12), as far as the schemas of this repository go.
//
//   EXPECT_THAT(SchemaComplaints(schema, document), IsEmpty());
//
// A keyword that is not understood here is a complaint: nothing in a schema is silently unchecked.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace migproof {

class SchemaCheck {
 public:
  explicit SchemaCheck(const nlohmann::json& schema) : root_(schema) {}

  std::vector<std::string> Complaints(const nlohmann::json& document) {
    Check(root_, document, "");
    return std::move(complaints_);
  }

 private:
  using json = nlohmann::json;

  void Say(const std::string& at, const std::string& what) {
    complaints_.push_back(fmt::format("{}: {}", at.empty() ? "/" : at, what));
  }

  bool Accepts(const json& schema, const json& value) const {
    SchemaCheck check(root_);
    check.Check(schema, value, "");
    return check.complaints_.empty();
  }

  void Check(const json& schema, const json& value, const std::string& at) {
    if (schema.is_boolean()) {
      if (!schema.get<bool>()) Say(at, "must not be there");
      return;
    }
    for (const auto& [keyword, argument] : schema.items()) CheckKeyword(keyword, argument, schema, value, at);
  }

  void CheckKeyword(const std::string& keyword, const json& argument, const json& schema, const json& value,
                    const std::string& at) {
    if (keyword == "$ref") {
      Check(root_.at(json::json_pointer(argument.get<std::string>().substr(1))), value, at);
    } else if (keyword == "type") {
      if (!HasType(value, argument)) Say(at, fmt::format("is no {}", argument.get<std::string>()));
    } else if (keyword == "enum") {
      if (std::find(argument.begin(), argument.end(), value) == argument.end())
        Say(at, value.dump() + " is not listed");
    } else if (keyword == "const") {
      if (value != argument) Say(at, fmt::format("is {}, not {}", value.dump(), argument.dump()));
    } else if (keyword == "minimum") {
      if (value.is_number() && value < argument) Say(at, fmt::format("{} is below {}", value.dump(), argument.dump()));
    } else if (keyword == "minLength") {
      if (value.is_string() && value.get<std::string>().size() < argument.get<std::size_t>()) Say(at, "is too short");
    } else if (keyword == "required") {
      for (const std::string key : argument) {
        if (value.is_object() && !value.contains(key)) Say(at, fmt::format("'{}' is missing", key));
      }
    } else if (keyword == "properties" || keyword == "additionalProperties") {
      if (value.is_object()) CheckMembers(keyword, argument, schema, value, at);
    } else if (keyword == "items") {
      for (std::size_t i = 0; value.is_array() && i < value.size(); ++i) {
        Check(argument, value[i], fmt::format("{}/{}", at, i));
      }
    } else if (keyword == "allOf") {
      for (const json& part : argument) Check(part, value, at);
    } else if (keyword == "if") {
      const char* branch = Accepts(argument, value) ? "then" : "else";
      if (schema.contains(branch)) Check(schema.at(branch), value, at);
    } else {
      static const std::vector<std::string> kSilent = {"$schema", "title", "description", "$defs", "then", "else"};
      if (std::find(kSilent.begin(), kSilent.end(), keyword) == kSilent.end()) {
        Say(at, fmt::format("the keyword '{}' is not understood", keyword));
      }
    }
  }

  void CheckMembers(const std::string& keyword, const json& argument, const json& schema, const json& value,
                    const std::string& at) {
    for (const auto& [key, member] : value.items()) {
      const bool named = schema.contains("properties") && schema.at("properties").contains(key);
      if (named != (keyword == "properties")) continue;
      Check(named ? argument.at(key) : argument, member, at + "/" + key);
    }
  }

  static bool HasType(const json& value, const std::string& type) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "integer") return value.is_number_integer();
    if (type == "boolean") return value.is_boolean();
    if (type == "null") return value.is_null();
    return false;
  }

  const json& root_;
  std::vector<std::string> complaints_;
};

inline std::vector<std::string> SchemaComplaints(const nlohmann::json& schema, const nlohmann::json& document) {
  return SchemaCheck(schema).Complaints(document);
}

}  // namespace migproof
