// From what a revision changes to the rows most likely to break it: one kind of change, one file in aims/, registered
// by its name.
//
//   Targets targets = TargetsFor(input);     // what all registered aims propose
//
// An aim proposes, it decides nothing: rows that the database before the revision refuses are simply not there, and
// rows that break nothing do no harm. Aims are stateless.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "harness/catalog/catalog.h"
#include "harness/catalog/drift.h"
#include "harness/data/row_generator.h"
#include "migrations/registry.h"

namespace migproof {

struct AimInput {
  const Catalog& before;                 // the database before the revision
  const Catalog& after;                  // and after its upgrade
  const std::vector<Difference>& drift;  // from the one to the other
  std::vector<std::string> statements;   // the text of every statement of upgrade and downgrade, bodies included
};

class Aim {
 public:
  virtual ~Aim() = default;
  // What it looks for, in a sentence: "a new unique key meets rows that agree in its columns".
  virtual std::string_view Summary() const = 0;
  virtual void Propose(const AimInput& input, Targets& targets) const = 0;
  // Whether its rows come in late, when others have been tried: they break what few databases hold (a value too long
  // for an index), and would hide what is more telling.
  virtual bool ComesLate() const { return false; }
};

template <>
struct RegistryNoun<Aim> {
  static constexpr const char* kNoun = "aim";
};

// With `late`, those that come late as well.
Targets TargetsFor(const AimInput& input, bool late);

// The tables of `before` that the revision changes, or whose name (or the name of a type or function of theirs) a
// statement holds: those that every case fills.
std::set<std::string> TouchedTables(const AimInput& input);

}  // namespace migproof
