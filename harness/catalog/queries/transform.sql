-- Transforms between types and languages.
-- catalogs: *pg_transform
SELECT 'for ' || format_type(t.trftype, NULL) || ' language ' || quote_ident(l.lanname) AS name,
       NULL AS relation,
       CASE WHEN t.trffromsql <> 0 THEN t.trffromsql::regprocedure END AS from_sql,
       CASE WHEN t.trftosql <> 0 THEN t.trftosql::regprocedure END AS to_sql
  FROM pg_transform AS t
  JOIN pg_language AS l ON l.oid = t.trflang
 WHERE t.oid >= 16384
   AND t.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_transform'::regclass AND deptype = 'e')
