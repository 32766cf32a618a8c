#include <map>

#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

// Names that every server knows, under any search_path. "-" is none.
const std::map<std::string, std::vector<std::string>>& KnownNames() {
  static const std::map<std::string, std::vector<std::string>> names = {
      {"regclass", {"-", "pg_class", "pg_type", "pg_attribute", "pg_proc", "pg_namespace"}},
      {"regtype", {"-", "integer", "text", "boolean", "text[]", "timestamp with time zone"}},
      {"regproc", {"-", "version", "pg_typeof", "pg_backend_pid"}},
      {"regprocedure", {"-", "version()", "abs(integer)", "lower(text)", "pg_typeof(\"any\")"}},
      {"regoper", {"0", "||/", "|/"}},
      {"regoperator", {"0", "+(integer,integer)", "=(text,text)", "||(text,text)"}},
      {"regnamespace", {"-", "pg_catalog", "information_schema"}},
      {"regrole", {"-", "pg_monitor", "pg_read_all_stats"}},
      {"regconfig", {"simple", "english", "german", "-"}},
      {"regdictionary", {"simple", "english_stem", "german_stem", "-"}},
      {"regcollation", {"-", "\"C\"", "\"POSIX\"", "\"default\""}},
  };
  return names;
}

class RegGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    const auto names = KnownNames().find(type.base);
    if (type.form != ColumnType::Form::kBase || names == KnownNames().end()) return std::nullopt;
    return TypeRecipe{.edges = names->second};
  }
};

const Registered<ColumnGenerator, RegGenerator> kReg("reg");

}  // namespace

}  // namespace migproof
