// INSERTs that one session is sent again and again with other rows: the server parses and plans each form once.
//
//   KeptInserts inserts(session);
//   inserts.Begin(watch.InsertTypes());
//   Insert(session, dataset, {.kept = &inserts});
//
// A form is a table with the columns given and room for so many rows; it is kept from its second use on. What the
// server does is what it does with the text of DatasetTable: a cell goes through the input function of its column's
// type.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/data/dataset.h"
#include "migrations/session.h"

namespace migproof {

class KeptInserts {
 public:
  // By table, by column (quoted): the oid of the column's type.
  using Types = std::map<std::string, std::map<std::string, std::string>>;

  explicit KeptInserts(Session& session) : session_(session) {}

  // Forgets what was kept: tables are what `types` says now. Others are not inserted into this way.
  void Begin(Types types);

  // The statement for the rows of one table, which it points at, giving back the columns `returning` ("a, b"; "":
  // none); nothing where it is not kept, which the next call for the same form may change. Until Begin.
  std::optional<Session::Call> For(const DatasetTable& table, const std::string& returning);

  // What comes before and after such statements, so that the server does not plan each again for the values it gets.
  const Session::Prepared& before() const { return before_; }
  const Session::Prepared& after() const { return after_; }

 private:
  struct Form {
    Session::Prepared statement;  // without a name: used once so far
    std::size_t room = 0;         // for rows
    std::vector<bool> filled_up;  // by column: what is left of the room takes no NULL
  };

  void Keep(Form& form, const DatasetTable& table, const std::string& returning) const;

  Session& session_;
  Types types_;
  std::set<std::string> domains_;  // oids
  std::map<std::string, Form> forms_;
  std::string key_;       // of forms_; one text, so that its memory stays
  std::size_t kept_ = 0;  // ever
  Session::Prepared before_;
  Session::Prepared after_;
};

}  // namespace migproof
