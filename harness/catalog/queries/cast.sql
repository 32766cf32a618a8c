-- Casts.
-- catalogs: *pg_cast
SELECT '(' || format_type(c.castsource, NULL) || ' AS ' || format_type(c.casttarget, NULL) || ')' AS name,
       NULL AS relation,
       CASE WHEN c.castfunc <> 0 THEN c.castfunc::regprocedure END AS function,
       CASE c.castcontext WHEN 'e' THEN 'explicit' WHEN 'a' THEN 'assignment' ELSE 'implicit' END AS context,
       CASE c.castmethod WHEN 'f' THEN 'function' WHEN 'i' THEN 'input and output' ELSE 'binary' END AS method
  FROM pg_cast AS c
 WHERE c.oid >= 16384
   AND c.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_cast'::regclass AND deptype = 'e')
   -- A range type brings the cast to its multirange.
   AND c.oid NOT IN (SELECT objid FROM pg_depend WHERE classid = 'pg_cast'::regclass AND deptype = 'i')
