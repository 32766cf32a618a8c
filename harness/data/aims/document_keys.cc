#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "harness/data/aim_tools.h"
#include "harness/data/check_values.h"
#include "harness/data/literal_parts.h"

namespace migproof {

namespace {

using Document = nlohmann::ordered_json;

// Literals that may name a field, in order; those of a path ('{state,at}') one by one.
std::vector<std::string> KeysIn(const std::vector<std::string>& literals) {
  constexpr std::size_t kMost = 5;
  constexpr std::size_t kLongest = 40;
  std::vector<std::string> keys;
  const auto add = [&](const std::string& key) {
    const bool plausible =
        !key.empty() && key.size() <= kLongest && key.find_first_of("{}[]() \n\t") == std::string::npos;
    if (plausible && keys.size() < kMost && std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
  };
  for (const std::string& literal : literals) {
    add(literal);
    if (!literal.starts_with("{")) continue;
    const auto parts = PartsOfArray(literal, ',');
    for (const Cell& part : parts.value_or(std::vector<Cell>())) add(part.value_or(""));
  }
  return keys;
}

// One field holding each kind of value in turn, then two, the one within the other or beside it as its value.
std::vector<Document> DocumentsOf(const std::vector<std::string>& keys) {
  std::vector<Document> documents;
  const std::vector<Document> values = {"a", 1, nullptr, "", Document::array({"a"}), Document::object(), true};
  for (const Document& value : values) {
    for (const std::string& key : keys) documents.push_back({{key, value}});
  }
  for (const std::string& key : keys) documents.push_back(Document::array({{{key, "a"}}}));
  for (std::size_t i = 0; i + 1 < keys.size(); ++i) {
    const Document inner = {{keys[i + 1], "a"}};
    documents.push_back({{keys[i], inner}});
    documents.push_back({{keys[i], Document::array({inner})}});
    documents.push_back({{keys[i], keys[i + 1]}});
  }
  return documents;
}

bool IsDocument(const ColumnType& column, const NamedColumns& named) {
  const ColumnType& type = Unwrapped(column);
  if (type.base == "json" || type.base == "jsonb") return true;
  return IsText(type) && (named.words.contains("json") || named.words.contains("jsonb"));
}

class DocumentKeys : public Aim {
 public:
  std::string_view Summary() const override {
    return "documents hold the fields whose names stand in a statement, and in them values of each kind";
  }

  void Propose(const AimInput& input, Targets& targets) const override {
    Proposal proposal(input, targets);
    for (const NamedColumns& named : NamedInStatements(input)) {
      const std::vector<Document> documents = DocumentsOf(KeysIn(named.literals));
      const CheckColumns types = CheckColumnsOf(input.before, named.table);
      for (const std::string& column : named.columns) {
        const ColumnType& type = types.at(column).type;
        if (!IsDocument(type, named)) continue;
        for (const Document& document : documents) {
          if (Fits(type, document.dump())) proposal.Row(named.table, {{column, document.dump()}});
        }
      }
    }
  }
};

const Registered<Aim, DocumentKeys> kDocumentKeys("document_keys");

}  // namespace

}  // namespace migproof
