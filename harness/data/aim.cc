#include "harness/data/aim.h"

#include <algorithm>
#include <cctype>

namespace migproof {

namespace {

// The words of a statement as names: lower case outside quotes, quotes taken off.
std::set<std::string> AllWordsOf(const std::vector<std::string>& statements) {
  std::set<std::string> words;
  for (const std::string& text : statements) {
    std::string word;
    for (std::size_t i = 0; i <= text.size(); ++i) {
      const unsigned char c = i < text.size() ? static_cast<unsigned char>(text[i]) : ' ';
      if (std::isalnum(c) != 0 || c == '_' || c == '$' || c >= 0x80) {
        word += static_cast<char>(c);
      } else if (!word.empty()) {
        words.insert(word);
        std::transform(word.begin(), word.end(), word.begin(), [](unsigned char d) { return std::tolower(d); });
        words.insert(word);
        word.clear();
      }
    }
  }
  return words;
}

std::string Bare(const std::string& qualified) {
  std::string name = qualified.substr(qualified.rfind('.') + 1);
  std::erase(name, '"');
  return name;
}

// A quoted name with other characters in it is several words: the first stands for it.
bool Mentions(const std::set<std::string>& words, const std::string& name) {
  const auto end = std::find_if(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) == 0 && c != '_' && c != '$' && c < 0x80;
  });
  return words.contains(std::string(name.begin(), end));
}

}  // namespace

Targets TargetsFor(const AimInput& input, bool late) {
  Targets targets;
  for (const std::string& name : Registry<Aim>::Names()) {
    const Aim& aim = Registry<Aim>::Get(name);
    if (late || !aim.ComesLate()) aim.Propose(input, targets);
  }
  return targets;
}

std::set<std::string> TouchedTables(const AimInput& input) {
  std::set<std::string> touched;
  const auto take = [&](const std::string& table) {
    if (input.before.Find("table", table) != nullptr) touched.insert(table);
  };
  std::set<std::string> types;
  for (const Difference& difference : input.drift) {
    take(difference.relation);
    if (difference.object.kind == "table") take(difference.object.name);
    if (difference.relation.empty()) types.insert(difference.object.name);
  }
  const std::set<std::string> words = AllWordsOf(input.statements);
  for (const std::string& table : input.before.Names("table")) {
    if (Mentions(words, Bare(table))) take(table);
  }
  for (const auto& [key, object] : input.before.objects()) {
    if (key.kind != "column") continue;
    const auto type = object.attributes.find("type");
    if (type == object.attributes.end()) continue;
    const std::string base = type->second.substr(0, type->second.find_first_of("[("));
    if (types.contains(base)) take(object.relation);
  }
  return touched;
}

}  // namespace migproof
