#include "migrations/sqitch/ledger.h"

#include <fmt/format.h>

#include <algorithm>

#include "migrations/session.h"

namespace migproof {

namespace {

constexpr const char* kRegistryVersion = "1.1";

std::string QuotedRegistry(const std::string& name) {
  std::string quoted = "\"";
  for (const char c : name) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  const bool plain = !name.empty() &&
                     name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos &&
                     (name[0] < '0' || name[0] > '9');
  return plain ? name : quoted + "\"";
}

std::string TextArray(const std::vector<std::string>& texts) {
  std::string items;
  for (const std::string& text : texts) items += (items.empty() ? "" : ", ") + SqlLiteral(text);
  return fmt::format("ARRAY[{}]::text[]", items);
}

std::vector<std::string> TextsOf(const std::vector<SqitchDependency>& dependencies) {
  std::vector<std::string> texts;
  for (const SqitchDependency& dependency : dependencies) texts.push_back(dependency.text);
  return texts;
}

std::string NullOr(const std::string& text) { return text.empty() ? "NULL" : SqlLiteral(text); }

}  // namespace

SqitchLedger::SqitchLedger(std::shared_ptr<const SqitchProject> project)
    : project_(std::move(project)), registry_(QuotedRegistry(project_ == nullptr ? "sqitch" : project_->registry)) {
  if (project_ == nullptr) return;
  for (const SqitchChange& change : project_->plan.changes) {
    changes_[change.id] = &change;
    hashes_[change.id] = project_->ScriptHash(change);
  }
}

std::vector<std::string> SqitchLedger::Tables() const {
  std::vector<std::string> tables;
  for (const char* table : {"changes", "dependencies", "events", "projects", "releases", "tags"}) {
    tables.push_back(fmt::format("{}.{}", registry_, table));
  }
  return tables;
}

std::vector<std::string> SqitchLedger::CreateSql() const {
  constexpr const char* kWho =
      "note text NOT NULL DEFAULT '', {}committed_at timestamptz NOT NULL DEFAULT clock_timestamp(), committer_name "
      "text "
      "NOT NULL, committer_email text NOT NULL, planned_at timestamptz NOT NULL, planner_name text NOT NULL, "
      "planner_email text NOT NULL";
  const std::string who = fmt::format(kWho, "");
  const std::string event_who = fmt::format(kWho,
                                            "requires text[] NOT NULL DEFAULT '{}', conflicts text[] NOT NULL DEFAULT "
                                            "'{}', tags text[] NOT NULL DEFAULT '{}', ");
  const auto table = [&](const char* name, const std::string& columns) {
    return fmt::format("CREATE TABLE IF NOT EXISTS {}.{} ({})", registry_, name, columns);
  };
  const std::string of_project =
      fmt::format("project text NOT NULL REFERENCES {}.projects (project) ON UPDATE CASCADE, ", registry_);
  const std::string to_change = fmt::format("REFERENCES {}.changes (change_id) ON UPDATE CASCADE", registry_);
  std::vector<std::string> sql = {
      fmt::format("CREATE SCHEMA IF NOT EXISTS {}", registry_),
      table("releases",
            "version real PRIMARY KEY, installed_at timestamptz NOT NULL DEFAULT clock_timestamp(), "
            "installer_name text NOT NULL, installer_email text NOT NULL"),
      table("projects",
            "project text PRIMARY KEY, uri text UNIQUE, created_at timestamptz NOT NULL DEFAULT clock_timestamp(), "
            "creator_name text NOT NULL, creator_email text NOT NULL"),
      table("changes", "change_id text PRIMARY KEY, script_hash text, change text NOT NULL, " + of_project + who +
                           ", UNIQUE (project, script_hash)"),
      table("tags", "tag_id text PRIMARY KEY, tag text NOT NULL, " + of_project + "change_id text NOT NULL " +
                        to_change + ", " + who + ", UNIQUE (project, tag)"),
      table("dependencies",
            "change_id text NOT NULL " + to_change +
                " ON DELETE CASCADE, type text NOT NULL, dependency text NOT NULL, dependency_id text " + to_change +
                " CONSTRAINT dependencies_check CHECK ((type = 'require' AND dependency_id IS NOT NULL) "
                "OR (type = 'conflict' AND dependency_id IS NULL)), PRIMARY KEY (change_id, dependency)"),
      table("events",
            "event text NOT NULL CONSTRAINT events_event_check CHECK (event IN ('deploy', 'revert', 'fail', "
            "'merge')), change_id text NOT NULL, change text NOT NULL, " +
                of_project + event_who + ", PRIMARY KEY (change_id, committed_at)")};
  if (project_ == nullptr) return sql;
  const std::string user = fmt::format("{}, {}", SqlLiteral(project_->user_name), SqlLiteral(project_->user_email));
  sql.push_back(fmt::format(
      "INSERT INTO {}.releases (version, installer_name, installer_email) VALUES ({}, {}) ON CONFLICT DO NOTHING",
      registry_, kRegistryVersion, user));
  sql.push_back(
      fmt::format("INSERT INTO {}.projects (project, uri, creator_name, creator_email) VALUES ({}, {}, {}) ON CONFLICT "
                  "(project) DO "
                  "NOTHING",
                  registry_, SqlLiteral(project_->plan.project), NullOr(project_->plan.uri), user));
  return sql;
}

const SqitchChange& SqitchLedger::ChangeOf(const Revision& revision) const {
  const auto found = changes_.find(revision.ledger_key);
  if (found != changes_.end()) return *found->second;
  throw Error(ErrorKind::kInternal, fmt::format("change '{}' is not in the plan of the ledger", revision.id));
}

std::string SqitchLedger::Event(const char* event, const SqitchChange& change) const {
  std::vector<std::string> tags;
  for (const SqitchTag& tag : change.tags) tags.push_back("@" + tag.name);
  return fmt::format(
      "INSERT INTO {}.events (event, change_id, change, project, note, tags, requires, conflicts, committer_name, "
      "committer_email, planned_at, planner_name, planner_email, committed_at) VALUES ({}, {}, {}, {}, {}, {}, {}, {}, "
      "{}, {}, {}, {}, {}, pg_catalog.clock_timestamp())",
      registry_, SqlLiteral(event), SqlLiteral(change.id), SqlLiteral(change.name), SqlLiteral(project_->plan.project),
      SqlLiteral(change.note), TextArray(tags), TextArray(TextsOf(change.requires_changes)),
      TextArray(TextsOf(change.conflicts)), SqlLiteral(project_->user_name), SqlLiteral(project_->user_email),
      SqlLiteral(change.planner.timestamp), SqlLiteral(change.planner.name), SqlLiteral(change.planner.email));
}

std::vector<std::string> SqitchLedger::EntrySql(const Step& step) const {
  const Revision& revision = *step.revision;
  const SqitchChange& change = ChangeOf(revision);
  if (step.direction == Direction::kDowngrade) {
    return {fmt::format("DELETE FROM {}.tags WHERE change_id = {}", registry_, SqlLiteral(change.id)),
            fmt::format("DELETE FROM {}.changes WHERE change_id = {}", registry_, SqlLiteral(change.id)),
            Event("revert", change)};
  }
  const bool stamp = step.direction == Direction::kStamp;
  const std::string committer =
      fmt::format("{}, {}", SqlLiteral(project_->user_name), SqlLiteral(project_->user_email));
  const auto planned = [](const SqitchPlanner& planner) {
    return fmt::format("{}, {}, {}", SqlLiteral(planner.timestamp), SqlLiteral(planner.name),
                       SqlLiteral(planner.email));
  };
  std::vector<std::string> sql = {fmt::format(
      "INSERT INTO {}.changes (change_id, script_hash, change, project, note, committer_name, committer_email, "
      "planned_at, planner_name, planner_email, committed_at) VALUES ({}, {}, {}, {}, {}, {}, {}, "
      "pg_catalog.clock_timestamp()){}",
      registry_, SqlLiteral(change.id), NullOr(hashes_.at(change.id)), SqlLiteral(change.name),
      SqlLiteral(project_->plan.project), SqlLiteral(change.note), committer, planned(change.planner),
      stamp ? " ON CONFLICT (change_id) DO UPDATE SET script_hash = excluded.script_hash" : "")};
  const std::string skip = stamp ? " ON CONFLICT DO NOTHING" : "";
  for (const auto* dependencies : {&change.requires_changes, &change.conflicts}) {
    for (const SqitchDependency& dependency : *dependencies) {
      const std::string target =
          dependency.target && !dependency.conflicts ? project_->plan.changes[*dependency.target].id : "";
      sql.push_back(fmt::format(
          "INSERT INTO {}.dependencies (change_id, type, dependency, dependency_id) VALUES ({}, {}, {}, {}){}",
          registry_, SqlLiteral(change.id), dependency.conflicts ? "'conflict'" : "'require'",
          SqlLiteral(dependency.text), NullOr(target), skip));
    }
  }
  for (const SqitchTag& tag : change.tags) {
    sql.push_back(fmt::format(
        "INSERT INTO {}.tags (tag_id, tag, project, change_id, note, committer_name, committer_email, planned_at, "
        "planner_name, planner_email, committed_at) VALUES ({}, {}, {}, {}, {}, {}, {}, "
        "pg_catalog.clock_timestamp()){}",
        registry_, SqlLiteral(tag.id), SqlLiteral("@" + tag.name), SqlLiteral(project_->plan.project),
        SqlLiteral(change.id), SqlLiteral(tag.note), committer, planned(tag.planner), skip));
  }
  sql.push_back(Event("deploy", change));
  return sql;
}

std::vector<std::string> SqitchLedger::ForgetSql(const Revision& revision, const History&) const {
  if (changes_.contains(revision.ledger_key)) return EntrySql({Direction::kDowngrade, &revision});
  const std::string id = SqlLiteral(revision.ledger_key);
  return {fmt::format("DELETE FROM {}.tags WHERE change_id = {}", registry_, id),
          fmt::format("DELETE FROM {}.changes WHERE change_id = {}", registry_, id)};
}

std::vector<LedgerEntry> SqitchLedger::Read(Session& session, const History& history) const {
  const std::string project = project_ == nullptr ? "" : project_->plan.project;
  const Rows rows = ReadTableIfThere(
      session, registry_ + ".changes",
      fmt::format("SELECT change_id, script_hash FROM {}.changes WHERE project = {} ORDER BY committed_at, change_id",
                  registry_, SqlLiteral(project)));
  std::map<std::string_view, const Revision*> by_key;
  for (const Revision& revision : history.revisions()) by_key.emplace(revision.ledger_key, &revision);
  std::vector<LedgerEntry> entries;
  for (int i = 0; i < rows.size(); ++i) {
    const std::string id(rows.Get(i, 0));
    const auto known = by_key.find(id);
    if (known == by_key.end()) {
      entries.push_back({id, "", false});
      continue;
    }
    // The tool's own hash tells an edited script; a runner compares ours.
    const auto hash = hashes_.find(id);
    const bool same = rows.IsNull(i, 1) || hash == hashes_.end() || rows.Get(i, 1) == hash->second;
    entries.push_back({known->second->id, same ? known->second->Checksum() : std::string(rows.Get(i, 1)), false});
  }
  return entries;
}

}  // namespace migproof
