-- What is granted on anything but relations and columns, where that differs from what its kind grants by itself.
-- catalogs: pg_proc pg_type pg_namespace pg_language pg_database pg_foreign_data_wrapper pg_foreign_server pg_parameter_acl
SELECT g.what || ' to ' || CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END
         || CASE WHEN g.grantor <> 0 THEN ' by ' || quote_ident(pg_get_userbyid(g.grantor)) ELSE '' END AS name,
       NULL AS relation,
       coalesce(g.granted, 'none') AS privileges,
       g.by_default AS default
  FROM (SELECT o.what, x.grantee, CASE WHEN x.grantor <> o.owner THEN x.grantor ELSE 0 END AS grantor,
               string_agg(x.privilege_type || CASE WHEN x.is_grantable THEN '*' ELSE '' END, ', '
                          ORDER BY x.privilege_type) FILTER (WHERE x.explicit) AS granted,
               string_agg(x.privilege_type, ', ' ORDER BY x.privilege_type) FILTER (WHERE NOT x.explicit) AS by_default
          FROM (SELECT CASE p.prokind WHEN 'p' THEN 'procedure ' WHEN 'a' THEN 'aggregate ' ELSE 'function ' END
                         || p.oid::regprocedure AS what,
                       'pg_proc'::regclass AS class, p.oid, p.proowner AS owner, p.proacl AS acl, 'f'::"char" AS type
                  FROM pg_proc AS p WHERE p.oid >= 16384 AND p.proacl IS NOT NULL
                UNION ALL
                SELECT CASE WHEN t.typtype = 'd' THEN 'domain ' ELSE 'type ' END || t.oid::regtype,
                       'pg_type', t.oid, t.typowner, t.typacl, 'T'
                  FROM pg_type AS t WHERE t.oid >= 16384 AND t.typacl IS NOT NULL
                UNION ALL
                SELECT 'namespace ' || quote_ident(n.nspname), 'pg_namespace', n.oid, n.nspowner, n.nspacl, 'n'
                  FROM pg_namespace AS n
                 WHERE (n.oid >= 16384 OR n.nspname = 'public') AND n.nspname !~ '^pg_' AND n.nspacl IS NOT NULL
                UNION ALL
                SELECT 'language ' || quote_ident(l.lanname), 'pg_language', l.oid, l.lanowner, l.lanacl, 'l'
                  FROM pg_language AS l WHERE l.lanacl IS NOT NULL
                UNION ALL
                SELECT 'database current', 'pg_database', d.oid, d.datdba, d.datacl, 'd'
                  FROM pg_database AS d WHERE d.datname = current_database() AND d.datacl IS NOT NULL
                UNION ALL
                SELECT 'foreign data wrapper ' || quote_ident(w.fdwname), 'pg_foreign_data_wrapper', w.oid, w.fdwowner,
                       w.fdwacl, 'F'
                  FROM pg_foreign_data_wrapper AS w WHERE w.fdwacl IS NOT NULL
                UNION ALL
                SELECT 'server ' || quote_ident(s.srvname), 'pg_foreign_server', s.oid, s.srvowner, s.srvacl, 'S'
                  FROM pg_foreign_server AS s WHERE s.srvacl IS NOT NULL
                UNION ALL -- since 15
                SELECT 'parameter ' || a.parname, 'pg_parameter_acl', a.oid, 10, a.paracl, 'p' -- since 15
                  FROM pg_parameter_acl AS a WHERE a.paracl IS NOT NULL -- since 15
               ) AS o
         CROSS JOIN LATERAL (SELECT true AS explicit, e.* FROM aclexplode(o.acl) AS e
                             UNION ALL
                             SELECT false, e.* FROM aclexplode(acldefault(o.type, o.owner)) AS e) AS x
         WHERE NOT EXISTS (SELECT FROM pg_depend AS e
                            WHERE e.classid = o.class AND e.objid = o.oid AND o.oid >= 16384
                              AND (e.deptype = 'e' OR e.deptype = 'i' AND o.class = 'pg_proc'::regclass))
         GROUP BY 1, 2, 3) AS g
 WHERE g.granted IS DISTINCT FROM g.by_default
