#include "harness/data/simple_regex.h"

#include <algorithm>
#include <cctype>
#include <functional>

#include "harness/data/type_recipe.h"

namespace migproof {

namespace {

constexpr std::size_t kUnbounded = static_cast<std::size_t>(-1);
constexpr std::size_t kMostSteps = 20'000;  // of matching one text, against patterns that blow up

std::string LowerCase(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// The ASCII characters that a predicate of <cctype> holds for.
std::string AsciiThat(const std::function<bool(int)>& holds) {
  std::string characters;
  for (int c = 0; c < 128; ++c) {
    if (holds(c)) characters += static_cast<char>(c);
  }
  return characters;
}

std::optional<std::string> NamedClass(std::string_view name) {
  if (name == "alpha") return AsciiThat([](int c) { return std::isalpha(c) != 0; });
  if (name == "digit") return AsciiThat([](int c) { return std::isdigit(c) != 0; });
  if (name == "alnum") return AsciiThat([](int c) { return std::isalnum(c) != 0; });
  if (name == "upper") return AsciiThat([](int c) { return std::isupper(c) != 0; });
  if (name == "lower") return AsciiThat([](int c) { return std::islower(c) != 0; });
  if (name == "space") return AsciiThat([](int c) { return std::isspace(c) != 0; });
  if (name == "punct") return AsciiThat([](int c) { return std::ispunct(c) != 0; });
  if (name == "xdigit") return AsciiThat([](int c) { return std::isxdigit(c) != 0; });
  if (name == "word") return AsciiThat([](int c) { return std::isalnum(c) != 0 || c == '_'; });
  return std::nullopt;
}

// \d, \w, \s; nothing for other letters.
std::optional<std::string> EscapedClass(char letter) {
  if (letter == 'd') return NamedClass("digit");
  if (letter == 'w') return NamedClass("word");
  if (letter == 's') return NamedClass("space");
  return std::nullopt;
}

std::optional<char> EscapedCharacter(char letter) {
  if (letter == 'n') return '\n';
  if (letter == 't') return '\t';
  if (letter == 'r') return '\r';
  if (std::isalnum(static_cast<unsigned char>(letter)) != 0) return std::nullopt;
  return letter;
}

}  // namespace

struct SimpleRegex::Node {
  enum class Kind { kLiteral, kSet, kSequence, kChoice, kRepeat, kStart, kEnd };

  Kind kind = Kind::kSequence;
  std::string text;                 // the literal (one character), or the ASCII characters of the set
  std::vector<std::string> others;  // characters of the set beyond ASCII
  bool negated = false;             // of the set
  std::vector<std::shared_ptr<const Node>> parts;
  std::size_t least = 0;
  std::size_t most = 0;
};

class SimpleRegex::Parser {
 public:
  using Kind = Node::Kind;
  using Parsed = std::shared_ptr<Node>;  // null: not of simple shape

  explicit Parser(std::string_view pattern) : characters_(Characters(pattern)) {}

  Parsed Parse() {
    // "(?" and "***" at the start choose options or another kind of syntax.
    if (Peek() == "*") return nullptr;
    Parsed root = Choice();
    return root && at_ == characters_.size() ? root : nullptr;
  }

  // Whether there are classes that take in letters beyond ASCII.
  bool by_locale() const { return by_locale_; }

 private:
  static Parsed Make(Kind kind, std::string text = "") {
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->text = std::move(text);
    return node;
  }

  bool Done() const { return at_ >= characters_.size(); }
  std::string Peek() const { return Done() ? "" : characters_[at_]; }
  bool Take(std::string_view wanted) {
    if (Done() || characters_[at_] != wanted) return false;
    ++at_;
    return true;
  }

  Parsed Choice() {
    Parsed choice = Make(Kind::kChoice);
    do {
      Parsed branch = Sequence();
      if (!branch) return nullptr;
      choice->parts.push_back(branch);
    } while (Take("|"));
    return choice->parts.size() == 1 ? std::const_pointer_cast<Node>(choice->parts.front()) : choice;
  }

  Parsed Sequence() {
    Parsed sequence = Make(Kind::kSequence);
    while (!Done() && Peek() != "|" && Peek() != ")") {
      Parsed atom = Atom();
      if (atom) atom = Quantified(atom);
      if (!atom) return nullptr;
      sequence->parts.push_back(atom);
    }
    return sequence;
  }

  Parsed Atom() {
    const std::string next = characters_[at_++];
    if (next == "^") return Make(Kind::kStart);
    if (next == "$") return Make(Kind::kEnd);
    if (next == "(") return Group();
    if (next == "[") return Set();
    if (next == "\\") return Escape();
    if (next == "*" || next == "+" || next == "?") return nullptr;
    if (next == "{" && !Done() && std::isdigit(static_cast<unsigned char>(Peek()[0])) != 0) return nullptr;
    if (next == ".") {
      Parsed any = Make(Kind::kSet);
      any->negated = true;
      return any;
    }
    return Make(Kind::kLiteral, next);
  }

