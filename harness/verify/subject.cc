#include "harness/verify/subject.h"

#include <fmt/format.h>

#include "harness/verify/model.h"
#include "migrations/registry.h"

namespace migproof {

Subject::Subject(std::string format, const std::filesystem::path& directory,
                 const std::vector<std::filesystem::path>& before, std::vector<Revision> revisions)
    : format_name_(std::move(format)),
      directory_(directory),
      history_(std::move(revisions)),
      ledger_(Registry<Format>::Get(format_name_).MakeLedger()),
      order_(history_.Linear()) {
  for (const auto& path : before) before_.push_back(Script::Parse(ReadTextFile(path), {path.string(), 1}));
  for (std::size_t i = 0; i < order_.size(); ++i) index_.emplace(order_[i], i);
}

void Subject::ReadModel(const std::filesystem::path& file) {
  if (file.extension() == ".sql") {
    model_script_ = Script::Parse(ReadTextFile(file), {file.string(), 1});
  } else {
    model_ = ReadModelFile(file);
  }
}

std::size_t Subject::IndexOf(const Revision& revision) const { return index_.at(&revision); }

}  // namespace migproof
