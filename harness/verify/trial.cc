#include "harness/verify/trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "harness/data/definition_text.h"
#include "harness/verify/loss_hint.h"
#include "harness/verify/recent.h"
#include "harness/verify/written_tables.h"

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

// "extension vector", "enum public.mood", "enum mood" or the name alone.
bool Leaves(const Declaration& declaration, const ObjectKey& object) {
  if (declaration.kind != "leaves") return false;
  if (IsNamed(declaration.object, object.name)) return true;
  const std::string prefix = object.kind + " ";
  return declaration.object.rfind(prefix, 0) == 0 && IsNamed(declaration.object.substr(prefix.size()), object.name);
}

// The tables (and "sequence public.s") that lines of CompareRows are about.
std::set<std::string> TablesIn(const std::vector<std::string>& lines) {
  std::set<std::string> tables;
  for (const std::string& line : lines) {
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos && colon > 2) tables.insert(line.substr(2, colon - 2));
  }
  return tables;
}

std::string SignatureOf(const Path& path, const Error& refusal) {
  if (!refusal.sql()) return fmt::format("{} refused: {}", ToString(path), refusal.message());
  const SqlFailure& failure = *refusal.sql();
  return fmt::format("{} refused: {} {} {} {}", ToString(path), failure.sqlstate, refusal.where().ToString(),
                     failure.table, failure.constraint.empty() ? failure.column : failure.constraint);
}

