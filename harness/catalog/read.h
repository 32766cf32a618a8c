// Reads a database's Catalog, whole or only what changed since the last time.
//
//   CatalogReader reader(session, {.leave_out_tables = ledger->Tables()});
//   Catalog first = reader.Read();      // everything
//   session.Execute("ALTER TABLE t ...");
//   Catalog second = reader.Read();     // re-reads t and the kinds that belong to no relation where those changed
//
// Reading happens inside whatever transaction the session has open, so it sees what a step has not committed yet. The
// change token (count and row versions over the system catalogs) decides what is read again; settings that change how
// the server prints (search_path, DateStyle ...) are fixed for the read and put back.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "harness/catalog/catalog.h"
#include "migrations/session.h"

namespace migproof {

struct ReadOptions {
  std::vector<std::string> leave_out_tables;  // the ledger's, with everything that belongs to them
  // Nobody but this session changes the database and what it shares with others (roles), nothing it runs stops or
  // resets the server's counters, and no transaction of its is prepared. Then the counters say where nothing needs to
  // be looked at.
  bool alone = false;
};

// What a reader has seen of a database, for readers of its copies on the same server. What is otherwise there is
// noticed by the server's counters and read again.
class CatalogMemory;

class CatalogReader {
 public:
  // `memory` is what a reader with the same options and user has read of this database, or of the one that it was
  // copied from; null: there is none. What was written after that read, and before a crash of the server, which takes
  // its counters away, or before the copy, is not noticed.
  explicit CatalogReader(Session& session, ReadOptions options = {},
                         const std::shared_ptr<const CatalogMemory>& memory = nullptr);
  ~CatalogReader();

  // Of the last read; null where there was none, or one inside a transaction, which may not have come to anything, or
  // where the counters tell nothing.
  std::shared_ptr<const CatalogMemory> Memory() const;

  // The catalog now. Incremental after the first call. The reference stays good until the next call.
  const Catalog& Read();
  // Rises whenever a read finds something to read again: the same number means the same catalog.
  std::uint64_t version() const;
  // The catalog now, everything read again.
  const Catalog& ReadAll();
  // Drops what is remembered (after a clone took the session's place, say).
  void Forget();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Where a sequence stands: data, and so no part of the catalog.
struct SequenceValue {
  std::int64_t last_value = 0;
  bool is_called = false;  // false: last_value is the next one handed out

  bool operator==(const SequenceValue&) const = default;
};

// Every sequence that the catalog lists, by its name there ("public.orders_id_seq").
std::map<std::string, SequenceValue> ReadSequences(Session& session, const ReadOptions& options = {});

}  // namespace migproof
