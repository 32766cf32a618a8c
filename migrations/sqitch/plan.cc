#include "migrations/sqitch/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "migrations/digest.h"

namespace migproof {

namespace {

constexpr std::size_t kSha1Digits = 40;
constexpr std::string_view kNameRule =
    "names hold no blanks and none of : @ # \\, neither begin nor end with punctuation, and do not end in punctuation "
    "of the kind ~ / = % ^ and digits";

bool IsPlanBlank(char c) { return c == ' ' || c == '\t'; }
bool IsPlanDigit(char c) { return c >= '0' && c <= '9'; }
bool IsPlanPunctuation(char c) {
  return c != '_' && std::string_view("-!\"#$%&'()*+,./:;<=>?@[\\]^`{|}~").find(c) != std::string_view::npos;
}

bool IsSha1(std::string_view text) {
  return text.size() == kSha1Digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool IsPlanName(std::string_view name) {
  if (name.empty() || IsPlanPunctuation(name.front()) || IsPlanPunctuation(name.back())) return false;
  if (name.find_first_of(" \t:@#\\") != std::string_view::npos) return false;
  // "~2" and the like behind a name count changes from it.
  std::size_t digits = name.size();
  while (digits > 0 && IsPlanDigit(name[digits - 1])) --digits;
  const bool counts = digits < name.size() && digits > 0 &&
                      std::string_view("~/=%^[]").find(name[digits - 1]) != std::string_view::npos;
  return !counts;
}

std::string_view TrimPlan(std::string_view text) {
  while (!text.empty() && IsPlanBlank(text.front())) text.remove_prefix(1);
  while (!text.empty() && (IsPlanBlank(text.back()) || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

std::string_view TakeToBlank(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
  const std::string_view word = text.substr(0, end);
  text = TrimPlan(text.substr(end));
  return word;
}

// "\n", "\r" and "\\" stand for what they say.
std::string UnescapeNote(std::string_view note) {
  std::string text;
  for (std::size_t i = 0; i < note.size(); ++i) {
    const char next = i + 1 < note.size() ? note[i + 1] : '\0';
    const bool escape = note[i] == '\\' && (next == 'n' || next == 'r' || next == '\\');
    if (!escape) {
      text += note[i];
      continue;
    }
    text += next == 'n' ? '\n' : next == 'r' ? '\r' : '\\';
    ++i;
  }
  return text;
}

bool IsPlanTimestamp(std::string_view text) {
  constexpr std::string_view kPattern = "0000-00-00T00:00:00Z";
  if (text.size() != kPattern.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (kPattern[i] == '0' ? !IsPlanDigit(text[i]) : text[i] != kPattern[i]) return false;
  }
  const auto number = [&](std::size_t at) { return (text[at] - '0') * 10 + text[at + 1] - '0'; };
  return number(5) >= 1 && number(5) <= 12 && number(8) >= 1 && number(8) <= 31 && number(11) <= 23 &&
         number(14) <= 59 && number(17) <= 60;
}

std::optional<SqitchDependency> ParseDependency(std::string_view text) {
  SqitchDependency dependency;
  if (!text.empty() && text.front() == '!') {
    dependency.conflicts = true;
    text.remove_prefix(1);
  }
  if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    dependency.project = text.substr(0, colon);
    text.remove_prefix(colon + 1);
    if (!IsPlanName(dependency.project)) return std::nullopt;
  }
  if (IsSha1(text)) {
    dependency.id = text;
    return dependency;
  }
  const std::size_t at = std::min(text.find('@'), text.size());
  dependency.change = text.substr(0, at);
  if (!dependency.change.empty() && !IsPlanName(dependency.change)) return std::nullopt;
  if (at < text.size()) {
    dependency.tag = text.substr(at + 1);
    if (!IsPlanName(dependency.tag)) return std::nullopt;
  }
  if (dependency.change.empty() && dependency.tag.empty()) return std::nullopt;
  return dependency;
}

std::string KeyOf(const SqitchDependency& dependency) {
  if (!dependency.id.empty()) return dependency.id;
  return dependency.change + (dependency.tag.empty() ? "" : "@" + dependency.tag);
}

class SqitchPlanReader {
 public:
  explicit SqitchPlanReader(std::string file) : file_(std::move(file)) {}

  SqitchPlan Read(std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      ++line_;
      TakeLine(std::string(text.substr(0, end)));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (plan_.project.empty()) {
      throw Error(ErrorKind::kHistory, "the plan names no project")
          .WithLocation({file_, 0})
          .WithHint("it begins with '%project=NAME'");
    }
    for (std::size_t i = 0; i < plan_.changes.size(); ++i) Finish(i);
    return std::move(plan_);
  }

 private:
  Error Complaint(const std::string& message) const {
    return Error(ErrorKind::kHistory, message).WithLocation({file_, line_});
  }

  void TakeLine(const std::string& whole) {
    const std::size_t hash = whole.find('#');
    const std::string note = hash == std::string::npos ? "" : UnescapeNote(TrimPlan(whole.c_str() + hash + 1));
    const std::string_view line = TrimPlan(std::string_view(whole.data(), std::min(hash, whole.size())));
    if (line.empty()) return;
    if (line.front() == '%') return TakePragma(line.substr(1));
    TakeChangeOrTag(line, note);
  }

  void TakePragma(std::string_view line) {
    if (!plan_.changes.empty()) throw Complaint("a pragma below the first change").WithHint("'%' lines come first");
    const std::size_t equals = std::min(line.find('='), line.size());
    const std::string name(TrimPlan(line.substr(0, equals)));
    const std::string value(TrimPlan(line.substr(std::min(equals + 1, line.size()))));
    static const std::vector<std::string> kPragmas = {"syntax-version", "project", "uri"};
    if (std::find(kPragmas.begin(), kPragmas.end(), name) == kPragmas.end()) {
      throw Complaint(fmt::format("unknown pragma '%{}'", name))
          .WithHint(NearNameHint(name, kPragmas, fmt::format("the pragmas there are: {}", fmt::join(kPragmas, ", "))));
    }
    if (!pragmas_.insert(name).second) throw Complaint(fmt::format("the pragma '%{}' is there twice", name));
    if (name == "project") {
      if (!IsPlanName(value))
        throw Complaint(fmt::format("bad project name '{}'", value)).WithHint(std::string(kNameRule));
      plan_.project = value;
    } else if (name == "uri") {
      plan_.uri = value;
    }
  }

  void TakeChangeOrTag(std::string_view line, const std::string& note) {
    const bool is_tag = line.front() == '@';
    if (is_tag) line.remove_prefix(1);
    if (!is_tag && line.front() == '-') {
      throw Complaint("a line that plans a revert, which can't be deployed").WithHint("leave the '-' out");
    }
    if (!is_tag && line.front() == '+') line = TrimPlan(line.substr(1));
    const std::string name(TakeToBlank(line));
    CheckName(name, is_tag);
    std::string_view dependencies;
    if (!line.empty() && line.front() == '[') {
      const std::size_t close = line.find(']');
      if (close == std::string_view::npos) throw Complaint("'[' without ']' behind the dependencies");
      dependencies = line.substr(1, close - 1);
      if (is_tag) throw Complaint(fmt::format("tag '@{}' has dependencies, which only changes can have", name));
      line = TrimPlan(line.substr(close + 1));
    }
    const SqitchPlanner planner = TakePlanner(line);
    is_tag ? AddTag(name, note, planner) : AddChange(name, note, planner, dependencies);
  }

  void CheckName(const std::string& name, bool is_tag) const {
    const std::string shown = (is_tag ? "@" : "") + name;
    if (!IsPlanName(name)) throw Complaint(fmt::format("bad name '{}'", shown)).WithHint(std::string(kNameRule));
    if (name == "ROOT" || name == "HEAD") throw Complaint(fmt::format("'{}' is a reserved name", shown));
    if (IsSha1(name.substr(0, kSha1Digits))) {
      throw Complaint(fmt::format("'{}' could be taken for the id of a change", shown));
    }
    if (is_tag && name.find('/') != std::string::npos) throw Complaint(fmt::format("tag '{}' holds a '/'", shown));
  }

  SqitchPlanner TakePlanner(std::string_view line) const {
    SqitchPlanner planner;
    planner.timestamp = TakeToBlank(line);
    if (!IsPlanTimestamp(planner.timestamp)) {
      throw Complaint(planner.timestamp.empty() ? std::string("a line without the time and the planner")
                                                : fmt::format("'{}' stands where the time should", planner.timestamp))
          .WithHint("a line is: name [dependencies] 2012-07-16T17:25:07Z Name <mail> # note");
    }
    const std::size_t open = line.find('<');
    const bool closed = !line.empty() && line.back() == '>';
    planner.name = TrimPlan(line.substr(0, open));
    if (open == std::string_view::npos || !closed || planner.name.empty() || open + 2 >= line.size()) {
      throw Complaint("a line without the planner's name and mail").WithHint("behind the time: Name <mail>");
    }
    planner.email = line.substr(open + 1, line.size() - open - 2);
    return planner;
  }

  void AddTag(const std::string& name, const std::string& note, const SqitchPlanner& planner) {
    if (plan_.changes.empty()) throw Complaint(fmt::format("tag '@{}' stands before the first change", name));
    const auto [there, added] = tags_.emplace(name, Place{plan_.changes.size() - 1, line_});
    if (!added) {
      throw Complaint(fmt::format("tag '@{}' is there twice: the first is on line {}", name, there->second.line));
    }
    plan_.changes.back().tags.push_back({name, "", note, planner});
    since_tag_.clear();
  }

  void AddChange(const std::string& name, const std::string& note, const SqitchPlanner& planner,
                 std::string_view dependencies) {
    const auto [there, added] = since_tag_.emplace(name, line_);
    if (!added) {
      throw Complaint(fmt::format("change '{}' is there twice: the first is on line {}", name, there->second))
          .WithHint("a change is reworked behind a tag: 'sqitch tag', then 'sqitch rework'");
    }
    SqitchChange change;
    change.name = name;
    change.note = note;
    change.planner = planner;
    change.where = {file_, line_};
    TakeDependencies(change, dependencies);
    std::vector<std::size_t>& occurrences = changes_[name];
    if (!occurrences.empty()) Rework(occurrences.back());
    occurrences.push_back(plan_.changes.size());
    plan_.changes.push_back(std::move(change));
  }

  void TakeDependencies(SqitchChange& change, std::string_view text) const {
    std::set<std::string, std::less<>> seen;
    for (text = TrimPlan(text); !text.empty();) {
      const std::string_view word = TakeToBlank(text);
      auto dependency = ParseDependency(word);
      if (!dependency)
        throw Complaint(fmt::format("'{}' is no dependency", word)).WithHint("[change other@tag !conflict]");
      if (!seen.emplace(word).second) throw Complaint(fmt::format("the dependency '{}' is there twice", word));
      (dependency->conflicts ? change.conflicts : change.requires_changes).push_back(std::move(*dependency));
    }
  }

  // The newest tag comes first; the change's own come last.
  void Rework(std::size_t index) {
    SqitchChange& earlier = plan_.changes[index];
    for (std::size_t i = plan_.changes.size(); i-- > index;) {
      for (const SqitchTag& tag : plan_.changes[i].tags) earlier.rework_tags.push_back(tag.name);
    }
  }

  // Everything is known by now: names are resolved, and ids computed in order.
  void Finish(std::size_t index) {
    SqitchChange& change = plan_.changes[index];
    line_ = change.where.line;
    for (SqitchDependency& needed : change.requires_changes) Require(index, needed);
    for (SqitchDependency& conflict : change.conflicts) CheckConflict(index, conflict);
    std::string info = fmt::format("project {}\n", plan_.project);
    if (!plan_.uri.empty()) info += fmt::format("uri {}\n", plan_.uri);
    const std::string head = info;
    info += fmt::format("change {}\n", change.name);
    if (index > 0) info += fmt::format("parent {}\n", plan_.changes[index - 1].id);
    info +=
        fmt::format("planner {} <{}>\ndate {}", change.planner.name, change.planner.email, change.planner.timestamp);
    const auto list = [&](const char* title, const char* mark, const std::vector<SqitchDependency>& dependencies) {
      if (dependencies.empty()) return;
      info += fmt::format("\n{}", title);
      for (const SqitchDependency& one : dependencies) info += fmt::format("\n  {} {}", mark, one.text);
    };
    list("requires", "+", change.requires_changes);
    list("conflicts", "-", change.conflicts);
    if (!change.note.empty()) info += "\n\n" + change.note;
    change.id = Sha1Hex(fmt::format("change {}{}{}", info.size(), '\0', info));
    for (SqitchTag& tag : change.tags) {
      info = head + fmt::format("tag @{}\nchange {}\nplanner {} <{}>\ndate {}", tag.name, change.id, tag.planner.name,
                                tag.planner.email, tag.planner.timestamp);
      if (!tag.note.empty()) info += "\n\n" + tag.note;
      tag.id = Sha1Hex(fmt::format("tag {}{}{}", info.size(), '\0', info));
    }
  }

  bool IsForeign(const SqitchDependency& dependency) const {
    return !dependency.project.empty() && dependency.project != plan_.project;
  }

  void Require(std::size_t index, SqitchDependency& needed) {
    const SqitchChange& change = plan_.changes[index];
    needed.text = KeyOf(needed);
    needed.target = Find(needed);
    if (IsForeign(needed) || (!needed.id.empty() && !needed.target)) {
      throw Complaint(fmt::format("'{}' requires '{}{}', a change of another project", change.name,
                                  IsForeign(needed) ? needed.project + ":" : "", needed.text))
          .WithHint(fmt::format("only '{}' is here: deploy the other project in a \"before\" file, and leave the "
                                "requirement out of a copy of this plan",
                                plan_.project));
    }
    if (!needed.target) {
      std::vector<std::string> names;
      for (const auto& [name, unused] : changes_) names.push_back(name);
      throw Complaint(fmt::format("'{}' requires '{}', which is not in the plan", change.name, needed.text))
          .WithHint(NearNameHint(needed.change, names));
    }
    if (*needed.target == index) throw Complaint(fmt::format("change '{}' requires itself", change.name));
    if (*needed.target > index) {
      throw Complaint(fmt::format("'{}' requires '{}', which is planned {} {} later", change.name, needed.text,
                                  *needed.target - index, *needed.target - index == 1 ? "change" : "changes"))
          .WithHint("move the line of what is required up");
    }
  }

  // The tool asks when it deploys: by then everything above is there.
  void CheckConflict(std::size_t index, SqitchDependency& conflict) {
    conflict.text = (IsForeign(conflict) ? conflict.project + ":" : "") + KeyOf(conflict);
    if (IsForeign(conflict)) return;
    const auto target = Find(conflict);
    if (!target || *target >= index) return;
    throw Complaint(
        fmt::format("'{}' conflicts with '{}', which is deployed before it", plan_.changes[index].name, conflict.text))
        .WithHint("the tool would not deploy it");
  }

  // The first change of that name; the last one up to the tag where one is given.
  std::optional<std::size_t> Find(const SqitchDependency& dependency) const {
    if (IsForeign(dependency)) return std::nullopt;
    if (!dependency.id.empty()) {
      for (std::size_t i = 0; i < plan_.changes.size(); ++i) {
        if (plan_.changes[i].id == dependency.id) return i;
      }
      return std::nullopt;
    }
    std::size_t until = plan_.changes.size();
    if (!dependency.tag.empty()) {
      const auto tag = tags_.find(dependency.tag);
      if (tag == tags_.end()) return std::nullopt;
      until = tag->second.change;
      if (dependency.change.empty()) return until;
    }
    const auto occurrences = changes_.find(dependency.change);
    if (occurrences == changes_.end()) return std::nullopt;
    if (dependency.tag.empty()) return occurrences->second.front();
    std::optional<std::size_t> found;
    for (const std::size_t at : occurrences->second) {
      if (at <= until) found = at;
    }
    return found;
  }

  struct Place {
    std::size_t change = 0;
    int line = 0;
  };

  std::string file_;
  int line_ = 0;
  SqitchPlan plan_;
  std::set<std::string> pragmas_;
  std::map<std::string, Place> tags_;
  std::map<std::string, std::vector<std::size_t>> changes_;  // by name, in order
  std::map<std::string, int> since_tag_;                     // lines of the changes since the last tag
};

}  // namespace

SqitchPlan SqitchPlan::Parse(std::string_view text, const std::string& file) {
  return SqitchPlanReader(file).Read(text);
}

}  // namespace migproof
