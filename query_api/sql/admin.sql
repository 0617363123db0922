-- What the command line does to keys and accounts.

-- name: create_key
-- params: digest, title, user_uid (null: internal)
insert into api_keys (digest, title, user_uid) values ($1::bytea, $2::text, $3::uuid) returning id

-- name: keys
select k.id, k.title, k.user_uid, u.email, k.created_at, k.revoked_at
from api_keys k left join users u on u.uid = k.user_uid
order by k.created_at, k.id

-- name: revoke_key
-- params: id
update api_keys set revoked_at = now() where id = $1::uuid and revoked_at is null returning id

-- name: upsert_pool
-- A pool is found by its domain, else by its title: a line with a domain takes the one of that title
-- that has none yet, a line without takes the first one of that title.
-- params: title, domain
with found as (
    select id from pools
    where lower(domain) = lower($2::text) or (title = $1::text and ($2 is null or domain is null))
    order by (lower(domain) = lower($2)) desc nulls last, domain nulls first, id
    limit 1
), known as (
    update pools set title = $1, domain = coalesce($2, domain)
    where id = (select id from found)
    returning id
), added as (
    insert into pools (title, domain, takes_unknown_accounts)
    select $1, $2, not exists (select from pools)
    where not exists (select from found)
    returning id
)
select id from known union all select id from added

-- name: upsert_operator
-- params: pool_id, title
with known as (
    select id from operators where pool_id = $1::int4 and title = $2::text
), added as (
    insert into operators (pool_id, title) select $1, $2 where not exists (select from known)
    returning id
)
select id from known union all select id from added

-- name: upsert_miner
-- params: account_name, title, pool_id, operator_id
insert into miners (account_name, title, pool_id, operator_id)
values ($1::text, $2::text, $3::int4, $4::int4)
on conflict (account_name) do update
set title = coalesce(excluded.title, miners.title), pool_id = excluded.pool_id,
    -- A line that names no operator leaves the miner's, unless that belongs to another pool.
    operator_id = coalesce(
        excluded.operator_id,
        case when miners.pool_id = excluded.pool_id then miners.operator_id end
    )
returning id

-- name: pool_by_name
-- params: domain or title
select id, uid from pools where lower(domain) = lower($1::text) or title = $1
order by (lower(domain) = lower($1)) desc nulls last, id limit 1

-- name: deletion_requests
select d.kind, coalesce(m.account_name, u.email, d.subject_uid::text) as name, d.subject_uid,
       d.created_by, d.created_at
from deletion_requests d
left join miners m on d.kind = 'miner' and m.uid = d.subject_uid
left join users u on d.kind = 'user' and u.uid = d.subject_uid
where d.completed_at is null
order by d.created_at, d.id

-- name: close_miner
-- params: account_name
update miners set status = 'deleted', title = null where account_name = $1::text returning id, uid

-- name: close_roles
-- params: miner_id
delete from roles where entity_id = $1::int4

-- name: close_invitations
-- params: miner_id
update invitations set withdrawn_at = now()
where entity_id = $1::int4 and accepted_at is null and withdrawn_at is null

-- name: close_watchers
-- params: miner_id
update watchers set revoked_at = now() where miner_id = $1::int4 and revoked_at is null

-- name: close_webhooks
-- params: miner_id
update webhooks set enabled = false where miner_id = $1::int4

-- name: complete_deletion
-- params: kind, subject_uid
update deletion_requests set completed_at = now()
where kind = $1::text and subject_uid = $2::uuid and completed_at is null

-- name: sealed_secrets
-- Everything that is stored sealed, or plain where there was no key, with where it stands.
select 'watchers' as relation, 'token' as name, id::text as key, token as stored from watchers
union all
select 'webhooks', 'secret', id::text, secret from webhooks
union all
select 'webhooks', 'previous_secret', id::text, previous_secret from webhooks
where previous_secret is not null
union all
select 'telegram_invites', 'code', encode(digest, 'hex'), code from telegram_invites

-- name: reseal_watchers_token
-- params: key, was, sealed
update watchers set token = $3::text where id = $1::text::uuid and token = $2::text

-- name: reseal_webhooks_secret
-- params: key, was, sealed
update webhooks set secret = $3::text where id = $1::text::uuid and secret = $2::text

-- name: reseal_webhooks_previous_secret
-- params: key, was, sealed
update webhooks set previous_secret = $3::text
where id = $1::text::uuid and previous_secret = $2::text

-- name: reseal_telegram_invites_code
-- params: key, was, sealed
update telegram_invites set code = $3::text where digest = decode($1::text, 'hex') and code = $2::text

-- name: miner_by_name
-- params: account_name
select id from miners where account_name = $1::text
