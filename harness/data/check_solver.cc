#include "harness/data/check_solver.h"

#include <algorithm>
#include <cstdlib>

#include "harness/data/check_evaluation.h"
#include "harness/data/column_generator.h"
#include "harness/data/domain_checks.h"
#include "harness/data/literal_parts.h"

namespace migproof {

namespace {

using Kind = CheckExpression::Kind;

constexpr int kAttempts = 12;                 // fresh starts of a search
constexpr int kRepairs = 24;                  // steps of one search, each mending one clause
constexpr int kChances = 40;                  // rows drawn in search of one that fails
constexpr int kFreeDraws = 10;                // values of the type, beside those that the CHECKs suggest
constexpr std::size_t kLongestAimed = 4'000;  // characters; a CHECK may allow millions

// What the CHECKs say of one column.
struct ColumnDemands {
  std::vector<std::string> literals;
  std::vector<std::size_t> lengths;
  std::vector<SimpleRegex> patterns;
  std::vector<std::string> compared;  // other columns that it is compared with
  bool speaks_of_null = false;
};

// One part of the conjunction that all the CHECKs together are.
struct CheckClause {
  CheckExpression expression;
  std::set<std::string> columns;
};

template <typename T>
void AddNew(std::vector<T>& values, const T& value) {
  if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
}

}  // namespace

class CheckSolver::Impl {
 public:
  explicit Impl(const std::vector<std::string>& definitions) {
    for (const std::string& definition : definitions) AddClauses(ParseCheck(definition));
    for (CheckClause& clause : clauses_) {
      Look(clause.expression, clause.columns, false);
      columns_.insert(clause.columns.begin(), clause.columns.end());
    }
  }

  bool understood() const { return understood_; }
  const std::set<std::string>& columns() const { return columns_; }
  const std::map<std::string, ColumnDemands>& demands() const { return demands_; }

  std::set<std::string> Related() const {
    std::set<std::string> related;
    for (const CheckClause& clause : clauses_) {
      if (clause.columns.size() > 1) related.insert(clause.columns.begin(), clause.columns.end());
    }
    return related;
  }

  CheckVerdict Judge(const CheckColumns& columns, const CheckRow& row) const {
    const Score score = ScoreOf(columns, row);
    if (score.failing > 0) return CheckVerdict::kFails;
    return score.unknown > 0 ? CheckVerdict::kUnknown : CheckVerdict::kPasses;
  }

  std::optional<CheckRow> Solve(const CheckColumns& columns, const CheckRow& given, Random& random) const {
    const std::vector<std::string> wanted = Wanted(columns, given);
    std::optional<CheckRow> unsure;
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      CheckRow row = Start(columns, given, wanted, random);
      const Score score = Mend(columns, wanted, row, random);
      if (score.failing > 0) continue;
      for (const auto& [name, cell] : given) row.erase(name);
      if (score.unknown == 0) return row;
      // A part that is not understood stays unknown, whatever the row.
      if (!unsure) unsure = row;
      if (!understood_ && attempt >= 2) break;
    }
    return unsure;
  }

  std::vector<CheckRow> Counters(const CheckColumns& columns, const CheckRow& given, Random& random,
                                 std::size_t limit) const {
    const std::vector<std::string> wanted = Wanted(columns, given);
    std::vector<CheckRow> counters;
    CheckRow base = given;
    if (const auto passing = Solve(columns, given, random)) base.insert(passing->begin(), passing->end());
    const auto try_all = [&](const std::string& name, const std::vector<Cell>& candidates) {
      for (const Cell& candidate : candidates) {
        if (counters.size() >= limit) return;
        CheckRow row = base;
        row[name] = candidate;
        if (Judge(columns, row) != CheckVerdict::kFails) continue;
        for (const auto& [settled, cell] : given) row.erase(settled);
        AddNew(counters, row);
      }
    };
    for (const std::string& name : wanted) try_all(name, Aimed(columns, name, base, random));
    for (const std::string& name : wanted) {
      if (MayBeNull(columns.at(name))) try_all(name, {Cell()});
      try_all(name, Free(columns.at(name).type, random));
    }
    // Where it takes several columns at once: whatever rows chance brings.
    for (int attempt = 0; counters.empty() && attempt < kChances; ++attempt) {
      base = Start(columns, given, wanted, random);
      for (const std::string& name : wanted) try_all(name, Aimed(columns, name, base, random));
    }
    return counters;
  }

 private:
  struct Score {
    int failing = 0;
    int unknown = 0;
    auto operator<=>(const Score&) const = default;
  };

