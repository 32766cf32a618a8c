-- Subscriptions of this database. Only superusers may read where one connects to; its password is never read.
-- catalogs: *pg_subscription
SELECT quote_ident(s.subname) AS name, -- superuser
       NULL AS relation, -- superuser
       regexp_replace(s.subconninfo, 'password\s*=\s*(''(\\.|[^''])*''|\S+)', 'password=***', 'g') -- superuser
         AS connection, -- superuser
       array_to_string(s.subpublications, ', ') AS publications, -- superuser
       s.subenabled::text AS enabled, -- superuser
       s.subslotname AS slot, -- superuser
       s.subsynccommit AS synchronous_commit, -- superuser
       s.subbinary::text AS binary, -- superuser since 14
       s.substream::text AS streaming, -- superuser since 14
       CASE WHEN s.subtwophasestate <> 'd' THEN 'true' END AS two_phase, -- superuser since 15
       s.subdisableonerr::text AS disable_on_error, -- superuser since 15
       s.suborigin AS origin, -- superuser since 16
       s.subpasswordrequired::text AS password_required, -- superuser since 16
       s.subrunasowner::text AS run_as_owner, -- superuser since 16
       s.subfailover::text AS failover, -- superuser since 17
       pg_get_userbyid(s.subowner) AS owner -- superuser
  FROM pg_subscription AS s -- superuser
 WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) -- superuser
