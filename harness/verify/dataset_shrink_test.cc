#include "harness/verify/dataset_shrink.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/seq/Transform.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "harness/data/row_generator.h"
#include "harness/data/schema_for_test.h"

namespace migproof {
namespace {

using testing::ElementsAre;

std::vector<Dataset> All(rc::Seq<Dataset> candidates) {
  std::vector<Dataset> all;
  while (auto candidate = candidates.next()) all.push_back(std::move(*candidate));
  return all;
}

class DatasetShrink : public testing::Test {
 protected:
  bool Holds(const Dataset& dataset, const std::string& query) {
    const Transaction transaction(database_.session());
    const InsertResult result = Insert(database_.session(), dataset);
    return *result.inserted == dataset && database_.session().Query(query).GetBool(0, 0);
  }

  // Takes the first candidate for which `query` is still true, until there is none.
  Dataset Shrink(const RowGenerator& generator, Dataset dataset, const std::string& query) {
    for (;;) {
      std::optional<Dataset> simpler;
      rc::Seq<Dataset> candidates = ShrinksOf(generator, dataset);
      while (auto candidate = candidates.next()) {
        if (!seen_.insert(ToJson(*candidate).dump()).second) continue;
        if (!Holds(*candidate, query)) continue;
        simpler = std::move(*candidate);
        break;
      }
      if (!simpler) return dataset;
      dataset = std::move(*simpler);
      ++steps_;
    }
  }

