-- How a replay begins: one transaction, in this order.

-- name: depose_leader
-- Whoever leads stands back: its next write, and the one it is about to make, are refused. What it
-- kept of its rings is no longer true.
with forgotten as (delete from ring_buckets)
update leader set epoch = epoch + 1, holder = null, renewed_at = 'epoch'

-- name: stop_claims
-- Waits for flushes and claims under way; new ones wait for us and are fenced then. Reads go on.
lock table intake_partitions in exclusive mode

-- name: known
-- What is to be rewound, and from where on a replay under way counts.
select partition, replay_from from intake_partitions
where cluster_id = %(cluster_id)s and topic = %(topic)s
order by partition

-- name: imported_before
-- Minutes from before this came from files, not from a topic.
select live_from from import_boundary

-- name: under_way
-- The replay that is not over: its minutes from there on may not be whole.
select replay_from from replay

-- name: rewind
-- Put every partition back to where its log passes the instant, and fence whoever holds it. What was
-- counted so far, by a replay under way too, ends at replay_until.
update intake_partitions as known
set owner_epoch = known.owner_epoch + 1,
    owner = null,
    caught_up = false,
    flushed_at = now(),
    next_offset = least(place.start, place.until),
    last_offset = case when place.start < place.until
        then place.last_offset else known.last_offset end,
    last_timestamp = case when place.start < place.until
        then place.last_timestamp else known.last_timestamp end,
    last_crc = case when place.start < place.until then place.last_crc else known.last_crc end,
    replay_start = case when place.start < place.until then place.start end,
    replay_until = case when place.start < place.until then place.until end,
    replay_from = case when place.start < place.until then %(since)s::timestamptz end,
    replay_next = case when place.start < place.until then place.start end
from (
    select given.*, greatest(stored.next_offset, stored.replay_until) as until
    from unnest(
        %(partitions)s::int4[], %(starts)s::int8[],
        %(last_offsets)s::int8[], %(last_timestamps)s::timestamptz[], %(last_crcs)s::int8[]
    ) as given (partition, start, last_offset, last_timestamp, last_crc)
    join intake_partitions as stored
        on stored.cluster_id = %(cluster_id)s
        and stored.topic = %(topic)s
        and stored.partition = given.partition
) as place
where known.cluster_id = %(cluster_id)s
    and known.topic = %(topic)s
    and known.partition = place.partition
returning known.partition, known.replay_until - known.replay_start

-- name: forget_replayed_sequences
-- What an earlier replay has seen of the producers.
delete from producer_sequences
where cluster_id = %(cluster_id)s and topic = %(topic)s and partition < 0

-- name: unpack
-- Minutes may lie in compressed chunks; without TimescaleDB it is a name that nobody reads.
select set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', true)

-- name: delete_minutes
-- Those of hardware workers, merged or not: the minutes of boundary workers come from their schedules.
with waiting as (delete from flushed_minutes where bucket >= %(since)s::timestamptz)
delete from worker_minutes
where bucket >= %(since)s::timestamptz
    and worker_id <> all (array(select id from workers where behavior = 'boundary'))

-- name: hold_retention
-- Retention drops nothing from the first minute that the leader has not read.
insert into dirty_minutes (bucket) values (%(since)s::timestamptz)

-- name: mark
-- For the leader: nothing may be read before all is counted anew.
insert into replay (replay_from, completed_to) values (%(since)s::timestamptz, %(since)s::timestamptz)
on conflict (only_row) do update
set replay_from = excluded.replay_from, completed_to = excluded.completed_to, begun_at = now()

-- name: progress
-- Whether a replay is there, and how many messages of it are still to be read.
select
    replay.replay_from,
    (
        select coalesce(sum(known.replay_until - known.next_offset), 0)::int8
        from intake_partitions as known
        join intake_stream using (cluster_id, topic)
    ) as messages_left
from replay

-- name: counted_between
-- Whether hardware workers have minutes there, merged or not.
select exists (
    select from flushed_minutes
    where bucket >= %(since)s::timestamptz and bucket < %(until)s::timestamptz
) or exists (
    select from worker_minutes
    where bucket >= %(since)s::timestamptz and bucket < %(until)s::timestamptz
        and worker_id <> all (array(select id from workers where behavior = 'boundary'))
)

-- name: limits
-- How far back minutes are whole: what retention dropped, and the newest stream time.
select
    streams.cluster_id,
    streams.topic,
    (
        select max(marks.kept_from) from retention_marks as marks
        where marks.relation in ('worker_minutes', 'entity_minutes')
    ) as kept_from,
    max(known.stream_time) as stream_time
from intake_stream as streams
join intake_partitions as known using (cluster_id, topic)
group by streams.cluster_id, streams.topic
