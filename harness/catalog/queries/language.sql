-- Procedural languages that no extension brought.
-- catalogs: *pg_language
SELECT quote_ident(l.lanname) AS name,
       NULL AS relation,
       l.lanpltrusted::text AS trusted,
       CASE WHEN l.lanplcallfoid <> 0 THEN l.lanplcallfoid::regproc END AS handler,
       CASE WHEN l.laninline <> 0 THEN l.laninline::regproc END AS inline,
       CASE WHEN l.lanvalidator <> 0 THEN l.lanvalidator::regproc END AS validator,
       pg_get_userbyid(l.lanowner) AS owner
  FROM pg_language AS l
 WHERE l.oid >= 16384
   AND l.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_language'::regclass AND deptype = 'e')
