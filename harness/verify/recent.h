// The last few results of a computation on catalogs: laws ask the same of the same catalogs, case after case.
//
//   static Recent<std::shared_ptr<const Catalog>, Answer> recent;
//   const Answer& answer = recent.Get(catalog, [&] { return Compute(*catalog); });
//
// A key that holds the catalog keeps it alive, so that no other can come to stand at its address.
#pragma once

#include <cstddef>
#include <list>
#include <utility>

namespace migproof {

template <typename Key, typename Value>
class Recent {
 public:
  // The reference is good until kMany other keys were asked for.
  template <typename Function>
  const Value& Get(const Key& key, const Function& compute) {
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
      if (entry->first != key) continue;
      entries_.splice(entries_.begin(), entries_, entry);
      return entry->second;
    }
    Value value = compute();
    entries_.emplace_front(key, std::move(value));
    if (entries_.size() > kMany) entries_.pop_back();
    return entries_.front().second;
  }

 private:
  static constexpr std::size_t kMany = 8;
  std::list<std::pair<Key, Value>> entries_;
};

}  // namespace migproof
