#include "harness/catalog/object_map.h"

#include <algorithm>

namespace migproof {

std::size_t ObjectMap::Position(const ObjectKey& key) const {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), key,
                                   [](const Entry& entry, const ObjectKey& wanted) { return entry->first < wanted; });
  return static_cast<std::size_t>(at - entries_.begin());
}

ObjectMap::const_iterator ObjectMap::lower_bound(const ObjectKey& key) const {
  return const_iterator(entries_.data() + Position(key));
}

ObjectMap::const_iterator ObjectMap::find(const ObjectKey& key) const {
  const std::size_t at = Position(key);
  return at < entries_.size() && entries_[at]->first == key ? const_iterator(entries_.data() + at) : end();
}

CatalogObject& ObjectMap::operator[](const ObjectKey& key) {
  emplace(key, {});
  Entry& entry = entries_[Position(key)];
  Own(entry);
  return entry->second;
}

bool ObjectMap::emplace(const ObjectKey& key, CatalogObject object) {
  const std::size_t at = Position(key);
  if (at < entries_.size() && entries_[at]->first == key) return false;
  entries_.insert(entries_.begin() + static_cast<std::ptrdiff_t>(at),
                  std::make_shared<value_type>(key, std::move(object)));
  return true;
}

std::size_t ObjectMap::erase(const ObjectKey& key) {
  const std::size_t at = Position(key);
  if (at == entries_.size() || entries_[at]->first != key) return 0;
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(at));
  return 1;
}

void ObjectMap::Replace(const std::vector<Entry>& gone, std::vector<Entry> fresh) {
  // Changes in the order of their keys: what goes (without an object) and what comes; the last of a key counts.
  struct Change {
    const ObjectKey* key;
    Entry object;
  };
  std::vector<Change> changes;
  changes.reserve(gone.size() + fresh.size());
  for (const Entry& entry : gone) changes.push_back({&entry->first, nullptr});
  for (Entry& entry : fresh) {
    const ObjectKey* key = &entry->first;
    changes.push_back({key, std::move(entry)});
  }
  std::stable_sort(changes.begin(), changes.end(), [](const Change& a, const Change& b) { return *a.key < *b.key; });

  std::vector<Entry> now;
  now.reserve(entries_.size() + fresh.size());
  auto old = entries_.begin();
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (i + 1 < changes.size() && *changes[i].key == *changes[i + 1].key) continue;
    const auto at = std::lower_bound(old, entries_.end(), *changes[i].key,
                                     [](const Entry& entry, const ObjectKey& wanted) { return entry->first < wanted; });
    now.insert(now.end(), std::make_move_iterator(old), std::make_move_iterator(at));
    old = at;
    Entry was;
    if (old != entries_.end() && (*old)->first == *changes[i].key) was = std::move(*old++);
    Entry& is = changes[i].object;
    if (is == nullptr) continue;
    now.push_back(was != nullptr && was->second == is->second ? std::move(was) : std::move(is));
  }
  now.insert(now.end(), std::make_move_iterator(old), std::make_move_iterator(entries_.end()));
  entries_ = std::move(now);
}

bool ObjectMap::operator==(const ObjectMap& other) const {
  return std::equal(entries_.begin(), entries_.end(), other.entries_.begin(), other.entries_.end(),
                    [](const Entry& a, const Entry& b) { return a == b || *a == *b; });
}

}  // namespace migproof
