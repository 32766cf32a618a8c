-- Foreign keys: actions, deferrability and NOT VALID stand in the definition. ALTER TABLE ... DISABLE TRIGGER ALL turns
-- a key's own triggers off, and leaves a key that nothing enforces.
-- catalogs: *pg_constraint:foreign_key pg_trigger
-- relkinds: r p
SELECT quote_ident(k.conname) || ' on ' || k.conrelid::regclass AS name,
       k.conrelid::regclass AS relation,
       pg_get_constraintdef(k.oid) AS definition,
       (SELECT 'disabled' FROM pg_trigger AS t
         WHERE t.tgconstraint = k.oid AND t.tgenabled IN ('D', 'R') LIMIT 1) AS triggers,
       CASE WHEN k.coninhcount > 0
            THEN CASE WHEN k.conislocal THEN 'and local' ELSE 'only' END END AS inherited
  FROM pg_constraint AS k
 WHERE k.conrelid = ANY ($1) AND k.contype = 'f'
