// Puts statements of our own into a step, so that the runner meets a failure where one is wanted.
//
//   Interrupted step(subject, revision, Direction::kUpgrade, place, "SELECT 1/0");
//   Runner(session, subject.history(), step.ledger(), {}).Apply(step.step());
//
// The runner is the one that users run, with nothing taken out of it: what differs is the script, or the ledger entry.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/verify/subject.h"
#include "migrations/ledger.h"
#include "migrations/revision.h"

namespace migproof {

// Where in a step of n statements: before statement `statement` (from 0), behind the last one (n), or behind the ledger
// entry (n + 1).
struct StepPlace {
  int statement = 0;
  int statements = 0;  // n

  bool behind_script() const { return statement >= statements; }
  bool behind_entry() const { return statement > statements; }
  // "before statement 2 of 3", "after the last of 3 statements", "after the ledger entry".
  std::string ToString() const;
};

// The places of a section where a statement can be put without changing what the section does. A query of one statement
// that no transaction may hold has none before its end: two statements would share a transaction.
std::vector<StepPlace> PlacesIn(const Section& section);

// The line a place stands at.
SourceLocation WhereIs(const Section& section, const StepPlace& place);

// A step of one revision with a statement put in.
class Interrupted {
 public:
  Interrupted(const Subject& subject, const Revision& revision, Direction direction, const StepPlace& place,
              std::string sql);
  Interrupted(const Interrupted&) = delete;
  Interrupted& operator=(const Interrupted&) = delete;

  Step step() const { return {direction_, &revision_}; }
  const Ledger& ledger() const { return ledger_; }

 private:
  class EntryWithStatement : public Ledger {
   public:
    EntryWithStatement(const Ledger& inner, StepPlace place, std::string sql)
        : inner_(inner), place_(place), sql_(std::move(sql)) {}
    std::vector<std::string> Tables() const override { return inner_.Tables(); }
    std::vector<std::string> CreateSql() const override { return inner_.CreateSql(); }
    std::vector<std::string> BeforeSql(const Step& step, const History& history) const override {
      return inner_.BeforeSql(step, history);
    }
    std::vector<std::string> AfterSql(const Step& step, const History& history) const override;
    std::vector<std::string> ForgetSql(const Revision& revision, const History& history) const override {
      return inner_.ForgetSql(revision, history);
    }
    std::vector<LedgerEntry> Read(Session& session, const History& history) const override {
      return inner_.Read(session, history);
    }

   private:
    const Ledger& inner_;
    StepPlace place_;
    std::string sql_;
  };

  Revision revision_;
  Direction direction_;
  EntryWithStatement ledger_;
};

}  // namespace migproof
