#include "harness/data/type_recipe.h"

#include <algorithm>
#include <tuple>

namespace migproof {

namespace {

bool IsPlainByte(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// The order of `Simpler`, less the simplest value, which comes before all.
std::tuple<std::size_t, std::size_t, const std::string&> Weight(const std::string& value) {
  const auto odd = std::count_if(value.begin(), value.end(), [](char c) { return !IsPlainByte(c); });
  return {value.size(), static_cast<std::size_t>(odd), value};
}

std::string Join(const std::vector<std::string>& parts, std::size_t from, std::size_t to) {
  std::string text;
  for (std::size_t i = from; i < to; ++i) text += parts[i];
  return text;
}

std::vector<std::string> SmallerTexts(const std::string& value) {
  const std::vector<std::string> characters = Characters(value);
  const std::size_t n = characters.size();
  if (n == 0) return {};
  std::vector<std::string> smaller = {Join(characters, 0, n / 2), Join(characters, n / 2, n),
                                      Join(characters, 0, n - 1), Join(characters, 1, n), std::string(n, 'a')};
  const auto odd = std::find_if(characters.begin(), characters.end(), [](const auto& c) { return c != "a"; });
  if (odd != characters.end()) {
    std::vector<std::string> plainer = characters;
    plainer[static_cast<std::size_t>(odd - characters.begin())] = "a";
    smaller.push_back(Join(plainer, 0, n));
  }
  return smaller;
}

std::string DrawFrom(const TypeRecipe& recipe, Random& random) {
  if (!recipe.random || random.OneIn(2)) return random.Pick(recipe.edges);
  return recipe.random(random);
}

std::optional<std::string> NthOf(const TypeRecipe& recipe, std::uint64_t n) {
  if (recipe.nth) return recipe.nth(n);
  return n < recipe.edges.size() ? std::optional(recipe.edges[n]) : std::nullopt;
}

std::string RandomText(std::size_t characters, std::size_t bytes, Random& random) {
  static const std::vector<std::string> kAlphabet = {"a", "b", "c", "e", "n", "x", "A", "Z", "0", "7",  " ", "-",
                                                     "_", ".", "@", "/", "'", ",", "é", "ß", "Ж", "中", "😀"};
  const std::uint64_t longest = random.OneIn(4) ? 60 : 8;
  const std::uint64_t length = random.Below(std::min<std::uint64_t>(longest, characters) + 1);
  const bool plain = random.OneIn(2);
  std::string text;
  for (std::uint64_t i = 0; i < length; ++i) {
    const std::string next = plain ? std::string(1, static_cast<char>('a' + random.Below(26))) : random.Pick(kAlphabet);
    if (text.size() + next.size() > bytes) break;
    text += next;
  }
  return text;
}

}  // namespace

// Recipes are asked for again and again, and there are few types. What makes a type that is no base type (labels,
// fields) is not told by its name, and is made anew each time.
std::shared_ptr<const TypeRecipe> RecipeGenerator::Recipe(const ColumnType& type) const {
  const auto make = [&]() -> std::shared_ptr<const TypeRecipe> {
    std::optional<TypeRecipe> recipe = RecipeFor(type);
    return recipe ? std::make_shared<const TypeRecipe>(std::move(*recipe)) : nullptr;
  };
  if (type.form != ColumnType::Form::kBase || !type.harvested.empty()) return make();
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = made_.try_emplace({type.name, type.base, type.modifiers});
  if (is_new) at->second = make();
  return at->second;
}

bool RecipeGenerator::Claims(const ColumnType& type) const { return Recipe(type) != nullptr; }

std::string RecipeGenerator::Simplest(const ColumnType& type) const { return Recipe(type)->edges.front(); }

std::vector<std::string> RecipeGenerator::Edges(const ColumnType& type) const { return Recipe(type)->edges; }

std::string RecipeGenerator::Draw(const ColumnType& type, Random& random) const {
  return DrawFrom(*Recipe(type), random);
}

std::optional<std::string> RecipeGenerator::Nth(const ColumnType& type, std::uint64_t n) const {
  return NthOf(*Recipe(type), n);
}

ColumnGenerator::Source RecipeGenerator::For(const ColumnType& type) const {
  const auto recipe = Recipe(type);
  return {[recipe](Random& random) { return DrawFrom(*recipe, random); },
          [recipe](std::uint64_t n) { return NthOf(*recipe, n); }};
}

std::vector<std::string> RecipeGenerator::Shrink(const ColumnType& type, const std::string& value) const {
  const auto recipe = Recipe(type);
  std::vector<std::string> candidates = recipe->smaller ? recipe->smaller(value) : recipe->edges;
  return Simpler(recipe->edges.front(), value, std::move(candidates));
}

std::vector<std::string> Simpler(const std::string& simplest, const std::string& value,
                                 std::vector<std::string> candidates) {
  if (value == simplest) return {};
  std::erase_if(candidates, [&](const auto& c) { return c == simplest || !(Weight(c) < Weight(value)); });
  std::sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) { return Weight(a) < Weight(b); });
  candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  candidates.insert(candidates.begin(), simplest);
  return candidates;
}

