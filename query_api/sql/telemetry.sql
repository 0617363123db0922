-- Stats and charts. Every row carries the ids above it (miner, operator, pool), by which the
-- caller's right is checked; a boundary worker also carries its donor's. {relation} stands for the
-- name of the minutes or of a rollup from schemas/rollups.py.

-- name: worker_stats
-- Windows of the listed workers, with the beat they belong to.
-- params: uids
select w.uid, w.miner_id, m.operator_id, m.pool_id,
       d.id as donor_id, d.operator_id as donor_operator_id, d.pool_id as donor_pool_id,
       l.epoch, l.beat_at, l.stream_time, l.complete_to,
       f.accepted_15m, f.rejected_15m, f.accepted_1h, f.rejected_1h,
       f.accepted_1d, f.rejected_1d, f.accepted_1w, f.rejected_1w
from leader l
join workers w on w.uid = any($1::uuid[])
join miners m on m.id = w.miner_id
left join boundary_workers b on w.behavior = 'boundary' and b.worker_id = w.id
left join miners d on d.id = b.donor_id
left join worker_figures f on f.worker_id = w.id

-- name: miner_stats
-- params: uids
select e.uid, e.id as miner_id, e.operator_id, e.pool_id,
       l.epoch, l.beat_at, l.stream_time, l.complete_to,
       f.accepted_15m, f.rejected_15m, f.accepted_1h, f.rejected_1h,
       f.accepted_1d, f.rejected_1d, f.accepted_1w, f.rejected_1w
from leader l
join miners e on e.uid = any($1::uuid[])
left join entity_figures f on f.entity_id = e.id

-- name: operator_stats
-- params: uids
select e.uid, null::int4 as miner_id, e.id as operator_id, e.pool_id,
       l.epoch, l.beat_at, l.stream_time, l.complete_to,
       f.accepted_15m, f.rejected_15m, f.accepted_1h, f.rejected_1h,
       f.accepted_1d, f.rejected_1d, f.accepted_1w, f.rejected_1w
from leader l
join operators e on e.uid = any($1::uuid[])
left join entity_figures f on f.entity_id = e.id

-- name: pool_stats
-- params: uids
select e.uid, null::int4 as miner_id, null::int4 as operator_id, e.id as pool_id,
       l.epoch, l.beat_at, l.stream_time, l.complete_to,
       f.accepted_15m, f.rejected_15m, f.accepted_1h, f.rejected_1h,
       f.accepted_1d, f.rejected_1d, f.accepted_1w, f.rejected_1w
from leader l
join pools e on e.uid = any($1::uuid[])
left join entity_figures f on f.entity_id = e.id

-- name: worker_chart
-- Buckets of the listed workers in [from, to), as arrays: one row a worker.
-- params: uids, from, to
select w.uid, w.miner_id, m.operator_id, m.pool_id,
       d.id as donor_id, d.operator_id as donor_operator_id, d.pool_id as donor_pool_id,
       r.at, r.accepted, r.rejected
from workers w
join miners m on m.id = w.miner_id
left join boundary_workers bw on w.behavior = 'boundary' and bw.worker_id = w.id
left join miners d on d.id = bw.donor_id
cross join lateral (
    select array_agg(date_part('epoch', b.bucket)) as at,
           array_agg(b.accepted) as accepted, array_agg(b.rejected) as rejected
    from {relation} b
    where b.worker_id = w.id and b.bucket >= $2::timestamptz and b.bucket < $3::timestamptz
) r
where w.uid = any($1::uuid[])

-- name: miner_chart
-- params: uids, from, to
select e.uid, e.id as miner_id, e.operator_id, e.pool_id, r.at, r.accepted, r.rejected
from miners e
cross join lateral (
    select array_agg(date_part('epoch', b.bucket)) as at,
           array_agg(b.accepted) as accepted, array_agg(b.rejected) as rejected
    from {relation} b
    where b.entity_id = e.id and b.bucket >= $2::timestamptz and b.bucket < $3::timestamptz
) r
where e.uid = any($1::uuid[])

