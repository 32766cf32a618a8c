-- Text search configurations with their mappings: token type by token type, dictionaries in order.
-- catalogs: *pg_ts_config pg_ts_config_map
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.cfgname) AS name,
       NULL AS relation,
       quote_ident(pn.nspname) || '.' || quote_ident(p.prsname) AS parser,
       (SELECT string_agg(m.line, '; ' ORDER BY m.maptokentype)
          FROM (SELECT k.maptokentype,
                       (SELECT t.alias FROM ts_token_type(c.cfgparser) AS t WHERE t.tokid = k.maptokentype) || ': '
                         || string_agg(k.mapdict::regdictionary::text, ', ' ORDER BY k.mapseqno) AS line
                  FROM pg_ts_config_map AS k
                 WHERE k.mapcfg = c.oid GROUP BY k.maptokentype) AS m) AS mappings,
       pg_get_userbyid(c.cfgowner) AS owner
  FROM pg_ts_config AS c
  JOIN pg_namespace AS n ON n.oid = c.cfgnamespace AND n.nspname !~ '^pg_'
  JOIN pg_ts_parser AS p ON p.oid = c.cfgparser
  JOIN pg_namespace AS pn ON pn.oid = p.prsnamespace
 WHERE c.oid >= 16384
   AND c.oid NOT IN (SELECT objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass
                        AND classid = 'pg_ts_config'::regclass AND deptype = 'e')