std::string BareName(const ColumnType& type) {
  if (type.form != ColumnType::Form::kBase) return "";
  const std::size_t dot = type.base.rfind('.');
  return dot == std::string::npos ? type.base : type.base.substr(dot + 1);
}

std::size_t CountCharacters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

TypeRecipe TextRecipe(std::size_t characters, std::size_t bytes) {
  TypeRecipe recipe;
  std::vector<std::string> edges = {"", "a", "A", " ", "0", "é", "e\u0301", "😀", "ß", "İ", " a", "a ", "\t", "a\nb",
                                    "'", "\"", "\\", "%_", "NULL", "a,b;c|d", "{1,(2)}", "null",
                                    // Shapes that functions and triggers take apart.
                                    "1.2.3", "a@example.org", "https://example.org/a?b=c#d",
                                    "00000000-0000-0000-0000-000000000001", "2024-02-29", "true", "{}", "[]",
                                    "\xEF\xBB\xBF"
                                    "a"};
  if (characters <= 10'000) {
    edges.emplace_back(std::min(characters, bytes), 'x');
    std::string wide;
    for (std::size_t i = 0; i < characters && wide.size() + 4 <= bytes; ++i) wide += "😀";
    edges.push_back(wide);
  }
  for (const std::string& edge : edges) {
    const bool fits = edge.size() <= bytes && CountCharacters(edge) <= characters;
    if (fits && std::find(recipe.edges.begin(), recipe.edges.end(), edge) == recipe.edges.end()) {
      recipe.edges.push_back(edge);
    }
  }
  recipe.random = [=](Random& random) { return RandomText(characters, bytes, random); };
  recipe.nth = [=](std::uint64_t n) -> std::optional<std::string> {
    std::string word = NthWord(n);
    if (word.size() > std::min(characters, bytes)) return std::nullopt;
    return word;
  };
  recipe.smaller = SmallerTexts;
  return recipe;
}

std::string NthWord(std::uint64_t n) {
  std::string word;
  for (std::uint64_t rest = n + 1; rest > 0; rest = (rest - 1) / 26) {
    word.insert(word.begin(), static_cast<char>('a' + (rest - 1) % 26));
  }
  return word;
}

std::string IncompressibleText(std::size_t bytes) {
  static constexpr std::string_view kLetters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  static const std::string text = [] {
    Random random(1);
    std::string letters;
    while (letters.size() < 2'800) letters += kLetters[random.Below(kLetters.size())];
    return letters;
  }();
  return text.substr(0, bytes);
}

std::string RandomWord(Random& random) {
  std::string word;
  const std::uint64_t length = 1 + random.Below(6);
  for (std::uint64_t i = 0; i < length; ++i) word += static_cast<char>('a' + random.Below(26));
  return word;
}

std::vector<std::string> Characters(std::string_view text) {
  std::vector<std::string> characters;
  for (const char c : text) {
    const bool continues = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
    if (continues && !characters.empty()) {
      characters.back() += c;
    } else {
      characters.emplace_back(1, c);
    }
  }
  return characters;
}

std::string InDoubleQuotes(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace migproof
