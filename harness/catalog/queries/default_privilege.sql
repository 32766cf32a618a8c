-- ALTER DEFAULT PRIVILEGES: for the whole database what differs from the built-in default, in a namespace what is added.
-- catalogs: *pg_default_acl
SELECT g.what || ' to ' || CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END AS name,
       NULL AS relation,
       coalesce(g.granted, 'none') AS privileges,
       g.by_default AS default
  FROM (SELECT o.what, x.grantee,
               string_agg(x.privilege_type || CASE WHEN x.is_grantable THEN '*' ELSE '' END, ', '
                          ORDER BY x.privilege_type) FILTER (WHERE x.explicit) AS granted,
               string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type) FILTER (WHERE NOT x.explicit) AS by_default
          FROM (SELECT CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
                                            WHEN 'T' THEN 'types' WHEN 'n' THEN 'namespaces' ELSE 'large objects' END
                         || ' of ' || quote_ident(pg_get_userbyid(d.defaclrole))
                         || coalesce(' in ' || quote_ident(n.nspname), '') AS what,
                       d.defaclacl AS acl,
                       CASE WHEN d.defaclnamespace = 0
                            THEN acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, d.defaclrole)
                       END AS default_acl
                  FROM pg_default_acl AS d
                  LEFT JOIN pg_namespace AS n ON n.oid = d.defaclnamespace) AS o
         CROSS JOIN LATERAL (SELECT true AS explicit, e.* FROM aclexplode(o.acl) AS e
                             UNION ALL
                             SELECT false, e.* FROM aclexplode(o.default_acl) AS e) AS x
         GROUP BY 1, 2) AS g
 WHERE g.granted IS DISTINCT FROM g.by_default
