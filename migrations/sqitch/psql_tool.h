// psql as the tool that runs a sqitch project's scripts, for projects whose scripts hold what only psql understands.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "migrations/sqitch/ledger.h"
#include "migrations/step_tool.h"

namespace migproof {

// The first of `name` along PATH that can be run; "" where there is none.
std::string FindOnPath(const std::string& name);

class PsqlTool : public StepTool {
 public:
  // `psql` is the program's path.
  PsqlTool(std::string psql, std::shared_ptr<const SqitchProject> project);

  void Prepare(const ToolPlace& place) override;
  ToolRun Run(const ToolPlace& place, const Step& step, bool leaving_out) override;
  std::vector<Error> Verify(const ToolPlace& place, const Revision& revision) override;
  std::string OfflineSql(const Step& step) override;

 private:
  const SqitchChange& ChangeOf(const Revision& revision) const;
  std::vector<Error> RunScript(const ToolPlace& place, const std::filesystem::path& file, SqitchProject::Script script,
                               bool leaving_out) const;

  std::string psql_;
  std::shared_ptr<const SqitchProject> project_;
  SqitchLedger ledger_;
};

}  // namespace migproof
