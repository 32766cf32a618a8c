#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <vector>

#include "harness/data/aim_tools.h"
#include "harness/data/check_values.h"

namespace migproof {

namespace {

// As rows hold more columns than one to select them by, a text that is too long for where a statement puts it (a
// variable, a column that the same statement makes) has to stand beside the literal that the statement looks for.
class NamedLength : public Aim {
 public:
  std::string_view Summary() const override {
    return "a row that a statement selects by a literal holds a text longer than a length that the statement names";
  }

  void Propose(const AimInput& input, Targets& targets) const override {
    Proposal proposal(input, targets);
    for (const NamedColumns& named : NamedInStatements(input)) {
      if (!NamesText(named) || named.columns.size() < 2) continue;
      const CheckColumns columns = CheckColumnsOf(input.before, named.table);
      for (const std::string& number : named.numbers) {
        for (const std::string& column : named.columns) {
          if (!IsTooLong(number, columns.at(column))) continue;
          PutBeside(named, columns, {column, TextLongerThan(number)}, proposal);
        }
      }
    }
  }

 private:
  static constexpr std::size_t kLongest = 2'000;
  static constexpr std::size_t kMostLiterals = 12;

  static bool NamesText(const NamedColumns& named) {
    return std::any_of(kTypes.begin(), kTypes.end(), [&](const char* type) { return named.words.contains(type); });
  }

  static std::size_t Length(const std::string& number) {
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), length);
    return error == std::errc() && end == number.data() + number.size() ? length : 0;
  }

  static std::string TextLongerThan(const std::string& number) { return std::string(Length(number) + 1, 'x'); }

  static bool IsTooLong(const std::string& number, const CheckColumn& shape) {
    const std::size_t length = Length(number);
    const ColumnType& type = Unwrapped(shape.type);
    return length > 0 && length <= kLongest && IsText(type) && Fits(type, TextLongerThan(number));
  }

  static void PutBeside(const NamedColumns& named, const CheckColumns& columns, const Targets::Value& value,
                        Proposal& proposal) {
    for (const std::string& other : named.columns) {
      const ColumnType& type = Unwrapped(columns.at(other).type);
      if (other == value.column || !(IsText(type) || type.form == ColumnType::Form::kEnum)) continue;
      std::size_t put = 0;
      for (const std::string& literal : named.literals) {
        if (!Fits(type, literal)) continue;
        if (++put > kMostLiterals) break;
        proposal.Row(named.table, {value, {other, literal}});
      }
    }
  }

  static constexpr std::array<const char*, 4> kTypes = {"varchar", "char", "character", "bpchar"};
};

const Registered<Aim, NamedLength> kNamedLength("named_length");

}  // namespace

}  // namespace migproof
