-- Comments on everything but relations, columns, indexes and the schema public. The database's own is left out: it
-- carries our token.
-- catalogs: *pg_description *pg_shdescription pg_constraint pg_trigger pg_rewrite pg_policy pg_statistic_ext pg_proc
-- catalogs: pg_type pg_event_trigger pg_publication pg_subscription pg_conversion
SELECT CASE i.type WHEN 'schema' THEN 'namespace' WHEN 'foreign-data wrapper' THEN 'foreign data wrapper'
                   WHEN 'table constraint' THEN 'constraint'
                   WHEN 'statistics object' THEN 'statistics object' ELSE i.type END || ' ' || i.identity AS name,
       coalesce(k.conrelid, t.tgrelid, r.ev_class, p.polrelid, s.stxrelid)::regclass AS relation,
       d.description AS text
  FROM (SELECT classoid, objoid, description FROM pg_description
         WHERE classoid <> 'pg_class'::regclass AND objoid >= 16384 AND objsubid = 0
        UNION ALL
        SELECT classoid, objoid, description FROM pg_shdescription
         WHERE classoid = 'pg_authid'::regclass AND objoid >= 16384) AS d
 CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, 0) AS i
  LEFT JOIN pg_constraint AS k ON d.classoid = 'pg_constraint'::regclass AND k.oid = d.objoid AND k.conrelid <> 0
  LEFT JOIN pg_trigger AS t ON d.classoid = 'pg_trigger'::regclass AND t.oid = d.objoid
  LEFT JOIN pg_rewrite AS r ON d.classoid = 'pg_rewrite'::regclass AND r.oid = d.objoid
  LEFT JOIN pg_policy AS p ON d.classoid = 'pg_policy'::regclass AND p.oid = d.objoid
  LEFT JOIN pg_statistic_ext AS s ON d.classoid = 'pg_statistic_ext'::regclass AND s.oid = d.objoid
 WHERE NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.classid = d.classoid AND e.objid = d.objoid AND e.deptype = 'e')
