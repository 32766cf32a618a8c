-- Triggers, constraint triggers among them; the ones the server makes for foreign keys are the keys'.
-- catalogs: *pg_trigger:own
-- relkinds: r p v f
SELECT quote_ident(t.tgname) || ' on ' || t.tgrelid::regclass AS name,
       t.tgrelid::regclass AS relation,
       pg_get_triggerdef(t.oid) AS definition,
       CASE t.tgenabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' ELSE 'always' END
         AS enabled,
       CASE WHEN t.tgparentid <> 0 THEN 'only' END AS inherited
  FROM pg_trigger AS t
 WHERE t.tgrelid = ANY ($1) AND NOT t.tgisinternal
