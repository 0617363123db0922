-- Pools, operators and miners by their uid, with the ids above them.

-- name: find_pool
-- params: uid
select id, uid, null::int4 as miner_id, null::int4 as operator_id, id as pool_id
from pools where uid = $1::uuid

-- name: find_operator
-- params: uid
select id, uid, null::int4 as miner_id, id as operator_id, pool_id
from operators where uid = $1::uuid

-- name: find_miner
-- params: uid
select id, uid, id as miner_id, operator_id, pool_id
from miners where uid = $1::uuid

-- name: status_counts
-- Workers in each status, with the version that they are of.
-- params: entity_id
select l.epoch, l.cycle_at, l.stream_time, l.watermark, s.status, s.workers
from leader l
left join worker_counts s on s.entity_id = $1::int4

-- name: public_pool_stats
-- Anonymous figures of the pool of a domain, or of the only pool there is.
-- params: domain
select p.id, case when p.fee_published then p.fee end as fee,
       case when p.min_payout_published then p.min_payout end as min_payout, f.accepted_1h,
       l.epoch, l.cycle_at, l.stream_time, l.watermark,
       (select count(*) from miners m where m.pool_id = p.id and m.status = 'active') as miners
from leader l
join pools p on lower(p.domain) = lower($1::text) or ($1 is null and (select count(*) from pools) = 1)
left join entity_figures f on f.entity_id = p.id
