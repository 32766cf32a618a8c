// Alembic itself, in one Python process for the whole run (child.py), started when it is first needed.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "migrations/alembic/project.h"
#include "migrations/format.h"
#include "migrations/step_tool.h"
#include "migrations/tool_process.h"

namespace migproof {

class AlembicTool : public StepTool {
 public:
  AlembicTool(AlembicProject project, ToolSettings settings);

  void Prepare(const ToolPlace& place) override;
  ToolRun Run(const ToolPlace& place, const Step& step, bool leaving_out) override;
  std::string OfflineSql(const Step& step) override;

  // Makes what SQLAlchemy metadata describes ("package.module:Base.metadata") on a database. Modules are looked for in
  // the working directory, beside alembic.ini and beside the history. Needs no Alembic project.
  void CreateModel(const ToolPlace& place, const std::string& name);

 private:
  ToolProcess& Process();
  ToolProcess& StartedProcess();
  void Start();
  void Open();
  std::string Setting(const std::string& key) const;
  std::vector<std::string> Interpreters() const;
  nlohmann::json Ask(nlohmann::json request, const ToolPlace* place);

  AlembicProject project_;
  ToolSettings settings_;
  std::unique_ptr<ToolProcess> process_;
  bool open_ = false;  // the process has opened the project
};

}  // namespace migproof
