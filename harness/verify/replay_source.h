// Makes databases that stand before a given revision, from the ground up.
//
// Indexes that rise are cheap: one database follows along and is copied. Where the history touches what all databases
// of a server share, each stand is made anew on a server of its own, which goes with it.
#pragma once

#include <memory>

#include "harness/verify/stand.h"

namespace migproof {

class ReplaySource {
 public:
  explicit ReplaySource(const Bench& bench) : bench_(bench) {}
  // A stand with the first `index` revisions of the order applied.
  std::unique_ptr<Stand> At(std::size_t index);

 private:
  const Bench& bench_;
  std::unique_ptr<Database> database_;
  std::size_t index_ = 0;
};

}  // namespace migproof
