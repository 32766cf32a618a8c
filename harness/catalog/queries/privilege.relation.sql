-- What is granted on relations and columns, where that differs from what their kind grants by itself: a NULL ACL and
-- the default ACL spelled out are the same. '*' is WITH GRANT OPTION.
-- catalogs: *pg_class:acl *pg_attribute:acl
SELECT g.what || ' to ' || CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END
         || CASE WHEN g.grantor <> 0 THEN ' by ' || quote_ident(pg_get_userbyid(g.grantor)) ELSE '' END AS name,
       g.relation,
       coalesce(g.granted, 'none') AS privileges,
       g.by_default AS default
  FROM (SELECT o.what, o.relation, x.grantee, CASE WHEN x.grantor <> o.owner THEN x.grantor ELSE 0 END AS grantor,
               string_agg(x.privilege_type || CASE WHEN x.is_grantable THEN '*' ELSE '' END, ', '
                          ORDER BY x.privilege_type) FILTER (WHERE x.explicit) AS granted,
               string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type) FILTER (WHERE NOT x.explicit) AS by_default
          FROM (SELECT CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view '
                                      WHEN 'f' THEN 'foreign table ' WHEN 'S' THEN 'sequence '
                                      WHEN 'c' THEN 'composite type ' ELSE 'table ' END || c.oid::regclass AS what,
                       c.oid::regclass AS relation, c.relowner AS owner, c.relacl AS acl,
                       CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char" AS type
                  FROM pg_class AS c WHERE c.oid = ANY ($1) AND c.relacl IS NOT NULL
                UNION ALL
                SELECT 'column ' || c.oid::regclass || '.' || quote_ident(a.attname),
                       c.oid::regclass, c.relowner, a.attacl, 'c'::"char"
                  FROM pg_attribute AS a
                  JOIN pg_class AS c ON c.oid = a.attrelid
                 WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND a.attacl IS NOT NULL
                   AND NOT a.attisdropped) AS o
         CROSS JOIN LATERAL (SELECT true AS explicit, e.* FROM aclexplode(o.acl) AS e
                             UNION ALL
                             SELECT false, e.* FROM aclexplode(acldefault(o.type, o.owner)) AS e) AS x
         GROUP BY 1, 2, 3, 4) AS g
 WHERE g.granted IS DISTINCT FROM g.by_default
