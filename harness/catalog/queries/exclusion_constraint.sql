-- Exclusion constraints.
-- catalogs: *pg_constraint:exclusion pg_index
-- relkinds: r p
SELECT quote_ident(k.conname) || ' on ' || k.conrelid::regclass AS name,
       k.conrelid::regclass AS relation,
       pg_get_constraintdef(k.oid) AS definition,
       CASE WHEN k.coninhcount > 0
            THEN CASE WHEN k.conislocal THEN 'and local' ELSE 'only' END END AS inherited
  FROM pg_constraint AS k
 WHERE k.conrelid = ANY ($1) AND k.contype = 'x'
