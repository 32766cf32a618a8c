-- Text search dictionaries.
-- catalogs: *pg_ts_dict
SELECT quote_ident(n.nspname) || '.' || quote_ident(d.dictname) AS name,
       NULL AS relation,
       quote_ident(tn.nspname) || '.' || quote_ident(t.tmplname) AS template,
       d.dictinitoption AS options,
       pg_get_userbyid(d.dictowner) AS owner
  FROM pg_ts_dict AS d
  JOIN pg_namespace AS n ON n.oid = d.dictnamespace AND n.nspname !~ '^pg_'
  JOIN pg_ts_template AS t ON t.oid = d.dicttemplate
  JOIN pg_namespace AS tn ON tn.oid = t.tmplnamespace
 WHERE d.oid >= 16384
   AND d.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_ts_dict'::regclass AND deptype = 'e')
