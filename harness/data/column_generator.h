// Draws values for the column types it claims: one family of types, one file in types/, registered by its name.
//
//   const ColumnGenerator& generator = GeneratorFor(type);
//   std::string value = generator.Draw(type, random);
//
// Values are text in the form that the type's input function reads (valid UTF-8, never NULL: whether a cell is NULL is
// decided by who fills rows). Every value is accepted by the type itself, a domain's CHECKs included as far as they are
// understood (check_solver.h); what the CHECKs of tables demand is the business of the caller. Generators are
// stateless. Most are told in parts: see type_recipe.h.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/data/column_type.h"
#include "harness/data/random.h"
#include "migrations/registry.h"

namespace migproof {

class ColumnGenerator {
 public:
  virtual ~ColumnGenerator() = default;

  virtual bool Claims(const ColumnType& type) const = 0;

  // Asked before those that say no: for a generator of one's own that knows a type (a domain of one's own, say) better
  // than the family that claims it, too.
  virtual bool GoesFirst() const { return false; }

  // The simplest value there is: where shrinking ends ("0", "", "f", "2000-01-01").
  virtual std::string Simplest(const ColumnType& type) const = 0;

  // The adversarial values (DESIGN section 6), the simplest value first, each once: limits, empties, case pairs,
  // special numbers and dates.
  virtual std::vector<std::string> Edges(const ColumnType& type) const = 0;

  // Any value: often one of the edges, else drawn at random, plain ones among them.
  virtual std::string Draw(const ColumnType& type, Random& random) const = 0;

  // The n-th, from 0, of values that all differ under the type's equality (for keys), in a plain progression: 1, 2, 3;
  // 'a', 'b' ... 'aa'. Nothing where there are fewer, and then for no greater n either.
  virtual std::optional<std::string> Nth(const ColumnType& type, std::uint64_t n) const = 0;

  // Draw and Nth for one type, for who draws many.
  struct Source {
    std::function<std::string(Random&)> draw;
    std::function<std::optional<std::string>(std::uint64_t)> nth;
  };
  // May outlive `type`, not the generator.
  virtual Source For(const ColumnType& type) const;

  // Strictly simpler values than `value`, the simplest first; none for the simplest. Repeated, it ends.
  virtual std::vector<std::string> Shrink(const ColumnType& type, const std::string& value) const = 0;
};

template <>
struct RegistryNoun<ColumnGenerator> {
  static constexpr const char* kNoun = "column type";
};

// The generator that claims `type`; one called "unknown" claims what no other does, and draws from what was harvested.
const ColumnGenerator& GeneratorFor(const ColumnType& type);

}  // namespace migproof
