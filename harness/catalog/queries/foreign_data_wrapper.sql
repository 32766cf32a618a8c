-- Foreign data wrappers.
-- catalogs: *pg_foreign_data_wrapper
SELECT quote_ident(w.fdwname) AS name,
       NULL AS relation,
       CASE WHEN w.fdwhandler <> 0 THEN w.fdwhandler::regproc END AS handler,
       CASE WHEN w.fdwvalidator <> 0 THEN w.fdwvalidator::regproc END AS validator,
       (SELECT string_agg(o.option_name || ' ' || quote_literal(o.option_value), ', ' ORDER BY o.option_name)
          FROM pg_options_to_table(w.fdwoptions) AS o) AS options,
       pg_get_userbyid(w.fdwowner) AS owner
  FROM pg_foreign_data_wrapper AS w
 WHERE w.oid >= 16384
   AND w.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_foreign_data_wrapper'::regclass AND deptype = 'e')
