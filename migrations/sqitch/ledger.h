// sqitch's registry: the tables of a namespace of its own.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "migrations/ledger.h"
#include "migrations/sqitch/project.h"

namespace migproof {

class SqitchLedger : public Ledger {
 public:
  // `project` may be null: then only what does not need the plan works.
  explicit SqitchLedger(std::shared_ptr<const SqitchProject> project);

  std::vector<std::string> Tables() const override;
  std::vector<std::string> CreateSql() const override;
  std::vector<std::string> BeforeSql(const Step&, const History&) const override { return {}; }
  std::vector<std::string> AfterSql(const Step& step, const History&) const override { return EntrySql(step); }
  std::vector<std::string> ForgetSql(const Revision& revision, const History&) const override;
  std::vector<LedgerEntry> Read(Session& session, const History& history) const override;

  std::vector<std::string> EntrySql(const Step& step) const;

 private:
  const SqitchChange& ChangeOf(const Revision& revision) const;
  std::string Event(const char* event, const SqitchChange& change) const;

  std::shared_ptr<const SqitchProject> project_;
  std::string registry_;                                // quoted
  std::map<std::string, const SqitchChange*> changes_;  // by id
  std::map<std::string, std::string> hashes_;           // of the deploy scripts, by the change's id
};

}  // namespace migproof
