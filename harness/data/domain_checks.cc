#include "harness/data/domain_checks.h"

#include <map>
#include <mutex>

#include "harness/data/check_values.h"

namespace migproof {

namespace {

std::vector<std::string> AllChecksOf(const ColumnType& type) {
  if (type.form != ColumnType::Form::kDomain) return {};
  std::vector<std::string> checks = AllChecksOf(*type.element);
  checks.insert(checks.end(), type.checks.begin(), type.checks.end());
  return checks;
}

}  // namespace

const CheckSolver& ChecksOfDomain(const ColumnType& domain) {
  static std::mutex mutex;
  static std::map<std::vector<std::string>, CheckSolver> parsed;
  const std::vector<std::string> checks = AllChecksOf(domain);
  const std::lock_guard lock(mutex);
  return parsed.try_emplace(checks, checks).first->second;
}

bool DomainAccepts(const ColumnType& type, const std::string& value) {
  if (type.form != ColumnType::Form::kDomain) return true;
  const CheckSolver& checks = ChecksOfDomain(type);
  const CheckVerdict verdict = checks.Judge({{"VALUE", {Unwrapped(type), true}}}, {{"VALUE", value}});
  return verdict == CheckVerdict::kPasses || (verdict == CheckVerdict::kUnknown && !checks.understood());
}

bool DomainAcceptsNull(const ColumnType& type) {
  if (type.form != ColumnType::Form::kDomain) return true;
  if (type.not_null || !DomainAcceptsNull(*type.element)) return false;
  const CheckColumns columns = {{"VALUE", {Unwrapped(type), true}}};
  return ChecksOfDomain(type).Judge(columns, {{"VALUE", Cell()}}) != CheckVerdict::kFails;
}

}  // namespace migproof