  // Splits the conjunction, so that each part can be mended by itself. What is told by its negation is one where it
  // denies an "or".
  void AddClauses(const CheckExpression& expression, bool denied = false) {
    const bool call = expression.kind == Kind::kCall;
    if (call && expression.text == "not") return AddClauses(expression.parts[0], !denied);
    if (call && expression.text == (denied ? "or" : "and")) {
      for (const CheckExpression& part : expression.parts) AddClauses(part, denied);
      return;
    }
    clauses_.push_back({denied ? CheckExpression{Kind::kCall, "not", {expression}} : expression, {}});
  }

  // Gathers columns, literals and patterns; and whether all of it is understood.
  void Look(const CheckExpression& expression, std::set<std::string>& columns, bool null_matters) {
    const bool call = expression.kind == Kind::kCall;
    if (expression.kind == Kind::kUnknown || (call && !IsKnownFunction(expression.text))) understood_ = false;
    if (expression.kind == Kind::kColumn) {
      columns.insert(expression.text);
      ColumnDemands& demands = demands_[expression.text];
      demands.speaks_of_null = demands.speaks_of_null || null_matters;
    }
    if (call && expression.parts.size() == 2) LookAtPair(expression.text, expression.parts[0], expression.parts[1]);
    if (expression.kind == Kind::kAny || expression.kind == Kind::kAll) LookAtList(expression);
    static const std::set<std::string> of_null = {"is null", "is distinct", "num_nulls", "num_nonnulls", "coalesce"};
    for (const CheckExpression& part : expression.parts) {
      Look(part, columns, null_matters || (call && of_null.count(expression.text) != 0));
    }
  }

  void LookAtList(const CheckExpression& expression) {
    const CheckExpression* array = &expression.parts[1];
    while (array->kind == Kind::kCast) array = &array->parts[0];
    if (array->kind == Kind::kColumn) return LookAtPair(expression.text, expression.parts[0], *array);
    if (array->kind != Kind::kArray) understood_ = false;
    for (const CheckExpression& element : array->parts) LookAtPair(expression.text, expression.parts[0], element);
  }

  // How the value compared follows from the column: it is of its kind, or its length, or nothing to guess by.
  enum class Path { kValue, kLength, kOpaque };

  // The column that an expression is made of, through casts and functions; "" where there is none.
  static std::string ColumnOf(const CheckExpression& expression, Path& path) {
    if (expression.kind == Kind::kColumn) return expression.text;
    const bool through = expression.kind == Kind::kCast || expression.kind == Kind::kCall;
    if (!through || expression.parts.empty()) return "";
    if (expression.kind == Kind::kCall && IsLengthFunction(expression.text)) path = Path::kLength;
    if (expression.kind == Kind::kCall && expression.text.ends_with("_typeof")) path = Path::kOpaque;
    for (const CheckExpression& part : expression.parts) {
      if (const std::string column = ColumnOf(part, path); !column.empty()) return column;
    }
    return "";
  }

  static const CheckExpression& WithoutCasts(const CheckExpression& expression) {
    return expression.kind == Kind::kCast ? WithoutCasts(expression.parts[0]) : expression;
  }

  void LookAtPair(const std::string& operation, const CheckExpression& left, const CheckExpression& right) {
    Path path = Path::kValue;
    const std::string column = ColumnOf(left, path);
    const CheckExpression& other = WithoutCasts(right);
    if (column.empty()) {
      const bool turned = WithoutCasts(left).kind == Kind::kLiteral && !ColumnOf(right, path).empty();
      if (turned && !PatternOperator(operation)) LookAtPair(operation, right, left);
      return;
    }
    Path other_path = Path::kValue;
    if (const std::string second = ColumnOf(right, other_path); !second.empty()) {
      AddNew(demands_[column].compared, second);
      AddNew(demands_[second].compared, column);
    }
    if (other.kind != Kind::kLiteral) return;
    static const std::set<std::string> compares = {"=", "<>", "<", "<=", ">", ">=", "is distinct", "coalesce"};
    if (const auto pattern = PatternOperator(operation)) {
      LookAtPattern(column, *pattern, other.text);
    } else if (path == Path::kLength) {
      const auto count = std::strtoul(other.text.c_str(), nullptr, 10);
      if (count <= kLongestAimed) AddNew(demands_[column].lengths, static_cast<std::size_t>(count));
    } else if (path == Path::kValue && compares.count(operation) != 0) {
      AddNew(demands_[column].literals, other.text);
    }
  }

  void LookAtPattern(const std::string& column, const std::string& operation, const std::string& text) {
    const bool ignore_case = operation.ends_with("*");
    const auto [found, added] = patterns_.try_emplace({operation, text});
    if (added) {
      found->second = operation.starts_with("~~") ? SimpleRegex::ParseLike(text, ignore_case)
                                                  : SimpleRegex::Parse(text, ignore_case);
    }
    if (found->second) {
      demands_[column].patterns.push_back(*found->second);
    } else {
      understood_ = false;
    }
  }

