-- User mappings. A password among the options is not read.
-- catalogs: *pg_user_mapping
SELECT CASE WHEN m.umuser = 0 THEN 'PUBLIC' ELSE quote_ident(m.usename) END || ' on ' || quote_ident(m.srvname) AS name,
       NULL AS relation,
       (SELECT string_agg(o.option_name || ' '
                            || CASE WHEN o.option_name ~* 'password' THEN '***' ELSE quote_literal(o.option_value) END,
                          ', ' ORDER BY o.option_name)
          FROM pg_options_to_table(m.umoptions) AS o) AS options
  FROM pg_user_mappings AS m
