#include "harness/catalog/object_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace migproof {
namespace {

using testing::ElementsAre;

ObjectMap::Entry Make(const std::string& name, const std::string& type) {
  return std::make_shared<ObjectMap::value_type>(ObjectKey{"column", name}, CatalogObject{"t", {{"type", type}}});
}

std::vector<std::string> TextPairs(const ObjectMap& map) {
  std::vector<std::string> texts;
  for (const auto& [key, object] : map) texts.push_back(key.name + ":" + object.attributes.at("type"));
  return texts;
}

TEST(ObjectMap, ReplacesManyAtOnce) {
  ObjectMap map;
  map.Replace({}, {Make("d", "1"), Make("b", "1"), Make("b", "2")});
  map.Replace({Make("absent", "1")}, {});
  EXPECT_THAT(TextPairs(map), ElementsAre("b:2", "d:1"));
  map.Replace({Make("b", ""), Make("d", "")}, {Make("e", "1"), Make("d", "2"), Make("a", "1")});
  EXPECT_THAT(TextPairs(map), ElementsAre("a:1", "d:2", "e:1"));
}

TEST(ObjectMap, KeepsWhatIsReplacedByItsLike) {
  ObjectMap map;
  map.Replace({}, {Make("a", "1"), Make("b", "1")});
  const ObjectMap copy = map;
  map.Replace({Make("a", ""), Make("b", "")}, {Make("a", "1"), Make("b", "2")});
  EXPECT_EQ(&*copy.begin(), &*std::as_const(map).begin());
  EXPECT_FALSE(map == copy);
}

TEST(ObjectMap, ChangesNoCopy) {
  ObjectMap map;
  map[{"column", "a"}].attributes["type"] = "1";
  map[{"column", "b"}].attributes["type"] = "1";
  const ObjectMap copy = map;
  map[{"column", "a"}].attributes["type"] = "2";
  for (auto& [key, object] : map) object.attributes["type"] += "x";
  EXPECT_EQ(map.erase({"column", "b"}), 1U);
  EXPECT_EQ(map.erase({"column", "b"}), 0U);
  EXPECT_FALSE(map.emplace({"column", "a"}, {}));
  EXPECT_THAT(TextPairs(map), ElementsAre("a:2x"));
  EXPECT_THAT(TextPairs(copy), ElementsAre("a:1", "b:1"));
  EXPECT_TRUE(copy.contains({"column", "b"}));
  EXPECT_FALSE(map.contains({"column", "b"}));
}

}  // namespace
}  // namespace migproof
