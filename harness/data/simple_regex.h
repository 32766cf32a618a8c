// Regular expressions of simple shape, to match texts and to make up some that match.
//
//   const auto regex = SimpleRegex::Parse("^[a-z]+@[a-z]+\\.com$");
//   regex->Matches("a@b.com");        // true
//   regex->Example(random);           // "a@a.com", "qwe@zzz.com" ...
//
// Of the server's syntax ("POSIX Regular Expressions") it knows: literals, ., classes with ranges, [:alpha:] and the
// like, \d \w \s and their negations, escapes, anchors at the ends of a branch, groups, alternation, * + ? {m,n}, lazy
// or not. Anything else makes Parse return nothing.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/data/random.h"

namespace migproof {

class SimpleRegex {
 public:
  static std::optional<SimpleRegex> Parse(std::string_view pattern, bool ignore_case = false);
  // A LIKE pattern: % any text, _ any character, \ before a literal one. It always spans the whole text.
  static std::optional<SimpleRegex> ParseLike(std::string_view pattern, bool ignore_case = false);

  // Whether some part of `text` matches, as the operator ~ asks; the whole of it where anchors say so. Nothing where
  // the server's locale decides (which characters beyond ASCII are letters, or the same in upper case), or where it
  // takes too long.
  std::optional<bool> Matches(std::string_view text) const;

  // A text that matches. `extra` repetitions at most beyond those demanded: with 0 the shortest of its branch.
  std::string Example(Random& random, std::size_t extra) const;

 private:
  struct Node;
  class Parser;
  class Matcher;

  std::shared_ptr<const Node> root_;
  bool ignore_case_ = false;
  bool by_locale_ = false;
};

}  // namespace migproof
