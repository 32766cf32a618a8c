// A law: one file in properties/, registered by the name the user types.
//
//   class RoundTrip : public Property { ... };
//   const Registered<Property, RoundTrip> kRoundTrip("round_trip");
//
// Laws keep no state: verify calls Check once per unit, in any process, and once more on a database with real commits
// when it finds something.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/verify/finding.h"
#include "migrations/registry.h"
#include "migrations/revision.h"

namespace migproof {

class Trial;
class Subject;

class Property {
 public:
  virtual ~Property() = default;

  // The law in one sentence, as a user reads it in a report.
  virtual std::string_view Sentence() const = 0;

  // Whether the law is about single revisions, the history as a whole, or both.
  virtual bool ChecksRevisions() const = 0;
  virtual bool ChecksHistory() const = 0;

  // Whether the law is also asked about databases that hold generated rows, revision by revision.
  virtual bool ChecksRows() const { return false; }
  // Whether the law also has something to say about rows of the new shape, which go in after the upgrade.
  virtual bool ChecksNewRows() const { return false; }
  // Whether the law is about rows that break what the revision assumes. Others it is shown as well, so that it can tell
  // the trial what the upgrade does to any row (Trial::Rewrites).
  virtual bool ChecksForbiddenRows() const { return false; }
  // Whether the law is about nothing but rows: without any there is nothing to look at.
  virtual bool NeedsRows() const { return false; }
  // The kinds of declarations ("loses") that may excuse what it finds with rows: such a declaration is stale where no
  // law that could need it did.
  virtual std::vector<std::string> Excuses() const { return {}; }

  // True for a law about what several servers have in common: it is checked once for all of them, and only where there
  // are several or it is asked for by name.
  virtual bool ComparesServers() const { return false; }

  // True for a law that not every history has to keep: it is checked only where it is asked for by name.
  virtual bool OnlyByName() const { return false; }

  // Why there is nothing to check by nature ("declared irreversible", "no model given"), or "" where there is.
  // `revision` is null for the history.
  virtual std::string WhyNotApplicable(const Subject& subject, const Revision* revision) const = 0;

  // Looks, through nothing but the trial; what it exercised and noted is told to the trial.
  virtual std::optional<Finding> Check(Trial& trial) const = 0;

  // Laws are reported in this order, then by name: what a reader wants to know first has the lowest rank.
  virtual int Rank() const { return 100; }
};

template <>
struct RegistryNoun<Property> {
  static constexpr const char* kNoun = "law";
};

}  // namespace migproof
