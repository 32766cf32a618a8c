#include "harness/verify/trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace migproof {

namespace {

std::string FirstLine(std::string_view text) {
  constexpr std::size_t kShown = 100;
  std::string line(text.substr(0, text.find('\n')));
  if (line.size() > kShown) line.resize(kShown);
  return line.size() < text.size() ? line + " ..." : line;
}

std::string WithoutQuotes(std::string text) {
  std::erase(text, '"');
  return text;
}

// "extension vector", "enum public.mood", "enum mood" or the name alone; quotes around names are the writer's choice.
bool Leaves(const Declaration& declaration, const ObjectKey& object) {
  if (declaration.kind != "leaves") return false;
  const std::string named = WithoutQuotes(declaration.object);
  const std::string name = WithoutQuotes(object.name);
  const std::string in_public = name.rfind("public.", 0) == 0 ? name.substr(7) : name;
  return named == name || named == in_public || named == object.kind + " " + name ||
         named == object.kind + " " + in_public;
}

const Declaration* FindLeaves(const Revision& revision, const ObjectKey& object) {
  const auto found = std::find_if(revision.declarations.begin(), revision.declarations.end(),
                                  [&](const Declaration& declaration) { return Leaves(declaration, object); });
  return found == revision.declarations.end() ? nullptr : &*found;
}

// Nothing follows from comparing what was not seen.
void RefuseBlindness(const Observation& seen) {
  std::vector<std::string> unseen;
  if (seen.census != nullptr) unseen = Unseen(*seen.census, *seen.catalog);
  if (seen.catalog->objects().empty()) unseen.assign({"object of any kind"});
  if (unseen.empty()) return;
  throw Error(ErrorKind::kInternal,
              fmt::format("the catalog that was read holds no {}, but the database does", fmt::join(unseen, ", no ")))
      .WithHint("this is a fault of migproof: please report it with the statements that made the objects");
}

std::set<std::string> TablesOf(const Catalog& catalog) {
  std::set<std::string> names;
  for (const std::string& name : catalog.Names("table")) names.insert(name);
  return names;
}

}  // namespace

Trial::Trial(const Subject& subject, const Revision* revision, Mover& mover)
    : subject_(subject), revision_(revision), mover_(mover) {}

void Trial::Note(std::string note) {
  if (std::find(notes_.begin(), notes_.end(), note) == notes_.end()) notes_.push_back(std::move(note));
}

void Trial::NoteStale(std::string_view kind) {
  for (const Declaration& declaration : revision_->declarations) {
    if (declaration.kind != kind || needed_.contains(&declaration)) continue;
    stale_.push_back(fmt::format("{}: '{}' declares '{} {}', which never occurs", declaration.where.ToString(),
                                 revision_->id, declaration.kind, declaration.object));
  }
}

std::vector<Difference> Trial::Compare(const Observation& was, const Observation& is) {
  if (was.catalog == nullptr || is.catalog == nullptr) {
    throw Error(ErrorKind::kInternal, "a law compared a database that nobody looked at");
  }
  RefuseBlindness(was);
  RefuseBlindness(is);
  Exercised("objects compared",
            static_cast<std::int64_t>(std::max(was.catalog->objects().size(), is.catalog->objects().size())));
  if (was.catalog == is.catalog) return {};  // nothing was read again in between
  return Counting(revision_, migproof::Compare(*was.catalog, *is.catalog).differences);
}

std::vector<Difference> Trial::Counting(const Revision* revision, std::vector<Difference> differences) {
  std::vector<Difference> counting;
  for (Difference& difference : differences) {
    if (difference.note) {
      Note(difference.ToLine());
      continue;
    }
    const Declaration* left = nullptr;
    if (revision != nullptr && difference.change == Difference::Change::kExtra) {
      left = FindLeaves(*revision, difference.object);
    }
    if (left != nullptr) {
      needed_.insert(left);
      Note(fmt::format("left as declared: {}", difference.ToLine()));
    } else {
      counting.push_back(std::move(difference));
    }
  }
  return counting;
}

std::vector<std::string> Trial::CompareRows(const Observation& was, const Observation& is) {
  Exercised("rows compared", was.rows->Count());
  std::vector<std::string> lines = CompareRowsOfSharedTables(was, is);
  if (lines.empty() || whole_history()) return lines;
  return CompareRowsOfSharedTables(was, is, mover_.Unstable());
}

std::vector<std::string> CompareRowsOfSharedTables(const Observation& was, const Observation& is,
                                                   const UnstableColumns& unstable) {
  if (*was.rows == *is.rows) return {};
  CompareRowsOptions options;
  const std::set<std::string> before = TablesOf(*was.catalog);
  for (const std::string& name : TablesOf(*is.catalog)) {
    if (before.contains(name)) options.tables.insert(name);
  }
  if (options.tables.empty()) return {};
  options.unstable = VolatileDefaults(*was.catalog);
  options.unstable.insert(unstable.begin(), unstable.end());
  std::vector<std::string> lines = migproof::CompareRows(*was.rows, *is.rows, options);
  for (std::string& line : CompareSequences(*was.rows, *is.rows)) lines.push_back(std::move(line));
  return lines;
}

std::string EvidenceLine(const Error& refusal) {
  std::string line = refusal.where().empty() ? refusal.message()
                                             : fmt::format("{}: {}", refusal.where().ToString(), refusal.message());
  if (refusal.sql() && !refusal.sql()->statement.empty()) {
    line += " in: " + FirstLine(refusal.sql()->statement);
  }
  return line;
}

std::vector<Error> NewRefusals(const std::vector<Error>& refusals, const std::vector<Error>& known) {
  std::vector<Error> fresh;
  for (const Error& refusal : refusals) {
    const bool seen = std::any_of(known.begin(), known.end(), [&](const Error& other) {
      return other.sqlstate() == refusal.sqlstate() && other.sql() && refusal.sql() &&
             other.sql()->statement == refusal.sql()->statement;
    });
    if (!seen) fresh.push_back(refusal);
  }
  return fresh;
}

}  // namespace migproof
