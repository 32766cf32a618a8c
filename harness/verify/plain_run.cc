#include "harness/verify/plain_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <string_view>

#include "harness/postgres/child.h"
#include "harness/postgres/owned_databases.h"
#include "harness/postgres/token.h"
#include "migrations/offline.h"

namespace migproof {

namespace {

constexpr const char* kNeighbour = "migproof_neighbour";
constexpr const char* kTenants[] = {"migproof_tenant_a", "migproof_tenant_b"};
constexpr int kPsqlTimeoutMs = 600'000;
constexpr int kNoSuchProgram = 127;
constexpr int kLockDigits = 32;

// Up to the heads, failing statements left out, by revision. `before_each`, where given, is called before each step.
std::vector<Error> UpgradeAll(const Subject& subject, Session& session, const Database& database,
                              const std::function<void()>& before_each = nullptr) {
  Runner runner(session, subject.history(), subject.ledger(), OptionsFor(subject, database));
  runner.Prepare();
  std::vector<Error> refusals;
  for (const Revision* revision : subject.order()) {
    if (before_each) before_each();
    for (Error& refusal : runner.ApplyLeavingOutFailures({Direction::kUpgrade, revision})) {
      refusals.push_back(std::move(refusal));
    }
  }
  return refusals;
}

// "public.orders" as the same table in the neighbour's namespace; "" for tables of other namespaces.
std::string AtNeighbour(const std::string& name) {
  return name.rfind("public.", 0) == 0 ? fmt::format("{}.{}", kNeighbour, name.substr(7)) : "";
}

void SettleNeighbour(Session& session, const Catalog& heads) {
  session.Execute(fmt::format("CREATE SCHEMA {}", kNeighbour));
  for (const std::string& table : heads.Names("table")) {
    if (!AtNeighbour(table).empty()) session.Execute(fmt::format("CREATE TABLE {} ()", AtNeighbour(table)));
  }
  for (const std::string& column : heads.Names("column")) {
    const auto* object = heads.Find("column", column);
    if (AtNeighbour(column).empty() || heads.Find("table", object->relation) == nullptr) continue;
    session.Execute(fmt::format("ALTER TABLE {} ADD {} text", AtNeighbour(object->relation),
                                column.substr(object->relation.size() + 1)));
  }
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// Whether objects of a kind have roles in their names, first or behind one of these words.
bool NamesRoles(const std::string& kind) {
  static const std::set<std::string> kinds = {"privilege", "default privilege", "role setting", "role membership",
                                              "user mapping"};
  return kinds.contains(kind);
}

constexpr std::string_view kBeforeRoles[] = {"to", "by", "of", "in"};

// `text` with `role` told apart where it stands for a role: alone, first, or behind a word that roles stand behind.
std::string Apart(const std::string& text, const std::string& role) {
  std::string apart;
  std::string before;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(" ,", at), text.size());
    const std::string word = text.substr(at, end - at);
    const bool stands_for_role = at == 0 || std::ranges::find(kBeforeRoles, before) != std::end(kBeforeRoles);
    apart += word;
    if (stands_for_role && (word == role || word == '"' + role + '"')) apart += " (named in a script)";
    if (!word.empty()) before = word;
    if (end < text.size()) apart += text[end];
    at = end + 1;
  }
  return apart;
}

// The catalog as it would be if `owner` were called as the usual one is. What belongs to the usual one by name, though
// the other one made it, stays apart; the word by itself, in a comment or within another name, is no name of a role.
Catalog InTheNameOf(const std::string& usual, const Catalog& catalog, const Catalog& ground) {
  const auto renamed = [&](const std::string& text, bool names_role) {
    return Replaced(names_role ? Apart(text, usual) : text, kOtherOwner, usual);
  };
  Catalog all;
  for (const auto& [key, object] : catalog.objects()) {
    if (key.kind == "role" && key.name == kOtherOwner) continue;
    if (key.kind == "role membership" && key.name.find(kOtherOwner) != std::string::npos) continue;
    const CatalogObject* known = ground.Find(key.kind, key.name);
    if (known != nullptr && *known == object) {
      all.objects().emplace(key, object);
      continue;
    }
    CatalogObject copy;
    copy.relation = object.relation;
    for (const auto& [name, value] : object.attributes) {
      copy.attributes[name] = renamed(value, name == "owner" || (key.kind == "policy" && name == "roles"));
    }
    all.objects().emplace({key.kind, renamed(key.name, NamesRoles(key.kind))}, std::move(copy));
  }
  return all;
}

// A role for as long as it is needed. It is the server's: nothing else must run there meanwhile. Beside a guest it has
// no more rights than that one, owns the database in its place, and lets the guest look at what it makes.
class OtherOwner {
 public:
  explicit OtherOwner(const Server& server) : server_(server) {
    const std::string guest = server.Guest();
    server_.Admin().Execute(
        fmt::format("CREATE ROLE {} {} LOGIN", kOtherOwner, guest.empty() ? "SUPERUSER" : "BYPASSRLS"));
    if (!guest.empty()) server_.Admin().Execute(fmt::format("GRANT {} TO {}", kOtherOwner, guest));
  }
  void Take(const Database& database) const {
    if (server_.Guest().empty()) return;
    server_.Admin().Execute(fmt::format("ALTER DATABASE {} OWNER TO {}", database.name(), kOtherOwner));
  }
  ~OtherOwner() {
    try {
      server_.Admin().Execute(fmt::format("DROP ROLE {}", kOtherOwner));
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): it goes with the server
    }
  }
  OtherOwner(const OtherOwner&) = delete;
  OtherOwner& operator=(const OtherOwner&) = delete;

