#include "harness/data/document_fields.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "harness/data/literal_parts.h"

namespace migproof {

namespace {

// Reads "((doc -> 'state'::text) ->> 'at'::text)", which begins at a parenthesis.
class FieldReader {
 public:
  FieldReader(std::string_view text, std::size_t at) : text_(text), at_(at) {}

  // Nothing where something else stands there, or what is taken is no text yet.
  std::optional<TakenField> Read() {
    TakenField field;
    return Chain(field) && gives_text_ ? std::optional(field) : std::nullopt;
  }

 private:
  bool Chain(TakenField& field) {
    if (!Take("(")) return false;
    if (!(text_.substr(at_).starts_with("(") ? Chain(field) : Name(field.column)) || gives_text_) return false;
    const bool whole_path = Take(" #>");
    if (!whole_path && !Take(" ->")) return false;
    gives_text_ = Take(">");
    const auto literal = Take(" ") ? Literal() : std::nullopt;
    if (!literal || !Take(whole_path ? "::text[])" : "::text)")) return false;
    if (!whole_path) {
      field.path.push_back(*literal);
      return true;
    }
    const auto keys = PartsOfArray(*literal, ',');
    for (const Cell& key : keys.value_or(std::vector<Cell>())) field.path.push_back(key.value_or(""));
    return keys && !keys->empty();
  }

  bool Take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  bool Name(std::string& name) {
    const bool quoted = text_.substr(at_).starts_with("\"");
    std::size_t end = quoted ? at_ + 1 : text_.find_first_of(" ()", at_);
    while (quoted && end < text_.size() && (text_[end] != '"' || text_.substr(end).starts_with("\"\""))) {
      end += text_[end] == '"' ? 2 : 1;
    }
    if (end >= text_.size()) return false;
    end += quoted ? 1 : 0;
    name = text_.substr(at_, end - at_);
    at_ = end;
    return !name.empty();
  }

  std::optional<std::string> Literal() {
    std::string value;
    if (!Take("'")) return std::nullopt;
    while (at_ < text_.size() && (text_[at_] != '\'' || text_.substr(at_).starts_with("''"))) {
      value += text_[at_];
      at_ += text_[at_] == '\'' ? 2 : 1;
    }
    return Take("'") ? std::optional(value) : std::nullopt;
  }

  std::string_view text_;
  std::size_t at_;
  bool gives_text_ = false;
};

}  // namespace

std::vector<TakenField> TakenFields(std::string_view expression) {
  std::vector<TakenField> fields;
  for (std::size_t at = expression.find('('); at != std::string_view::npos; at = expression.find('(', at + 1)) {
    const auto field = FieldReader(expression, at).Read();
    if (field && std::find(fields.begin(), fields.end(), *field) == fields.end()) fields.push_back(*field);
  }
  return fields;
}

std::string WithField(const std::string& document, const std::vector<std::string>& path,
                      const nlohmann::ordered_json& value) {
  nlohmann::ordered_json whole = nlohmann::ordered_json::parse(document, nullptr, false);
  nlohmann::ordered_json* place = &whole;
  for (const std::string& key : path) {
    if (!place->is_object()) *place = nlohmann::ordered_json::object();
    place = &(*place)[key];
  }
  *place = value;
  return whole.dump();
}

}  // namespace migproof
