-- name: state
-- Whether shares are still counted anew, and the minutes that entity minutes and rollups do not agree
-- with yet. A replay of a stream that nobody follows any more is not waited for.
select
    exists (
        select from intake_partitions
        join intake_stream using (cluster_id, topic)
        where replay_until is not null
    ) as runs,
    (extract(epoch from replay.completed_to)::int8 / 60)::int4 as completed_to,
    (extract(epoch from leader.watermark)::int8 / 60)::int4 as watermark
from replay cross join leader;

-- name: delete_dirty
-- What was listed of a span; rows that come in meanwhile stay for the next cycle.
delete from dirty_minutes
where bucket >= %(from)s::timestamptz and bucket < %(to)s::timestamptz;

-- name: unpack
-- Entity minutes may lie in compressed chunks; without TimescaleDB it is a name that nobody reads.
select set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', true);

-- name: delete_entity_minutes
-- All of a span: what has no share any more must go, too.
delete from entity_minutes
where bucket >= %(from)s::timestamptz and bucket < %(to)s::timestamptz;

-- name: minutes
-- The minutes of a span with work in them.
select (extract(epoch from bucket)::int8 / 60)::int4
from worker_minutes
where bucket >= %(from)s::timestamptz and bucket < %(to)s::timestamptz
group by bucket;

-- name: completed
-- Everything before this instant is made anew.
update replay set completed_to = %(to)s::timestamptz;

-- name: finish
-- The replay is over.
delete from replay;

-- name: forget_sequences
-- What it has seen of the producers, kept under -1 - partition.
delete from producer_sequences where partition < 0;
