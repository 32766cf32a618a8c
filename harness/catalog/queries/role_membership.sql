-- Which role is a member of which.
-- catalogs: *pg_auth_members pg_authid
SELECT quote_ident(pg_get_userbyid(m.member)) || ' in ' || quote_ident(pg_get_userbyid(m.roleid))
         || CASE WHEN m.grantor >= 16384 THEN ' by ' || quote_ident(pg_get_userbyid(m.grantor)) ELSE '' END -- since 16
         AS name,
       NULL AS relation,
       m.inherit_option::text AS inherit, -- since 16
       m.set_option::text AS set, -- since 16
       m.admin_option::text AS admin
  FROM pg_auth_members AS m
 WHERE m.member >= 16384 OR m.roleid >= 16384 OR m.member = 10
