#include "harness/report/graph_layout.h"

#include <algorithm>
#include <map>
#include <optional>

namespace migproof {

namespace {

class LayoutMaker {
 public:
  explicit LayoutMaker(const std::vector<ReportedRevision>& graph) {
    for (auto revision = graph.rbegin(); revision != graph.rend(); ++revision) {
      row_of_.emplace(revision->id, layout_.rows.size());
      layout_.rows.push_back(&*revision);
    }
  }

  GraphLayout Make() {
    for (std::size_t row = 0; row < layout_.rows.size(); ++row) {
      layout_.lanes.push_back(TakeLane(row));
      const ReportedRevision& revision = *layout_.rows[row];
      for (const std::string& parent : revision.parents)
        Connect(row, parent, false, parent == revision.parents.front());
      for (const std::string& needed : revision.depends_on) Connect(row, needed, true, false);
      layout_.width = std::max(layout_.width, awaited_.size());
    }
    return std::move(layout_);
  }

 private:
  // The lowest lane that leads to this row, or a free one; all that lead here end.
  std::size_t TakeLane(std::size_t row) {
    std::optional<std::size_t> taken;
    for (std::size_t lane = 0; lane < awaited_.size(); ++lane) {
      if (awaited_[lane] != row) continue;
      if (!taken) taken = lane;
      awaited_[lane].reset();
    }
    return taken ? *taken : FreeLane(0);
  }

  std::size_t FreeLane(std::size_t preferred) {
    if (preferred < awaited_.size() && !awaited_[preferred]) return preferred;
    const auto free = std::find(awaited_.begin(), awaited_.end(), std::nullopt);
    const auto lane = static_cast<std::size_t>(free - awaited_.begin());
    if (free == awaited_.end()) awaited_.emplace_back();
    return lane;
  }

  // The line to the first parent keeps the child's lane; others join a line that goes there already.
  void Connect(std::size_t row, const std::string& parent, bool depends_on, bool first) {
    const auto known = row_of_.find(parent);
    if (known == row_of_.end() || known->second <= row) return;
    const auto leading = std::find(awaited_.begin(), awaited_.end(), std::optional(known->second));
    const std::size_t lane = first || leading == awaited_.end() ? FreeLane(layout_.lanes[row])
                                                                : static_cast<std::size_t>(leading - awaited_.begin());
    awaited_[lane] = known->second;
    layout_.edges.push_back({row, known->second, lane, depends_on});
  }

  GraphLayout layout_;
  std::map<std::string, std::size_t> row_of_;
  std::vector<std::optional<std::size_t>> awaited_;  // by lane: the row it leads to
};

}  // namespace

GraphLayout LayOut(const std::vector<ReportedRevision>& graph) { return LayoutMaker(graph).Make(); }

}  // namespace migproof
