-- Stats, charts and rejects. query_api/store/telemetry.py puts each statement together: {asked} is
-- one of the blocks that name who is asked for, {theirs} and {within} are conditions from below,
-- {relation} is a table of figures, minutes or a rollup, {parts} the
-- block of that name.

-- name: workers
-- Every row carries the ids above it (miner, operator, pool), by which the caller's right is
-- checked; a boundary worker also carries its donor's.
-- params: uids
select w.id as key, w.uid, w.miner_id, m.operator_id, m.pool_id,
       d.id as donor_id, d.operator_id as donor_operator_id, d.pool_id as donor_pool_id
from workers w
join miners m on m.id = w.miner_id
left join boundary_workers b on w.behavior = 'boundary' and b.worker_id = w.id
left join miners d on d.id = b.donor_id
where w.uid = any($1::uuid[])

-- name: miners
-- params: uids
select id as key, uid, id as miner_id, operator_id, pool_id
from miners where uid = any($1::uuid[])

-- name: operators
-- params: uids
select id as key, uid, null::int4 as miner_id, id as operator_id, pool_id
from operators where uid = any($1::uuid[])

-- name: pools
-- params: uids
select id as key, uid, null::int4 as miner_id, null::int4 as operator_id, id as pool_id
from pools where uid = any($1::uuid[])

-- name: of_worker
r.worker_id = asked.key

-- name: of_entity
r.entity_id = asked.key

-- name: of_donor
-- The boundary workers of which a miner is donor; of each bucket there may be several rows. (An
-- array, which reaches the index under a rollup's view: a join would sum everybody's rows.)
r.worker_id = any(array(select worker_id from boundary_workers where donor_id = asked.key))

-- name: within_rollup
-- [from, to) of rollups, whose keys lead with the worker: one stretch of an index.
r.bucket >= $2::timestamptz and r.bucket < $3::timestamptz

-- name: within_minutes
-- [from, to) of minutes, whose keys may lead with the minute: each minute is looked up. By the range
-- beside it TimescaleDB leaves chunks out.
r.bucket >= $2::timestamptz and r.bucket < $3::timestamptz
    and r.bucket = any(array(
        select generate_series($2, $3 - interval '1 minute', interval '1 minute')
    ))

-- name: stats
-- Windows, with the version they belong to.
-- params: uids
select asked.*, l.epoch, l.cycle_at, l.stream_time, l.watermark, windows.*
from leader l
cross join ({asked}) asked
cross join lateral (
    select sum(accepted_15m) as accepted_15m, sum(rejected_15m) as rejected_15m,
           sum(accepted_1h) as accepted_1h, sum(rejected_1h) as rejected_1h,
           sum(accepted_1d) as accepted_1d, sum(rejected_1d) as rejected_1d,
           sum(accepted_1w) as accepted_1w, sum(rejected_1w) as rejected_1w
    from {relation} r
    where {theirs}
) windows

-- name: chart
-- Buckets in [from, to) packed as series.PACKED: one row for each id. (As arrays the driver makes a
-- Python object of every number, which takes three times as long.)
-- params: uids, from, to
select asked.*, buckets.*
from ({asked}) asked
cross join lateral (
    select string_agg(
        float8send(date_part('epoch', bucket)) || float8send(accepted) || float8send(rejected),
        ''::bytea
    ) as packed
    from {relation} r
    where {theirs} and {within}
) buckets

-- name: running
-- Sums of the minutes in [from, to): the interval that is not over.
-- params: uids, from, to
select asked.*, minutes.*
from ({asked}) asked
cross join lateral (
    select coalesce(sum(accepted), 0) as accepted, coalesce(sum(rejected), 0) as rejected
    from {relation} r
    where {theirs} and {within}
) minutes

-- name: parts
-- The rows that a window is the sum of, as window_parts.py names them.
from (
    select 1 as weight, accepted_count, rejected_count, stale, duplicate, low_difficulty,
           job_not_found, unauthorized, time_out_of_range, invalid
    from {relation} r
    where {theirs} and {within}
    union all
    select case when r.bucket < $4::timestamptz then $9::float8 else 1 end,
           accepted_count, rejected_count, stale, duplicate, low_difficulty,
           job_not_found, unauthorized, time_out_of_range, invalid
    from {quarters} r
    where {theirs} and r.bucket >= $5::timestamptz and r.bucket < $6::timestamptz
    union all
    select case when r.bucket < $4::timestamptz then $9::float8 else 1 end,
           accepted_count, rejected_count, stale, duplicate, low_difficulty,
           job_not_found, unauthorized, time_out_of_range, invalid
    from {hours} r
    where {theirs} and r.bucket >= $7::timestamptz and r.bucket < $8::timestamptz
) parts

-- name: rejects
-- Rejected work by reason in a window.
-- params: uids, minutes from, to, inner, quarters from, to, hours from, to, weight
select asked.*, reasons.*
from ({asked}) asked
cross join lateral (
    select sum(weight * stale) as stale, sum(weight * duplicate) as duplicate,
           sum(weight * low_difficulty) as low_difficulty,
           sum(weight * job_not_found) as job_not_found,
           sum(weight * unauthorized) as unauthorized,
           sum(weight * time_out_of_range) as time_out_of_range, sum(weight * invalid) as invalid
    {parts}
) reasons

-- name: share_counts
-- Accepted and rejected shares in a window; whole ones, though the oldest bucket counts in part.
-- params: uids, minutes from, to, inner, quarters from, to, hours from, to, weight
select asked.*, counts.*
from ({asked}) asked
cross join lateral (
    select coalesce(round(sum(weight * accepted_count)), 0)::int8 as accepted,
           coalesce(round(sum(weight * rejected_count)), 0)::int8 as rejected
    {parts}
) counts

-- name: reject_chart
-- Rejected work by reason in [from, to), packed as charts.PACKED_REASONS: one row for each id.
-- params: uids, from, to
select asked.*, buckets.*
from ({asked}) asked
cross join lateral (
    select string_agg(
        float8send(date_part('epoch', bucket))
            || float8send(coalesce(stale, 0)) || float8send(coalesce(duplicate, 0))
            || float8send(coalesce(low_difficulty, 0)) || float8send(coalesce(job_not_found, 0))
            || float8send(coalesce(unauthorized, 0)) || float8send(coalesce(time_out_of_range, 0))
            || float8send(coalesce(invalid, 0)),
        ''::bytea
    ) as packed
    from {relation} r
    where {theirs} and {within}
) buckets
