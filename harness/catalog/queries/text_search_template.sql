-- Text search templates.
-- catalogs: *pg_ts_template
SELECT quote_ident(n.nspname) || '.' || quote_ident(t.tmplname) AS name,
       NULL AS relation,
       CASE WHEN t.tmplinit <> 0 THEN t.tmplinit::regproc END AS initialize,
       t.tmpllexize::regproc AS lexize
  FROM pg_ts_template AS t
  JOIN pg_namespace AS n ON n.oid = t.tmplnamespace AND n.nspname !~ '^pg_'
 WHERE t.oid >= 16384
   AND t.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_ts_template'::regclass AND deptype = 'e')
