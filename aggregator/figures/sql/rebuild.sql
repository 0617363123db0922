-- name: ring_bucket
-- The rollup rows of one ring bucket, packed as minutes_reader.PACKED_SUMS. They are summed by the
-- reader: a GROUP BY here takes twice as long as all the rest (100,000 workers, three hours).
select string_agg(int4send(worker_id) || float8send(accepted) || float8send(rejected), ''::bytea)
from {relation}
where bucket >= %(from)s::timestamptz and bucket < %(to)s::timestamptz;

-- name: figures
-- What the last leader published, packed as stored_workers.PACKED_FIGURES; 100,000 workers a
-- row. Of everybody or of those `chosen`. In one order: sums of doubles over a miner's workers come out
-- the same under every leader.
select string_agg(
    int4send(figures.worker_id) || int4send(figures.miner_id)
    || int4send(coalesce(miners.operator_id, 0)) || int4send(miners.pool_id)
    || int4send((workers.behavior = 'boundary')::int4)
    || int4send(array_position(%(statuses)s::text[], figures.status) - 1)
    || int8send(extract(epoch from figures.status_since)::int8)
    || int4send(figures.transition_number)
    || int8send(coalesce(extract(epoch from figures.last_share_at)::int8, 0))
    || float8send(coalesce(figures.share_interval_s, 0))
    || int4send(coalesce(figures.source_id, 0))
    || float8send(accepted_15m) || float8send(rejected_15m)
    || float8send(accepted_1h) || float8send(rejected_1h)
    || float8send(accepted_1d) || float8send(rejected_1d)
    || float8send(accepted_1w) || float8send(rejected_1w),
    ''::bytea order by figures.worker_id
)
from worker_figures figures
join workers on workers.id = figures.worker_id
join miners on miners.id = figures.miner_id
{chosen}
group by figures.worker_id / 100000;

-- name: new_workers
-- Those of some workers that have no figures yet, packed as stored_workers.PACKED_WORKERS.
select string_agg(
    int4send(workers.id) || int4send(workers.miner_id)
    || int4send(coalesce(miners.operator_id, 0)) || int4send(miners.pool_id)
    || int4send((workers.behavior = 'boundary')::int4),
    ''::bytea order by workers.id
)
from workers
join miners on miners.id = workers.miner_id
where workers.id = any(%(worker_ids)s::int4[])
    and not exists (select from worker_statuses where worker_statuses.worker_id = workers.id);

-- name: list_minutes
-- Every complete minute of a span that has rows, for the leader to read again. Not the first hours
-- after what retention dropped: the three hours of the week's ring that hold them would come out too
-- small.
insert into dirty_minutes (bucket)
select distinct bucket from worker_minutes
where bucket >= %(from)s::timestamptz
    and bucket < least(%(to)s::timestamptz, (select watermark from leader))
    and bucket >= coalesce(
        (select kept_from from retention_marks where relation = 'worker_minutes'), '-infinity'
    ) + interval '3 hours'
order by bucket
returning bucket;

-- name: unread
-- How many minutes of a span the leader has still to read.
select count(distinct bucket) from dirty_minutes
where bucket >= %(from)s::timestamptz and bucket < %(to)s::timestamptz;
