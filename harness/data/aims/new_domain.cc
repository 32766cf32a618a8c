#include "harness/data/aim_tools.h"
#include "harness/data/check_values.h"
#include "harness/data/column_generator.h"
#include "harness/data/domain_checks.h"

namespace migproof {

namespace {

class NewDomain : public Aim {
 public:
  std::string_view Summary() const override {
    return "a column that comes under a domain, or a domain that asks for more, meets values it refuses";
  }

  void Propose(const AimInput& input, Targets& targets) const override {
    Proposal proposal(input, targets);
    for (const ColumnChange& change : ChangedTypes(input)) {
      Put(proposal, change.table, change.column, change.was, change.is);
    }
    for (const std::string& domain : ChangedDomains(input)) {
      for (const auto& [key, object] : input.before.objects()) {
        if (key.kind != "column" || AttributeOf(object, "type") != domain) continue;
        Put(proposal, object.relation, ColumnName(key, object), ResolveType(input.before, domain),
            ResolveType(input.after, domain));
      }
    }
  }

 private:
  static std::set<std::string> ChangedDomains(const AimInput& input) {
    std::set<std::string> changed;
    for (const Difference& difference : input.drift) {
      if (difference.object.kind == "domain" && difference.change == Difference::Change::kChanged) {
        changed.insert(difference.object.name);
      }
      const std::size_t on = difference.object.name.find(" on ");
      if (difference.object.kind == "domain constraint" && difference.change != Difference::Change::kMissing &&
          on != std::string::npos) {
        changed.insert(difference.object.name.substr(on + 4));
      }
    }
    return changed;
  }

  static void Put(Proposal& proposal, const std::string& table, const std::string& column, const ColumnType& was,
                  const ColumnType& is) {
    if (is.form != ColumnType::Form::kDomain) return;
    if (!DomainAcceptsNull(is)) proposal.Null(table, column);
    Random random = AimRandom("new_domain");
    const CheckSolver& checks = ChecksOfDomain(is);
    const ColumnType& plain = Unwrapped(was);
    for (const std::string& value : checks.CountersOne("VALUE", plain, random)) {
      proposal.Row(table, {{column, value}});
    }
    constexpr std::size_t kMost = 12;
    std::size_t put = 0;
    for (const std::string& edge : GeneratorFor(plain).Edges(plain)) {
      if (checks.Judge({{"VALUE", {plain, true}}}, {{"VALUE", edge}}) == CheckVerdict::kPasses) continue;
      if (++put > kMost) return;
      proposal.Row(table, {{column, edge}});
    }
  }
};

const Registered<Aim, NewDomain> kNewDomain("new_domain");

}  // namespace

}  // namespace migproof
