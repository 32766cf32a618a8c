// The objects of a catalog by key, in order, shared between the catalogs that hold them.
//
// A copy takes a pointer per object; what two copies still share is equal without being looked at. An object that is
// changed through one map is copied first, so that no other map sees it.
#pragma once

#include <compare>
#include <cstddef>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace migproof {

struct ObjectKey {
  std::string kind;  // "table", "column", "index", "foreign key" ...: the names of the query files, "_" as " "
  std::string name;  // qualified and quoted where PostgreSQL would quote it: public.orders, public.orders.note,
                     // public.f(integer). What has a name only within its table: "fk_customer on public.orders"
                     // (constraints, triggers, rules, policies)

  auto operator<=>(const ObjectKey&) const = default;
};

struct CatalogObject {
  // The relation it belongs to ("public.orders"), "" where it belongs to none. Incremental reading replaces objects by
  // it.
  std::string relation;
  // Attributes in text form; one that does not apply is absent (NULL in the query).
  std::map<std::string, std::string> attributes;

  bool operator==(const CatalogObject&) const = default;
};

class ObjectMap {
 public:
  using value_type = std::pair<const ObjectKey, CatalogObject>;
  using Entry = std::shared_ptr<value_type>;

  template <typename Value>
  class Iterator {
   public:
    using iterator_category = std::bidirectional_iterator_tag;
    using value_type = ObjectMap::value_type;
    using difference_type = std::ptrdiff_t;
    using pointer = Value*;
    using reference = Value&;
    using Place = std::conditional_t<std::is_const_v<Value>, const Entry*, Entry*>;

    Iterator() = default;
    explicit Iterator(Place place) : place_(place) {}
    // A mutable one makes the object the map's own.
    reference operator*() const {
      if constexpr (!std::is_const_v<Value>) Own(*place_);
      return **place_;
    }
    pointer operator->() const { return &**this; }
    Iterator& operator++() { return ++place_, *this; }
    Iterator& operator--() { return --place_, *this; }
    Iterator operator++(int) { return Iterator(place_++); }
    Iterator operator--(int) { return Iterator(place_--); }
    bool operator==(const Iterator&) const = default;

   private:
    Place place_ = nullptr;
  };
  using iterator = Iterator<value_type>;
  using const_iterator = Iterator<const value_type>;

  const_iterator begin() const { return const_iterator(entries_.data()); }
  const_iterator end() const { return const_iterator(entries_.data() + entries_.size()); }
  iterator begin() { return iterator(entries_.data()); }
  iterator end() { return iterator(entries_.data() + entries_.size()); }
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }

  const_iterator lower_bound(const ObjectKey& key) const;
  const_iterator find(const ObjectKey& key) const;
  bool contains(const ObjectKey& key) const { return find(key) != end(); }

  // The object, made where it is missing; the map's own from then on.
  CatalogObject& operator[](const ObjectKey& key);
  // False where the key was there already; then nothing changes.
  bool emplace(const ObjectKey& key, CatalogObject object);
  std::size_t erase(const ObjectKey& key);

  // Takes `gone` out, then puts `fresh` in (in place of what has its key; the last of several counts): one pass for all
  // of them. A fresh object equal to the one it replaces leaves that one in its place.
  void Replace(const std::vector<Entry>& gone, std::vector<Entry> fresh);

  bool operator==(const ObjectMap& other) const;

  template <typename Predicate>
  friend std::size_t erase_if(ObjectMap& map, Predicate predicate) {
    return std::erase_if(map.entries_, [&](const Entry& entry) { return predicate(std::as_const(*entry)); });
  }

 private:
  static void Own(Entry& entry) {
    if (entry.use_count() > 1) entry = std::make_shared<value_type>(*entry);
  }
  std::size_t Position(const ObjectKey& key) const;

  std::vector<Entry> entries_;  // sorted by key
};

}  // namespace migproof
