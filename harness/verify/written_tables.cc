#include "harness/verify/written_tables.h"

#include <algorithm>
#include <regex>
#include <string_view>

namespace migproof {

namespace {

std::string InLowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// A space for each comment. Bodies between dollar quotes are read like the rest; strings and quoted names stay.
std::string WithoutComments(std::string_view text) {
  std::string kept;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    if (text[at] == '\'' || text[at] == '"') {
      at = std::min(text.find(text[at], at + 1), text.size() - 1) + 1;
      kept += text.substr(begin, at - begin);
    } else if (text.substr(at, 2) == "--") {
      at = std::min(text.find('\n', at), text.size());
      kept += ' ';
    } else if (text.substr(at, 2) == "/*") {
      int depth = 0;
      do {
        const bool opens = text.substr(at, 2) == "/*";
        const bool closes = text.substr(at, 2) == "*/";
        depth += opens ? 1 : closes ? -1 : 0;
        at += opens || closes ? 2 : 1;
      } while (depth > 0 && at < text.size());
      kept += ' ';
    } else {
      kept += text[at++];
    }
  }
  return kept;
}

// Where a target is put together, as in format('UPDATE %I ...', name) and 'UPDATE ' || name, every string that may be a
// table's name counts: ARRAY['orders', 'items'].
void AddWhereTargetsArePutTogether(const std::string& text, std::set<std::string>& names) {
  static const std::regex kPutTogether(
      R"re(\b(?:insert\s+into|update|delete\s+from|truncate(?:\s+table)?)\s+(?:only\s+)?(?:[\w".]+\.)?(?:%|'\s*\|\|))re",
      std::regex::icase);
  static const std::regex kName(R"re('([\w$.]+)')re");
  if (!std::regex_search(text, kPutTogether)) return;
  for (std::sregex_iterator match(text.begin(), text.end(), kName), end; match != end; ++match) {
    names.insert(BareName((*match)[1]));
  }
}

}  // namespace

std::string BareName(const std::string& qualified) {
  std::string name = qualified.substr(qualified.rfind('.') + 1);
  std::erase(name, '"');
  return InLowerCase(name);
}

std::set<std::string> WrittenIn(const std::string& statement) {
  const std::string text = WithoutComments(statement);
  static const std::regex kTarget(
      R"re(\b(?:insert\s+into|update|delete\s+from|truncate(?:\s+table)?|merge\s+into|copy)\s+(?:only\s+)?)re"
      R"re(((?:"[^"]+"|[\w$]+)(?:\s*\.\s*(?:"[^"]+"|[\w$]+))?(?:\s*,\s*(?:"[^"]+"|[\w$.]+))*))re",
      std::regex::icase);
  std::set<std::string> names;
  for (std::sregex_iterator match(text.begin(), text.end(), kTarget), end; match != end; ++match) {
    std::string list = (*match)[1];
    for (std::size_t at = 0; at != std::string::npos;) {
      const std::size_t comma = list.find(',', at);
      std::string name = list.substr(at, comma == std::string::npos ? comma : comma - at);
      name.erase(std::remove_if(name.begin(), name.end(), [](unsigned char c) { return std::isspace(c) != 0; }),
                 name.end());
      names.insert(BareName(name));
      at = comma == std::string::npos ? comma : comma + 1;
    }
  }
  AddWhereTargetsArePutTogether(text, names);
  return names;
}

bool HoldsWord(const std::string& text, const std::string& word) {
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const auto is_word = [&](std::size_t i) {
      return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) != 0 || text[i] == '_');
    };
    if ((at == 0 || !is_word(at - 1)) && !is_word(at + word.size())) return true;
  }
  return false;
}

std::set<std::string> WrittenTables(const Revision& revision, const Catalog& before, const Catalog& after) {
  std::vector<std::string> texts;
  const Script& script = revision.upgrade.AsSql().script;
  for (const Statement& statement : script.statements()) texts.emplace_back(script.Text(statement));
  texts.insert(texts.end(), revision.upgrade.literals.begin(), revision.upgrade.literals.end());
  std::map<std::string, std::string> functions;  // bare name, definition
  for (const Catalog* catalog : {&before, &after}) {
    for (const char* kind : {"function", "procedure"}) {
      for (const std::string& name : catalog->Names(kind)) {
        const std::string definition = catalog->Attribute(kind, name, "definition");
        functions[BareName(name.substr(0, name.find('(')))] += definition + "\n";
      }
    }
  }
  std::set<std::string> written;
  std::set<std::string> followed;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::string text = InLowerCase(texts[i]);
    for (const std::string& name : WrittenIn(text)) written.insert(name);
    for (const auto& [name, definition] : functions) {
      if (!followed.contains(name) && HoldsWord(text, name)) {
        followed.insert(name);
        texts.push_back(definition);
      }
    }
  }
  return written;
}

bool WritesBelowDeferredKeys(const Section& section, const Catalog& catalog) {
  std::set<std::string> deferred;
  for (const std::string& name : catalog.Names("foreign key")) {
    const CatalogObject& key = *catalog.Find("foreign key", name);
    if (key.attributes.at("definition").find("INITIALLY DEFERRED") != std::string::npos) {
      deferred.insert(BareName(key.relation));
    }
  }
  if (deferred.empty()) return false;
  const auto& statements = section.script.statements();
  return std::any_of(statements.begin(), statements.end(), [&](const Statement& statement) {
    const std::set<std::string> written = WrittenIn(std::string(section.script.Text(statement)));
    return std::any_of(written.begin(), written.end(), [&](const auto& name) { return deferred.contains(name); });
  });
}

}  // namespace migproof
