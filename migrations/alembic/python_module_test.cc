#include "migrations/alembic/python_module.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ci/expect_error.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Kind = PythonValue::Kind;

PythonModule Parse(const std::string& text) { return PythonModule::Parse(text, "m.py"); }

TEST(PythonModule, ReadsAssignments) {
  const PythonModule module = Parse(R"(
revision = "a1"
down_revision: Union[str, Sequence[str], None] = 'b' "2"  # joined
merge = ("x", 'y',)
single = ("z")
tuple_of_one = ("z",)
mixed = [revision, "w"]
names = {"p", "q"}
nothing = None
parenthesised = (None)
computed = make("x")
formatted = f"{x}"
raw = r"\d"
several = (
    "l1",  # a comment
    "l2",
)
compared == "no"
if True:
    revision = "inside"
)");
  EXPECT_THAT(module.values.at("revision").texts, ElementsAre("a1"));
  EXPECT_EQ(module.values.at("revision").line, 2);
  EXPECT_THAT(module.values.at("down_revision").texts, ElementsAre("b2"));
  EXPECT_THAT(module.values.at("merge").texts, ElementsAre("x", "y"));
  EXPECT_EQ(module.values.at("single").kind, Kind::kText);
  EXPECT_EQ(module.values.at("tuple_of_one").kind, Kind::kTexts);
  EXPECT_THAT(module.values.at("mixed").texts, ElementsAre("a1", "w"));
  EXPECT_THAT(module.values.at("names").texts, ElementsAre("p", "q"));
  EXPECT_EQ(module.values.at("nothing").kind, Kind::kNone);
  EXPECT_EQ(module.values.at("parenthesised").kind, Kind::kNone);
  EXPECT_EQ(module.values.at("computed").kind, Kind::kOther);
  EXPECT_EQ(module.values.at("formatted").kind, Kind::kOther);
  EXPECT_THAT(module.values.at("raw").texts, ElementsAre("\\d"));
  EXPECT_THAT(module.values.at("several").texts, ElementsAre("l1", "l2"));
  EXPECT_FALSE(module.values.contains("compared"));
}

TEST(PythonModule, ReadsFunctions) {
  const PythonModule module = Parse(R"("""What it does.

More."""

def upgrade(x: dict = {"a": 1}) -> None:
    """Says so."""
    op.execute("CREATE ROLE r")

def downgrade():
    raise NotImplementedError("never " "back")

def once(): raise NotImplementedError

def guarded():
    if True:
        raise NotImplementedError()
)");
  EXPECT_EQ(module.docstring, "What it does.\n\nMore.");
  EXPECT_EQ(module.functions.at("upgrade").line, 5);
  EXPECT_THAT(module.functions.at("upgrade").literals, ElementsAre("CREATE ROLE r"));
  EXPECT_FALSE(module.functions.at("upgrade").refuses);
  EXPECT_TRUE(module.functions.at("downgrade").refuses);
  EXPECT_EQ(module.functions.at("downgrade").refusal, "never back");
  EXPECT_TRUE(module.functions.at("once").refuses);
  EXPECT_FALSE(module.functions.at("guarded").refuses);
}

TEST(PythonModule, ReadsCommentsAndKeywords) {
  const PythonModule module =
      Parse("x = 1  # migproof: idempotent\n\"# not one\"\ncall(version_table=\"v\", other=3)\n");
  EXPECT_THAT(module.comments, ElementsAre(std::pair<std::string, int>(" migproof: idempotent", 1)));
  EXPECT_EQ(module.keywords.at("version_table"), "v");
  EXPECT_FALSE(module.keywords.contains("other"));
}

TEST(PythonModule, TakesLinesAsTheyCome) {
  const PythonModule module = Parse("\xEF\xBB\xBFrevision = \\\r\n  'a'\r\n\tx = 'indented'\r\nlast = 'b'");
  EXPECT_THAT(module.values.at("revision").texts, ElementsAre("a"));
  EXPECT_THAT(module.values.at("last").texts, ElementsAre("b"));
  EXPECT_FALSE(module.values.contains("x"));
  EXPECT_THAT(Parse("").values, IsEmpty());
}

TEST(PythonModule, RefusesWhatIsNotClosed) {
  EXPECT_THAT(RenderedErrorOf([] { Parse("a = 1\nb = 'x\n"); }),
              HasSubstr("m.py:2: not Python: a string is not closed"));
  EXPECT_THAT(RenderedErrorOf([] { Parse("\"\"\"doc\n\n"); }), HasSubstr("m.py:1: not Python: a string is not closed"));
  EXPECT_THAT(RenderedErrorOf([] { Parse("\n\na = (1,\n"); }),
              HasSubstr("m.py:3: not Python: a bracket is not closed"));
}

}  // namespace
}  // namespace migproof
