#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ci/expect_error.h"
#include "ci/temp_directory.h"
#include "migrations/format.h"
#include "migrations/history.h"

namespace migproof {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Format& Native() { return Registry<Format>::Get("native"); }

Revision ReadOne(const std::string& text) {
  const TempDirectory directory;
  directory.Write("1.sql", text);
  std::vector<Revision> revisions = Native().Read(directory.path());
  if (revisions.size() != 1) throw Error(ErrorKind::kInternal, "not one revision");
  return revisions.front();
}

std::string NativeComplaint(const std::string& text) {
  const Error error = ErrorOf([&] { ReadOne(text); });
  EXPECT_EQ(error.kind(), ErrorKind::kHistory);
  const std::string rendered = error.Render();
  return rendered.substr(rendered.find("1.sql"));
}

TEST(NativeFormat, ReadsEverything) {
  const Revision revision = ReadOne(
      "-- migproof: revision a1b2\n"
      "\n"
      "-- Add the orders table\n"
      "-- and more words\n"
      "-- migproof: parents 00aa, 11bb\n"
      "-- migproof: depends_on 22cc\n"
      "-- migproof: depends_on 33dd 44ee\n"
      "-- migproof: label billing\n"
      "-- migproof: idempotent\n"
      "-- migproof: upgrade\n"
      "-- migproof: owns orders\n"
      "CREATE TABLE orders (id int);\n"
      "INSERT INTO orders VALUES (1);\n"
      "-- migproof: downgrade\n"
      "DROP TABLE orders;\n");
  EXPECT_EQ(revision.id, "a1b2");
  EXPECT_EQ(revision.ledger_key, "a1b2");
  EXPECT_EQ(revision.title, "Add the orders table");
  EXPECT_THAT(revision.parents, ElementsAre("00aa", "11bb"));
  EXPECT_THAT(revision.depends_on, ElementsAre("22cc", "33dd", "44ee"));
  EXPECT_THAT(revision.labels, ElementsAre("billing"));
  EXPECT_TRUE(revision.Declares("idempotent"));
  EXPECT_NE(revision.FindDeclaration("owns", "orders"), nullptr);
  EXPECT_EQ(revision.where.line, 1);
  ASSERT_EQ(revision.upgrade.script.statements().size(), 2U);
  EXPECT_EQ(revision.upgrade.script.statements()[0].line, 12);
  EXPECT_EQ(revision.upgrade.execution, Execution::kTransaction);
  ASSERT_TRUE(revision.downgrade);
  ASSERT_EQ(revision.downgrade->script.statements().size(), 1U);
  EXPECT_EQ(revision.downgrade->script.statements()[0].line, 15);
}

TEST(NativeFormat, NoParentsIsABaseAndNoDowngradeIsNone) {
  const Revision bare = ReadOne("-- migproof: revision a\n-- migproof: upgrade\nSELECT 1");
  EXPECT_TRUE(bare.parents.empty());
  EXPECT_FALSE(bare.downgrade);
  const Revision empty =
      ReadOne("-- migproof: revision a\n-- migproof: parents\n-- migproof: upgrade\n-- migproof: downgrade");
  EXPECT_TRUE(empty.parents.empty());
  ASSERT_TRUE(empty.downgrade);
  EXPECT_TRUE(empty.downgrade->script.empty());
  EXPECT_TRUE(empty.upgrade.script.empty());
}

TEST(NativeFormat, TransactionOffHoldsWhereItStands) {
  const std::string header = "-- migproof: revision a\n";
  const std::string off = "-- migproof: transaction off\n";
  const std::string up = "-- migproof: upgrade\n";
  const std::string down = "-- migproof: downgrade\n";
  const Revision both = ReadOne(header + off + up + down);
  EXPECT_EQ(both.upgrade.execution, Execution::kStatements);
  EXPECT_EQ(both.downgrade->execution, Execution::kStatements);
  const Revision upgrade = ReadOne(header + up + off + down);
  EXPECT_EQ(upgrade.upgrade.execution, Execution::kStatements);
  EXPECT_EQ(upgrade.downgrade->execution, Execution::kTransaction);
  const Revision back_on = ReadOne(header + off + up + down + "-- migproof: transaction on\n");
  EXPECT_EQ(back_on.upgrade.execution, Execution::kStatements);
  EXPECT_EQ(back_on.downgrade->execution, Execution::kTransaction);
  EXPECT_THAT(NativeComplaint(header + "-- migproof: transaction of\n" + up),
              HasSubstr("1.sql:2: 'transaction' is 'on' or 'off', found 'of'"));
}

TEST(NativeFormat, BomAndCrlfAreAccepted) {
  const Revision revision = ReadOne(
      "\xEF\xBB\xBF-- migproof: revision a1\r\n-- Title\r\n-- migproof: parents b1\r\n-- migproof: upgrade\r\nSELECT "
      "1;\r\n"
      "-- migproof: downgrade\r\nSELECT 2;\r\n");
  EXPECT_EQ(revision.id, "a1");
  EXPECT_EQ(revision.title, "Title");
  EXPECT_THAT(revision.parents, ElementsAre("b1"));
  EXPECT_EQ(revision.upgrade.script.statements().size(), 1U);
  EXPECT_EQ(revision.downgrade->script.statements()[0].line, 7);
}

TEST(NativeFormat, RefusesWhatItDoesNotUnderstand) {
  const std::string up = "-- migproof: upgrade\n";
  const std::string header = "-- migproof: revision a\n";
  EXPECT_THAT(NativeComplaint(header + "-- migproof: parent b\n" + up),
              HasSubstr("1.sql:2: unknown word 'parent' behind '-- migproof:'\nhint: did you mean 'parents'?"));
  EXPECT_THAT(NativeComplaint(header + "-- migproof: upgrad\n"), HasSubstr("did you mean 'upgrade'?"));
  EXPECT_THAT(NativeComplaint(up), HasSubstr("1.sql: the file names no revision"));
  EXPECT_THAT(NativeComplaint(""), HasSubstr("1.sql: the file names no revision"));
  EXPECT_THAT(NativeComplaint(header), HasSubstr("1.sql: revision 'a' has no section 'upgrade'"));
  EXPECT_THAT(NativeComplaint(header + "-- migproof: downgrade\n" + up),
              HasSubstr("1.sql:2: the section 'downgrade' comes before 'upgrade'"));
  EXPECT_THAT(NativeComplaint(header + up + up), HasSubstr("1.sql:3: a second section 'upgrade': the first is"));
  EXPECT_THAT(NativeComplaint(header + "-- migproof: upgrade now\n"),
              HasSubstr("'upgrade' takes nothing, found 'now'"));
  EXPECT_THAT(NativeComplaint(header + header + up), HasSubstr("1.sql:2: a second 'revision' in one file"));
  EXPECT_THAT(NativeComplaint("-- migproof: revision a b\n" + up), HasSubstr("'revision' takes one name, found 'a b'"));
  EXPECT_THAT(NativeComplaint("-- migproof: revision\n" + up), HasSubstr("'revision' takes one name, found none"));
  EXPECT_THAT(NativeComplaint(header + "-- migproof: parents b\n-- migproof: parents c\n" + up),
              HasSubstr("1.sql:3: a second 'parents' in one file"));
  EXPECT_THAT(NativeComplaint(header + "-- migproof: label\n" + up), HasSubstr("'label' names nothing"));
  EXPECT_THAT(NativeComplaint(header + "SELECT 1;\n" + up), HasSubstr("1.sql:2: a statement outside the sections"));
  EXPECT_THAT(NativeComplaint(header + up + "SELECT 1;\n-- migproof: parents b\n"),
              HasSubstr("1.sql:4: 'parents' stands inside a section\nhint: it belongs above"));
  EXPECT_THAT(NativeComplaint(header + up + "SELECT 'open;\n"), HasSubstr("1.sql:3"));
}

TEST(NativeFormat, ReadsSqlFilesInTheOrderOfTheirNames) {
  const TempDirectory directory;
  const auto text = [](const std::string& id) { return "-- migproof: revision " + id + "\n-- migproof: upgrade\n"; };
  directory.Write("20.sql", text("second"));
  directory.Write("10.sql", text("first"));
  directory.Write(".hidden.sql", "nonsense");
  directory.Write("notes.txt", "nonsense");
  directory.Write("30.sql~", "nonsense");
  directory.Write(".git/config.sql", "nonsense");
  directory.Write("assets/logo.txt", "nonsense");
  const std::vector<Revision> revisions = Native().Read(directory.path());
  ASSERT_EQ(revisions.size(), 2U);
  EXPECT_EQ(revisions[0].id, "first");
  EXPECT_EQ(revisions[1].id, "second");
  directory.Write("more/40.sql", text("lost"));
  EXPECT_THAT(RenderedErrorOf([&] { Native().Read(directory.path()); }),
              HasSubstr("more/40.sql' lies in a sub-directory, where no revision is read"));
}

TEST(NativeFormat, AnEmptyDirectoryHoldsNothing) {
  const TempDirectory directory;
  EXPECT_TRUE(Native().Read(directory.path()).empty());
}

TEST(NativeFormat, ReadsTheRevisionsThatItMakes) {
  Revision wanted;
  wanted.id = "a1b2";
  wanted.title = "Add orders; drop 'notes'";
  wanted.parents = {"00aa", "11bb"};
  wanted.depends_on = {"22cc"};
  wanted.labels = {"billing"};
  const std::vector<Format::NewFile> files = Native().MakeRevision(wanted);
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0].path, "a1b2_add_orders_drop_notes.sql");
  const Revision made = ReadOne(files[0].text);
  EXPECT_EQ(made.id, wanted.id);
  EXPECT_EQ(made.title, wanted.title);
  EXPECT_EQ(made.parents, wanted.parents);
  EXPECT_EQ(made.depends_on, wanted.depends_on);
  EXPECT_EQ(made.labels, wanted.labels);
  EXPECT_TRUE(made.downgrade);
}

}  // namespace
}  // namespace migproof
