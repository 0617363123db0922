-- name: settings
-- Bounds of one flush. The last one lets late shares into compressed chunks of any size; without
-- TimescaleDB it is a name that nobody reads.
select
    set_config('idle_in_transaction_session_timeout', %(idle_ms)s::text, true),
    set_config('lock_timeout', %(lock_ms)s::text, true),
    set_config('statement_timeout', %(statement_ms)s::text, true),
    set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', true)

-- name: stage
-- Where a flush's rows are copied to; one per session, empty outside of a flush.
create temporary table if not exists staged_minutes (
    bucket timestamptz not null,
    worker_id int4 not null,
    miner_id int4 not null,
    operator_id int4 not null,
    source_id int4 not null,
    accepted_count int4 not null,
    rejected_count int4 not null,
    accepted float8 not null,
    rejected float8 not null,
    last_share_at timestamptz not null,
    stale float8,
    duplicate float8,
    low_difficulty float8,
    job_not_found float8,
    unauthorized float8,
    time_out_of_range float8,
    invalid float8
) on commit delete rows

-- name: copy_accepted
-- Rows without rejected work: fixed width, 0 and -infinity where there is nothing.
copy staged_minutes (
    bucket, worker_id, miner_id, operator_id, source_id,
    accepted_count, rejected_count, accepted, rejected, last_share_at
) from stdin (format binary)

-- name: copy_rejected
-- Rows with rejected work.
copy staged_minutes from stdin (format binary)

-- name: upsert
-- Add to the minutes, in the order of their key: two processes can't deadlock.
insert into worker_minutes as minute (
    bucket, worker_id, miner_id, operator_id, source_id,
    accepted_count, rejected_count, accepted, rejected, last_share_at,
    stale, duplicate, low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
)
select
    bucket, worker_id, miner_id, nullif(operator_id, 0), nullif(source_id, 0),
    accepted_count, rejected_count, accepted, rejected, nullif(last_share_at, '-infinity'),
    nullif(stale, 0), nullif(duplicate, 0), nullif(low_difficulty, 0), nullif(job_not_found, 0),
    nullif(unauthorized, 0), nullif(time_out_of_range, 0), nullif(invalid, 0)
from staged_minutes
order by worker_id, bucket
on conflict (worker_id, bucket) do update
set accepted_count = minute.accepted_count + excluded.accepted_count,
    rejected_count = minute.rejected_count + excluded.rejected_count,
    accepted = minute.accepted + excluded.accepted,
    rejected = minute.rejected + excluded.rejected,
    source_id = case
        when minute.last_share_at > excluded.last_share_at
            then coalesce(minute.source_id, excluded.source_id)
        else coalesce(excluded.source_id, minute.source_id)
    end,
    last_share_at = greatest(minute.last_share_at, excluded.last_share_at),
    stale = nullif(coalesce(minute.stale, 0) + coalesce(excluded.stale, 0), 0),
    duplicate = nullif(coalesce(minute.duplicate, 0) + coalesce(excluded.duplicate, 0), 0),
    low_difficulty = nullif(
        coalesce(minute.low_difficulty, 0) + coalesce(excluded.low_difficulty, 0), 0
    ),
    job_not_found = nullif(
        coalesce(minute.job_not_found, 0) + coalesce(excluded.job_not_found, 0), 0
    ),
    unauthorized = nullif(
        coalesce(minute.unauthorized, 0) + coalesce(excluded.unauthorized, 0), 0
    ),
    time_out_of_range = nullif(
        coalesce(minute.time_out_of_range, 0) + coalesce(excluded.time_out_of_range, 0), 0
    ),
    invalid = nullif(coalesce(minute.invalid, 0) + coalesce(excluded.invalid, 0), 0)

-- name: touch_whole
-- Tell the leader which recent minutes changed.
insert into touched_minutes (bucket)
select to_timestamp(minute_s) from unnest(%(minutes_s)s::int8[]) as minute_s

-- name: touch_late
-- The same for late minutes, with their workers where they are few.
insert into touched_minutes (bucket, worker_ids)
select bucket, case when count(*) <= 1000 then array_agg(worker_id) end
from staged_minutes
where bucket < to_timestamp(%(late_before_s)s::int8)
group by bucket

-- name: save_sequences
-- The highest sequence taken from each producer, so that a repeat is known after a restart too.
insert into producer_sequences as known
    (cluster_id, topic, partition, producer_id, sequence, seen_at)
select %(cluster_id)s, %(topic)s, taken.partition, taken.producer_id, taken.sequence, now()
from unnest(%(partitions)s::int4[], %(producer_ids)s::text[], %(sequences)s::int8[])
    as taken (partition, producer_id, sequence)
order by taken.partition, taken.producer_id
on conflict (cluster_id, topic, partition, producer_id) do update
set sequence = greatest(known.sequence, excluded.sequence), seen_at = excluded.seen_at

-- name: find_sequences
-- What is remembered of some producers.
select known.partition, known.producer_id, known.sequence
from producer_sequences as known
join unnest(%(partitions)s::int4[], %(producer_ids)s::text[]) as asked (partition, producer_id)
    using (partition, producer_id)
where known.cluster_id = %(cluster_id)s
    and known.topic = %(topic)s
    and known.seen_at > now() - make_interval(secs => %(kept_s)s)

-- name: expire_sequences
-- Forget producers that were not heard of for so long that their retries are over.
delete from producer_sequences where seen_at < now() - make_interval(secs => %(kept_s)s)
