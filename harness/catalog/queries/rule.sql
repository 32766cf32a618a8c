-- Rewrite rules, without those that make a view a view.
-- catalogs: *pg_rewrite
-- relkinds: r p v m
SELECT quote_ident(r.rulename) || ' on ' || r.ev_class::regclass AS name,
       r.ev_class::regclass AS relation,
       pg_get_ruledef(r.oid) AS definition,
       CASE r.ev_enabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' ELSE 'always' END
         AS enabled
  FROM pg_rewrite AS r
 WHERE r.ev_class = ANY ($1) AND r.rulename <> '_RETURN'
