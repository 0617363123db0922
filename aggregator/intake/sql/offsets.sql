-- name: follow_stream
-- Which cluster and topic the service follows from now on.
insert into intake_stream (cluster_id, topic, clock)
values (%(cluster_id)s, %(topic)s, %(clock)s)
on conflict (only_row) do update
set cluster_id = excluded.cluster_id,
    topic = excluded.topic,
    clock = excluded.clock,
    assigned_at = now()

-- name: claim
-- Claim partitions: their former owner can't write any more. One never seen starts at the beginning
-- of its log, and at the service's stream time, which it keeps until it is read.
insert into intake_partitions as known
    (cluster_id, topic, partition, next_offset, owner_epoch, owner, stream_time)
select
    %(cluster_id)s, %(topic)s, asked.partition, asked.beginning, 1, %(owner)s,
    case when %(clock)s = 'wall' then (select stream_time from stream) end
from unnest(%(partitions)s::int4[], %(beginnings)s::int8[]) as asked (partition, beginning)
order by asked.partition
on conflict (cluster_id, topic, partition) do update
set owner_epoch = known.owner_epoch + 1,
    owner = excluded.owner,
    caught_up = false,
    flushed_at = now()
returning
    partition, owner_epoch, next_offset, last_offset, last_timestamp, last_crc, stream_time,
    replay_start, replay_until, replay_from

-- name: clock_ahead
-- By how many seconds a host's clock is ahead of the database's.
select %(now_ms)s::int8 / 1000.0::float8 - extract(epoch from clock_timestamp())::float8

-- name: advance
-- Move the offsets of a flush. Fewer rows than partitions: another process owns one of them.
--
-- Stream time never goes back, so a host whose clock runs wild must not carry it away: what lies
-- further ahead of the database's clock than the tolerance moves nothing. Null stays null: of that
-- partition nothing was consumed yet. A first record (clock=records) does not lead back.
--
-- Of outages the newest is kept, and joined with the one before if stream time has not passed that
-- yet (a backlog).
update intake_partitions as known
set next_offset = given.next_offset,
    last_offset = coalesce(given.last_offset, known.last_offset),
    last_timestamp = coalesce(given.last_timestamp, known.last_timestamp),
    last_crc = coalesce(given.last_crc, known.last_crc),
    stream_time = case
        when stream.clock = 'wall' then greatest(known.stream_time, case
            when given.stream_time <= now() + make_interval(secs => %(tolerance_s)s)
                then least(given.stream_time, now() + interval '5 seconds')
        end)
        when known.stream_time is null and given.stream_time is not null
            then greatest(given.stream_time, stream.stream_time)
        else greatest(known.stream_time, given.stream_time)
    end,
    history_at = given.history_at,
    caught_up = given.caught_up,
    seen_end = known.seen_end or given.caught_up,
    flushed_at = now(),
    outage_from = case
        when given.resumed_at is null then known.outage_from
        when known.stream_time < known.resumed_at then least(known.outage_from, given.outage_from)
        else given.outage_from
    end,
    resumed_at = coalesce(given.resumed_at, known.resumed_at),
    replay_start = case when given.replays then known.replay_start end,
    replay_until = case when given.replays then known.replay_until end,
    replay_from = case when given.replays then known.replay_from end,
    replay_next = case when given.replays then given.next_offset end
from unnest(
    %(partitions)s::int4[], %(epochs)s::int8[], %(from_offsets)s::int8[],
    %(next_offsets)s::int8[], %(last_offsets)s::int8[], %(last_timestamps)s::timestamptz[],
    %(last_crcs)s::int8[], %(stream_times)s::timestamptz[], %(history_at)s::timestamptz[],
    %(caught_up)s::bool[], %(replays)s::bool[],
    %(outage_from)s::timestamptz[], %(resumed_at)s::timestamptz[]
) as given (
    partition, epoch, from_offset,
    next_offset, last_offset, last_timestamp, last_crc, stream_time, history_at,
    caught_up, replays, outage_from, resumed_at
)
cross join (
    select streams.clock, stream.stream_time from stream cross join intake_stream as streams
) as stream
where known.cluster_id = %(cluster_id)s
    and known.topic = %(topic)s
    and known.partition = given.partition
    and known.owner_epoch = given.epoch
    and known.next_offset = given.from_offset
returning
    known.partition,
    known.stream_time,
    (%(now_ms)s::int8 / 1000.0::float8 - extract(epoch from clock_timestamp()))::float8 as ahead_s

-- name: owners
-- Who owns the partitions, after `advance` moved fewer rows than it should.
select partition, owner_epoch, next_offset, owner
from intake_partitions
where cluster_id = %(cluster_id)s and topic = %(topic)s and partition = any(%(partitions)s::int4[])

-- name: show
-- Every stored offset; `current` marks the stream that is followed.
select
    known.cluster_id, known.topic, known.partition, known.next_offset, known.last_offset,
    known.last_timestamp, known.stream_time, known.caught_up, known.owner, known.owner_epoch,
    known.flushed_at, streams.only_row is not null as current, known.replay_until, known.replay_from
from intake_partitions as known
left join intake_stream as streams using (cluster_id, topic)
order by known.cluster_id, known.topic, known.partition

-- name: reset
-- Put partitions where a person says; their owner is fenced, the next one verifies nothing. A replay
-- goes on if records that were counted before still lie ahead.
update intake_partitions as known
set next_offset = given.next_offset,
    owner_epoch = known.owner_epoch + 1,
    owner = null,
    last_offset = null,
    last_timestamp = null,
    last_crc = null,
    caught_up = false,
    replay_start = case when given.next_offset < known.replay_until then known.replay_start end,
    replay_until = case when given.next_offset < known.replay_until then known.replay_until end,
    replay_from = case when given.next_offset < known.replay_until then known.replay_from end,
    replay_next = case when given.next_offset < known.replay_until then given.next_offset end
from unnest(%(partitions)s::int4[], %(next_offsets)s::int8[]) as given (partition, next_offset)
where known.cluster_id = %(cluster_id)s
    and known.topic = %(topic)s
    and known.partition = given.partition
returning known.partition

-- name: forget_partitions
-- Partitions that are no longer part of the topic, or all of a stream: never seen from now on.
delete from intake_partitions
where cluster_id = %(cluster_id)s and topic = %(topic)s and partition = any(%(partitions)s::int4[])

-- name: forget_sequences
-- What was remembered of the producers on those partitions, that of a replay (-1 - partition) too.
delete from producer_sequences
where cluster_id = %(cluster_id)s
    and topic = %(topic)s
    and (partition = any(%(partitions)s::int4[]) or -1 - partition = any(%(partitions)s::int4[]))
