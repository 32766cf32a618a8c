// Makes databases that stand before a given revision, from the ground up.
//
// Indexes that rise are cheap: one database follows along and is copied. From the first index that falls, copies are
// kept on the way. Where the history touches what all databases of a server share, each stand is made anew on a server
// of its own, which goes with it.
#pragma once

#include <map>
#include <memory>

#include "harness/verify/stand.h"

namespace migproof {

class ReplaySource {
 public:
  explicit ReplaySource(const Bench& bench) : bench_(bench) {}
  // A stand with the first `index` revisions of the order applied.
  std::unique_ptr<Stand> At(std::size_t index);

 private:
  void GoBack(std::size_t index);

  const Bench& bench_;
  std::unique_ptr<Database> database_;
  std::size_t index_ = 0;  // of database_
  bool keeps_stages_ = false;
  std::map<std::size_t, std::unique_ptr<Database>> stages_;  // by index
};

}  // namespace migproof