  Parsed Group() {
    if (Take("?") && !Take(":")) return nullptr;
    Parsed inside = Choice();
    return inside && Take(")") ? inside : nullptr;
  }

  Parsed Escape() {
    if (Done()) return nullptr;
    const std::string letter = characters_[at_++];
    if (letter.size() > 1) return Make(Kind::kLiteral, letter);
    const char lower = static_cast<char>(std::tolower(static_cast<unsigned char>(letter[0])));
    if (const auto set = EscapedClass(lower)) {
      by_locale_ = true;
      Parsed node = Make(Kind::kSet, *set);
      node->negated = lower != letter[0];
      return node;
    }
    if (letter == "A") return Make(Kind::kStart);
    if (letter == "Z") return Make(Kind::kEnd);
    const auto literal = EscapedCharacter(letter[0]);
    return literal ? Make(Kind::kLiteral, std::string(1, *literal)) : nullptr;
  }

  Parsed Set() {
    Parsed set = Make(Kind::kSet);
    set->negated = Take("^");
    bool first = true;
    while (!Done()) {
      if (Peek() == "]" && !first) {
        ++at_;
        return set;
      }
      first = false;
      if (!SetPart(*set)) return nullptr;
    }
    return nullptr;
  }

  bool SetPart(Node& set) {
    std::string low = characters_[at_++];
    if (low == "[" && (Peek() == ":" || Peek() == "." || Peek() == "=")) return NamedPart(set);
    if (low == "\\") {
      if (Done()) return false;
      const char letter = characters_[at_][0];
      ++at_;
      if (const auto inside = EscapedClass(letter)) {
        by_locale_ = true;
        set.text += *inside;
        return true;
      }
      const auto literal = EscapedCharacter(letter);
      if (!literal) return false;
      low.assign(1, *literal);
    }
    const bool range = Peek() == "-" && at_ + 1 < characters_.size() && characters_[at_ + 1] != "]";
    if (!range) {
      if (low.size() > 1) set.others.push_back(low);
      if (low.size() == 1) set.text += low;
      return true;
    }
    ++at_;
    if (characters_[at_] == "\\") ++at_;
    if (Done() || low.size() > 1 || characters_[at_].size() > 1) return false;
    const char high = characters_[at_++][0];
    for (int c = low[0]; c <= high; ++c) set.text += static_cast<char>(c);
    return true;
  }

  bool NamedPart(Node& set) {
    if (!Take(":")) return false;
    std::string name;
    while (!Done() && Peek() != ":") name += characters_[at_++];
    const auto named = NamedClass(name);
    if (!named || !Take(":") || !Take("]")) return false;
    set.text += *named;
    by_locale_ = true;
    return true;
  }

  Parsed Quantified(Parsed atom) {
    Parsed repeat = Make(Kind::kRepeat);
    if (Take("*")) {
      repeat->most = kUnbounded;
    } else if (Take("+")) {
      repeat->least = 1;
      repeat->most = kUnbounded;
    } else if (Take("?")) {
      repeat->most = 1;
    } else if (Peek() == "{") {
      if (!Bounds(*repeat)) return nullptr;
    } else {
      return atom;
    }
    Take("?");  // lazy: what matches at all is the same
    repeat->parts.push_back(atom);
    return repeat;
  }

  bool Bounds(Node& repeat) {
    ++at_;
    const auto low = Number();
    if (!low) return false;
    repeat.least = repeat.most = *low;
    if (Take(",")) {
      const auto high = Number();
      repeat.most = high ? *high : kUnbounded;
    }
    return Take("}") && repeat.least <= repeat.most;
  }

  std::optional<std::size_t> Number() {
    std::string digits;
    while (!Done() && digits.size() < 4 && std::isdigit(static_cast<unsigned char>(Peek()[0])) != 0) {
      digits += characters_[at_++];
    }
    if (digits.empty()) return std::nullopt;
    return std::stoul(digits);
  }

  std::vector<std::string> characters_;
  std::size_t at_ = 0;
  bool by_locale_ = false;
};

// Backtracking, by continuation: `then` is what must match behind the node.
class SimpleRegex::Matcher {
 public:
  Matcher(std::vector<std::string> text, bool ignore_case) : text_(std::move(text)), ignore_case_(ignore_case) {}

  std::optional<bool> MatchesAnywhere(const Node& root) {
    for (std::size_t start = 0; start <= text_.size(); ++start) {
      if (Match(root, start, [](std::size_t) { return true; })) return true;
    }
    if (steps_ > kMostSteps) return std::nullopt;
    return false;
  }

 private:
  using Then = std::function<bool(std::size_t)>;

  bool Match(const Node& node, std::size_t at, const Then& then) {
    if (++steps_ > kMostSteps) return false;
    switch (node.kind) {
      case Node::Kind::kStart: return at == 0 && then(at);
      case Node::Kind::kEnd: return at == text_.size() && then(at);
      case Node::Kind::kLiteral:
      case Node::Kind::kSet: return at < text_.size() && Accepts(node, text_[at]) && then(at + 1);
      case Node::Kind::kSequence: return MatchParts(node, 0, at, then);
      case Node::Kind::kChoice:
        return std::any_of(node.parts.begin(), node.parts.end(),
                           [&](const auto& part) { return Match(*part, at, then); });
      case Node::Kind::kRepeat: return MatchRepeat(node, 0, at, then);
    }
    return false;
  }

