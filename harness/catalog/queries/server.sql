-- Foreign servers. A password among the options is not read.
-- catalogs: *pg_foreign_server
SELECT quote_ident(s.srvname) AS name,
       NULL AS relation,
       quote_ident(w.fdwname) AS wrapper,
       s.srvtype AS type,
       s.srvversion AS version,
       (SELECT string_agg(o.option_name || ' '
                            || CASE WHEN o.option_name ~* 'password' THEN '***' ELSE quote_literal(o.option_value) END,
                          ', ' ORDER BY o.option_name)
          FROM pg_options_to_table(s.srvoptions) AS o) AS options,
       pg_get_userbyid(s.srvowner) AS owner
  FROM pg_foreign_server AS s
  JOIN pg_foreign_data_wrapper AS w ON w.oid = s.srvfdw
 WHERE s.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_foreign_server'::regclass AND deptype = 'e')
