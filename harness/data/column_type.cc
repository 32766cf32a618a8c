#include "harness/data/column_type.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>

namespace migproof {

namespace {

using Form = ColumnType::Form;

const std::map<std::string, std::string>& BuiltInRanges() {
  static const std::map<std::string, std::string> ranges = {
      {"int4range", "integer"}, {"int8range", "bigint"},
      {"numrange", "numeric"},  {"tsrange", "timestamp without time zone"},
      {"daterange", "date"},    {"tstzrange", "timestamp with time zone"},
  };
  return ranges;
}

// "nummultirange" is made of "numrange".
std::string RangeOfBuiltInMultirange(const std::string& name) {
  const std::size_t multi = name.find("multirange");
  if (multi == std::string::npos) return "";
  const std::string range = name.substr(0, multi) + "range";
  return BuiltInRanges().count(range) != 0 ? range : "";
}

// Positions in `text` outside of quotes and parentheses where `wanted` stands.
std::vector<std::size_t> AtTopLevel(const std::string& text, char wanted) {
  std::vector<std::size_t> places;
  char quote = 0;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
      continue;
    }
    if (c == wanted && depth == 0) places.push_back(i);
    if (c == '"' || c == '\'') quote = c;
    if (c == '(') ++depth;
    if (c == ')') --depth;
  }
  return places;
}

std::vector<std::string> SplitAttributes(const std::string& text) {
  std::vector<std::string> parts;
  if (text.empty()) return parts;
  std::vector<std::size_t> commas = AtTopLevel(text, ',');
  commas.push_back(text.size());
  std::size_t start = 0;
  for (const std::size_t comma : commas) {
    std::string part = text.substr(start, comma - start);
    part.erase(0, parts.empty() ? 0 : part.find_first_not_of(' '));
    parts.push_back(part);
    start = comma + 1;
  }
  return parts;
}

// Labels stand bare, those that would be misread in quotes.
std::string Unquoted(const std::string& label) {
  if (label.size() < 2 || label.front() != '\'') return label;
  std::string text;
  for (std::size_t i = 1; i + 1 < label.size(); ++i) {
    text += label[i];
    if (label[i] == '\'' && label[i + 1] == '\'') ++i;
  }
  return text;
}

// quote_literal writes E'...' where there is a backslash, each doubled.
std::string Label(const std::string& label) {
  if (!label.starts_with("E'")) return Unquoted(label);
  std::string text;
  const std::string doubled = Unquoted(label.substr(1));
  for (std::size_t i = 0; i < doubled.size(); ++i) {
    text += doubled[i];
    if (doubled[i] == '\\') ++i;
  }
  return text;
}

class TypeResolver {
 public:
  explicit TypeResolver(const Catalog& catalog) : catalog_(catalog) {}

  ColumnType Resolve(const std::string& name) {
    ColumnType type;
    type.name = name;
    // A table may hold an array of its own row type: resolved once around, then left as a base type.
    const bool again = !open_.insert(name).second;
    if (!again && (AsArray(type) || AsListed(type) || AsRange(type) || AsRowType(type))) {
      open_.erase(name);
      if (type.base.empty()) type.base = name;
      return type;
    }
    if (!again) open_.erase(name);
    AsBase(type);
    return type;
  }

 private:
  std::shared_ptr<const ColumnType> Element(const std::string& name) {
    return std::make_shared<const ColumnType>(Resolve(name));
  }

  bool AsArray(ColumnType& type) {
    if (!type.name.ends_with("[]")) return false;
    std::string element = type.name;
    while (element.ends_with("[]")) element.resize(element.size() - 2);
    type.form = Form::kArray;
    type.element = Element(element);
    type.base = type.element->base;
    return true;
  }

  bool AsListed(ColumnType& type) {
    if (const CatalogObject* found = catalog_.Find("enum", type.name)) {
      type.form = Form::kEnum;
      for (const std::string& label : SplitAttributes(Text(*found, "labels"))) type.labels.push_back(Label(label));
      return true;
    }
    if (const CatalogObject* found = catalog_.Find("domain", type.name)) {
      type.form = Form::kDomain;
      type.element = Element(Text(*found, "type"));
      type.not_null = Text(*found, "not_null") == "true";
      const std::string suffix = " on " + type.name;
      ForEach("domain constraint", [&](const std::string& name, const CatalogObject& object) {
        if (name.ends_with(suffix)) type.checks.push_back(Text(object, "definition"));
      });
      return true;
    }
    if (const CatalogObject* found = catalog_.Find("composite type", type.name)) {
      type.form = Form::kComposite;
      for (const std::string& field : SplitAttributes(Text(*found, "attributes"))) AddField(type, field);
      return true;
    }
    return false;
  }

