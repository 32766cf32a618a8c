// Tells what of a database's catalog has changed since the last look.
//
// The server's counters of rows inserted, updated and deleted say which system catalogs may have changed, the change
// tokens (see catalog_tables.h) which of them did, and the same tokens by relation where. Counters are believed only
// where ReadOptions::alone says that they see everything; elsewhere every token is taken at each look. Where they tell
// that no row was deleted, what has changed since the last look has a row that was written since: only such relations
// are asked for.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/catalog/catalog_tables.h"
#include "harness/catalog/queries.h"
#include "harness/catalog/read.h"
#include "harness/catalog/read_scope.h"
#include "migrations/session.h"

namespace migproof {

using Oid = std::uint32_t;

struct LiveRelation {
  std::string name;
  char relkind = 'r';
  Oid table = 0;  // for an index: its table
  Oid toast = 0;

  bool is_index() const { return relkind == 'i' || relkind == 'I'; }
};

// What a look found.
struct CatalogChange {
  std::set<std::string> tables;  // catalogs whose rows changed; none: nothing did
  std::set<Oid> touched;         // relations that have something to be read again
  std::set<Oid> whole;           // those of which all is: their columns, or columns they name, changed
  // Those that have other rows in a catalog, by its name, where rows belong to relations; behind "index:" and its name
  // those whose indexes have.
  std::map<std::string, std::set<Oid>> touched_in;
  std::set<std::string> gone;  // names of relations that are there no more
  bool everything = false;     // all is to be read again
  bool functions = false;      // a function's body names a relation whose columns changed
};

Oid ToOid(std::string_view text);
std::uint64_t ToNumber(std::string_view digits);  // an integer of any length, modulo 2^64
std::string OidArray(const std::set<Oid>& oids);

class CatalogWatch {
 public:
  CatalogWatch(Session& session, const ReadOptions& options) : session_(session), options_(options) {}

  // Once per connection, before the first look.
  void Prepare();
  bool superuser() const { return layout_.superuser; }

  // Opens a read, with the queries that every look begins with.
  ReadScope Open();
  // Inside the scope that Open() has given. What is remembered is brought up to date.
  CatalogChange Look(const ReadScope& scope);
  // After the scope has ended.
  void Close();
  // The next look finds that everything has changed.
  void Forget();
  // The server has forgotten the session's prepared queries.
  void NewGeneration() { ++generation_; }

  Session::Prepared Named(const std::string& name, std::string sql,
                          std::vector<std::optional<std::string>> parameters = {}) const;

  const std::map<Oid, LiveRelation>& relations() const { return seen_.relations; }
  // What to read again with a query that reads the relations it is given.
  std::set<Oid> ToReadAgain(const CatalogQuery& query, const CatalogChange& change) const;
  // Whether a query that reads all at once is to be asked again.
  bool MustAskAgain(const CatalogQuery& query, const CatalogChange& change) const;
  // Whether the query can find anything.
  bool MayHaveRows(const CatalogQuery& query) const;
  // Those of `relations` in which it can.
  std::set<Oid> MayHaveRowsOf(const CatalogQuery& query, const std::set<Oid>& relations) const;

 private:
  // What a relation has in a catalog.
  struct Part {
    std::uint64_t count = 0;
    std::uint64_t hash = 0;
    std::uint32_t marks = 0;

    bool operator==(const Part&) const = default;
  };
  using Parts = std::map<Oid, Part>;
  using Columns = std::map<std::int64_t, std::uint64_t>;  // hashes, by number
  struct Token {
    std::uint64_t count = 0;
    std::uint64_t sum = 0;  // of hashes

    bool operator==(const Token&) const = default;
  };
  // Rows inserted, updated and deleted in each of the system catalogs that are counted, and when that began.
  using Counters = std::vector<std::string>;
  // What there is to be looked at on a server, as a user.
  struct Layout {
    bool superuser = false;
    std::vector<CatalogTable> tables;
    std::map<std::string, std::size_t> numbers;  // of tables, by name
    std::set<std::size_t> all;                   // numbers of tables
    std::set<std::size_t> small;                 // those not by relation
    std::set<std::size_t> uncounted;             // those that no counter speaks of
    std::set<std::size_t> shared;                // those, and those of which databases share a part
    std::vector<std::set<std::size_t>> counted;  // by table: the counters that speak of it
    std::string counters_sql;                    // "" where counters are not believed
  };
  // What is remembered of a look.
  struct Seen {
    std::vector<Token> tokens;
    std::vector<Parts> parts;  // per table
    std::map<Oid, LiveRelation> relations;
    std::map<Oid, Columns> columns;
    std::map<Oid, Oid> owners;  // the relation, by its indexes and its TOAST table, those that have gone too
    std::map<Oid, std::string> names;
  };

