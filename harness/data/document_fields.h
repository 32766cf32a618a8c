// What generated columns take out of documents, which are columns of json or jsonb.
//
//   TakenFields("read_at((doc #>> '{state,at}'::text[]))");   // {{"doc", {"state", "at"}}}
//   WithField(R"({"a": 1})", {"state", "at"}, "2020-01-01");  // {"a":1,"state":{"at":"2020-01-01"}}
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace migproof {

struct TakenField {
  std::string column;             // quoted as in the catalog
  std::vector<std::string> path;  // the keys that lead there

  bool operator==(const TakenField&) const = default;
};

// The texts that an expression, as the server prints it, takes by ->> and #>>, in the order of their appearance, each
// once. Elements of arrays count as keys.
std::vector<TakenField> TakenFields(std::string_view expression);

// `document` with `value` at `path`; what is no object on the way there is replaced by one.
std::string WithField(const std::string& document, const std::vector<std::string>& path,
                      const nlohmann::ordered_json& value);

}  // namespace migproof
