#include <algorithm>
#include <map>
#include <set>

#include "harness/data/aim_tools.h"
#include "harness/data/check_values.h"
#include "harness/data/definition_text.h"
#include "harness/data/simple_regex.h"
#include "harness/data/statement_words.h"

namespace migproof {

namespace {

// "semver" for public."semver"(text, integer).
std::string BareFunction(const std::string& name) {
  const std::string path = name.substr(0, name.find('('));
  std::string bare = path.substr(path.rfind('.') + 1);
  bare.erase(std::remove(bare.begin(), bare.end(), '"'), bare.end());
  return bare;
}

// What a trigger's functions say, and the functions that these name, and so on.
struct TriggerCode {
  std::set<std::string> words;
  std::vector<std::string> literals;

  void Add(const std::string& text) {
    StatementWords more = WordsOf(text);
    words.merge(more.words);
    literals.insert(literals.end(), more.literals.begin(), more.literals.end());
  }
};

class TriggerPattern : public Aim {
 public:
  std::string_view Summary() const override {
    return "texts match the patterns that a trigger of their table holds them against, which chance hardly ever meets";
  }

  void Propose(const AimInput& input, Targets& targets) const override {
    if (TouchedTables(input).empty()) return;  // those that a touched table refers to count as well
    Proposal proposal(input, targets);
    Random random = AimRandom("trigger_pattern");
    for (const std::string& trigger : input.before.Names("trigger")) {
      const CatalogObject& object = *input.before.Find("trigger", trigger);
      if (input.before.Find("table", object.relation) == nullptr) continue;
      const TriggerCode code = CodeOf(input.before, AttributeOf(object, "definition"));
      for (const std::string& literal : code.literals) {
        if (!literal.starts_with('^') && !literal.ends_with('$')) continue;
        if (const auto pattern = SimpleRegex::Parse(literal))
          Put(input.before, object.relation, code, *pattern, random, proposal);
      }
    }
  }

 private:
  static TriggerCode CodeOf(const Catalog& catalog, const std::string& definition) {
    std::map<std::string, std::string> bodies;
    for (const char* kind : {"function", "procedure"}) {
      for (const std::string& name : catalog.Names(kind))
        bodies[BareFunction(name)] += catalog.Attribute(kind, name, "body");
    }
    TriggerCode code;
    code.Add(definition);
    for (bool more = true; more;) {
      more = false;
      for (auto at = bodies.begin(); at != bodies.end();) {
        const bool named = code.words.contains(at->first);
        if (named) code.Add(at->second);
        more = more || named;
        at = named ? bodies.erase(at) : std::next(at);
      }
    }
    return code;
  }

  static void Put(const Catalog& catalog, const std::string& table, const TriggerCode& code, const SimpleRegex& pattern,
                  Random& random, Proposal& proposal) {
    constexpr std::size_t kExamples = 6;
    for (const auto& [column, shape] : CheckColumnsOf(catalog, table)) {
      if (!code.words.contains(Unquoted(column)) || !IsText(Unwrapped(shape.type))) continue;
      for (std::size_t extra = 0; extra < kExamples; ++extra) {
        const std::string text = pattern.Example(random, extra / 2);
        if (Fits(shape.type, text)) proposal.Row(table, {{column, text}});
      }
    }
  }
};

const Registered<Aim, TriggerPattern> kTriggerPattern("trigger_pattern");

}  // namespace

}  // namespace migproof