 public:
  // For a watch on another connection, of what this one has seen. Where counters are believed: they tell what is
  // otherwise.
  struct Memory {
    Layout layout;
    Seen seen;
  };
  // Nothing where there was no look, or one inside a transaction, which may not have come to anything.
  std::optional<Memory> Remember() const;
  // Before the first look: on a database that was just that when its counters began to count.
  void Begin(const Memory& memory);

 private:
  // What a query needs to find anything.
  struct Need {
    std::optional<std::size_t> table;  // nothing: it can't be told
    std::uint32_t mark = 0;            // 0: any row

    bool IsIn(std::uint32_t marks) const { return mark == 0 || (marks & mark) != 0; }
  };

  Need Resolve(const std::string& need) const;
  bool ByRelation(std::size_t table) const { return !layout_.tables[table].relation.empty(); }
  void PrepareCounters();
  const Counters* TrustedCounters(const Counters& now) const;
  std::vector<std::size_t> Suspects(const Counters& now, const Counters& base) const;
  CatalogChange LookBeyond(const Counters& now);
  CatalogChange LookAtAll();
  std::set<std::size_t> OnlyWritten(const std::vector<std::size_t>& tables, const Counters& deletions) const;
  void LookAtTables(const std::vector<std::size_t>& tables, const std::set<std::size_t>& only_written,
                    CatalogChange& change);
  void LookAtRelations(const std::map<std::size_t, std::set<Oid>>& rows_of, CatalogChange& change);
  static std::map<Oid, std::string> ToNames(const Rows& rows);
  static std::map<Oid, LiveRelation> ToRelations(const Rows& rows);
  static std::map<Oid, Columns> ToColumns(const Rows& rows);
  struct Reshaped;
  Reshaped NoteColumns(const Rows& rows, const std::set<Oid>& of);
  std::set<Oid> KnownAmong(const std::set<Oid>& reshaped) const;
  void NoteDependents(const Rows& dependents, const Reshaped& reshaped, CatalogChange& change);
  bool IsOfIndex(Oid oid) const;
  bool HasRows(const std::string& need_text) const;
  void NoteRelations(const std::map<Oid, LiveRelation>& now, const std::set<Oid>& looked_at, CatalogChange& change);
  std::set<Oid> OwnersOf(const std::set<Oid>& rows_of) const;
  void TakeTokens(const Rows& rows, const std::set<std::size_t>& of, CatalogChange& change);
  void SetToken(std::size_t table, const Token& token, CatalogChange& change);
  std::set<Oid> TakeHashes(std::size_t table, const Rows& rows, CatalogChange& change);
  std::set<Oid> TakeParts(std::size_t table, Parts now, CatalogChange& change);
  void TakeAllColumns(const Rows& rows, CatalogChange& change);
  std::set<Oid> TakeHashesOfSome(std::size_t table, const Rows& rows, CatalogChange& change);
  Part ToPart(const Rows& rows, int row) const;
  Session::Prepared TokenQuery(const std::string& name, const std::set<std::size_t>& of) const;
  Session::Prepared HashesQuery(std::size_t table) const;
  Session::Prepared HashesSinceQuery(std::size_t table) const;
  std::vector<Session::Prepared> FirstQueries() const;

  Session& session_;
  const ReadOptions& options_;
  int generation_ = 0;
  int opened_ = -1;  // the generation whose first queries are prepared
  Layout layout_;
  Seen seen_;                 // at the last look
  bool known_ = false;        // there was one
  bool begins_ = false;       // seen_ is another's
  Counters counters_;         // at the last look
  Counters deletions_;        // likewise, of rows deleted alone
  std::string horizon_;       // a transaction id: whatever an earlier one wrote, the last look saw; "": not known
  Counters floor_;            // at the last look outside a transaction; empty: there was none
  bool inside_ = false;       // the last look was inside a transaction
  std::uint64_t undone_ = 0;  // Session::undone() after it
};

}  // namespace migproof
