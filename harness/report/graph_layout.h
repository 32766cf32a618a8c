// Where the revisions of a report stand when they are drawn one below the other, the newest on top, and which way the
// lines between them go. Pure: no pixels.
#pragma once

#include <cstddef>
#include <vector>

#include "harness/report/report.h"

namespace migproof {

struct GraphEdge {
  std::size_t child = 0;   // rows; a child always stands above its parent
  std::size_t parent = 0;  //
  std::size_t lane = 0;    // in which the line goes down between them; no node stands in its way
  bool depends_on = false;
};

struct GraphLayout {
  std::vector<const ReportedRevision*> rows;
  std::vector<std::size_t> lanes;  // of each row
  std::vector<GraphEdge> edges;
  std::size_t width = 0;  // how many lanes there are
};

// `graph` is in a legal order and outlives the layout; parents that are not in it are left out.
GraphLayout LayOut(const std::vector<ReportedRevision>& graph);

}  // namespace migproof
