// schema_fidelity: what the migrations make is what the model says.
#include <fmt/format.h>

#include <map>

#include "harness/verify/property.h"
#include "harness/verify/trial.h"

namespace migproof {

namespace {

class SchemaFidelity : public Property {
 public:
  std::string_view Sentence() const override { return "the catalog at the heads is the model's, both ways"; }
  bool ChecksRevisions() const override { return false; }
  bool ChecksHistory() const override { return true; }
  int Rank() const override { return 40; }

  std::string WhyNotApplicable(const Subject& subject, const Revision*) const override {
    return !subject.has_model() ? "no model given (--model)" : "";
  }

  std::optional<Finding> Check(Trial& trial) const override {
    const Catalog& model = trial.Model();
    Observation wanted;
    wanted.catalog = std::shared_ptr<const Catalog>(&model, [](const Catalog*) {});
    const Observation& heads = trial.AtHeads();
    const std::vector<Difference> gap = trial.Compare(wanted, heads);
    const std::map<std::string, Count> counts = CountKinds(model, *heads.catalog, gap);
    for (const auto& [kind, count] : counts) trial.Exercised("model " + kind, count.wanted);
    if (gap.empty()) return std::nullopt;
    Finding finding;
    finding.message = fmt::format("the migrated catalog is not the model's: {} differences", gap.size());
    for (const Difference& difference : gap) finding.drift.push_back(difference.ToLine());
    for (const auto& [kind, count] : counts) {
      if (count.wanted != count.covered || count.extra > 0) finding.evidence.push_back(Gap(kind, count));
    }
    finding.hint = "- is in the model and not in the migrated database, + the reverse";
    return finding;
  }

 private:
  struct Count {
    std::int64_t wanted = 0;   // in the model
    std::int64_t covered = 0;  // of these, made by the migrations and equal
    std::int64_t extra = 0;    // made by the migrations only
  };

  static std::string Gap(const std::string& kind, const Count& count) {
    std::string line = fmt::format("{}: {}/{}", kind, count.covered, count.wanted);
    if (count.extra > 0) line += fmt::format(", {} that the model does not have", count.extra);
    return line;
  }

  static std::map<std::string, Count> CountKinds(const Catalog& model, const Catalog& heads,
                                                 const std::vector<Difference>& gap) {
    std::map<ObjectKey, bool> differing;
    for (const Difference& difference : gap) differing[difference.object] = true;
    std::map<std::string, Count> counts;
    for (const auto& [key, object] : model.objects()) {
      Count& count = counts[key.kind];
      ++count.wanted;
      if (heads.objects().contains(key) && !differing.contains(key)) ++count.covered;
    }
    for (const auto& [key, object] : heads.objects()) {
      if (!model.objects().contains(key)) ++counts[key.kind].extra;
    }
    return counts;
  }
};

const Registered<Property, SchemaFidelity> kSchemaFidelity("schema_fidelity");

}  // namespace

}  // namespace migproof
