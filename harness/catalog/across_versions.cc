#include "harness/catalog/across_versions.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "migrations/error.h"

namespace migproof {

namespace {

// What a kind's query gives only since a major: the lines of harness/catalog/queries that say so.
struct LaterAttribute {
  const char* kind;
  const char* attribute;
  int since;
};

constexpr LaterAttribute kLaterAttributes[] = {
    {"base type", "subscript", 14},        {"collation", "rules", 16},
    {"column", "compression", 14},         {"column", "not_null_name", 18},
    {"column", "not_null_no_inherit", 18}, {"publication", "generated_columns", 18},
    {"publication table", "columns", 15},  {"publication table", "where", 15},
    {"range type", "multirange", 14},      {"role membership", "inherit", 16},
    {"role membership", "set", 16},        {"table", "detach_pending", 14},
};

constexpr int kMaintainSince = 17;
constexpr int kGrantorSince = 16;

// "INSERT, MAINTAIN, SELECT" without MAINTAIN, granted on or not.
std::string WithoutMaintain(const std::string& privileges) {
  std::string kept;
  std::istringstream list(privileges);
  for (std::string word; std::getline(list, word, ',');) {
    word.erase(0, word.find_first_not_of(' '));
    if (word == "MAINTAIN" || word == "MAINTAIN*") continue;
    kept += (kept.empty() ? "" : ", ") + word;
  }
  return kept;
}

// False where nothing is left that differs from what the kind grants by itself.
bool DropMaintain(CatalogObject& object) {
  for (const char* attribute : {"privileges", "default"}) {
    const auto found = object.attributes.find(attribute);
    if (found == object.attributes.end()) continue;
    found->second = WithoutMaintain(found->second);
    if (found->second.empty()) object.attributes.erase(found);
  }
  const auto granted = object.attributes.find("privileges");
  const auto by_default = object.attributes.find("default");
  if (granted == object.attributes.end()) return false;
  return by_default == object.attributes.end() || granted->second != by_default->second;
}

std::optional<std::string> OnlyValue(Session& session, const std::string& sql) {
  const Rows rows = session.Query(sql);
  if (rows.size() != 1 || rows.IsNull(0, 0)) return std::nullopt;
  return std::string(rows.Get(0, 0));
}

// What it takes to have a server print a text: statements that put it somewhere, and a query that reads it back. The
// names are as the catalog's reader prints them.
struct Rendering {
  std::vector<std::string> statements;
  std::string query;
};

constexpr const char* kRendered = "migproof_rendered";

// "orders_note on public.orders": the part behind " on ".
std::string OwnerIn(const std::string& name) {
  const std::size_t at = name.rfind(" on ");
  return at == std::string::npos ? "" : name.substr(at + 4);
}

std::string Literal(const std::string& text) {
  std::string literal = "'";
  for (const char c : text) literal += c == '\'' ? "''" : std::string(1, c);
  return literal + "'";
}

// An expression over the columns of a table, as a constraint that nothing is checked against.
Rendering AsCheck(const std::string& relation, const std::string& expression) {
  return {
      {fmt::format("ALTER TABLE {} ADD CONSTRAINT {} CHECK (({}) IS NULL) NOT VALID", relation, kRendered, expression)},
      fmt::format("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = '{}' AND conrelid = "
                  "{}::regclass",
                  kRendered, Literal(relation))};
}

std::optional<Rendering> RenderingOf(const Difference& difference, const std::string& text) {
  const std::string& kind = difference.object.kind;
  const std::string& name = difference.object.name;
  const std::string& attribute = difference.attribute;
  if ((kind == "view" || kind == "materialized view") && attribute == "definition") {
    return Rendering{{fmt::format("CREATE TEMP VIEW {} AS {}", kRendered, text)},
                     fmt::format("SELECT pg_get_viewdef('pg_temp.{}'::regclass)", kRendered)};
  }
  if (kind == "column" && attribute == "default") return AsCheck(difference.relation, text);
  if (kind == "column" && attribute == "generated") {
    return AsCheck(difference.relation, text.substr(0, text.rfind(' ')));  // "... stored"
  }
  if (kind == "check constraint" && attribute == "definition") {
    return Rendering{
        {fmt::format("ALTER TABLE {} ADD CONSTRAINT {} {}", difference.relation, kRendered, text)},
        fmt::format("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = '{}'", kRendered)};
  }
  if (kind == "domain constraint" && attribute == "definition") {
    return Rendering{
        {fmt::format("ALTER DOMAIN {} ADD CONSTRAINT {} {}", OwnerIn(name), kRendered, text)},
        fmt::format("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = '{}'", kRendered)};
  }
  if (kind == "index" && attribute == "definition") {
    return Rendering{{fmt::format("DROP INDEX {}", name), text},
                     fmt::format("SELECT pg_get_indexdef({}::regclass)", Literal(name))};
  }
  if (kind == "policy" && (attribute == "using" || attribute == "with_check")) {
    return Rendering{
        {fmt::format("CREATE POLICY {} ON {} FOR UPDATE USING (true) WITH CHECK ({})", kRendered, difference.relation,
                     text)},
        fmt::format("SELECT pg_get_expr(polwithcheck, polrelid) FROM pg_policy WHERE polname = '{}'", kRendered)};
  }
  if (kind == "trigger" && attribute == "definition") {
    return Rendering{
        {fmt::format("DROP TRIGGER {} ON {}", name.substr(0, name.rfind(" on ")), difference.relation), text},
        fmt::format("SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = {}::regclass AND "
                    "quote_ident(tgname) || ' on ' || tgrelid::regclass = {}",
                    Literal(difference.relation), Literal(name))};
  }
  return std::nullopt;
}

// `text` as this server prints it; nothing where it takes it for no such thing.
std::optional<std::string> Rendered(Session& session, const Difference& difference, const std::string& text) {
  const std::optional<Rendering> rendering = RenderingOf(difference, text);
  if (!rendering) return std::nullopt;
  std::optional<std::string> printed;
  session.Execute("BEGIN");
  try {
    session.Execute("SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL client_min_messages = error");
    for (const std::string& statement : rendering->statements) session.Execute(statement);
    printed = OnlyValue(session, rendering->query);
  } catch (const Error& error) {
    if (!error.sql() || error.sql()->connection_lost) throw;
  }
  session.Execute("ROLLBACK");
  return printed;
}

// Whether the two texts are one to the server behind `session`.
bool PrintsAlike(Session& session, const Difference& difference) {
  const std::optional<std::string> was = Rendered(session, difference, difference.was);
  return was && was == Rendered(session, difference, difference.is);
}

}  // namespace

Catalog AsOn(int oldest, const Catalog& catalog, int major) {
  Catalog all = catalog;
  std::vector<ObjectKey> gone;
  std::vector<std::pair<ObjectKey, CatalogObject>> renamed;
  for (const auto& [key, object] : catalog.objects()) {
    const bool privilege = key.kind == "privilege" || key.kind == "default privilege";
    if (privilege && oldest < kMaintainSince && major >= kMaintainSince) {
      CatalogObject without = object;
      if (!DropMaintain(without)) {
        gone.push_back(key);
      } else if (without != object) {
        all.objects()[key] = std::move(without);
      }
    }
    if (key.kind == "extension") all.objects()[key].attributes.erase("version");
    for (const LaterAttribute& later : kLaterAttributes) {
      if (key.kind != later.kind || oldest >= later.since || !object.attributes.contains(later.attribute)) continue;
      all.objects()[key].attributes.erase(later.attribute);
    }
    const std::size_t grantor = key.name.rfind(" by ");
    if (key.kind == "role membership" && oldest < kGrantorSince && grantor != std::string::npos) {
      renamed.emplace_back(ObjectKey{key.kind, key.name.substr(0, grantor)}, *all.Find(key.kind, key.name));
      gone.push_back(key);
    }
  }
  for (const ObjectKey& key : gone) all.objects().erase(key);
  for (auto& [key, object] : renamed) all.objects().emplace(key, std::move(object));
  return all;
}

bool RendersAlike(Session& was, Session& is, const Difference& difference) {
  if (difference.change != Difference::Change::kChanged) return false;
  return PrintsAlike(is, difference) || PrintsAlike(was, difference);
}

}  // namespace migproof
