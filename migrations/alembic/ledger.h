// alembic_version: one row for each applied revision that no applied one stands on.
#pragma once

#include <string>

#include "migrations/ledger.h"

namespace migproof {

class AlembicLedger : public Ledger {
 public:
  // As env.py configures them; no `schema`: public.
  AlembicLedger(const std::string& table, const std::string& schema);

  std::vector<std::string> Tables() const override { return {table_}; }
  std::vector<std::string> CreateSql() const override;
  std::vector<std::string> BeforeSql(const Step&, const History&) const override { return {}; }
  std::vector<std::string> AfterSql(const Step& step, const History& history) const override;
  std::vector<std::string> ForgetSql(const Revision& revision, const History& history) const override;
  std::vector<LedgerEntry> Read(Session& session, const History& history) const override;

 private:
  std::string name_;
  std::string schema_;
  std::string table_;  // qualified
};

}  // namespace migproof
