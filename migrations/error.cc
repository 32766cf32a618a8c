#include "migrations/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace migproof {

namespace {

std::string SqlMessage(const SqlFailure& failure) {
  if (failure.sqlstate.empty()) return failure.message;
  return fmt::format("{} (SQLSTATE {})", failure.message, failure.sqlstate);
}

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view Name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kUsage: return "usage";
    case ErrorKind::kHistory: return "history";
    case ErrorKind::kMigration: return "migration";
    case ErrorKind::kServer: return "server";
    case ErrorKind::kInternal: return "internal";
  }
  return "internal";
}

std::string SourceLocation::ToString() const { return line > 0 ? fmt::format("{}:{}", file, line) : file; }

bool SqlFailure::IsEnvironmental() const {
  return connection_lost || sqlstate.rfind("53", 0) == 0 || sqlstate.rfind("57P", 0) == 0;
}

Error::Error(ErrorKind kind, const std::string& message)
    : std::runtime_error(message), kind_(kind), message_(message) {}

Error::Error(ErrorKind kind, SqlFailure failure)
    : std::runtime_error(SqlMessage(failure)),
      kind_(kind),
      message_(SqlMessage(failure)),
      where_(failure.where),
      sql_(std::move(failure)) {}

std::string_view Error::sqlstate() const { return sql_ ? std::string_view(sql_->sqlstate) : std::string_view(); }

Error& Error::WithHint(std::string hint) & {
  hint_ = std::move(hint);
  return *this;
}

Error&& Error::WithHint(std::string hint) && { return std::move(WithHint(std::move(hint))); }

Error& Error::WithLocation(SourceLocation where) & {
  where_ = std::move(where);
  return *this;
}

Error&& Error::WithLocation(SourceLocation where) && {
  where_ = std::move(where);
  return std::move(*this);
}

Error& Error::AddContext(std::string context) {
  context_.push_back(std::move(context));
  return *this;
}

std::string Error::Render() const {
  std::string text =
      where_.empty() ? fmt::format("error: {}", message_) : fmt::format("error: {}: {}", where_.ToString(), message_);
  if (sql_ && !sql_->detail.empty()) text += "\n  detail: " + sql_->detail;
  for (const std::string& context : context_) text += "\n  " + context;
  if (!hint_.empty()) {
    text += "\nhint: " + hint_;
  } else if (sql_ && !sql_->hint.empty()) {
    text += "\nhint: " + sql_->hint;
  }
  return text;
}

std::string NearName(std::string_view name, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, name.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = EditDistance(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string NearNameHint(std::string_view name, const std::vector<std::string>& candidates, std::string otherwise) {
  const std::string near = NearName(name, candidates);
  return near.empty() ? std::move(otherwise) : fmt::format("did you mean '{}'?", near);
}

}  // namespace migproof
