-- name: stream
-- How far the stream is taken in, how far the leader has come and which worker is the newest, in one
-- snapshot; and the newest outage that intake has seen, of all partitions that were out at the same
-- time.
with outages as (
    select partitions.outage_from, partitions.resumed_at
    from intake_stream as streams
    join intake_partitions as partitions using (cluster_id, topic)
    where streams.clock = 'wall' and partitions.resumed_at is not null
)
select
    extract(epoch from stream.stream_time)::float8 as stream_s,
    coalesce(stream.status_time < stream.stream_time, false) as statuses_wait,
    extract(epoch from leader.watermark)::int8 as watermark_s,
    leader.epoch,
    coalesce((select max(id) from workers), 0) as newest_worker_id,
    newest.stood_s,
    newest.resumed_s
from leader
left join stream on true
cross join (
    select
        floor(extract(epoch from min(outage_from)))::int8 as stood_s,
        ceil(extract(epoch from max(resumed_at)))::int8 as resumed_s
    from outages
    where resumed_at >= (select outage_from from outages order by resumed_at desc limit 1)
) as newest;

-- name: dirty
-- Minutes with unread changes, up to the one in progress; ids say which rows were seen.
select id, (extract(epoch from bucket)::int8 / 60)::int4 as minute, worker_ids
from dirty_minutes
where bucket <= to_timestamp(%(stream_s)s)
order by bucket, id;

-- name: oldest_unread
-- The first minute of a new database.
select (extract(epoch from least(
    (select min(bucket) from dirty_minutes), (select min(bucket) from flushed_minutes)
))::int8 / 60)::int4;

-- name: whole_minutes
-- Every row of some minutes, packed as minutes_reader.PACKED: one row a minute. (500,000 rows in
-- 0.4 s; by COPY 2.7 s, most of it one Python call a row.)
select
    (extract(epoch from bucket)::int8 / 60)::int4,
    string_agg(
        int4send(worker_id) || int4send(accepted_count)
        || float8send(accepted) || float8send(rejected)
        || timestamptz_send(coalesce(last_share_at, 'epoch'))
        || int4send(coalesce(source_id, 0)),
        ''::bytea
    )
from worker_minutes
where bucket = any(%(buckets)s::timestamptz[])
group by bucket
order by bucket;

-- name: some_workers
-- The same for single workers: pairs of minute and worker.
select
    (extract(epoch from bucket)::int8 / 60)::int4,
    string_agg(
        int4send(worker_id) || int4send(accepted_count)
        || float8send(accepted) || float8send(rejected)
        || timestamptz_send(coalesce(last_share_at, 'epoch'))
        || int4send(coalesce(source_id, 0)),
        ''::bytea
    )
from unnest(%(buckets)s::timestamptz[], %(worker_ids)s::int4[]) as wanted (bucket, worker_id)
join worker_minutes using (bucket, worker_id)
group by bucket
order by bucket;

-- name: span
-- Sums of all workers over a span, packed as minutes_reader.PACKED_SUMS.
select string_agg(int4send(worker_id) || float8send(accepted) || float8send(rejected), ''::bytea)
from (
    select worker_id, sum(accepted) as accepted, sum(rejected) as rejected
    from worker_minutes
    where bucket >= %(from)s::timestamptz and bucket < %(to)s::timestamptz
    group by worker_id
) sums;

-- name: span_of_workers
-- The same for some workers.
select string_agg(int4send(worker_id) || float8send(accepted) || float8send(rejected), ''::bytea)
from (
    select worker_id, sum(accepted) as accepted, sum(rejected) as rejected
    from generate_series(
        %(from)s::timestamptz, %(to)s::timestamptz - interval '1 minute', interval '1 minute'
    ) as bucket
    cross join unnest(%(worker_ids)s::int4[]) as worker_id
    join worker_minutes using (bucket, worker_id)
    group by worker_id
) sums;
