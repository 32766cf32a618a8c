#include "harness/data/text_as_bytes.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"

namespace migproof {
namespace {

TableRows Keys(const std::vector<Cell>& values) {
  TableRows table{{"id", "key"}, {}, static_cast<std::int64_t>(values.size()), "", "", {}};
  for (std::size_t i = 0; i < values.size(); ++i) table.rows.push_back({std::to_string(i), values[i]});
  return table;
}

// What the server makes of the texts.
TableRows OnServer(const std::vector<Cell>& texts, const std::string& expression) {
  const auto database = Database::Create(TestServer());
  const auto session = database->Connect();
  std::vector<Cell> bytes;
  for (const Cell& text : texts) {
    const std::vector<std::optional<std::string>> parameters = {text};
    bytes.push_back(session->Query("SELECT (" + expression + ")::text FROM (SELECT $1::text AS t) AS x", parameters)
                        .GetOptional(0, 0));
  }
  return Keys(bytes);
}

TEST(TextAsBytes, IsWhatTheServerMakesOfIt) {
  const std::vector<Cell> words = {"", "a b", "\xC3\xA9", std::nullopt, "%_\n"};
  EXPECT_TRUE(IsTextAsBytes(Keys(words), OnServer(words, "convert_to(t, 'UTF8')"), "key", {"id"}));
  EXPECT_TRUE(IsTextAsBytes(Keys(words), OnServer(words, "decode(t, 'escape')"), "key", {"id"}));
  const std::vector<Cell> escaped = {"a\\\\b", "\\001\\377", "plain"};
  EXPECT_TRUE(IsTextAsBytes(Keys(escaped), OnServer(escaped, "decode(t, 'escape')"), "key", {"id"}));
  const std::vector<Cell> hex = {"00ff", "", "ABcd 12", std::nullopt};
  EXPECT_TRUE(IsTextAsBytes(Keys(hex), OnServer(hex, "decode(t, 'hex')"), "key", {"id"}));
  const std::vector<Cell> base64 = {"aGVsbG8=", "////", "", "YQ=="};
  EXPECT_TRUE(IsTextAsBytes(Keys(base64), OnServer(base64, "decode(t, 'base64')"), "key", {"id"}));
}

TEST(TextAsBytes, IsNotPartOfItNorAnothers) {
  const std::vector<Cell> words = {"abcdef", "b", std::nullopt};
  EXPECT_FALSE(IsTextAsBytes(Keys(words), OnServer(words, "convert_to(left(t, 4), 'UTF8')"), "key", {"id"}));
  EXPECT_FALSE(IsTextAsBytes(Keys(words), OnServer(words, "sha256(convert_to(t, 'UTF8'))"), "key", {"id"}));
  EXPECT_FALSE(IsTextAsBytes(Keys(words), OnServer(words, "convert_to(coalesce(t, ''), 'UTF8')"), "key", {"id"}));
  const std::vector<Cell> others = {"b", "abcdef", std::nullopt};
  EXPECT_FALSE(IsTextAsBytes(Keys(words), OnServer(others, "convert_to(t, 'UTF8')"), "key", {"id"}));
}

}  // namespace
}  // namespace migproof