// The table, if any, that a refusal is about, as the catalog calls it.
std::set<std::string> TablesNamedBy(const SqlFailure& failure, const Observation& before) {
  std::set<std::string> tables;
  if (failure.table.empty() || before.catalog == nullptr) return tables;
  for (const std::string& name : before.catalog->Names("table")) {
    if (IsNamed(failure.schema + "." + failure.table, name)) tables.insert(name);
  }
  return tables;
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

const std::vector<SequenceUse>& UsesIn(const std::shared_ptr<const Catalog>& catalog) {
  static Recent<std::shared_ptr<const Catalog>, std::vector<SequenceUse>> recent;
  return recent.Get(catalog, [&] { return SequenceUses(*catalog); });
}

const std::set<std::string>& WrittenBetween(const Revision& revision, const std::shared_ptr<const Catalog>& before,
                                            const std::shared_ptr<const Catalog>& after) {
  using Key = std::tuple<const Revision*, std::shared_ptr<const Catalog>, std::shared_ptr<const Catalog>>;
  static Recent<Key, std::set<std::string>> recent;
  return recent.Get({&revision, before, after}, [&] { return WrittenTables(revision, *before, *after); });
}

// The sequences that keys have outrun since `was`: the next value may be one that a row has.
std::vector<SequenceUse> Outrun(const Observation& was, const Observation& is) {
  const std::vector<SequenceUse>& before = UsesIn(was.catalog);
  std::vector<SequenceUse> outrun;
  for (const SequenceUse& use : UsesIn(is.catalog)) {
    if (!LargestKeyBeyond(use, *is.rows)) continue;
    const auto known = std::find_if(before.begin(), before.end(), [&](const SequenceUse& other) {
      return other.table == use.table && other.column == use.column;
    });
    const bool behind_before = known != before.end() && LargestKeyBeyond(*known, *was.rows);
    const bool there_before = was.catalog->Find("column", use.table + "." + use.column) != nullptr;
    if (there_before && !behind_before) outrun.push_back(use);
  }
  return outrun;
}

// Lines about sequences that fell back, or that keys have outrun, by name; `only` those of these tables, and of none.
std::map<std::string, std::string> CompareSequencesOf(const Observation& was, const Observation& is,
                                                      const std::set<std::string>& leave_out,
                                                      const std::optional<std::set<std::string>>& only) {
  std::map<std::string, std::string> lines = CompareSequences(*was.rows, *is.rows);
  if (only) {
    std::map<std::string, bool> wanted;  // by sequence that belongs to a table
    for (const auto& catalog : {was.catalog, is.catalog}) {
      for (const SequenceUse& use : UsesIn(catalog)) wanted[use.sequence] |= only->contains(use.table);
    }
    std::erase_if(lines, [&](const auto& line) { return wanted.contains(line.first) && !wanted.at(line.first); });
  }
  for (const SequenceUse& use : Outrun(was, is)) {
    const std::string column = use.table + "." + use.column;
    if (leave_out.contains(use.table) || leave_out.contains(column) || (only && !only->contains(use.table))) continue;
    const SequenceState& state = is.rows->sequences.at(use.sequence);
    lines[use.sequence] = fmt::format("~ sequence {}: {} is {}, but {} goes to {}", use.sequence,
                                      state.is_called ? "last value" : "the next value", state.last_value, column,
                                      *LargestKeyBeyond(use, *is.rows));
  }
  std::erase_if(lines, [&](const auto& line) {
    // A sequence that no catalog knows belongs to the ledger.
    const bool known = was.catalog->Find("sequence", line.first) || is.catalog->Find("sequence", line.first);
    return !known || leave_out.contains("sequence " + line.first);
  });
  return lines;
}

// The columns of a table's primary key, where the table had them before the upgrade too; else none.
std::vector<std::string> KeyOf(const Catalog& catalog, const Catalog& old_shape, const std::string& table) {
  for (const std::string& name : catalog.Names("primary key")) {
    const CatalogObject& key = *catalog.Find("primary key", name);
    if (key.relation != table) continue;
    std::vector<std::string> columns = SplitAtCommas(Parenthesised(key.attributes.at("definition")));
    const bool both = std::all_of(columns.begin(), columns.end(), [&](const std::string& column) {
      return old_shape.Find("column", table + "." + column) != nullptr;
    });
    return both ? columns : std::vector<std::string>();
  }
  return {};
}

// The rows of `table` whose key `other` has too.
TableRows SurvivorsOf(const TableRows& table, const TableRows& other, const std::vector<std::string>& key) {
  const auto keys_of = [&](const TableRows& rows) {
    std::vector<std::size_t> places;
    for (const std::string& column : key) {
      const auto found = std::find(rows.columns.begin(), rows.columns.end(), column);
      places.push_back(static_cast<std::size_t>(found - rows.columns.begin()));
    }
    return places;
  };
  const auto key_of = [](const std::vector<Cell>& row, const std::vector<std::size_t>& places) {
    std::vector<Cell> cells;
    for (const std::size_t place : places) cells.push_back(row.at(place));
    return cells;
  };
  std::set<std::vector<Cell>> there;
  const std::vector<std::size_t> others = keys_of(other);
  for (const auto& row : other.rows) there.insert(key_of(row, others));
  TableRows survivors;
  survivors.columns = table.columns;
  const std::vector<std::size_t> own = keys_of(table);
  for (const auto& row : table.rows) {
    if (there.contains(key_of(row, own))) survivors.rows.push_back(row);
  }
  survivors.count = static_cast<std::int64_t>(survivors.rows.size());
  return survivors;
}

}  // namespace

bool IsNamed(const std::string& declared, const std::string& object_name) {
  const std::string named = WithoutQuotes(declared);
  const std::string name = WithoutQuotes(object_name);
  return named == name || (name.rfind("public.", 0) == 0 && named == name.substr(7));
}

std::string TableNamed(const Catalog& catalog, const std::string& name) {
  for (const std::string& table : catalog.Names("table")) {
    if (IsNamed(name, table)) return table;
  }
  return "";
}

const Declaration* FindLeaves(const Revision& revision, const ObjectKey& object) {
  const auto found = std::find_if(revision.declarations.begin(), revision.declarations.end(),
                                  [&](const Declaration& declaration) { return Leaves(declaration, object); });
  return found == revision.declarations.end() ? nullptr : &*found;
}

std::string StaleLine(const Revision& revision, const Declaration& declaration) {
  const std::string_view why = declaration.kind == "assumes"    ? "and rows that break it do no harm"
                               : declaration.kind == "owns"     ? "and no statement of the history writes to it"
                               : declaration.kind == "requires" ? "and every supported server meets that"
                                                                : "which never occurs";
  return fmt::format("{}: '{}' declares '{} {}', {}", declaration.where.ToString(), revision.id, declaration.kind,
                     declaration.object, why);
}

