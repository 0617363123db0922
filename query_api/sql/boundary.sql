-- Boundary workers: a schedule of nominal hashrates that a donor gives a recipient.

-- name: boundary_worker
-- One by its uid, with both sides, the rate in force and the next one.
-- params: uid
select w.id, w.uid, w.name, b.created_at, b.disconnected_at,
       case when b.disconnected_at is null then 'stable' else 'off' end as status,
       m.id as miner_id, m.operator_id, m.pool_id,
       m.uid as miner_uid, m.account_name, m.title,
       d.id as donor_id, d.operator_id as donor_operator_id, d.pool_id as donor_pool_id,
       d.uid as donor_uid, d.account_name as donor_account_name, d.title as donor_title,
       c.hashrate, c.valid_from, n.hashrate as next_hashrate, n.valid_from as next_from
from workers w
join boundary_workers b on b.worker_id = w.id
join miners m on m.id = w.miner_id
join miners d on d.id = b.donor_id
left join lateral (
    select hashrate, valid_from from boundary_hashrates
    where worker_id = w.id and valid_from <= coalesce(b.disconnected_at, now())
    order by valid_from desc limit 1
) c on true
left join lateral (
    select hashrate, valid_from from boundary_hashrates
    where worker_id = w.id and valid_from > now() and b.disconnected_at is null
    order by valid_from limit 1
) n on true
where w.uid = $1::uuid

-- name: transfers_page
-- The boundary workers of a donor. {order} is from the closed set in query_api/store/boundary.py.
-- params: donor_id, statuses, limit, offset
with matching as materialized (
    select w.id, w.uid, w.name, b.created_at, b.disconnected_at, w.miner_id, b.donor_id,
           case when b.disconnected_at is null then 'stable' else 'off' end as status,
           c.hashrate, c.valid_from, n.hashrate as next_hashrate, n.valid_from as next_from
    from boundary_workers b
    join workers w on w.id = b.worker_id
    left join lateral (
        select hashrate, valid_from from boundary_hashrates
        where worker_id = w.id and valid_from <= coalesce(b.disconnected_at, now())
        order by valid_from desc limit 1
    ) c on true
    left join lateral (
        select hashrate, valid_from from boundary_hashrates
        where worker_id = w.id and valid_from > now() and b.disconnected_at is null
        order by valid_from limit 1
    ) n on true
    where b.donor_id = $1::int4
      and case when b.disconnected_at is null then 'stable' else 'off' end = any($2::text[])
), page as (
    select row_number() over (order by {order}) as position, * from matching
    order by {order} limit $3::int4 offset $4::int4
)
select (select count(*) from matching) as total_count, page.*,
       m.uid as miner_uid, m.account_name, m.title,
       d.uid as donor_uid, d.account_name as donor_account_name, d.title as donor_title
from (values (1)) as one
left join page on true
left join miners m on m.id = page.miner_id
left join miners d on d.id = page.donor_id
order by page.position

-- name: recipient
-- params: uid
select id, id as miner_id, operator_id, pool_id, donor_id as made_by
from miners where uid = $1::uuid

-- name: count_sides
-- In force of both sides.
-- params: donor_id, recipient_id
select
    (select count(*) from boundary_workers b
     where b.donor_id = $1::int4 and b.disconnected_at is null) as given,
    (select count(*) from boundary_workers b join workers w on w.id = b.worker_id
     where w.miner_id = $2::int4 and b.disconnected_at is null) as received

-- name: create_worker
-- Nothing where the recipient has a boundary worker of that name already.
-- params: miner_id, name
insert into workers (miner_id, name, behavior) values ($1::int4, $2::text, 'boundary')
on conflict (miner_id, behavior, name) do nothing
returning id, uid

-- name: create_boundary
-- In force at once.
-- params: worker_id, donor_id, hashrate
with created as (
    insert into boundary_workers (worker_id, donor_id, created_at)
    values ($1::int4, $2::int4, now()) returning worker_id, created_at
)
insert into boundary_hashrates (worker_id, valid_from, hashrate)
select worker_id, created_at, $3::numeric from created

-- name: change_hashrate
-- In force from the next 00:00 UTC; a change that already waits is replaced. Nothing where the
-- worker is disconnected.
-- params: worker_id, hashrate
insert into boundary_hashrates (worker_id, valid_from, hashrate)
select b.worker_id, date_trunc('day', now(), 'UTC') + interval '1 day', $2::numeric
from boundary_workers b
where b.worker_id = $1::int4 and b.disconnected_at is null
on conflict (worker_id, valid_from) do update set hashrate = excluded.hashrate
returning worker_id

-- name: disconnect
-- Again and again without harm; the first time counts.
-- params: worker_id
update boundary_workers set disconnected_at = now()
where worker_id = $1::int4 and disconnected_at is null
