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
-- Pools are told apart by their domain, or by their title where they have none.
-- params: title, domain
with known as (
    update pools set title = $1::text, domain = coalesce($2::text, domain)
    where domain = $2 or ($2 is null and title = $1)
    returning id
), added as (
    insert into pools (title, domain) select $1, $2 where not exists (select from known)
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
    operator_id = excluded.operator_id
returning id
