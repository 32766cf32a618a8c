// A column generator told in parts: what most families of types are made of.
//
//   std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const override {
//     if (type.base != "uuid") return std::nullopt;
//     return TypeRecipe{.edges = {"0000...", "ffff..."}, .random = RandomUuid, .nth = CountedUuid};
//   }
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "harness/data/column_generator.h"

namespace migproof {

struct TypeRecipe {
  std::vector<std::string> edges;                                // the simplest first; never empty
  std::function<std::string(Random&)> random;                    // absent: the edges are all there is to draw
  std::function<std::optional<std::string>(std::uint64_t)> nth;  // absent: the edges in order, which then all differ
  // Values that may be simpler, in any order; those that are not are dropped.
  std::function<std::vector<std::string>(const std::string&)> smaller;
};

class RecipeGenerator : public ColumnGenerator {
 public:
  bool Claims(const ColumnType& type) const override;
  std::string Simplest(const ColumnType& type) const override;
  std::vector<std::string> Edges(const ColumnType& type) const override;
  std::string Draw(const ColumnType& type, Random& random) const override;
  std::optional<std::string> Nth(const ColumnType& type, std::uint64_t n) const override;
  Source For(const ColumnType& type) const override;
  std::vector<std::string> Shrink(const ColumnType& type, const std::string& value) const override;

 protected:
  // Nothing for a type of another family. Of a base type it is asked once per program.
  virtual std::optional<TypeRecipe> RecipeFor(const ColumnType& type) const = 0;

 private:
  std::shared_ptr<const TypeRecipe> Recipe(const ColumnType& type) const;

  mutable std::mutex mutex_;
  mutable std::map<std::tuple<std::string, std::string, std::vector<int>>, std::shared_ptr<const TypeRecipe>> made_;
};

// Of `candidates` those simpler than `value`, the simplest first, each once, `simplest` at their head. Simpler is what
// is shorter, then what has fewer bytes beside a-z and 0-9, then what sorts first: no chain of such steps goes on
// forever.
std::vector<std::string> Simpler(const std::string& simplest, const std::string& value,
                                 std::vector<std::string> candidates);

// "ltree" for the base type "public.ltree", "" for what is no base type: an extension's types live in any namespace.
std::string BareName(const ColumnType& type);

// The recipe of texts of at most `characters` characters and `bytes` bytes.
TypeRecipe TextRecipe(std::size_t characters, std::size_t bytes);

// "a", "b" ... "z", "aa" ...: the names of the columns of a spreadsheet.
std::string NthWord(std::uint64_t n);
// The first `bytes` of 2,800 letters and digits by chance that do not compress; always the same.
std::string IncompressibleText(std::size_t bytes);
// A few lower-case letters.
std::string RandomWord(Random& random);

// The characters of a UTF-8 text, one by one.
std::vector<std::string> Characters(std::string_view text);
std::size_t CountCharacters(std::string_view text);

// `text` in double quotes, as arrays, composites and ranges take it: with \ before " and \.
std::string InDoubleQuotes(std::string_view text);

}  // namespace migproof