const ForbiddenRows& Mover::Forbidden() {
  throw Error(ErrorKind::kInternal, "no rows are on trial that break what is assumed");
}

const std::set<std::string>& Mover::Rewritten() const {
  static const std::set<std::string> kNothing;
  return kNothing;
}

std::vector<Difference> Mover::Compare(const Observation& was, const Observation& is) {
  return migproof::Compare(*was.catalog, *is.catalog).differences;
}

Trial::Trial(const Subject& subject, const Revision* revision, Mover& mover)
    : subject_(subject), revision_(revision), mover_(mover) {}

void Trial::Note(std::string note) {
  if (std::find(notes_.begin(), notes_.end(), note) == notes_.end()) notes_.push_back(std::move(note));
}

void Trial::NoteStale(std::string_view kind) {
  for (const Declaration& declaration : revision_->declarations) {
    if (declaration.kind != kind || needed_.contains(&declaration)) continue;
    Stale(declaration);
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
  std::vector<Difference> counting = Counting(revision_, mover_.Compare(was, is));
  if (has_rows() && !counting.empty()) {
    const ObjectKey& first = counting.front().object;
    suspicion_ = Suspicion{.was = was.path, .is = is.path};
    suspicion_->signature =
        fmt::format("catalog: {} {}: {} against {}", first.kind, first.name, ToString(was.path), ToString(is.path));
  }
  return counting;
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

const Observation& Trial::After(const Path& path) {
  const Observation& seen = mover_.After(path);
  if (seen.refused()) {
    const Error& refusal = seen.refusals.front();
    suspicion_ = Suspicion{.was = {}, .is = path, .refused = true, .signature = SignatureOf(path, refusal)};
    if (has_rows() && refusal.sql()) suspicion_->tables = TablesNamedBy(*refusal.sql(), mover_.Before());
  }
  return seen;
}

std::map<std::string, const Declaration*> Trial::Exempt(const Catalog& catalog) const {
  std::map<std::string, const Declaration*> exempt;
  for (const Declaration& declaration : revision_->declarations) {
    if (declaration.kind != "loses" && declaration.kind != "changes") continue;
    for (const char* kind : {"column", "table"}) {
      for (const std::string& name : catalog.Names(kind)) {
        if (IsNamed(declaration.object, name)) exempt.emplace(name, &declaration);
      }
    }
    // A sequence goes with the column or table it belongs to, or is named itself: "loses sequence orders_id_seq".
    for (const std::string& name : catalog.Names("sequence")) {
      const std::string owner = catalog.Attribute("sequence", name, "owned_by");
      const std::string table = owner.substr(0, owner.rfind('.'));
      const bool named = declaration.object.rfind("sequence ", 0) == 0 && IsNamed(declaration.object.substr(9), name);
      if (named || (!owner.empty() && (IsNamed(declaration.object, owner) || IsNamed(declaration.object, table)))) {
        exempt.emplace("sequence " + name, &declaration);
      }
    }
  }
  return exempt;
}

std::vector<std::string> Trial::CompareRows(const Observation& was, const Observation& is,
                                            const std::optional<std::set<std::string>>& only, bool lost_only,
                                            const std::set<std::string>& not_compared) {
  Exercised("rows compared", was.rows->Count());
  const auto compare = [&](const UnstableColumns& unstable, const std::set<std::string>& leave_out) {
    const bool exact = has_rows() && was.path.empty();
    std::vector<std::string> lines = CompareRowsOfSharedTables(was, is, unstable, leave_out, only, exact);
    // What came on top matters where something is gone too: it may be what became of it.
    const bool lost = std::any_of(lines.begin(), lines.end(), [](const std::string& line) { return line[0] != '+'; });
    return lost_only && !lost ? std::vector<std::string>() : lines;
  };
  std::vector<std::string> lines = compare({}, not_compared);
  if (lines.empty() || whole_history()) return lines;
  const std::map<std::string, const Declaration*> exempt = Exempt(*was.catalog);
  std::set<std::string> leave_out = not_compared;
  for (const auto& [name, declaration] : exempt) leave_out.insert(name);
  // Two executions are worth their time only where what is declared does not explain everything.
  UnstableColumns unstable;
  lines = compare(unstable, leave_out);
  if (!lines.empty()) {
    unstable = mover_.Unstable(is.path.empty() ? Path{Move::kUpgrade} : is.path);
    lines = compare(unstable, leave_out);
  }
  for (const auto& [name, declaration] : exempt) {
    std::set<std::string> less_one = leave_out;
    if (!not_compared.contains(name)) less_one.erase(name);
    if (needed_.contains(declaration) || compare(unstable, less_one) == lines) continue;
    needed_.insert(declaration);
    Note(fmt::format("as declared: {} {}", declaration->kind, declaration->object));
  }
  if (lines.empty()) return lines;
  Suspicion suspicion{.was = was.path, .is = is.path, .tables = TablesIn(lines), .unstable = unstable};
  suspicion.unstable.insert(leave_out.begin(), leave_out.end());
  for (SequenceUse& use : Outrun(was, is)) {
    if (suspicion.tables.contains("sequence " + use.sequence)) suspicion.behind.push_back(std::move(use));
  }
  std::set<std::string> lost;
  CompareRowsOfSharedTables(was, is, unstable, leave_out, only, has_rows() && was.path.empty(), &lost);
  lost_.merge(lost);
  suspicion.signature = fmt::format("rows of {}: {} against {}", fmt::join(suspicion.tables, ", "), ToString(was.path),
                                    ToString(is.path));
  suspicion_ = std::move(suspicion);
  return lines;
}

std::vector<std::string> Trial::CompareSurvivors(const Observation& was, const Observation& is) {
  const Catalog& old_shape = *mover_.Before().catalog;
  Exercised("rows compared", was.rows->Count());
  const std::map<std::string, const Declaration*> exempt = Exempt(*was.catalog);
  const std::set<std::string>& written = WrittenBetween(*revision_, mover_.Before().catalog, was.catalog);
  std::set<std::string> new_columns;
  for (const std::string& column : was.catalog->Names("column")) {
    if (old_shape.Find("column", column) == nullptr) new_columns.insert(column);
  }
  Suspicion suspicion{.was = was.path, .is = is.path, .unstable = new_columns};
  for (const auto& [name, declaration] : exempt) suspicion.unstable.insert(name);
  std::set<std::string> lost;
  const auto compare = [&](const UnstableColumns& unstable) {
    std::vector<std::string> lines;
    lost.clear();
    suspicion.tables.clear();
    suspicion.keys.clear();
    for (const auto& [table, rows] : was.rows->tables) {
      const auto now = is.rows->tables.find(table);
      if (now != is.rows->tables.end() && now->second.IsSame(rows)) continue;
      const bool looked_at = now != is.rows->tables.end() && old_shape.Find("table", table) != nullptr &&
                             !written.contains(BareName(table)) && rows->checksum.empty();
      if (!looked_at) continue;
      const std::vector<std::string> key = KeyOf(*was.catalog, old_shape, table);
      if (key.empty() && rows->count != now->second->count) continue;
      RowSnapshot before;
      RowSnapshot after;
      before.tables[table] = key.empty() ? rows : SharedRows(SurvivorsOf(*rows, *now->second, key));
      after.tables[table] = key.empty() ? now->second : SharedRows(SurvivorsOf(*now->second, *rows, key));
      std::set<std::string> changed;
      migproof::CompareRows(before, after, {.unstable = unstable, .leave_out = new_columns, .maximum_lines = 0},
                            &changed);
      for (const std::string& column : changed) {
        const auto declared = exempt.contains(column) ? exempt.find(column) : exempt.find(table);
        if (declared == exempt.end() || !needed_.insert(declared->second).second) continue;
        Note(fmt::format("as declared: {} {}", declared->second->kind, declared->second->object));
      }
      if (exempt.contains(table)) continue;
      const std::vector<std::string> differing =
          migproof::CompareRows(before, after, {.unstable = unstable, .leave_out = suspicion.unstable}, &lost);
      if (differing.empty()) continue;
      lines.insert(lines.end(), differing.begin(), differing.end());
      suspicion.tables.insert(table);
      if (!key.empty()) suspicion.keys[table] = key;
    }
    return lines;
  };
  std::vector<std::string> lines = compare({});
  if (lines.empty()) return lines;
  // A trigger on what the upgrade writes to may set a clock in another table.
  const UnstableColumns& unstable = mover_.Unstable(is.path);
  if (!unstable.empty()) lines = compare(unstable);
  if (lines.empty()) return lines;
  lost_.merge(lost);
  suspicion.unstable.insert(unstable.begin(), unstable.end());
  suspicion.signature = fmt::format("rows of {}: {} against {}", fmt::join(suspicion.tables, ", "), ToString(was.path),
                                    ToString(is.path));
  suspicion_ = std::move(suspicion);
  return lines;
}

bool Suspicion::Matches(const Suspicion& other) const {
  if (refused != other.refused || is != other.is || was != other.was) return false;
  if (refused || tables.empty()) return signature == other.signature;
  return std::any_of(tables.begin(), tables.end(), [&](const auto& table) { return other.tables.contains(table); });
}

std::vector<std::string> CompareRowsOfSharedTables(const Observation& was, const Observation& is,
                                                   const UnstableColumns& unstable,
                                                   const std::set<std::string>& leave_out,
                                                   const std::optional<std::set<std::string>>& only, bool exact,
                                                   std::set<std::string>* lost) {
  if (*was.rows == *is.rows) return {};
  CompareRowsOptions options;
  const std::set<std::string> before = TablesOf(*was.catalog);
  for (const std::string& name : TablesOf(*is.catalog)) {
    const bool wanted = before.contains(name) && !leave_out.contains(name) && (!only || only->contains(name));
    if (wanted) options.tables.insert(name);
  }
  // Generated rows come back as they were, keys and all; what scripts insert again gets new numbers and times.
  if (!exact) options.unstable = VolatileDefaults(*was.catalog);
  options.unstable.insert(unstable.begin(), unstable.end());
  options.leave_out = leave_out;
  std::vector<std::string> lines;
  if (!options.tables.empty()) lines = migproof::CompareRows(*was.rows, *is.rows, options, lost);
  for (auto& [name, line] : CompareSequencesOf(was, is, leave_out, only)) {
    lines.push_back(std::move(line));
    if (lost != nullptr) lost->insert("sequence " + name);
  }
  return lines;
}

std::string Trial::LossHint(const std::string& kind) {
  const Observation& before = mover_.Before();
  if (!has_rows() || before.catalog == nullptr) return "";
  return migproof::LossHint(lost_, TablesOf(*before.catalog), kind);
}

const OrdersResult& Mover::Orders() {
  throw Error(ErrorKind::kInternal, "only the history as a whole can be run in other orders");
}

const RamblesResult& Mover::Rambles() {
  throw Error(ErrorKind::kInternal, "only the history as a whole can be walked over at random");
}

std::shared_ptr<const TableRows> Mover::ReadCast(const Path&, const std::string&,
                                                 const std::map<std::string, std::string>&) {
  throw Error(ErrorKind::kInternal, "values can be cast back only behind the upgrade");
}

std::string Trial::WhyNotWhole() const {
  const std::vector<std::string> refused = mover_.ReachedPast();
  return refused.empty() ? "" : fmt::format("the upgrade of '{}' is refused: no runner comes to the heads", refused[0]);
}

Elsewhere& Mover::elsewhere() {
  throw Error(ErrorKind::kInternal, "a trial with rows has no databases beside its own");
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
      if (!other.sql() || !refusal.sql()) {  // an exception of the history's own code
        return !other.sql() && !refusal.sql() && other.message() == refusal.message();
      }
      return other.sqlstate() == refusal.sqlstate() && other.sql()->statement == refusal.sql()->statement;
    });
    if (!seen) fresh.push_back(refusal);
  }
  return fresh;
}

}  // namespace migproof
