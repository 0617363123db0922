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
-- Workers in each status; removals by hand that the leader has not carried out yet count already.
-- Figures are of a beat, so that the columns of the beat come along.
-- params: entity_id
select l.epoch, l.beat_at, l.stream_time, l.complete_to, s.status, s.workers
from leader l
left join status_counts s on s.entity_id = $1::int4

-- name: pending_removals
-- Removals under an entity that the counts do not know yet, by the status they leave.
-- params: pool_id, operator_id, miner_id
select f.status, count(*) as workers
from worker_removals x
join worker_figures f on f.worker_id = x.worker_id
join miners m on m.id = f.miner_id
where f.status <> 'removed'
  and ($1::int4 is null or m.pool_id = $1) and ($2::int4 is null or m.operator_id = $2)
  and ($3::int4 is null or m.id = $3)
group by f.status

-- name: public_pool_stats
-- Anonymous figures of the pool of a domain, or of the only pool there is.
-- params: domain
select p.id, p.fee, p.min_payout, f.accepted_1h,
       l.epoch, l.beat_at, l.stream_time, l.complete_to,
       (select count(*) from miners m where m.pool_id = p.id and m.status = 'active') as miners
from leader l
join pools p on p.domain = $1::text or ($1 is null and (select count(*) from pools) = 1)
left join entity_figures f on f.entity_id = p.id
