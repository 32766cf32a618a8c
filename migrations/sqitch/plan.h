// sqitch.plan: which changes there are, in which order, what each needs, and which tags stand behind them.
//
//   const SqitchPlan plan = SqitchPlan::Parse(text, "sqitch.plan");
//   for (const SqitchChange& change : plan.changes) use(change.name, change.id);
//
// Pure: no file but the plan's own text is looked at.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migrations/error.h"

namespace migproof {

// Who planned a change or a tag, and when.
struct SqitchPlanner {
  std::string timestamp;  // "2012-07-16T17:25:07Z"
  std::string name;
  std::string email;
};

struct SqitchTag {
  std::string name;  // without "@"
  std::string id;    // SHA-1, as the tool computes it
  std::string note;
  SqitchPlanner planner;
};

// "[!][project:](change[@tag] | @tag | SHA-1)"
struct SqitchDependency {
  bool conflicts = false;
  std::string project;  // "": the plan's own
  std::string change;
  std::string tag;
  std::string id;
  std::string text;                   // as the tool's registry shows it
  std::optional<std::size_t> target;  // the change of this plan that it names, where that comes earlier
};

struct SqitchChange {
  std::string name;
  std::string id;  // SHA-1, as the tool computes it
  std::string note;
  SqitchPlanner planner;
  std::vector<SqitchDependency> requires_changes;
  std::vector<SqitchDependency> conflicts;
  std::vector<SqitchTag> tags;
  // Of a change that is planned again further down: the tags between the two, in the order in which the tool looks for
  // its scripts ("name@tag.sql").
  std::vector<std::string> rework_tags;
  SourceLocation where;
};

struct SqitchPlan {
  std::string project;
  std::string uri;
  std::vector<SqitchChange> changes;

  // Error(history) with file:line for what the tool refuses: no project, a bad name or line, a change or tag that is
  // there twice, a requirement that is unknown, planned later, or the change itself. Beyond that, for what would fail
  // when deployed: a requirement of another project, a conflict with an earlier change.
  static SqitchPlan Parse(std::string_view text, const std::string& file);
};

}  // namespace migproof