 private:
  const Server& server_;
};

// Puts the rows of each table into an order of their text ("ASC", "DESC") without anything noticing: no trigger, rule
// or foreign key does, and no value changes. A table that can't be written to so is left as it is.
constexpr const char* kOrderRows = R"sql(
DO $migproof$
DECLARE
  part record;
  disorderly boolean;
BEGIN
  PERFORM pg_catalog.set_config('session_replication_role', 'replica', true);
  FOR part IN
    SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS name,
           (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum)
              FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
       AND pg_catalog.pg_relation_size(c.oid) BETWEEN 1 AND 8388608
       AND NOT pg_catalog.format('%I.%I', n.nspname, c.relname) = ANY ({0})
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND t.tgenabled IN ('A', 'R'))
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_enabled IN ('A', 'R'))
  LOOP
    CONTINUE WHEN part.columns IS NULL;
    BEGIN
      EXECUTE pg_catalog.format(
        'SELECT EXISTS (SELECT FROM (SELECT migproof_row::text COLLATE "C" AS one, '
        'pg_catalog.lag(migproof_row::text COLLATE "C") OVER (ORDER BY ctid) AS other FROM ONLY %s AS migproof_row) s '
        'WHERE {1})', part.name) INTO disorderly;
      IF disorderly THEN
        EXECUTE pg_catalog.format(
          'WITH migproof_row AS (DELETE FROM ONLY %1$s RETURNING %2$s) INSERT INTO %1$s (%2$s) OVERRIDING SYSTEM VALUE '
          'SELECT %2$s FROM migproof_row ORDER BY migproof_row::text COLLATE "C" {2}', part.name, part.columns);
      END IF;
    EXCEPTION WHEN OTHERS THEN NULL;
    END;
  END LOOP;
END
$migproof$)sql";

std::string OrderRowsSql(Session& session, const std::vector<std::string>& leave_out, const std::string& order) {
  std::string left_out;
  for (const std::string& table : leave_out) {
    left_out += fmt::format("{}{}", left_out.empty() ? "" : ", ", session.QuoteLiteral(table));
  }
  return fmt::format(fmt::runtime(kOrderRows), fmt::format("ARRAY[{}]::text[]", left_out),
                     order == "ASC" ? "one < other" : "one > other", order);
}

PlainRun RunOn(const Bench& bench, std::unique_ptr<Database> database, const Environment& environment,
               const Catalog& heads, const OtherOwner* owner = nullptr) {
  const Subject& subject = bench.subject();
  PlainRun run;
  std::shared_ptr<const Catalog> ground;
  {
    if (environment.neighbour) SettleNeighbour(*database->Connect(), heads);
    if (owner != nullptr) {
      Session looking(database->Conninfo());
      ground = std::make_shared<const Catalog>(CatalogReader(looking).Read());
    }
    if (owner != nullptr) owner->Take(*database);
    std::string conninfo = FixedConninfo(*database, environment.settings);
    if (owner != nullptr) conninfo = WithOption(conninfo, "user", kOtherOwner);
    if (!subject.before().empty()) {
      Session preparing(conninfo);
      for (const Script& script : subject.before()) RunScript(preparing, script);
    }
    Session session(conninfo);  // after what ALTER DATABASE ... SET may have said there
    const auto arranging = database->Connect();
    const std::string order_rows = environment.rows_by_text.empty()
                                       ? ""
                                       : OrderRowsSql(*arranging, subject.ledger().Tables(), environment.rows_by_text);
    run.refusals = UpgradeAll(subject, session, *database, [&] {
      if (!order_rows.empty()) arranging->Execute(order_rows);
    });
    if (environment.neighbour) {
      session.Execute(fmt::format("SET client_min_messages = error; DROP SCHEMA {} CASCADE", kNeighbour));
    }
  }
  Stand stand(bench, std::move(database), subject.order().size());
  run.end = stand.Observe();
  if (owner != nullptr) {
    const std::string usual(stand.session().Query("SELECT session_user").Get(0, 0));
    run.end.catalog = std::make_shared<const Catalog>(InTheNameOf(usual, *run.end.catalog, *ground));
  }
  return run;
}

