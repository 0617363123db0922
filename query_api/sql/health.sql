-- name: schema_version
-- The newest migration applied.
select coalesce(max(version), 0) from schema_migrations
