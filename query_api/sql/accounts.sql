-- Pools, operators and miners as objects, with their owners and how many workers they have.

-- name: pool
-- params: uid
select p.*, s.statuses
from pools p
left join lateral (
    select jsonb_object_agg(status, workers) as statuses
    from status_counts where entity_id = p.id
) s on true
where p.uid = $1::uuid

-- name: public_pool
-- The pool of a domain, or the only one there is.
-- params: domain
select * from pools p
where p.domain = $1::text or ($1 is null and (select count(*) from pools) = 1)

-- name: operator
-- params: uid
select o.*, o.id as operator_id, u.uid as owner_uid, u.status as owner_status, u.registered_at,
       s.statuses, (select count(*) from miners m where m.operator_id = o.id) as miners
from operators o
left join lateral (
    select u.* from roles r join users u on u.uid = r.user_uid
    where r.entity_id = o.id and r.role = 'owner' order by r.granted_at, u.uid limit 1
) u on true
left join lateral (
    select jsonb_object_agg(status, workers) as statuses
    from status_counts where entity_id = o.id
) s on true
where o.uid = $1::uuid

-- name: operators_page
-- params: pool_id, limit, offset
with page as (
    select * from operators where pool_id = $1::int4 order by title collate "C", id
    limit $2::int4 offset $3::int4
)
select (select count(*) from operators where pool_id = $1) as total_count,
       o.*, u.uid as owner_uid, u.status as owner_status, u.registered_at, s.statuses,
       (select count(*) from miners m where m.operator_id = o.id) as miners
from (values (1)) as one
left join page o on true
left join lateral (
    select u.* from roles r join users u on u.uid = r.user_uid
    where r.entity_id = o.id and r.role = 'owner' order by r.granted_at, u.uid limit 1
) u on true
left join lateral (
    select jsonb_object_agg(status, workers) as statuses
    from status_counts where entity_id = o.id
) s on true
order by o.title collate "C", o.id

-- name: miner
-- params: uid
select m.*, p.uid as pool_uid, o.uid as operator_uid,
       least(m.created_at, (select min(at) from events where miner_id = m.id)) as seen_from,
       u.uid as owner_uid, u.status as owner_status, u.registered_at, s.statuses
from miners m
join pools p on p.id = m.pool_id
left join operators o on o.id = m.operator_id
left join lateral (
    select u.* from roles r join users u on u.uid = r.user_uid
    where r.entity_id = m.id and r.role = 'owner' order by r.granted_at, u.uid limit 1
) u on true
left join lateral (
    select jsonb_object_agg(status, workers) as statuses
    from status_counts where entity_id = m.id
) s on true
where m.uid = $1::uuid

-- name: miners_page
-- Of a pool, or of an operator (the other one null).
-- params: pool_id, operator_id, limit, offset
with page as (
    select * from miners
    where ($1::int4 is null or pool_id = $1) and ($2::int4 is null or operator_id = $2)
    order by account_name collate "C", id limit $3::int4 offset $4::int4
)
select (select count(*) from miners
        where ($1 is null or pool_id = $1) and ($2 is null or operator_id = $2)) as total_count,
       m.*, p.uid as pool_uid, o.uid as operator_uid,
       least(m.created_at, (select min(at) from events where miner_id = m.id)) as seen_from,
       u.uid as owner_uid, u.status as owner_status, u.registered_at, s.statuses
from (values (1)) as one
left join page m on true
left join pools p on p.id = m.pool_id
left join operators o on o.id = m.operator_id
left join lateral (
    select u.* from roles r join users u on u.uid = r.user_uid
    where r.entity_id = m.id and r.role = 'owner' order by r.granted_at, u.uid limit 1
) u on true
left join lateral (
    select jsonb_object_agg(status, workers) as statuses
    from status_counts where entity_id = m.id
) s on true
order by m.account_name collate "C", m.id

-- name: create_miner
-- Nothing where the account name is taken.
-- params: account_name, title, pool_id, operator_id
insert into miners (account_name, title, pool_id, operator_id)
values ($1::text, $2::text, $3::int4, $4::int4)
on conflict (account_name) do nothing
returning id, uid

-- name: set_title
-- params: miner_id, title
update miners set title = $2::text where id = $1::int4

-- name: add_owner
-- params: entity_id, user_uid, role
insert into roles (entity_id, user_uid, role) values ($1::int4, $2::uuid, $3::text)