// A file that nobody else can read, for as long as it is needed.
class ScriptFile {
 public:
  explicit ScriptFile(const std::string& text) {
    std::string path = (std::filesystem::temp_directory_path() / "migproof_offline_XXXXXX").string();
    const int file = mkstemp(path.data());
    if (file < 0) throw Error(ErrorKind::kInternal, "can't make a file for the offline script");
    close(file);
    path_ = path;
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~ScriptFile() { std::remove(path_.c_str()); }
  ScriptFile(const ScriptFile&) = delete;
  ScriptFile& operator=(const ScriptFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Whether psql knows \restrict. One that does not, or that is not there, ends with an error.
bool LocksMetaCommands(const std::string& conninfo) {
  const ScriptFile file("\\set ON_ERROR_STOP on\n\\restrict a\n\\unrestrict a\n");
  const ChildResult result = RunToEnd({"psql", "-X", "-q", "-f", file.path(), conninfo}, kPsqlTimeoutMs);
  return result.exit_code == 0 || result.exit_code == kNoSuchProgram;
}

// Without what is in `namespace_name`.
Observation Outside(const Observation& seen, const std::string& namespace_name) {
  auto catalog = std::make_shared<Catalog>(*seen.catalog);
  erase_if(catalog->objects(), [&](const auto& entry) {
    return entry.first.name.find(namespace_name) != std::string::npos ||
           entry.second.relation.rfind(namespace_name + ".", 0) == 0;
  });
  auto rows = std::make_shared<RowSnapshot>(*seen.rows);
  std::erase_if(rows->tables, [&](const auto& entry) { return entry.first.rfind(namespace_name + ".", 0) == 0; });
  std::erase_if(rows->sequences, [&](const auto& entry) { return entry.first.rfind(namespace_name + ".", 0) == 0; });
  Observation outside;
  outside.catalog = std::move(catalog);
  outside.rows = std::move(rows);
  return outside;
}

}  // namespace

PlainRun RunUnder(const Bench& bench, const Environment& environment, const Catalog& heads) {
  if (!environment.other_owner && !environment.other_day && !bench.subject().touches_cluster()) {
    return RunOn(bench, bench.Empty(environment.locale), environment, heads);
  }
  const std::unique_ptr<Bench> other = environment.other_day ? bench.Later() : bench.Another();
  if (!environment.other_owner) return RunOn(*other, other->Empty(environment.locale), environment, heads);
  const OtherOwner owner(other->server());
  return RunOn(*other, other->Empty(environment.locale), environment, heads, &owner);
}

OfflineRun RunOffline(const Bench& bench) {
  const Subject& subject = bench.subject();
  OfflineRun run;
  auto database = bench.Fresh();
  const std::string conninfo = FixedConninfo(*database);
  if (conninfo.find("password=") != std::string::npos) {
    run.why_not = "the server wants a password, and every process of this machine could read it from psql's arguments";
    return run;
  }
  const std::string lock = bench.server().Guest().empty() ? "" : RandomToken(kLockDigits);
  if (!lock.empty() && !LocksMetaCommands(conninfo)) {
    run.why_not =
        "psql here can't be kept from running what a script says beyond SQL (psql of August 2025 and later can)";
    return run;
  }
  std::string text = OfflineHeader(subject.ledger(), lock);
  for (const Revision* revision : subject.order()) {
    text += '\n' + OfflineStep({Direction::kUpgrade, revision}, subject.history(), subject.ledger(), {});
  }
  const ScriptFile file(text);
  const ChildResult result =
      RunToEnd({"psql", "-X", "-q", "-o", "/dev/null", "-f", file.path(), conninfo}, kPsqlTimeoutMs);
  if (result.exit_code == kNoSuchProgram) {
    run.why_not = "there is no psql: apt-get install postgresql-client";
    return run;
  }
  if (result.exit_code != 0) run.complaint = Replaced(result.output, file.path(), "the script");
  Stand stand(bench, std::move(database), subject.order().size());
  run.end = stand.Observe();
  return run;
}

TenantRun RunAsTenant(const Bench& bench) {
  const Subject& subject = bench.subject();
  auto database = bench.Fresh();
  {
    const auto session = database->Connect();
    for (const char* tenant : kTenants) session->Execute(fmt::format("CREATE SCHEMA {}", tenant));
  }
  TenantRun run;
  std::vector<Error> first;
  {
    Session session(FixedConninfo(*database, {fmt::format("search_path={}", kTenants[0])}));
    first = UpgradeAll(subject, session, *database);
  }
  auto stand = std::make_unique<Stand>(bench, std::move(database), subject.order().size());
  run.before = Outside(stand->Observe(), kTenants[1]);
  stand->runner().Stamp({});
  database = stand->Release();
  {
    Session session(FixedConninfo(*database, {fmt::format("search_path={}", kTenants[1])}));
    run.refusals = NewRefusals(UpgradeAll(subject, session, *database), first);
  }
  stand = std::make_unique<Stand>(bench, std::move(database), subject.order().size());
  run.after = Outside(stand->Observe(), kTenants[1]);
  return run;
}

}  // namespace migproof