  void AddField(ColumnType& type, const std::string& field) {
    const std::vector<std::size_t> spaces = AtTopLevel(field, ' ');
    if (spaces.empty()) return;
    std::string field_type = field.substr(spaces.front() + 1);
    if (const std::size_t collate = field_type.find(" COLLATE "); collate != std::string::npos) {
      field_type.resize(collate);
    }
    type.fields.push_back({field.substr(0, spaces.front()), Resolve(field_type)});
  }

  bool AsRange(ColumnType& type) {
    if (const auto built_in = BuiltInRanges().find(type.name); built_in != BuiltInRanges().end()) {
      return MakeRange(type, Form::kRange, built_in->second);
    }
    if (const std::string range = RangeOfBuiltInMultirange(type.name); !range.empty()) {
      return MakeRange(type, Form::kMultirange, range);
    }
    if (const CatalogObject* found = catalog_.Find("range type", type.name)) {
      return MakeRange(type, Form::kRange, Text(*found, "subtype"));
    }
    std::string range;
    ForEach("range type", [&](const std::string& name, const CatalogObject& object) {
      if (Text(object, "multirange") == type.name) range = name;
    });
    return !range.empty() && MakeRange(type, Form::kMultirange, range);
  }

  bool MakeRange(ColumnType& type, Form form, const std::string& element) {
    type.form = form;
    type.element = Element(element);
    return true;
  }

  // A table, view or the like is a composite type by the same name.
  bool AsRowType(ColumnType& type) {
    if (type.name.find('.') == std::string::npos) return false;
    std::map<int, std::pair<std::string, std::string>> columns;
    const ObjectKey first{"column", type.name + "."};
    const Catalog::Objects& objects = catalog_.objects();
    for (auto at = objects.lower_bound(first); at != objects.end() && at->first.kind == "column"; ++at) {
      if (!at->first.name.starts_with(first.name)) break;
      if (at->second.relation != type.name) continue;
      columns[std::atoi(Text(at->second, "position").c_str())] = {at->first.name.substr(first.name.size()),
                                                                  Text(at->second, "type")};
    }
    if (columns.empty()) return false;
    type.form = Form::kComposite;
    for (const auto& [position, column] : columns) type.fields.push_back({column.first, Resolve(column.second)});
    return true;
  }

  void AsBase(ColumnType& type) {
    type.base = type.name;
    const std::vector<std::size_t> opens = AtTopLevel(type.name, '(');
    if (!opens.empty()) {
      const std::size_t open = opens.back();
      const std::size_t close = type.name.find(')', open);
      if (close != std::string::npos) {
        for (const std::string& modifier : SplitAttributes(type.name.substr(open + 1, close - open - 1))) {
          char* end = nullptr;
          const long number = std::strtol(modifier.c_str(), &end, 10);
          if (end != modifier.c_str() && *end == '\0') type.modifiers.push_back(static_cast<int>(number));
        }
        type.base = type.name.substr(0, open) + type.name.substr(close + 1);
      }
    }
    // The server's own types are known; what an extension or a migration brought may not be.
    if (type.name.find('.') != std::string::npos) Harvest(type);
  }

  // Collects '...'::type from every text of the catalog.
  void Harvest(ColumnType& type) {
    const std::string cast = "'::" + type.base;
    std::set<std::string> found;
    for (const auto& [key, object] : catalog_.objects()) {
      for (const auto& [name, text] : object.attributes) {
        for (std::size_t at = text.find(cast); at != std::string::npos; at = text.find(cast, at + 1)) {
          if (const auto literal = LiteralBefore(text, at); literal && found.insert(*literal).second) {
            type.harvested.push_back(*literal);
          }
        }
      }
    }
  }

  // The literal whose closing quote stands at `end`.
  static std::optional<std::string> LiteralBefore(const std::string& text, std::size_t end) {
    std::string literal;
    for (std::size_t i = end; i-- > 0;) {
      if (text[i] == '\'') {
        if (i == 0 || text[i - 1] != '\'') {
          if (i > 0 && text[i - 1] == 'E') return std::nullopt;
          std::reverse(literal.begin(), literal.end());
          return literal;
        }
        --i;
      }
      literal += text[i];
    }
    return std::nullopt;
  }

  template <typename Use>
  void ForEach(const std::string& kind, Use use) const {
    const Catalog::Objects& objects = catalog_.objects();
    for (auto at = objects.lower_bound({kind, ""}); at != objects.end() && at->first.kind == kind; ++at) {
      use(at->first.name, at->second);
    }
  }

  static std::string Text(const CatalogObject& object, const std::string& attribute) {
    const auto found = object.attributes.find(attribute);
    return found == object.attributes.end() ? "" : found->second;
  }

  const Catalog& catalog_;
  std::set<std::string> open_;
};

}  // namespace

ColumnType ResolveType(const Catalog& catalog, const std::string& type_name) {
  return TypeResolver(catalog).Resolve(type_name);
}

const ColumnType& BelowDomains(const ColumnType& type) {
  return type.form == ColumnType::Form::kDomain && type.element ? BelowDomains(*type.element) : type;
}

}  // namespace migproof
