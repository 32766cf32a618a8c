// The type of a column, resolved as far as a generator of values must know it.
//
//   const ColumnType type = ResolveType(catalog, "public.mood[]");
//   // type.form == kArray, type.element->form == kEnum, type.element->labels == {"sad", "ok"}
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "harness/catalog/catalog.h"

namespace migproof {

struct CompositeField;

struct ColumnType {
  enum class Form { kBase, kArray, kEnum, kDomain, kComposite, kRange, kMultirange };

  Form form = Form::kBase;
  std::string name;                 // as the server writes it: "character varying(80)", "public.mood[]"
  std::string base;                 // less modifiers and brackets: "character varying", "timestamp with time zone"
  std::vector<int> modifiers;       // (80): {80}; numeric(10,2): {10, 2}; none: {}
  std::vector<std::string> labels;  // of an enum, in order
  std::vector<std::string> checks;  // of a domain: "CHECK ((VALUE > 0))"
  bool not_null = false;            // of a domain
  // Of an array its element, of a domain what it stands on, of a range its subtype, of a multirange its range.
  std::shared_ptr<const ColumnType> element;
  std::vector<CompositeField> fields;  // of a composite, in order
  // Values seen for this type in defaults, CHECKs and seeds; all that is known of a type nobody claims.
  std::vector<std::string> harvested;
};

struct CompositeField {
  std::string name;
  ColumnType type;
};

// `type_name` is the attribute `type` of a column in `catalog`; enums, domains, composites and ranges are looked up
// there. A type that the catalog does not describe is a base type.
ColumnType ResolveType(const Catalog& catalog, const std::string& type_name);

// What a domain stands on, through domains over domains; any other type itself.
const ColumnType& BelowDomains(const ColumnType& type);

}  // namespace migproof