  bool MatchParts(const Node& node, std::size_t part, std::size_t at, const Then& then) {
    if (part == node.parts.size()) return then(at);
    return Match(*node.parts[part], at, [&, part](std::size_t next) { return MatchParts(node, part + 1, next, then); });
  }

  bool MatchRepeat(const Node& node, std::size_t count, std::size_t at, const Then& then) {
    if (count < node.most && Match(*node.parts[0], at, [&, count, at](std::size_t next) {
          // A round that takes nothing would go on for ever.
          return (next > at || count < node.least) && MatchRepeat(node, count + 1, next, then);
        })) {
      return true;
    }
    return count >= node.least && then(at);
  }

  bool Accepts(const Node& node, const std::string& character) const {
    if (node.kind == Node::Kind::kLiteral) {
      return node.text == character || (ignore_case_ && LowerCase(node.text) == LowerCase(character));
    }
    return InSet(node, character) != node.negated;
  }

  bool InSet(const Node& node, const std::string& character) const {
    if (character.size() > 1) {
      return std::find(node.others.begin(), node.others.end(), character) != node.others.end();
    }
    if (node.text.find(character[0]) != std::string::npos) return true;
    if (!ignore_case_) return false;
    const char lower = static_cast<char>(std::tolower(static_cast<unsigned char>(character[0])));
    const char upper = static_cast<char>(std::toupper(static_cast<unsigned char>(character[0])));
    return node.text.find(lower) != std::string::npos || node.text.find(upper) != std::string::npos;
  }

  std::vector<std::string> text_;
  bool ignore_case_;
  std::size_t steps_ = 0;
};

std::optional<SimpleRegex> SimpleRegex::Parse(std::string_view pattern, bool ignore_case) {
  SimpleRegex regex;
  Parser parser(pattern);
  regex.root_ = parser.Parse();
  regex.ignore_case_ = ignore_case;
  // Characters of ASCII have no other case beyond it.
  const bool ascii = std::ranges::all_of(pattern, [](char c) { return static_cast<unsigned char>(c) < 128; });
  regex.by_locale_ = (ignore_case && !ascii) || parser.by_locale();
  if (!regex.root_) return std::nullopt;
  return regex;
}

std::optional<SimpleRegex> SimpleRegex::ParseLike(std::string_view pattern, bool ignore_case) {
  std::string regex = "^";
  const std::vector<std::string> characters = Characters(pattern);
  for (std::size_t i = 0; i < characters.size(); ++i) {
    std::string next = characters[i];
    if (next == "%") {
      regex += ".*";
      continue;
    }
    if (next == "_") {
      regex += ".";
      continue;
    }
    if (next == "\\" && ++i == characters.size()) return std::nullopt;
    next = characters[i];
    const bool special = next.size() == 1 && std::ispunct(static_cast<unsigned char>(next[0])) != 0;
    regex += (special ? "\\" : "") + next;
  }
  return Parse(regex + "$", ignore_case);
}

std::optional<bool> SimpleRegex::Matches(std::string_view text) const {
  const bool ascii = std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 128; });
  if (by_locale_ && !ascii) return std::nullopt;
  return Matcher(Characters(text), ignore_case_).MatchesAnywhere(*root_);
}

std::string SimpleRegex::Example(Random& random, std::size_t extra) const {
  const std::function<std::string(const Node&)> make = [&](const Node& node) -> std::string {
    switch (node.kind) {
      case Node::Kind::kStart:
      case Node::Kind::kEnd: return "";
      case Node::Kind::kLiteral: return node.text;
      case Node::Kind::kSet: {
        static const std::string plain = "abcdefghijklmnopqrstuvwxyz0123456789ABCXYZ-_. ";
        std::string choices;
        if (!node.negated) choices = node.text;
        for (const char c : plain) {
          if (node.negated && node.text.find(c) == std::string::npos) choices += c;
        }
        if (!node.negated && !node.others.empty() && (choices.empty() || random.OneIn(4)))
          return random.Pick(node.others);
        if (choices.empty()) return "";
        return std::string(1, choices[extra == 0 ? 0 : random.Below(choices.size())]);
      }
      case Node::Kind::kSequence: {
        std::string text;
        for (const auto& part : node.parts) text += make(*part);
        return text;
      }
      case Node::Kind::kChoice: return make(*random.Pick(node.parts));
      case Node::Kind::kRepeat: {
        std::size_t count = node.least;
        if (extra > 0) count += random.Below(std::min(node.most - node.least, extra) + 1);
        std::string text;
        for (std::size_t i = 0; i < count; ++i) text += make(*node.parts[0]);
        return text;
      }
    }
    return "";
  };
  return make(*root_);
}

}  // namespace migproof
