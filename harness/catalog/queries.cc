#include "harness/catalog/queries.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "harness/catalog/embedded_queries.h"
#include "migrations/error.h"

namespace migproof {

namespace {

constexpr std::string_view kCatalogsHeader = "-- catalogs: ";
constexpr std::string_view kRelkindsHeader = "-- relkinds: ";

Error BadQuery(std::string_view file, std::string_view what) {
  return Error(ErrorKind::kInternal, fmt::format("query '{}': {}", file, what));
}

std::vector<std::string> Words(std::string_view text) {
  std::istringstream stream{std::string(text)};
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

bool IsGateWord(const std::string& word) {
  return word == "since" || word == "until" || word == "superuser" || word == "plain";
}

// Whether the line that ends in the comment `gate` is there for this server and role. Comments that begin with another
// word are comments.
bool Passes(std::string_view file, std::string_view gate, int major_version, bool superuser) {
  const std::vector<std::string> words = Words(gate);
  if (words.empty() || !IsGateWord(words.front())) return true;
  bool passes = true;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "superuser" || words[i] == "plain") {
      passes = passes && superuser == (words[i] == "superuser");
      continue;
    }
    int version = 0;
    const bool has_version = IsGateWord(words[i]) && i + 1 < words.size();
    if (has_version) std::from_chars(words[i + 1].data(), words[i + 1].data() + words[i + 1].size(), version);
    if (version == 0) throw BadQuery(file, fmt::format("can't read the gate '{}'", gate));
    passes = passes && (words[i] == "since" ? major_version >= version : major_version <= version);
    ++i;
  }
  return passes;
}

std::string KindOf(std::string_view file) {
  std::string kind(file.substr(0, file.find('.')));
  std::replace(kind.begin(), kind.end(), '_', ' ');
  return kind;
}

void ReadCatalogsHeader(std::string_view line, CatalogQuery& query) {
  for (std::string& word : Words(line.substr(kCatalogsHeader.size()))) {
    if (word.front() == '*') {
      word.erase(0, 1);
      query.needs.push_back(word);
      word.erase(std::min(word.find(':'), word.size()));  // a mark
    }
    query.catalogs.push_back(word);
  }
}

}  // namespace

CatalogQuery ParseCatalogQuery(std::string_view file, std::string_view text, int major_version, bool superuser) {
  CatalogQuery query;
  query.name = std::string(file.substr(0, file.rfind(".sql")));
  query.kind = KindOf(file);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with(kCatalogsHeader)) ReadCatalogsHeader(line, query);
    if (line.starts_with(kRelkindsHeader)) {
      for (const std::string& relkind : Words(line.substr(kRelkindsHeader.size()))) query.relkinds += relkind;
    }
    if (line.starts_with("--")) continue;
    const std::size_t comment = line.find("-- ");
    const bool gated = comment != std::string_view::npos;
    if (gated && !Passes(file, line.substr(comment + 3), major_version, superuser)) continue;
    const std::string_view code = line.substr(0, comment);
    if (code.find_first_not_of(' ') != std::string_view::npos) query.sql.append(code).append("\n");
  }
  if (query.catalogs.empty()) throw BadQuery(file, "no line '-- catalogs: ...'");
  query.by_relation = query.sql.find("$1") != std::string::npos;
  return query;
}

std::vector<CatalogQuery> CatalogQueries(int major_version, bool superuser) {
  std::vector<CatalogQuery> queries;
  for (const auto& [file, text] : kEmbeddedFiles) {
    queries.push_back(ParseCatalogQuery(file, text, major_version, superuser));
  }
  return queries;
}

}  // namespace migproof