  FilledDatabase database_;
  std::set<std::string> seen_;
  int steps_ = 0;
};

TEST_F(DatasetShrink, EndsWithTheFewestSimplestRows) {
  const RowGenerator generator(database_.catalog(), database_.rows(), {});
  const std::string query = "SELECT count(*) FILTER (WHERE folder IS NOT NULL) > 1 FROM files";
  Dataset dataset;
  for (std::uint64_t seed = 0; seed < 300 && dataset.tables.empty(); ++seed) {
    Random random(seed);
    Dataset drawn = generator.Draw(random);
    if (Holds(drawn, query)) dataset = std::move(drawn);
  }
  ASSERT_THAT(dataset.tables, testing::Not(testing::IsEmpty()));
  const Dataset simplest = Shrink(generator, dataset, query);
  std::map<std::string, std::size_t> rows;
  for (const DatasetTable& table : simplest.tables) rows[table.table] = table.rows.size();
  EXPECT_EQ(rows["public.files"], 2U);
  EXPECT_EQ(rows["public.folders"], 2U);
  EXPECT_LE(rows["public.tenants"], 2U);
  EXPECT_EQ(simplest.tables.size(), 3U) << ToJson(simplest).dump(1);
}

TEST_F(DatasetShrink, YieldsWhatTheServerTakes) {
  const RowGenerator generator(database_.catalog(), database_.rows(), {});
  int taken = 0;
  int all = 0;
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    Random random(seed);
    const Transaction transaction(database_.session());
    const Dataset dataset = *Insert(database_.session(), generator.Draw(random)).inserted;
    database_.session().Execute("ROLLBACK; BEGIN");
    const std::vector<Dataset> candidates = All(ShrinksOf(generator, dataset));
    for (std::size_t i = 0; i < candidates.size(); i += 7) {
      database_.session().Execute("SAVEPOINT s");
      taken += *Insert(database_.session(), candidates[i]).inserted == candidates[i] ? 1 : 0;
      database_.session().Execute("ROLLBACK TO SAVEPOINT s");
      ++all;
    }
  }
  EXPECT_GT(taken, all * 9 / 10) << taken << " of " << all;
}

TEST_F(DatasetShrink, EndsWhicheverCandidateIsTaken) {
  const RowGenerator generator(database_.catalog(), database_.rows(), {.focus = {"public.files"}});
  for (std::uint64_t seed = 0; seed < 2; ++seed) {
    Random random(seed);
    Dataset dataset = generator.Draw(random);
    int steps = 0;
    for (auto candidates = All(ShrinksOf(generator, dataset)); !candidates.empty();
         candidates = All(ShrinksOf(generator, dataset))) {
      ASSERT_LT(++steps, 3000) << ToJson(dataset).dump();
      dataset = random.Pick(candidates);
    }
    EXPECT_EQ(dataset.Rows(), 0U);
  }
}

TEST_F(DatasetShrink, ChangesWhatRefersToAKeyWithIt) {
  const RowGenerator generator(database_.catalog(), database_.rows(), {});
  const Dataset dataset{{{"public.tenants", {"id"}, {{"7"}}, 0},
                         {"public.folders", {"tenant", "id", "parent"}, {{"7", "0", "0"}}, 1},
                         {"public.files", {"tenant", "folder", "owner", "id"}, {{"7", "0", "0", "0"}}, 2}}};
  Dataset expected = dataset;
  expected.tables[0].rows[0][0] = "0";
  expected.tables[1].rows[0][0] = "0";
  expected.tables[2].rows[0][0] = "0";
  EXPECT_THAT(All(ShrinksOf(generator, dataset)), testing::Contains(expected));
}

TEST_F(DatasetShrink, MakesWhatRowsShareInAKeySimplerInAllOfThem) {
  const RowGenerator generator(database_.catalog(), database_.rows(), {});
  const Dataset dataset{{{"public.events", {"id", "day"}, {{"-7", "2000-01-01"}, {"-7", "2000-01-02"}}, 0}}};
  Dataset expected = dataset;
  expected.tables[0].rows[0][0] = "0";
  expected.tables[0].rows[1][0] = "0";
  EXPECT_THAT(All(ShrinksOf(generator, dataset)), testing::Contains(expected));
}

TEST_F(DatasetShrink, MakesALargeDatasetSmallInFewSteps) {
  const RowGenerator generator(database_.catalog(), database_.rows(), {});
  constexpr int kRows = 2'000;
  DatasetTable customers{"public.customers", {"id", "email", "created_at"}, {}, 0};
  DatasetTable orders{"\"Back Office\".\"Order\"", {"\"order id\"", "customer_id", "status"}, {}, 1};
  for (int i = 0; i < kRows; ++i) {
    customers.rows.push_back({fmt::to_string(i), fmt::format("{}@example.org", i), "2000-01-01 00:00:00+00"});
    // The first orders are those of the last customers.
    orders.rows.push_back({fmt::format("00000000-0000-0000-0000-{:012}", i), fmt::to_string(kRows - 1 - i), "open"});
  }
  const Dataset large{{customers, orders}};
  // Two orders and two customers, and the customers of the orders.
  const std::vector<Dataset> first = All(rc::seq::take(2, ShrinksOf(generator, large)));
  ASSERT_EQ(first.size(), 2U);
  ASSERT_EQ(first[0].tables.size(), 2U);
  EXPECT_EQ(first[0].tables[1].rows, (std::vector(orders.rows.begin(), orders.rows.begin() + 2)));
  EXPECT_EQ(first[0].tables[0].rows,
            (std::vector{customers.rows[0], customers.rows[1], customers.rows[kRows - 2], customers.rows[kRows - 1]}));
  // What matters is one row in the middle.
  const auto matters = [&](const DatasetTable& table) {
    return table.table == orders.table && std::count(table.rows.begin(), table.rows.end(), orders.rows[777]) == 1;
  };
  Dataset dataset = large;
  rc::Seq<Dataset> candidates = ShrinksOf(generator, dataset);
  int asked = 0;
  while (dataset.Rows() > 2) {
    auto candidate = candidates.next();
    ASSERT_TRUE(candidate && ++asked < 100) << dataset.Rows();
    if (std::none_of(candidate->tables.begin(), candidate->tables.end(), matters)) continue;
    dataset = std::move(*candidate);
    candidates = ShrinksOf(generator, dataset);
  }
  EXPECT_EQ(dataset.Rows(), 2U);
}

TEST_F(DatasetShrink, TakesReferringRowsAway) {
  const RowGenerator generator(database_.catalog(), database_.rows(), {});
  const Dataset dataset{{{"public.tenants", {"id"}, {{"0"}, {"1"}}, 0},
                         {"public.folders", {"tenant", "id"}, {{"0", "0"}, {"1", "0"}}, 1}}};
  const Dataset expected{
      {{"public.tenants", {"id"}, {{"0"}}, 0}, {"public.folders", {"tenant", "id"}, {{"0", "0"}}, 1}}};
  EXPECT_THAT(All(ShrinksOf(generator, dataset)), testing::Contains(expected));
  EXPECT_THAT(All(ShrinksOf(generator, {{{"public.tenants", {"id"}, {{"0"}}, 0}}})), ElementsAre(Dataset{}));
}

TEST_F(DatasetShrink, LeavesColumnsToTheirDefaults) {
  const RowGenerator generator(database_.catalog(), database_.rows(), {});
  const Dataset dataset{{{"public.no_key", {"a", "b", "c"}, {{"0", std::nullopt, "x"}}, 0}}};
  const Dataset defaulted{{{"public.no_key", {"a", "b"}, {{"0", std::nullopt}}, 0}}};
  const Dataset without_null{{{"public.no_key", {"a", "c"}, {{"0", "x"}}, 0}}};
  EXPECT_THAT(All(ShrinksOf(generator, dataset)), testing::IsSupersetOf({defaulted, without_null}));
}

}  // namespace
}  // namespace migproof
