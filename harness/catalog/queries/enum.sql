-- Enum types, their labels in order.
-- catalogs: *pg_type pg_enum
SELECT t.oid::regtype AS name,
       NULL AS relation,
       coalesce((SELECT string_agg(CASE WHEN e.enumlabel ~ '[,'']|^\s|\s$|^$' THEN quote_literal(e.enumlabel)
                                        ELSE e.enumlabel END, ', ' ORDER BY e.enumsortorder)
                   FROM pg_enum AS e WHERE e.enumtypid = t.oid), '') AS labels,
       pg_get_userbyid(t.typowner) AS owner
  FROM pg_type AS t
  JOIN pg_namespace AS n ON n.oid = t.typnamespace AND n.nspname !~ '^pg_'
 WHERE t.oid >= 16384 AND t.typtype = 'e'
   AND t.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_type'::regclass AND deptype = 'e')
