// What is under trial: a history, how its tool runs it, what it takes for granted and what it is held against.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/catalog/catalog.h"
#include "migrations/format.h"
#include "migrations/history.h"
#include "migrations/ledger.h"

namespace migproof {

// A script that makes at once what some revisions make one after the other, for databases that are new.
struct Squash {
  Script script;
  std::set<const Revision*> replaces;  // closed under ancestors
};

class Subject {
 public:
  // Reads `directory` with `format`. Everything that can be wrong with the files is an Error here, before any server
  // starts. `before` are SQL files run on each database first.
  Subject(std::string format, const std::filesystem::path& directory, const std::vector<std::filesystem::path>& before,
          std::vector<Revision> revisions, ToolSettings settings = {});

  const std::string& format_name() const { return format_name_; }
  const std::filesystem::path& directory() const { return directory_; }
  const History& history() const { return history_; }
  const Ledger& ledger() const { return *ledger_; }
  // The tool that runs the steps, or null. It works for whoever asks first in a process.
  StepTool* tool() const { return tool_.get(); }
  // Why a law that needs the text of the steps, or runs them by itself, has nothing to look at; "" where it has.
  std::string WhyNoScripts() const {
    return tool_ == nullptr ? "" : "not checked: the steps are code that its own tool runs, not scripts";
  }
  const std::vector<Script>& before() const { return before_; }
  // The order in which every walk goes up.
  const std::vector<const Revision*>& order() const { return order_; }
  std::size_t IndexOf(const Revision& revision) const;

  // True where a script makes or changes what all databases of a server share (roles, tablespaces, server settings):
  // then no two databases of a run may share a server.
  bool touches_cluster() const { return touches_cluster_; }

  // True where a script may hide from the server's counters what it does (see ReadOptions::alone).
  bool hides_from_counters() const { return hides_from_counters_; }

  // Takes the file that the heads are held against: a model (.json, as `migproof catalog` writes it), or an SQL file
  // that makes it on an empty database (the `before` files do not run there). Error(usage) names the file where it is
  // neither.
  void ReadModel(const std::filesystem::path& file);
  // "python:package.module:Base.metadata" is SQLAlchemy metadata, which is created where it is needed.
  bool has_model() const { return model_ || model_script_ || model_code_; }
  const std::optional<Catalog>& model() const { return model_; }
  const std::optional<Script>& model_script() const { return model_script_; }
  // What stands behind "python:".
  const std::optional<std::string>& model_code() const { return model_code_; }

  // Takes an SQL file for the squash of the revision that it names ("-- migproof: squashes r7") and all that comes
  // before it; of the whole history where it names none. Error(history) for a revision that is not there.
  void ReadSquash(const std::filesystem::path& file);
  const std::optional<Squash>& squash() const { return squash_; }

  const ToolSettings& tool_settings() const { return tool_settings_; }

 private:
  std::string format_name_;
  std::filesystem::path directory_;
  History history_;
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<StepTool> tool_;
  std::vector<Script> before_;
  std::vector<const Revision*> order_;
  std::map<const Revision*, std::size_t> index_;
  bool touches_cluster_ = false;
  bool hides_from_counters_ = false;
  std::optional<Catalog> model_;
  std::optional<Script> model_script_;
  std::optional<std::string> model_code_;
  std::optional<Squash> squash_;
  ToolSettings tool_settings_;
};

// Whether a statement touches what all databases of a server share. Bodies of DO and of functions are looked into.
bool TouchesCluster(std::string_view statement);

}  // namespace migproof
