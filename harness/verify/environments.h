// What a history must not notice: other settings, another owner, another locale, another day.
//
//   const Environments environments = EnvironmentsOn(bench);
//   for (const Environment& environment : environments.combined) RunUnder(bench, environment, heads);
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "harness/verify/stand.h"

namespace migproof {

// What a run finds. The plain one is that of every walk.
struct Environment {
  std::string name;                   // "TimeZone Etc/GMT+12", for the reader
  std::vector<std::string> settings;  // of the connection: "TimeZone=Etc/GMT+12"
  bool other_owner = false;           // another superuser than the usual one runs it
  bool neighbour = false;             // another namespace holds tables and columns of the same names
  std::string locale;                 // of the database, as options of CREATE DATABASE; "" for the usual one
  // Before each step the rows of each table are put into this order of their text, where the usual run leaves them as
  // they were written: "ASC" or "DESC"; "" for the latter. Tables of more than 8 MB are left alone.
  std::string rows_by_text;
  bool other_day = false;  // the server's clock is Bench::Later's
};

struct Environments {
  std::vector<Environment> each;  // with one thing changed
  std::vector<Environment>
      combined;  // the same changes in as few runs as can hold them: what holds there holds in each
  std::optional<Environment> other_day;    // not among those: what the clock writes into rows is another matter
  std::vector<std::string> not_looked_at;  // what this machine can't change, and why
};

Environments EnvironmentsOn(const Bench& bench);

}  // namespace migproof
