-- Security labels.
-- catalogs: *pg_seclabel *pg_shseclabel pg_class pg_attribute pg_constraint pg_trigger pg_rewrite pg_policy
-- catalogs: pg_statistic_ext pg_proc pg_type pg_event_trigger pg_publication pg_subscription
SELECT i.type || ' ' || i.identity || ' by ' || l.provider AS name,
       NULL AS relation,
       l.label
  FROM (SELECT classoid, objoid, objsubid, provider, label FROM pg_seclabel
        UNION ALL
        SELECT classoid, objoid, 0, provider, label FROM pg_shseclabel WHERE classoid = 'pg_authid'::regclass) AS l
 CROSS JOIN LATERAL pg_identify_object(l.classoid, l.objoid, l.objsubid) AS i
