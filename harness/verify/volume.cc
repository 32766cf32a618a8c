#include "harness/verify/volume.h"

#include <algorithm>
#include <iterator>

#include "harness/data/statement_words.h"

namespace migproof {

bool CountsOnRows(const std::vector<std::string>& statements) {
  static constexpr const char* kWords[] = {"row_number", "rank", "dense_rank", "ntile", "lpad", "chr", "string_agg"};
  const std::vector<StatementWords> all = WordsOfStatements(statements);
  return std::any_of(all.begin(), all.end(), [](const StatementWords& one) {
    return std::any_of(std::begin(kWords), std::end(kWords), [&](const char* word) { return one.Has(word); });
  });
}

}  // namespace migproof
