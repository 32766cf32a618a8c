// What the cases with forbidden rows have shown of each assumption of a revision: whether rows that break it were
// tried, and whether anything needs it.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "harness/verify/search.h"

namespace migproof {

class ForbiddenTally {
 public:
  // `here` is what ReadAssumptions gave, `before` the catalog before the revision, `left_out` the tables that get no
  // generated rows. All outlive it.
  ForbiddenTally(CaseGround& ground, const AssumptionsHere& here, const Catalog& before,
                 std::vector<std::string> left_out);

  // A case whose rows are in.
  void Add(Case& one);
  // The declarations that such a case shows to be needed: its upgrade is refused, or one of `laws` that an assumption
  // may excuse is broken. `finding`: another law was.
  std::set<const Declaration*> Needed(Case& one, bool finding, const std::vector<NamedLaw>& laws);

  // Why not every assumption was put to the proof: "no row that breaks 'orders: note <> ''' was tried: ..."; or "".
  std::string WhyUntried() const;
  // Whether "nothing needs it" can't be said of an assumption: it was not tried, or an earlier revision may need it.
  bool InDoubt(const Declaration& declaration) const;

 private:
  std::string WhyUntried(const Declaration& declaration) const;
  std::string WhyNoneGotIn(const std::string& table) const;

  CaseGround& ground_;
  const AssumptionsHere& here_;
  const Catalog& before_;
  std::vector<std::string> left_out_;
  std::set<const Declaration*> broken_;       // by some row of some case
  std::set<const Declaration*> needed_;       // known to be
  std::map<std::string, TableFill> refused_;  // by table: rows that were to break something, among others
};

// Whether the law names `kind` among what may excuse its findings.
bool IsExcusedBy(const Property& law, const std::string& kind);

}  // namespace migproof
