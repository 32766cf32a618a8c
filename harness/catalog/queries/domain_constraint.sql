-- CHECK constraints of domains.
-- catalogs: pg_constraint *pg_type
SELECT quote_ident(k.conname) || ' on ' || k.contypid::regtype AS name,
       NULL AS relation,
       pg_get_constraintdef(k.oid) AS definition
  FROM pg_constraint AS k
  JOIN pg_type AS t ON t.oid = k.contypid
  JOIN pg_namespace AS n ON n.oid = t.typnamespace AND n.nspname !~ '^pg_'
 WHERE k.oid >= 16384 AND k.contype = 'c' AND k.contypid <> 0
   AND t.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_type'::regclass AND deptype = 'e')
