// data_preservation: an upgrade leaves alone the rows that it does not say it changes.
#include <fmt/format.h>

#include <regex>
#include <tuple>

#include "harness/verify/property.h"
#include "harness/verify/recent.h"
#include "harness/verify/relabelled.h"
#include "harness/verify/retyped.h"
#include "harness/verify/trial.h"
#include "harness/verify/written_tables.h"

namespace migproof {

namespace {

class DataPreservation : public Property {
 public:
  std::string_view Sentence() const override {
    return "an upgrade keeps every row and every value, except in tables that it writes to by name";
  }
  bool ChecksRevisions() const override { return true; }
  bool ChecksHistory() const override { return false; }
  bool ChecksRows() const override { return true; }
  bool NeedsRows() const override { return true; }
  std::vector<std::string> Excuses() const override { return {"loses", "changes", "assumes"}; }
  std::string WhyNotApplicable(const Subject&, const Revision*) const override { return ""; }
  int Rank() const override { return 15; }

  std::optional<Finding> Check(Trial& trial) const override {
    const Observation& before = trial.Before();
    const Observation& upgraded = trial.After({Move::kUpgrade});
    if (upgraded.catalog == nullptr) return std::nullopt;  // the upgrade's refusal is another law's finding
    const Ground& ground = GroundOf(trial, before.catalog, upgraded.catalog);
    const std::set<std::string>& tables = ground.kept;
    if (!trial.has_rows() && tables.empty()) {
      trial.NotApplicable("no table is there before and after that it does not write to");
      return std::nullopt;
    }
    std::map<std::string, std::string> casts;
    std::set<std::string> uncast;
    const Observation cast = CastBack(trial, ground.retyped, upgraded, casts, uncast);
    const Observation seen = UnderOldLabels(ground.relabelled, cast);
    // What is called otherwise is still there; so is what has other names for its values.
    std::set<std::string> kept = RenamedColumns(*before.rows, *seen.rows);
    kept.merge(Translated(before, seen, uncast));
    kept.insert(ground.recomputed.begin(), ground.recomputed.end());
    const std::vector<std::string> lines = trial.CompareRows(before, seen, tables, true, kept);
    trial.SuspectCasts(casts);
    if (lines.empty()) return std::nullopt;
    Finding finding;
    finding.message = "the upgrade does not keep the rows that it does not write to";
    finding.location = trial.revision().where;
    finding.evidence = lines;
    finding.hint = trial.LossHint("changes");
    return finding;
  }

 private:
  // What the catalogs say, whatever the rows.
  struct Ground {
    std::set<std::string> kept;
    TypesByTable retyped;              // of these
    OldLabelsByTable relabelled;       // likewise
    std::set<std::string> recomputed;  // columns that the server computes, and by another expression than before
  };

  static const Ground& GroundOf(const Trial& trial, const std::shared_ptr<const Catalog>& before,
                                const std::shared_ptr<const Catalog>& after) {
    using Key = std::tuple<const Revision*, std::shared_ptr<const Catalog>, std::shared_ptr<const Catalog>>;
    static Recent<Key, Ground> recent;
    return recent.Get({&trial.revision(), before, after}, [&] {
      Ground ground;
      ground.kept = Kept(trial, *before, *after);
      ground.retyped = Retyped(trial, *before, *after, ground.kept);
      if (RenamesLabels(trial.revision())) {
        const Renamings said = SaidRenamings(trial.revision().upgrade.AsSql().script.text());
        ground.relabelled = Relabelled(*before, *after, ground.kept, said);
      }
      ground.recomputed = Recomputed(*before, *after);
      return ground;
    });
  }

  // By ALTER TYPE ... RENAME VALUE. A type that is made anew takes its rows along by a conversion, which may do
  // anything.
  static bool RenamesLabels(const Revision& revision) {
    static const std::regex kRenames(R"(\brename\s+value\b)", std::regex::icase);
    return std::regex_search(revision.upgrade.AsSql().script.text(), kRenames);
  }

  // They hold nothing of their own.
  static std::set<std::string> Recomputed(const Catalog& before, const Catalog& after) {
    std::set<std::string> recomputed;
    for (const auto& [key, object] : before.objects()) {
      const auto was = object.attributes.find("generated");
      if (key.kind != "column" || was == object.attributes.end()) continue;
      const std::string is = after.Attribute("column", key.name, "generated");
      if (!is.empty() && is != was->second) recomputed.insert(key.name);
    }
    return recomputed;
  }

  // The tables there are before and after, and that the upgrade does not write to; what stands in an inheritance tree
  // is written to with its parent.
  static std::set<std::string> Kept(const Trial& trial, const Catalog& before, const Catalog& after) {
    const std::set<std::string> written = WrittenTables(trial.revision(), before, after);
    std::set<std::string> kept;
    for (const std::string& table : before.Names("table")) {
      if (after.Find("table", table) == nullptr) continue;
      bool touched = false;
      for (std::string name = table; !name.empty(); name = before.Attribute("table", name, "inherits")) {
        touched = touched || written.contains(BareName(name));
      }
      if (!touched) kept.insert(table);
    }
    return kept;
  }
};

const Registered<Property, DataPreservation> kDataPreservation("data_preservation");

}  // namespace

}  // namespace migproof
