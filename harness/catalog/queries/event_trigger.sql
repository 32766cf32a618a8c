-- Event triggers.
-- catalogs: *pg_event_trigger
SELECT quote_ident(e.evtname) AS name,
       NULL AS relation,
       e.evtevent AS event,
       e.evtfoid::regprocedure AS function,
       (SELECT string_agg(t, ', ' ORDER BY t) FROM unnest(e.evttags) AS t) AS tags,
       CASE e.evtenabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' ELSE 'always' END
         AS enabled,
       pg_get_userbyid(e.evtowner) AS owner
  FROM pg_event_trigger AS e
 WHERE e.oid >= 16384
   AND e.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_event_trigger'::regclass AND deptype = 'e')