-- name: operator_chart
-- params: uids, from, to
select e.uid, null::int4 as miner_id, e.id as operator_id, e.pool_id, r.at, r.accepted, r.rejected
from operators e
cross join lateral (
    select array_agg(date_part('epoch', b.bucket)) as at,
           array_agg(b.accepted) as accepted, array_agg(b.rejected) as rejected
    from {relation} b
    where b.entity_id = e.id and b.bucket >= $2::timestamptz and b.bucket < $3::timestamptz
) r
where e.uid = any($1::uuid[])

-- name: pool_chart
-- params: uids, from, to
select e.uid, null::int4 as miner_id, null::int4 as operator_id, e.id as pool_id,
       r.at, r.accepted, r.rejected
from pools e
cross join lateral (
    select array_agg(date_part('epoch', b.bucket)) as at,
           array_agg(b.accepted) as accepted, array_agg(b.rejected) as rejected
    from {relation} b
    where b.entity_id = e.id and b.bucket >= $2::timestamptz and b.bucket < $3::timestamptz
) r
where e.uid = any($1::uuid[])

-- name: worker_rejects
-- Rejected work by reason of the listed workers in [from, to).
-- params: uids, from, to
select w.uid, w.miner_id, m.operator_id, m.pool_id,
       d.id as donor_id, d.operator_id as donor_operator_id, d.pool_id as donor_pool_id,
       r.*
from workers w
join miners m on m.id = w.miner_id
left join boundary_workers bw on w.behavior = 'boundary' and bw.worker_id = w.id
left join miners d on d.id = bw.donor_id
cross join lateral (
    select sum(b.stale) as stale, sum(b.duplicate) as duplicate,
           sum(b.low_difficulty) as low_difficulty, sum(b.job_not_found) as job_not_found,
           sum(b.unauthorized) as unauthorized, sum(b.time_out_of_range) as time_out_of_range,
           sum(b.invalid) as invalid
    from {relation} b
    where b.worker_id = w.id and b.bucket >= $2::timestamptz and b.bucket < $3::timestamptz
) r
where w.uid = any($1::uuid[])

-- name: miner_rejects
-- params: uids, from, to
select e.uid, e.id as miner_id, e.operator_id, e.pool_id, r.*
from miners e
cross join lateral (
    select sum(b.stale) as stale, sum(b.duplicate) as duplicate,
           sum(b.low_difficulty) as low_difficulty, sum(b.job_not_found) as job_not_found,
           sum(b.unauthorized) as unauthorized, sum(b.time_out_of_range) as time_out_of_range,
           sum(b.invalid) as invalid
    from {relation} b
    where b.entity_id = e.id and b.bucket >= $2::timestamptz and b.bucket < $3::timestamptz
) r
where e.uid = any($1::uuid[])

-- name: donor_stats
-- Summed windows of the boundary workers of which a miner is donor.
-- params: uids
select e.uid, e.id as miner_id, e.operator_id, e.pool_id,
       l.epoch, l.beat_at, l.stream_time, l.complete_to, f.*
from leader l
join miners e on e.uid = any($1::uuid[])
cross join lateral (
    select sum(f.accepted_15m) as accepted_15m, sum(f.rejected_15m) as rejected_15m,
           sum(f.accepted_1h) as accepted_1h, sum(f.rejected_1h) as rejected_1h,
           sum(f.accepted_1d) as accepted_1d, sum(f.rejected_1d) as rejected_1d,
           sum(f.accepted_1w) as accepted_1w, sum(f.rejected_1w) as rejected_1w
    from boundary_workers b
    join worker_figures f on f.worker_id = b.worker_id
    where b.donor_id = e.id
) f

-- name: donor_chart
-- Their summed buckets in [from, to); a bucket may come once for each of them.
-- params: uids, from, to
select e.uid, e.id as miner_id, e.operator_id, e.pool_id, r.at, r.accepted, r.rejected
from miners e
cross join lateral (
    select array_agg(date_part('epoch', b.bucket)) as at,
           array_agg(b.accepted) as accepted, array_agg(b.rejected) as rejected
    from boundary_workers given
    join {relation} b on b.worker_id = given.worker_id
    where given.donor_id = e.id
      and b.bucket >= $2::timestamptz and b.bucket < $3::timestamptz
) r
where e.uid = any($1::uuid[])
