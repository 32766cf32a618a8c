#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "harness/catalog/catalog.h"
#include "harness/catalog/read.h"
#include "harness/catalog/statements_for_test.h"
#include "migrations/error.h"

namespace migproof {
namespace {

using nlohmann::json;
using testing::HasSubstr;

void ExpectRefused(const std::string& text, const std::string& what, const std::string& hint = "") {
  try {
    CatalogFromJson(json::parse(text));
    ADD_FAILURE() << "accepted: " << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_THAT(error.message(), HasSubstr(what));
    EXPECT_THAT(error.hint(), HasSubstr(hint));
  }
}

TEST(Model, ComesBackAsItWent) {
  GroundDatabase ground;
  const Catalog catalog = CatalogReader(ground.session()).Read();
  EXPECT_GT(catalog.objects().size(), 150u);
  const json model = json::parse(ToJson(catalog, ground.session().server_version()).dump(2));
  EXPECT_TRUE(CatalogFromJson(model) == catalog);
  EXPECT_EQ(model.at("server_version"), ground.session().server_version());
}

TEST(Model, ReadsLikeThis) {
  Catalog catalog;
  catalog.objects()[{"column", "public.t.a"}] = {"public.t", {{"type", "integer"}}};
  EXPECT_EQ(ToJson(catalog).dump(),
            R"({"migproof_model":1,"objects":{"column":{"public.t.a":{"relation":"public.t","type":"integer"}}}})");
}

TEST(Model, RefusesWhatIsNone) {
  ExpectRefused("[]", "array");
  ExpectRefused("{}", "'migproof_model' is missing");
  ExpectRefused(R"({"migproof_model": 2, "objects": {}})", "'migproof_model' is 2, expected 1");
  ExpectRefused(R"({"migproof_model": 1})", "'objects' is missing");
  ExpectRefused(R"({"migproof_model": 1, "object": {}})", "unknown key 'object'", "did you mean 'objects'?");
  ExpectRefused(R"({"migproof_model": 1, "objects": {"tables": {}}})", "unknown kind 'tables'",
                "did you mean 'table'?");
  ExpectRefused(R"({"migproof_model": 1, "objects": {"table": []}})", "'objects.table' is of type array");
  ExpectRefused(R"({"migproof_model": 1, "objects": {"table": {"t": 1}}})", "'objects.table.t' is of type number");
  ExpectRefused(R"({"migproof_model": 1, "objects": {"table": {"t": {"owner": null}}}})",
                "'objects.table.t.owner' is of type null, not a string");
}

TEST(CatalogValue, FindsAndCounts) {
  Catalog catalog;
  catalog.objects()[{"column", "public.t.b"}] = {"public.t", {{"type", "text"}}};
  catalog.objects()[{"column", "public.t.a"}] = {"public.t", {{"type", "integer"}}};
  catalog.objects()[{"columns", "x"}] = {};
  EXPECT_EQ(catalog.Count("column"), 2u);
  EXPECT_THAT(catalog.Names("column"), testing::ElementsAre("public.t.a", "public.t.b"));
  EXPECT_EQ(catalog.Attribute("column", "public.t.a", "type"), "integer");
  EXPECT_EQ(catalog.Attribute("column", "public.t.a", "default"), "");
  EXPECT_EQ(catalog.Attribute("column", "public.t.z", "type"), "");
  EXPECT_EQ(catalog.Find("table", "public.t"), nullptr);
}

}  // namespace
}  // namespace migproof
