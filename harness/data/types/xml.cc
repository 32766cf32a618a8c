#include <fmt/format.h>

#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

class XmlGenerator : public RecipeGenerator {
 protected:
  std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
    if (type.form != ColumnType::Form::kBase || type.base != "xml") return std::nullopt;
    TypeRecipe recipe;
    // Content as well as documents: XMLOPTION is CONTENT unless somebody sets it.
    recipe.edges = {"<a/>",
                    "<a>b</a>",
                    "<a b=\"c\"/>",
                    "<a><b/><b/>text</a>",
                    "text alone",
                    "<a>&lt;</a>",
                    "<!--c--><a/>",
                    "<a><![CDATA[<]]></a>",
                    "<é>😀</é>",
                    "<a/><b/>",
                    "<a> \n </a>",
                    "<?p i?><a/>",
                    "<a xmlns=\"urn:x\"/>"};
    recipe.random = [](Random& random) {
      const std::string tag = RandomWord(random);
      return fmt::format("<{0}>{1}</{0}>", tag, RandomWord(random));
    };
    recipe.nth = [](std::uint64_t n) { return fmt::format("<a>{}</a>", n + 1); };
    return recipe;
  }
};

const Registered<ColumnGenerator, XmlGenerator> kXml("xml");

}  // namespace

}  // namespace migproof
