-- name: due
-- Schedules of boundary workers with minutes to write before up_to; times in microseconds, minutes
-- since the epoch. A worker that is disconnected is due until the minute in which it was.
select
    boundary.worker_id,
    workers.miner_id,
    miners.operator_id,
    (extract(epoch from boundary.created_at) * 1000000)::int8,
    (extract(epoch from boundary.disconnected_at) * 1000000)::int8,
    (extract(epoch from boundary.minutes_to)::int8 / 60)::int4,
    array_agg((extract(epoch from rates.valid_from) * 1000000)::int8 order by rates.valid_from),
    array_agg(rates.hashrate order by rates.valid_from)
from boundary_workers boundary
join workers on workers.id = boundary.worker_id
join miners on miners.id = workers.miner_id
join boundary_hashrates rates on rates.worker_id = boundary.worker_id
where boundary.created_at < %(up_to)s::timestamptz
    and (boundary.minutes_to is null or boundary.minutes_to < %(up_to)s::timestamptz)
    and (
        boundary.disconnected_at is null or boundary.minutes_to is null
        or boundary.minutes_to < boundary.disconnected_at
    )
group by 1, 2, 3, 4, 5, 6
order by boundary.worker_id;

-- name: changed_behind
-- Schedules that changed before minutes already written: the change was committed after the leader
-- had read the schedule. Sought among changes of the last hours: the cursor of a disconnected worker
-- ends after its last minute, so those are seen from up_to.
select
    boundary.worker_id,
    workers.miner_id,
    miners.operator_id,
    (extract(epoch from boundary.created_at) * 1000000)::int8,
    (extract(epoch from boundary.disconnected_at) * 1000000)::int8,
    (extract(epoch from boundary.minutes_to)::int8 / 60)::int4,
    array_agg((extract(epoch from rates.valid_from) * 1000000)::int8 order by rates.valid_from),
    array_agg(rates.hashrate order by rates.valid_from)
from boundary_workers boundary
join workers on workers.id = boundary.worker_id
join miners on miners.id = workers.miner_id
join boundary_hashrates rates on rates.worker_id = boundary.worker_id
where boundary.minutes_to is not null
    -- Those disconnected long ago become more and more: they are left out by an index.
    and (
        boundary.disconnected_at is null
        or boundary.disconnected_at > %(up_to)s::timestamptz - interval '3 hours'
    )
group by 1, 2, 3, 4, 5, 6
having boundary.disconnected_at < boundary.minutes_to
        and boundary.disconnected_at > %(up_to)s::timestamptz - interval '3 hours'
    or max(rates.valid_from) < boundary.minutes_to
        and max(rates.valid_from) > boundary.minutes_to - interval '3 hours'
order by boundary.worker_id;

-- name: written
-- What stands in the minutes of one worker.
select (extract(epoch from bucket)::int8 / 60)::int4, accepted
from generate_series(
    %(from)s::timestamptz, %(to)s::timestamptz - interval '1 minute', interval '1 minute'
) as bucket
join worker_minutes using (bucket)
where worker_id = %(worker_id)s::int4;

-- name: write_minutes
-- Nominal work, without shares. Writing a minute again changes nothing.
insert into worker_minutes as kept (
    bucket, worker_id, miner_id, operator_id, accepted_count, rejected_count, accepted, rejected
)
select bucket, worker_id, miner_id, operator_id, 0, 0, accepted, 0
from unnest(
    %(buckets)s::timestamptz[], %(worker_ids)s::int4[], %(miner_ids)s::int4[],
    %(operator_ids)s::int4[], %(accepted)s::float8[]
) as nominal (bucket, worker_id, miner_id, operator_id, accepted)
order by bucket, worker_id
on conflict (bucket, worker_id) do update set accepted = excluded.accepted
where kept.accepted <> excluded.accepted;

-- name: touch
-- For the leader to read, like any late minute.
insert into dirty_minutes (bucket, worker_ids)
select bucket, array_agg(worker_id)
from unnest(%(buckets)s::timestamptz[], %(worker_ids)s::int4[]) as nominal (bucket, worker_id)
group by bucket;

-- name: move_cursors
-- Minutes before these are written.
update boundary_workers set minutes_to = cursors.minutes_to
from unnest(%(worker_ids)s::int4[], %(minutes_to)s::timestamptz[]) as cursors (worker_id, minutes_to)
where boundary_workers.worker_id = cursors.worker_id;