  Score ScoreOf(const CheckColumns& columns, const CheckRow& row) const {
    Score score;
    const CheckEvaluator evaluator(columns, row, patterns_);
    for (const CheckClause& clause : clauses_) {
      const CheckValue value = evaluator.Evaluate(clause.expression);
      if (value.IsFalse()) ++score.failing;
      if (value.state == CheckValue::State::kUnknown) ++score.unknown;
    }
    return score;
  }

  std::vector<std::string> Wanted(const CheckColumns& columns, const CheckRow& given) const {
    std::vector<std::string> wanted;
    for (const std::string& name : columns_) {
      if (columns.count(name) != 0 && given.count(name) == 0) wanted.push_back(name);
    }
    return wanted;
  }

  static bool MayBeNull(const CheckColumn& column) { return column.nullable && DomainAcceptsNull(column.type); }

  CheckRow Start(const CheckColumns& columns, const CheckRow& given, const std::vector<std::string>& wanted,
                 Random& random) const {
    CheckRow row = given;
    for (const std::string& name : wanted) {
      const ColumnType& type = columns.at(name).type;
      const std::vector<Cell> aimed = random.OneIn(3) ? std::vector<Cell>() : Aimed(columns, name, row, random);
      row[name] = aimed.empty() ? Cell(GeneratorFor(type).Draw(type, random)) : random.Pick(aimed);
    }
    return row;
  }

  // Changes one column at a time, each to what leaves the fewest clauses failing.
  Score Mend(const CheckColumns& columns, const std::vector<std::string>& wanted, CheckRow& row, Random& random) const {
    Score best = ScoreOf(columns, row);
    for (int step = 0; step < kRepairs && best > Score{}; ++step) {
      const std::vector<std::string> blamed = Blamed(columns, wanted, row);
      if (blamed.empty()) break;
      const std::string& name = random.Pick(blamed);
      std::vector<Cell> candidates = Aimed(columns, name, row, random);
      for (const Cell& cell : Free(columns.at(name).type, random)) candidates.push_back(cell);
      const Cell before = row[name];
      std::vector<Cell> equals;
      for (const Cell& candidate : candidates) {
        row[name] = candidate;
        const Score score = ScoreOf(columns, row);
        if (score > best) continue;
        if (score < best) equals.clear();
        best = score;
        equals.push_back(candidate);
      }
      // Where no value helps, NULL may: a CHECK that is not known to be false passes.
      if (equals.empty() && MayBeNull(columns.at(name))) equals.emplace_back();
      row[name] = equals.empty() ? before : random.Pick(equals);
      best = ScoreOf(columns, row);
    }
    return best;
  }

  // The columns of the clauses that fail; where none fails, of those that are not known to hold.
  std::vector<std::string> Blamed(const CheckColumns& columns, const std::vector<std::string>& wanted,
                                  const CheckRow& row) const {
    std::set<std::string> failing;
    std::set<std::string> unknown;
    const CheckEvaluator evaluator(columns, row, patterns_);
    for (const CheckClause& clause : clauses_) {
      const CheckValue value = evaluator.Evaluate(clause.expression);
      if (value.IsFalse()) failing.insert(clause.columns.begin(), clause.columns.end());
      if (value.state == CheckValue::State::kUnknown) unknown.insert(clause.columns.begin(), clause.columns.end());
    }
    std::vector<std::string> blamed;
    for (const std::string& name : wanted) {
      if ((failing.empty() ? unknown : failing).count(name) != 0) blamed.push_back(name);
    }
    return blamed;
  }

  // The values that the CHECKs themselves suggest for a column, those on the boundaries first; all fit its type.
  std::vector<Cell> Aimed(const CheckColumns& columns, const std::string& name, const CheckRow& row,
                          Random& random) const {
    const ColumnType& type = columns.at(name).type;
    const auto found = demands_.find(name);
    if (found == demands_.end()) return {};
    std::vector<std::string> texts;
    const ColumnDemands& demands = found->second;
    std::vector<std::string> literals = demands.literals;
    for (const std::string& other : demands.compared) {
      const auto cell = row.find(other);
      if (cell == row.end() || !cell->second) continue;
      const auto compared = columns.find(other);
      const bool of_array = compared != columns.end() && IsArray(compared->second.type);
      if (of_array == IsArray(type)) {
        literals.push_back(*cell->second);
      } else if (of_array) {
        for (const Cell& part : PartsOfArray(*cell->second, ',').value_or(std::vector<Cell>())) {
          if (part) literals.push_back(*part);
        }
      } else {
        literals.push_back(ArrayOf({*cell->second}, ','));
      }
    }
    for (const std::string& literal : literals) {
      texts.push_back(literal);
      for (const std::string& beside : Beside(type, literal)) texts.push_back(beside);
    }
    // A text may be no value of a type that is only cast to text.
    static const std::set<ValueFamily> texts_alone = {ValueFamily::kText, ValueFamily::kPadded, ValueFamily::kCaseless};
    const bool text_type = texts_alone.count(FamilyOf(type)) != 0;
    for (const SimpleRegex& pattern : text_type ? demands.patterns : std::vector<SimpleRegex>()) {
      for (const std::size_t extra : {0, 0, 1, 2, 4, 8, 8, 8}) {
        texts.push_back(pattern.Example(random, extra));
        if (extra == 1) texts.push_back(texts.back() + " ");
      }
    }
    const bool counted = text_type || IsArray(type) || IsBytes(type);
    for (const std::size_t length : counted ? demands.lengths : std::vector<std::size_t>())
      AddTextsOfLength(type, length, texts);
    std::vector<Cell> aimed;
    for (const std::string& text : texts) {
      if (Fits(type, text) && DomainAccepts(type, text)) AddNew(aimed, Cell(text));
    }
    if (demands.speaks_of_null && MayBeNull(columns.at(name))) aimed.emplace_back();
    return aimed;
  }

