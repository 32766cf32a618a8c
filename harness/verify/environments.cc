#include "harness/verify/environments.h"

#include <fmt/format.h>

#include "harness/postgres/provider.h"

namespace migproof {

namespace {

constexpr const char* kCategories[] = {"lc_monetary", "lc_numeric", "lc_time", "lc_messages"};

// Another way to compare and sort text than that of the databases we make, as options of CREATE DATABASE; "" where the
// server has none.
struct OtherCollation {
  std::string name;
  std::string options;
};

OtherCollation FindCollation(Session& admin) {
  const bool has_providers = admin.major_version() >= 15;
  const Rows usual = admin.Query(
      "SELECT d.datcollate, coalesce(pg_catalog.to_jsonb(d) ->> 'datlocprovider', 'c') FROM pg_catalog.pg_database d "
      "WHERE d.datname = 'template0'");
  const std::string collation(usual.Get(0, 0));
  const bool by_bytes = collation.rfind("C", 0) == 0 || collation == "POSIX";
  if (!by_bytes || usual.Get(0, 1) != "c") {
    return {fmt::format("the collation C (where the usual one is {})", collation),
            has_providers ? "LOCALE_PROVIDER libc LOCALE 'C'" : "LC_COLLATE 'C' LC_CTYPE 'C'"};
  }
  const Rows icu = admin.Query("SELECT FROM pg_catalog.pg_collation WHERE collprovider = 'i' LIMIT 1");
  if (has_providers && !icu.empty()) {
    return {fmt::format("the collation 'und' of ICU (where the usual one is {})", collation),
            "LOCALE_PROVIDER icu ICU_LOCALE 'und'"};
  }
  const Rows installed = admin.Query(
      "SELECT collcollate FROM pg_catalog.pg_collation WHERE collprovider = 'c' AND collcollate ~* "
      "'^[a-z_]+\\.utf-?8$' "
      "AND collcollate !~ '^C\\.' ORDER BY 1 LIMIT 1");
  if (installed.empty()) return {};
  const std::string name(installed.Get(0, 0));
  return {fmt::format("the collation {} (where the usual one is {})", name, collation),
          fmt::format("LC_COLLATE {0} LC_CTYPE {0}", admin.QuoteLiteral(name))};
}

// A locale of the server's machine that writes numbers, money and months otherwise than C does; "" for none.
std::string FindLocale(Session& admin) {
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "es_ES.UTF-8", "it_IT.UTF-8", "nl_NL.UTF-8", "pl_PL.UTF-8",
                           "pt_BR.UTF-8", "ru_RU.UTF-8", "sv_SE.UTF-8", "tr_TR.UTF-8"}) {
    try {
      admin.Query("SELECT pg_catalog.set_config('lc_monetary', $1, true)", {name});  // for this statement only
      return name;
    } catch (const Error& error) {
      if (error.sqlstate() != "22023") throw;
    }
  }
  return "";
}

}  // namespace

Environments EnvironmentsOn(const Bench& bench) {
  Session& admin = bench.server().Admin();
  Environments found;
  found.each = {
      {.name = "TimeZone Etc/GMT+12 (where the day is another one than in Etc/GMT-14)",
       .settings = {"TimeZone=Etc/GMT+12"}},
      {.name = "TimeZone Etc/GMT-14 (where the day is another one than in Etc/GMT+12)",
       .settings = {"TimeZone=Etc/GMT-14"}},
      {.name = "DateStyle SQL, DMY", .settings = {"DateStyle=SQL,DMY"}},
      {.name = "IntervalStyle sql_standard", .settings = {"IntervalStyle=sql_standard"}},
      {.name = "search_path public", .settings = {"search_path=public"}},
      {.name = "another namespace that holds tables of the same names", .neighbour = true},
      {.name = "another superuser as the owner", .other_owner = true},
      {.name = "the rows of each table lying in ascending order", .rows_by_text = "ASC"},
      {.name = "the rows of each table lying in descending order", .rows_by_text = "DESC"},
  };
  found.combined = {
      {.settings = {"TimeZone=Etc/GMT+12", "DateStyle=SQL,DMY", "IntervalStyle=sql_standard", "search_path=public"},
       .neighbour = true,
       .rows_by_text = "ASC"},
      {.settings = {"TimeZone=Etc/GMT-14"}, .other_owner = true, .rows_by_text = "DESC"},
  };
  if (const OtherCollation other = FindCollation(admin); !other.options.empty()) {
    found.each.push_back({.name = other.name, .locale = other.options});
    found.combined.back().locale = other.options;
  } else {
    found.not_looked_at.emplace_back("another collation: the server has no other one than C");
  }
  const bool guest = !bench.server().Guest().empty();
  if (guest) {  // both are the superuser's to change
    for (Environment& environment : found.combined) environment.rows_by_text.clear();
    std::erase_if(found.each, [](const Environment& environment) { return !environment.rows_by_text.empty(); });
    found.not_looked_at.emplace_back("another order of rows, lc_messages: an untrusted history runs as a guest");
  }
  if (const std::string locale = FindLocale(admin); !locale.empty()) {
    for (const char* category : kCategories) {
      if (guest && category == std::string_view("lc_messages")) continue;
      const std::string setting = fmt::format("{}={}", category, locale);
      found.each.push_back({.name = fmt::format("{} {}", category, locale), .settings = {setting}});
      found.combined.front().settings.push_back(setting);
    }
  } else {
    found.not_looked_at.emplace_back(
        "lc_monetary, lc_numeric, lc_time, lc_messages: the server's machine has no locale with a decimal comma "
        "(localedef -i de_DE -f UTF-8 de_DE.UTF-8)");
  }
  if (bench.options().later) {
    found.other_day = Environment{.name = "another day of the clock", .other_day = true};
  } else {
    found.not_looked_at.push_back(fmt::format("another day of the clock{}{}",
                                              bench.options().why_not_later.empty() ? "" : ": ",
                                              bench.options().why_not_later));
  }
  return found;
}

}  // namespace migproof
