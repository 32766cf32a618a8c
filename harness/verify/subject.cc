#include "harness/verify/subject.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "harness/verify/model.h"
#include "migrations/registry.h"

namespace migproof {

namespace {

// In upper case, with one blank between words.
std::string UpperWords(std::string_view text) {
  std::string words;
  for (const char c : text) {
    const bool blank = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (blank && !words.empty() && words.back() == ' ') continue;
    words += blank ? ' ' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return words;
}

// Whether a command begins at `at`: at the start, behind a separator or quote, or behind a word that opens a block. A
// message such as 'cannot create user ...' holds none.
bool BeginsCommand(const std::string& words, std::size_t at) {
  std::size_t end = at;
  while (end > 0 && words[end - 1] == ' ') --end;
  if (end == 0 || std::string_view(";'$(").find(words[end - 1]) != std::string_view::npos) return true;
  const std::size_t begin = words.find_last_of(" ;'$(", end - 1);
  const std::string word = words.substr(begin == std::string::npos ? 0 : begin + 1, end - (begin + 1));
  return word == "BEGIN" || word == "THEN" || word == "ELSE" || word == "LOOP";
}

bool NamesSharedObject(const std::string& words) {
  for (const char* verb : {"CREATE ", "ALTER ", "DROP "}) {
    for (const char* noun : {"ROLE ", "GROUP ", "TABLESPACE ", "USER "}) {
      const std::string command = verb + std::string(noun);
      for (std::size_t at = words.find(command); at != std::string::npos; at = words.find(command, at + 1)) {
        const bool is_mapping = words.compare(at + command.size(), 8, "MAPPING ") == 0;
        if (!is_mapping && BeginsCommand(words, at)) return true;
      }
    }
  }
  return false;
}

bool AnyTouches(const Script& script) {
  return std::any_of(script.statements().begin(), script.statements().end(), [&](const Statement& statement) {
    return statement.kind == StatementKind::kSql && TouchesCluster(script.Text(statement));
  });
}

bool AnyTouches(const Section& section) {
  return AnyTouches(section.script) || std::any_of(section.literals.begin(), section.literals.end(), TouchesCluster);
}

bool AnyTouches(const Revision& revision) {
  return AnyTouches(revision.upgrade) || (revision.downgrade && AnyTouches(*revision.downgrade));
}

// Work of other sessions, transactions that are prepared, counters that stop or begin anew.
bool HidesFromCounters(const Script& script) {
  static constexpr const char* kWords[] = {"DBLINK", "PG_BACKGROUND", "PREPARED", "TRACK_COUNTS", "PG_STAT_RESET"};
  const std::string words = UpperWords(script.text());
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&](const char* word) { return words.find(word) != std::string::npos; });
}

bool HidesFromCounters(const Revision& revision) {
  return HidesFromCounters(revision.upgrade.script) ||
         (revision.downgrade && HidesFromCounters(revision.downgrade->script));
}

ToolSettings& AtDirectory(ToolSettings& settings, const std::filesystem::path& directory) {
  settings.directory = directory;
  return settings;
}

}  // namespace

Subject::Subject(std::string format, const std::filesystem::path& directory,
                 const std::vector<std::filesystem::path>& before, std::vector<Revision> revisions,
                 ToolSettings settings)
    : format_name_(std::move(format)),
      directory_(directory),
      history_(std::move(revisions)),
      ledger_(Registry<Format>::Get(format_name_).MakeLedger(AtDirectory(settings, directory))),
      tool_(Registry<Format>::Get(format_name_).MakeTool(settings)),
      order_(history_.Linear()) {
  tool_settings_ = std::move(settings);
  for (const auto& path : before) before_.push_back(Script::Parse(ReadTextFile(path), {path.string(), 1}));
  for (std::size_t i = 0; i < order_.size(); ++i) index_.emplace(order_[i], i);
  touches_cluster_ =
      std::any_of(before_.begin(), before_.end(), [](const Script& script) { return AnyTouches(script); }) ||
      std::any_of(order_.begin(), order_.end(), [](const Revision* revision) { return AnyTouches(*revision); });
  hides_from_counters_ =
      tool_ != nullptr ||  // it works on connections of its own
      std::any_of(before_.begin(), before_.end(), [](const Script& script) { return HidesFromCounters(script); }) ||
      std::any_of(order_.begin(), order_.end(), [](const Revision* revision) { return HidesFromCounters(*revision); });
}

void Subject::ReadModel(const std::filesystem::path& file) {
  if (file.string().starts_with(kPythonModel)) {
    model_code_ = file.string().substr(kPythonModel.size());
  } else if (file.extension() == ".sql") {
    model_script_ = Script::Parse(ReadTextFile(file), {file.string(), 1});
  } else {
    model_ = ReadModelFile(file);
  }
}

void Subject::ReadSquash(const std::filesystem::path& file) {
  constexpr std::string_view kWord = "squashes";
  Squash squash{.script = Script::Parse(ReadTextFile(file), {file.string(), 1})};
  std::vector<const Revision*> last = history_.Heads();
  for (const Directive& directive : ReadDirectives(squash.script)) {
    if (directive.Word() != kWord) {
      throw Error(ErrorKind::kHistory, fmt::format("a squash says nothing of '{}'", directive.Word()))
          .WithLocation(directive.where)
          .WithHint("it may say which revision it ends with: '-- migproof: squashes REVISION'");
    }
    last = {&history_.Get(std::string(directive.Rest()))};
  }
  for (const Revision* revision : last) {
    squash.replaces.insert(revision);
    for (const Revision* before : history_.Ancestors(*revision)) squash.replaces.insert(before);
  }
  touches_cluster_ = touches_cluster_ || AnyTouches(squash.script);
  squash_ = std::move(squash);
}

bool TouchesCluster(std::string_view statement) {
  const std::string first = LeadingWords(statement, 1);
  const std::string skeleton = Skeleton(statement);
  if (first == "GRANT" || first == "REVOKE") {  // of a role to a role: there is no ON
    return (" " + skeleton + " ").find(" ON ") == std::string::npos;
  }
  if (skeleton.find("ALTER SYSTEM") != std::string::npos || NamesSharedObject(skeleton)) return true;
  const bool has_body = first == "DO" || skeleton.find("FUNCTION") != std::string::npos ||
                        skeleton.find("PROCEDURE") != std::string::npos;
  return has_body && NamesSharedObject(UpperWords(statement));
}

std::size_t Subject::IndexOf(const Revision& revision) const { return index_.at(&revision); }

}  // namespace migproof