  static bool IsArray(const ColumnType& type) { return Unwrapped(type).form == ColumnType::Form::kArray; }

  static bool IsBytes(const ColumnType& type) { return Unwrapped(type).name == "bytea"; }

  static void AddTextsOfLength(const ColumnType& type, std::size_t length, std::vector<std::string>& texts) {
    if (IsArray(type)) {
      const ColumnType& element = *Unwrapped(type).element;
      const std::string simplest = GeneratorFor(element).Simplest(element);
      for (std::size_t count = length == 0 ? 0 : length - 1; count <= length + 1 && count < 100; ++count) {
        texts.push_back(ArrayOf(std::vector<Cell>(count, Cell(simplest)), ','));
      }
      return;
    }
    for (std::size_t count = length == 0 ? 0 : length - 1; count <= length + 1; ++count) {
      if (IsBytes(type)) {
        texts.push_back("\\x" + std::string(2 * count, '0'));
        texts.push_back("\\x" + std::string(2 * count, '7'));
        continue;
      }
      texts.push_back(TextOfLength(count));
      texts.emplace_back(count, '1');
    }
  }

  static std::vector<Cell> Free(const ColumnType& type, Random& random) {
    std::vector<Cell> free;
    for (int i = 0; i < kFreeDraws; ++i) AddNew(free, Cell(GeneratorFor(type).Draw(type, random)));
    return free;
  }

  std::vector<CheckClause> clauses_;
  std::set<std::string> columns_;
  std::map<std::string, ColumnDemands> demands_;
  CheckPatterns patterns_;
  bool understood_ = true;
};

CheckSolver::CheckSolver(const std::vector<std::string>& definitions)
    : impl_(std::make_shared<const Impl>(definitions)) {}

CheckSolver::~CheckSolver() = default;
CheckSolver::CheckSolver(const CheckSolver&) = default;

bool CheckSolver::understood() const { return impl_->understood(); }

const std::set<std::string>& CheckSolver::columns() const { return impl_->columns(); }

std::map<std::string, std::vector<std::string>> CheckSolver::Literals() const {
  std::map<std::string, std::vector<std::string>> literals;
  for (const auto& [name, demands] : impl_->demands()) {
    if (!demands.literals.empty()) literals[name] = demands.literals;
  }
  return literals;
}

std::set<std::string> CheckSolver::Related() const { return impl_->Related(); }

CheckVerdict CheckSolver::Judge(const CheckColumns& columns, const CheckRow& row) const {
  return impl_->Judge(columns, row);
}

std::optional<CheckRow> CheckSolver::Solve(const CheckColumns& columns, const CheckRow& given, Random& random) const {
  return impl_->Solve(columns, given, random);
}

std::vector<CheckRow> CheckSolver::Counters(const CheckColumns& columns, const CheckRow& given, Random& random,
                                            std::size_t limit) const {
  return impl_->Counters(columns, given, random, limit);
}

std::optional<std::string> CheckSolver::SolveOne(const std::string& column, const ColumnType& type,
                                                 Random& random) const {
  const auto row = Solve({{column, {type, false}}}, {}, random);
  if (!row || row->count(column) == 0) return std::nullopt;
  return row->at(column);
}

std::vector<std::string> CheckSolver::CountersOne(const std::string& column, const ColumnType& type,
                                                  Random& random) const {
  std::vector<std::string> values;
  for (const CheckRow& row : Counters({{column, {type, false}}}, {}, random)) {
    if (const auto found = row.find(column); found != row.end() && found->second) values.push_back(*found->second);
  }
  return values;
}

}  // namespace migproof
