#include "harness/data/fill_order.h"

#include <algorithm>
#include <map>

namespace migproof {

namespace {

// Tarjan's algorithm ("Depth-first search and linear graph algorithms", 1972): a component is complete only after all
// that it refers to, so parents come first.
class Components {
 public:
  Components(const TableModels& models, const std::set<std::string>& chosen) : models_(models), chosen_(chosen) {
    for (const std::string& table : chosen) {
      if (models.Find(table) != nullptr && !states_.contains(table)) Visit(table);
    }
  }

  std::vector<std::vector<const TableModel*>> groups;

 private:
  struct State {
    int index = 0;
    int low = 0;
    bool open = true;
  };

  int Visit(const std::string& table) {
    const int index = static_cast<int>(states_.size());
    states_[table] = {index, index, true};
    stack_.push_back(table);
    int low = index;
    for (const ForeignKeyModel& key : models_.Find(table)->foreign_keys) {
      if (!chosen_.contains(key.table) || models_.Find(key.table) == nullptr) continue;
      const auto seen = states_.find(key.table);
      if (seen == states_.end()) {
        low = std::min(low, Visit(key.table));
      } else if (seen->second.open) {
        low = std::min(low, seen->second.index);
      }
    }
    states_[table].low = low;
    if (low == index) Close(table);
    return low;
  }

  void Close(const std::string& table) {
    std::vector<const TableModel*> group;
    for (std::string last; last != table;) {
      last = stack_.back();
      stack_.pop_back();
      states_[last].open = false;
      group.push_back(models_.Find(last));
    }
    std::sort(group.begin(), group.end(), [](const auto* a, const auto* b) { return a->name < b->name; });
    groups.push_back(std::move(group));
  }

  const TableModels& models_;
  const std::set<std::string>& chosen_;
  std::map<std::string, State> states_;
  std::vector<std::string> stack_;
};

}  // namespace

std::vector<std::vector<const TableModel*>> FillOrder(const TableModels& models, const std::set<std::string>& chosen) {
  return Components(models, chosen).groups;
}

}  // namespace migproof
