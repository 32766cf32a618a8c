// order_independence: it does not matter which of the legal orders a history is run in.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "harness/verify/orders.h"
#include "harness/verify/property.h"
#include "harness/verify/trial.h"

namespace migproof {

namespace {

constexpr std::size_t kShownOrder = 8;  // revisions

std::string Ids(const std::vector<const Revision*>& order, std::size_t begin, std::size_t end) {
  std::string ids;
  for (std::size_t i = begin; i < end; ++i) ids += (ids.empty() ? "" : ", ") + order[i]->id;
  return ids;
}

// "..., r2, r3, r4": the pair with what stands around it.
std::string Around(const std::vector<const Revision*>& order, std::size_t at) {
  const std::size_t begin = at < kShownOrder / 2 ? 0 : at - kShownOrder / 2 + 1;
  const std::size_t end = std::min(order.size(), at + kShownOrder / 2 + 1);
  return fmt::format("{}{}{}", begin == 0 ? "" : "..., ", Ids(order, begin, end), end == order.size() ? "" : ", ...");
}

std::set<std::string> Labels(const std::string& labels) {
  std::set<std::string> set;
  for (std::size_t at = 0; at <= labels.size();) {
    const std::size_t end = std::min(labels.find(", ", at), labels.size());
    set.insert(labels.substr(at, end - at));
    at = end + 2;
  }
  return set;
}

bool IsLabelOrder(const Difference& difference) {
  return difference.object.kind == "enum" && difference.attribute == "labels" &&
         Labels(difference.was) == Labels(difference.is);
}

class OrderIndependence : public Property {
 public:
  std::string_view Sentence() const override {
    return "every order that the graph of revisions allows ends in the same catalog and the same rows";
  }
  bool ChecksRevisions() const override { return false; }
  bool ChecksHistory() const override { return true; }
  int Rank() const override { return 60; }

  std::string WhyNotApplicable(const Subject& subject, const Revision*) const override {
    return subject.history().IsLinear() ? "the history has one order only" : "";
  }

  std::optional<Finding> Check(Trial& trial) const override {
    const OrdersResult& result = trial.Orders();
    trial.Exercised("orders", result.orders);
    trial.Exercised("legal orders", result.legal);
    trial.Exercised("orders with rows", result.orders_with_rows);
    trial.Exercised("rows", result.rows);
    trial.Exercised("upgrades", result.steps);
    trial.Exercised("objects compared", result.objects);
    trial.Note(result.how);
    if (!result.clash) return std::nullopt;
    return Describe(result);
  }

 private:
  static Finding Describe(const OrdersResult& result) {
    const Clash& clash = *result.clash;
    const Gap& gap = clash.gap;
    Finding finding;
    finding.message = fmt::format("'{}' and '{}' do not commute: {}", clash.first->id, clash.second->id, How(clash));
    finding.location = Where(clash);
    const auto at =
        static_cast<std::size_t>(std::find(clash.order.begin(), clash.order.end(), clash.first) - clash.order.begin());
    std::vector<const Revision*> exchanged = clash.order;
    std::swap(exchanged[at], exchanged[at + 1]);
    for (const Difference& difference : gap.differences) finding.drift.push_back(difference.ToLine());
    AddRefusals(gap.only_one, clash.first->id + " first", finding);
    AddRefusals(gap.only_other, clash.second->id + " first", finding);
    finding.evidence.insert(finding.evidence.end(), gap.rows.begin(), gap.rows.end());
    finding.evidence.push_back("one order: " + Around(clash.order, at));
    finding.evidence.push_back("the other: " + Around(exchanged, at));
    if (clash.shows_at != clash.second) {
      finding.evidence.push_back(fmt::format("they differ from '{}' on", clash.shows_at->id));
    }
    if (result.elsewhere > 1) {
      finding.evidence.push_back(
          fmt::format("{} of {} orders end elsewhere than the runner's own", result.elsewhere, result.orders));
    }
    if (!clash.rows.empty()) {
      finding.evidence.push_back(fmt::format("with these rows before '{}':", clash.rows_before->id));
      finding.evidence.insert(finding.evidence.end(), clash.rows.begin(), clash.rows.end());
    }
    finding.hint = Hint(clash);
    return finding;
  }

  static std::string How(const Clash& clash) {
    const Gap& gap = clash.gap;
    const auto refused = [](const std::vector<Error>& refusals, const Revision& first) {
      return fmt::format("with '{}' first, {}", first.id, refusals.front().message());
    };
    if (!gap.only_other.empty()) return refused(gap.only_other, *clash.second);
    if (!gap.only_one.empty()) return refused(gap.only_one, *clash.first);
    return fmt::format("which comes first decides {}", gap.differences.empty() ? "what rows there are" : "the catalog");
  }

  static SourceLocation Where(const Clash& clash) {
    for (const std::vector<Error>* refusals : {&clash.gap.only_other, &clash.gap.only_one}) {
      if (!refusals->empty() && !refusals->front().where().empty()) return refusals->front().where();
    }
    return clash.second->where;
  }

  static void AddRefusals(const std::vector<Error>& refusals, const std::string& when, Finding& finding) {
    for (const Error& refusal : refusals) {
      finding.evidence.push_back(fmt::format("{}: {}", when, EvidenceLine(refusal)));
    }
  }

  static std::string Hint(const Clash& clash) {
    if (std::any_of(clash.gap.differences.begin(), clash.gap.differences.end(), IsLabelOrder)) {
      return "say where the label goes: ALTER TYPE ... ADD VALUE ... BEFORE or AFTER a label that both branches have";
    }
    return fmt::format(
        "if one needs the other, say so (-- migproof: depends_on {} in '{}'); else make them independent",
        clash.first->id, clash.second->id);
  }
};

const Registered<Property, OrderIndependence> kOrderIndependence("order_independence");

}  // namespace

}  // namespace migproof
