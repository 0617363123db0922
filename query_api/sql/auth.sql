-- name: caller_of_key
-- The user of an API key, or none for an internal key; nothing for an unknown or revoked one.
-- params: digest
select id, user_uid, role, entity_ids from api_keys where digest = $1::bytea and revoked_at is null

-- name: user_rights
-- A user with its roles as two arrays; `all_pools`: a role on every pool, so that nothing is hidden.
-- params: user_uid
select u.status, u.email, r.entity_ids, r.roles,
       exists (select from pools) and not exists (
           select from pools p
           where not exists (
               select from roles x where x.user_uid = $1::uuid and x.entity_id = p.id
           )
       ) as all_pools
from (values ($1::uuid)) as asked (uid)
left join users u on u.uid = asked.uid
left join lateral (
    select array_agg(entity_id) as entity_ids, array_agg(role) as roles
    from roles where user_uid = asked.uid
) r on true

-- name: watcher_of_token
-- params: digest
select id, miner_id, extra_permissions from watchers
where digest = $1::bytea and revoked_at is null
