-- Row security policies.
-- catalogs: *pg_policy
-- relkinds: r p
SELECT quote_ident(p.polname) || ' on ' || p.polrelid::regclass AS name,
       p.polrelid::regclass AS relation,
       CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete'
                     ELSE 'all' END AS command,
       CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END AS type,
       (SELECT string_agg(CASE WHEN o = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END, ', '
                          ORDER BY pg_get_userbyid(o))
          FROM unnest(p.polroles) AS o) AS roles,
       pg_get_expr(p.polqual, p.polrelid) AS using,
       pg_get_expr(p.polwithcheck, p.polrelid) AS with_check
  FROM pg_policy AS p
 WHERE p.polrelid = ANY ($1)
