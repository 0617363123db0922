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
-- Take partitions over: whoever held them can't write any more. One never seen starts at the
-- beginning of its log, and at the service's stream time, which it holds until it is read.
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
    taken_at = now()
returning
    partition, owner_epoch, next_offset, last_offset, last_timestamp, last_crc, stream_time,
    replay_start, replay_until, replay_from

-- name: clock_ahead
-- By how many seconds a host's clock is ahead of the database's.
select %(now_ms)s::int8 / 1000.0::float8 - extract(epoch from clock_timestamp())::float8

-- name: advance
-- Move the offsets of a flush. Fewer rows than partitions: somebody else holds one of them. Stream
-- time never goes back, so a host whose clock runs wild must not take it along. Of outages the newest
-- is kept, and joined with the one before where stream time has not passed that yet (a backlog).
update intake_partitions as known
set next_offset = taken.next_offset,
    last_offset = coalesce(taken.last_offset, known.last_offset),
    last_timestamp = coalesce(taken.last_timestamp, known.last_timestamp),
    last_crc = coalesce(taken.last_crc, known.last_crc),
    stream_time = greatest(known.stream_time, case
        when (select clock from intake_stream) = 'wall'
            then least(taken.stream_time, now() + interval '5 seconds')
        else taken.stream_time
    end),
    caught_up = taken.caught_up,
    taken_at = now(),
    stood_from = case
        when taken.resumed_at is null then known.stood_from
        when known.stream_time < known.resumed_at then least(known.stood_from, taken.stood_from)
        else taken.stood_from
    end,
    resumed_at = coalesce(taken.resumed_at, known.resumed_at),
    replay_start = case when taken.replays then known.replay_start end,
    replay_until = case when taken.replays then known.replay_until end,
    replay_from = case when taken.replays then known.replay_from end,
    replay_next = case when taken.replays then taken.next_offset end
from unnest(
    %(partitions)s::int4[], %(epochs)s::int8[], %(from_offsets)s::int8[],
    %(next_offsets)s::int8[], %(last_offsets)s::int8[], %(last_timestamps)s::timestamptz[],
    %(last_crcs)s::int8[], %(stream_times)s::timestamptz[], %(caught_up)s::bool[],
    %(replays)s::bool[], %(stood_from)s::timestamptz[], %(resumed_at)s::timestamptz[]
) as taken (
    partition, epoch, from_offset,
    next_offset, last_offset, last_timestamp, last_crc, stream_time, caught_up, replays,
    stood_from, resumed_at
)
where known.cluster_id = %(cluster_id)s
    and known.topic = %(topic)s
    and known.partition = taken.partition
    and known.owner_epoch = taken.epoch
    and known.next_offset = taken.from_offset

-- name: held
-- What stands there after all, where `advance` moved fewer rows than it should.
select partition, owner_epoch, next_offset, owner
from intake_partitions
where cluster_id = %(cluster_id)s and topic = %(topic)s and partition = any(%(partitions)s::int4[])

-- name: show
-- Every stored offset; `current` marks the stream that is followed.
select
    known.cluster_id, known.topic, known.partition, known.next_offset, known.last_offset,
    known.last_timestamp, known.stream_time, known.caught_up, known.owner, known.owner_epoch,
    known.taken_at, streams.only_row is not null as current, known.replay_until, known.replay_from
from intake_partitions as known
left join intake_stream as streams using (cluster_id, topic)
order by known.cluster_id, known.topic, known.partition

-- name: settle
-- Put partitions where a person says; whoever holds them is fenced, the next owner checks nothing. A
-- replay goes on where records that were counted before still lie ahead.
update intake_partitions as known
set next_offset = settled.next_offset,
    owner_epoch = known.owner_epoch + 1,
    owner = null,
    last_offset = null,
    last_timestamp = null,
    last_crc = null,
    caught_up = false,
    replay_start = case when settled.next_offset < known.replay_until then known.replay_start end,
    replay_until = case when settled.next_offset < known.replay_until then known.replay_until end,
    replay_from = case when settled.next_offset < known.replay_until then known.replay_from end,
    replay_next = case when settled.next_offset < known.replay_until then settled.next_offset end
from unnest(%(partitions)s::int4[], %(next_offsets)s::int8[]) as settled (partition, next_offset)
where known.cluster_id = %(cluster_id)s
    and known.topic = %(topic)s
    and known.partition = settled.partition
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
