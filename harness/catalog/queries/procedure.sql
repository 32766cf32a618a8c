-- Procedures.
-- catalogs: *pg_proc
SELECT p.oid::regprocedure AS name,
       NULL AS relation,
       pg_get_function_arguments(p.oid) AS arguments,
       pg_get_function_result(p.oid) AS returns,
       l.lanname AS language,
       p.prosrc AS body, -- until 13
       coalesce(pg_get_function_sqlbody(p.oid), p.prosrc) AS body, -- since 14
       p.probin AS library,
       CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END AS volatility,
       CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' ELSE 'unsafe' END AS parallel,
       CASE WHEN p.proisstrict THEN 'true' END AS strict,
       CASE WHEN p.prosecdef THEN 'definer' ELSE 'invoker' END AS security,
       CASE WHEN p.proleakproof THEN 'true' END AS leakproof,
       CASE WHEN p.prokind = 'w' THEN 'true' END AS window,
       p.procost AS cost,
       CASE WHEN p.proretset THEN p.prorows END AS rows,
       CASE WHEN p.prosupport <> 0 THEN p.prosupport::regproc END AS support,
       CASE WHEN p.protrftypes IS NOT NULL
            THEN (SELECT string_agg(format_type(t, NULL), ', ') FROM unnest(p.protrftypes) AS t) END AS transforms,
       CASE WHEN p.proconfig IS NOT NULL
            THEN (SELECT string_agg(c, ', ' ORDER BY c) FROM unnest(p.proconfig) AS c) END AS settings,
       pg_get_userbyid(p.proowner) AS owner
  FROM pg_proc AS p
  JOIN pg_namespace AS n ON n.oid = p.pronamespace AND n.nspname !~ '^pg_'
  JOIN pg_language AS l ON l.oid = p.prolang
 WHERE p.oid >= 16384 AND p.prokind = 'p'
   AND p.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_proc'::regclass AND deptype = 'e')
