// For tests: tables with everything that whoever fills them has to respect, and a database that holds them.
#pragma once

#include <memory>
#include <string>

#include "harness/catalog/read.h"
#include "harness/data/rows.h"
#include "harness/postgres/database.h"
#include "harness/postgres/test_server.h"
#include "migrations/session.h"

namespace migproof {

inline constexpr const char* kFilledSchema = R"sql(
CREATE EXTENSION btree_gist;
CREATE SCHEMA "Back Office";
CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy');
CREATE TYPE money_amount AS (amount numeric(10, 2), currency char(3));
CREATE DOMAIN positive AS integer CHECK (VALUE > 0);
CREATE DOMAIN code AS varchar(8) NOT NULL CHECK (VALUE ~ '^[A-Z]{2,4}$');

CREATE TABLE nothing ();
CREATE TABLE no_key (a int, b text, c text DEFAULT 'c');
CREATE TABLE customers (
  id bigserial PRIMARY KEY,
  email text NOT NULL,
  name varchar(20),
  nick text UNIQUE NULLS NOT DISTINCT,
  born date,
  mood mood DEFAULT 'happy',
  tags text[],
  notes jsonb DEFAULT '{}',
  balance money_amount,
  score positive,
  country code,
  created_at timestamptz NOT NULL DEFAULT now(),
  deleted_at timestamptz);
CREATE UNIQUE INDEX customers_email ON customers (lower(email));
CREATE UNIQUE INDEX customers_one_name ON customers (name) WHERE deleted_at IS NULL;

CREATE TABLE "Back Office"."Order" (
  "order id" uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  customer_id bigint NOT NULL REFERENCES customers ON DELETE CASCADE,
  "référé" bigint REFERENCES customers (id) DEFERRABLE INITIALLY DEFERRED,
  number int GENERATED ALWAYS AS IDENTITY UNIQUE,
  low int, high int,
  total numeric(8, 2) NOT NULL DEFAULT 0,
  doubled numeric GENERATED ALWAYS AS (total * 2) STORED,
  status text NOT NULL CHECK (status IN ('open', 'paid', 'it''s lost')),
  CONSTRAINT "low before high" CHECK (low < high),
  CHECK (total >= 0));

CREATE TABLE lines (
  order_id uuid REFERENCES "Back Office"."Order" ("order id"),
  line smallint,
  amount int CHECK (amount BETWEEN 1 AND 1000),
  PRIMARY KEY (order_id, line));
CREATE TABLE line_notes (
  order_id uuid, line smallint, note text,
  FOREIGN KEY (order_id, line) REFERENCES lines (order_id, line) MATCH SIMPLE);
CREATE TABLE line_marks (
  id int PRIMARY KEY, order_id uuid, line smallint,
  FOREIGN KEY (order_id, line) REFERENCES lines MATCH FULL);
CREATE TABLE profiles (customer_id bigint PRIMARY KEY REFERENCES customers, photo bytea);

CREATE TABLE tree (id int PRIMARY KEY, parent int REFERENCES tree, root int NOT NULL REFERENCES tree);
CREATE TABLE tenants (id int PRIMARY KEY);
CREATE TABLE folders (
  tenant int REFERENCES tenants, id int, parent int,
  PRIMARY KEY (tenant, id), FOREIGN KEY (tenant, parent) REFERENCES folders (tenant, id));
CREATE TABLE files (
  tenant int NOT NULL, folder int NOT NULL, owner int, id int PRIMARY KEY,
  FOREIGN KEY (tenant, folder) REFERENCES folders (tenant, id),
  FOREIGN KEY (tenant) REFERENCES tenants,
  UNIQUE (tenant, folder));

CREATE TABLE teams (id int PRIMARY KEY, captain int NOT NULL, motto text);
CREATE TABLE players (id int PRIMARY KEY, team int NOT NULL REFERENCES teams, best_friend int REFERENCES players);
ALTER TABLE teams ADD CONSTRAINT teams_captain FOREIGN KEY (captain) REFERENCES players;
CREATE TABLE chickens (id int PRIMARY KEY, egg int);
CREATE TABLE eggs (id int PRIMARY KEY, chicken int REFERENCES chickens DEFERRABLE INITIALLY IMMEDIATE);
ALTER TABLE chickens ADD FOREIGN KEY (egg) REFERENCES eggs;

CREATE TABLE events (id int, day date NOT NULL, what text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE events_2020 PARTITION OF events FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE events_early PARTITION OF events FOR VALUES FROM (MINVALUE) TO ('2020-01-01');
CREATE TABLE regions (region text, city text, size int) PARTITION BY LIST (region);
CREATE TABLE regions_north PARTITION OF regions FOR VALUES IN ('n', 'ne', NULL);
CREATE TABLE regions_south PARTITION OF regions FOR VALUES IN ('s') PARTITION BY RANGE (size, city);
CREATE TABLE regions_south_small PARTITION OF regions_south FOR VALUES FROM (0, 'a') TO (9, 'm');
CREATE TABLE regions_south_big PARTITION OF regions_south FOR VALUES FROM (10, MINVALUE) TO (MAXVALUE, MAXVALUE);
CREATE TABLE hashed (id int PRIMARY KEY, v text) PARTITION BY HASH (id);
CREATE TABLE hashed_0 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE hashed_1 PARTITION OF hashed FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE hashed_notes (hashed int REFERENCES hashed, note text);
CREATE TABLE kinds (kind int NOT NULL, v text) PARTITION BY LIST (kind);
CREATE TABLE kinds_rest PARTITION OF kinds DEFAULT;
CREATE TABLE unpartitioned (a int) PARTITION BY LIST (a);

CREATE TABLE animals (name text NOT NULL CHECK (name <> ''), legs int CHECK (legs >= 0));
CREATE TABLE birds (wings int NOT NULL DEFAULT 2) INHERITS (animals);

CREATE TABLE bookings (
  room int, during tstzrange NOT NULL, guest text,
  EXCLUDE USING gist (room WITH =, during WITH &&));
CREATE TABLE seats (hall int, seat int, EXCLUDE USING gist (hall WITH =, seat WITH =));

CREATE TABLE guarded (v int, w text);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'P0001'; END $$;
CREATE TRIGGER guard BEFORE INSERT ON guarded FOR EACH ROW WHEN (NEW.v IS NULL) EXECUTE FUNCTION refuse();
CREATE VIEW all_orders AS SELECT * FROM "Back Office"."Order";
)sql";

class FilledDatabase {
 public:
  explicit FilledDatabase(const std::string& schema = kFilledSchema)
      : database_(Database::Create(TestServer())), session_(database_->Connect()) {
    session_->Execute(schema);
    session_->Execute("SET client_min_messages = error");
    Read();
  }

  Session& session() { return *session_; }
  const Catalog& catalog() const { return catalog_; }
  const RowSnapshot& rows() const { return rows_; }
  void Read() {
    catalog_ = CatalogReader(*session_).Read();
    rows_ = ReadRows(*session_, {});
  }

 private:
  std::unique_ptr<Database> database_;
  std::unique_ptr<Session> session_;
  Catalog catalog_;
  RowSnapshot rows_;
};

}  // namespace migproof
