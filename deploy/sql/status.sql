-- What `hashgauge status` shows. Plain psycopg statements.

-- name: leader
-- The figures leader: who, since when silent, how far, and how far behind the wall clock.
select
    holder, epoch, now() - renewed_at as silent, stream_time, watermark, cycle_at,
    greatest(now() - stream_time, interval '0') as behind
from leader

-- name: partitions
-- How far intake has come on the stream that is followed.
select
    known.partition, known.owner, known.next_offset, known.stream_time, known.caught_up,
    now() - known.flushed_at as silent, known.replay_until - known.next_offset as replay_left
from intake_partitions as known
join intake_stream using (cluster_id, topic)
order by known.partition

-- name: replay
-- What is counted anew, while that is not over.
select replay_from, now() - begun_at as since from replay

-- name: workers
-- Hardware workers by status, over all pools.
select counts.status, sum(counts.workers)::int8 as workers
from status_counts as counts
join pools on pools.id = counts.entity_id
group by counts.status
order by counts.status

-- name: pools
-- Every pool: fifteen minutes as sums of difficulty, the last five complete minutes as shares.
select pools.title, figures.accepted_15m, figures.rejected_15m, coalesce(counts.shares, 0) as shares
from pools
join entity_figures as figures on figures.entity_id = pools.id
left join (
    select entity_id, sum(accepted_count + rejected_count)::int8 as shares
    from entity_minutes
    join leader
        on bucket >= leader.watermark - interval '5 minutes' and bucket < leader.watermark
    group by entity_id
) as counts on counts.entity_id = pools.id
order by pools.id

-- name: waiting
-- Work that lies ready: flushed rows that are not merged, minutes the leader has not read, events not
-- published yet. A backlog is merged in transactions of some 2,000,000 rows, so it is seen to shrink.
select
    flushed.rows, flushed.since,
    (select count(*) from dirty_minutes) as minutes,
    (select count(*) from events where sequence is null) as events
from (select count(*) as rows, min(bucket) as since from flushed_minutes) as flushed
