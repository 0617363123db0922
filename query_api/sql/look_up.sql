-- Figures for anybody, of pools whose operator has opened them.

-- name: public_pool_page
-- params: pool_uid
select p.id, p.uid, p.title, p.public_miners,
       case when p.fee_published then p.fee end as fee,
       case when p.min_payout_published then p.min_payout end as min_payout,
       f.*, l.epoch, l.cycle_at, l.stream_time, l.watermark,
       (select count(*) from miners m where m.pool_id = p.id and m.status = 'active') as miners
from pools p
cross join leader l
left join entity_figures f on f.entity_id = p.id
where p.uid = $1::uuid and p.public_page

-- name: public_miner
-- By account name.
-- params: account_name
select m.id, m.uid, m.account_name, m.created_at, p.uid as pool_uid, p.title as pool_title,
       f.*, l.epoch, l.cycle_at, l.stream_time, l.watermark
from miners m
join pools p on p.id = m.pool_id and p.public_miners
cross join leader l
left join entity_figures f on f.entity_id = m.id
where m.account_name = $1::text and m.status = 'active'

-- name: public_workers
-- The miner's strongest workers of the last hour.
-- params: miner_id, limit
select w.name, f.status, f.last_share_at, f.*
from worker_figures f
join workers w on w.id = f.worker_id
where f.miner_id = $1::int4 and f.status <> 'removed'
order by f.accepted_1h desc, w.id limit $2::int4

-- name: sources
-- Stratum servers that workers of the pool were seen on last, strongest first.
-- params: pool_uids
select pools.uid as key, sources.name, s.last_share_at, s.silent_since, theirs.*
from pools
join lateral (
    select f.source_id, count(*) filter (where f.status = 'stable') as stable,
           count(*) filter (where f.status <> 'removed') as workers,
           sum(f.accepted_15m) as accepted_15m, sum(f.rejected_15m) as rejected_15m
    from worker_figures f
    join miners m on m.id = f.miner_id
    where m.pool_id = pools.id and f.source_id is not null
    group by f.source_id
) as theirs on true
join sources on sources.id = theirs.source_id
left join source_figures s on s.source_id = theirs.source_id
where pools.uid = any($1::uuid[])
order by theirs.accepted_15m desc, sources.name

-- name: pools
-- params: pool_uids
select uid, id as pool_id, null::int4 as operator_id, null::int4 as miner_id
from pools where uid = any($1::uuid[])
