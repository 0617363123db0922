-- What intake flushed, added up into worker minutes.

-- name: blocks
-- How far the flushed rows reach, in blocks: all that is committed lies before.
select (pg_relation_size('flushed_minutes') / current_setting('block_size')::int8)::int8

-- name: read
-- The rows of some blocks (of minutes before one, or of all), packed as flushed.PACKED and, if there
-- are rejects, flushed.PACKED_REASONS; and the snapshot that saw them, or those that a snapshot before
-- saw. Takes no lock.
select
    pg_current_snapshot()::text,
    string_agg(
        timestamptz_send(bucket) || int4send(worker_id) || int4send(miner_id)
        || int4send(coalesce(operator_id, 0)) || int4send(coalesce(source_id, 0))
        || int4send(accepted_count) || int4send(rejected_count)
        || float8send(accepted) || float8send(rejected)
        || timestamptz_send(coalesce(last_share_at, 'epoch')),
        ''::bytea
    ),
    string_agg(
        timestamptz_send(bucket) || int4send(worker_id)
        || float8send(coalesce(stale, 'NaN')) || float8send(coalesce(duplicate, 'NaN'))
        || float8send(coalesce(low_difficulty, 'NaN')) || float8send(coalesce(job_not_found, 'NaN'))
        || float8send(coalesce(unauthorized, 'NaN'))
        || float8send(coalesce(time_out_of_range, 'NaN')) || float8send(coalesce(invalid, 'NaN')),
        ''::bytea
    ) filter (where rejected_count > 0)
from flushed_minutes
where ctid >= format('(%%s,0)', %(from)s::int8)::tid
    and ctid < format('(%%s,0)', %(to)s::int8)::tid
    and (bucket < %(before)s::timestamptz) is not false
    and (
        %(snapshot)s::text is null
        or pg_visible_in_snapshot(flushed_by, %(snapshot)s::text::pg_snapshot)
    )

-- name: create_stage
-- Private to the connection: filling it takes no lock that anybody waits for.
create temp table if not exists stage_minutes (like worker_minutes)

-- name: empty_stage
truncate stage_minutes

-- name: stage
copy stage_minutes (
    bucket, worker_id, miner_id, operator_id, source_id,
    accepted_count, rejected_count, accepted, rejected, last_share_at,
    stale, duplicate, low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
) from stdin (format binary)

-- name: unbound
-- Late shares reach compressed chunks of any size; without TimescaleDB it is a name nobody reads.
select set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', true)

-- name: delete_read
-- Exactly the rows that `read` saw: a row that was committed afterwards stays for the next merge.
delete from flushed_minutes
where ctid >= format('(%%s,0)', %(from)s::int8)::tid
    and ctid < format('(%%s,0)', %(to)s::int8)::tid
    and (bucket < %(before)s::timestamptz) is not false
    and pg_visible_in_snapshot(flushed_by, %(snapshot)s::text::pg_snapshot)

-- name: written_before
-- Minutes that have rows already.
select extract(epoch from bucket)::int8
from unnest(%(buckets)s::timestamptz[]) as asked (bucket)
where exists (select from worker_minutes where worker_minutes.bucket = asked.bucket)

-- name: insert_first
-- Minutes without a row so far; the stage is in the order of the key.
insert into worker_minutes (
    bucket, worker_id, miner_id, operator_id, source_id,
    accepted_count, rejected_count, accepted, rejected, last_share_at,
    stale, duplicate, low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
)
select
    bucket, worker_id, miner_id, operator_id, source_id,
    accepted_count, rejected_count, accepted, rejected, last_share_at,
    stale, duplicate, low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
from stage_minutes
where bucket <> all(%(known)s::timestamptz[])

-- name: add_to_known
-- Minutes that have rows: put on top of what is there.
insert into worker_minutes as minute (
    bucket, worker_id, miner_id, operator_id, source_id,
    accepted_count, rejected_count, accepted, rejected, last_share_at,
    stale, duplicate, low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
)
select
    bucket, worker_id, miner_id, operator_id, source_id,
    accepted_count, rejected_count, accepted, rejected, last_share_at,
    stale, duplicate, low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
from stage_minutes
where bucket = any(%(known)s::timestamptz[])
order by bucket, worker_id
on conflict (bucket, worker_id) do update
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
    stale = coalesce(minute.stale + excluded.stale, minute.stale, excluded.stale),
    duplicate = coalesce(
        minute.duplicate + excluded.duplicate, minute.duplicate, excluded.duplicate
    ),
    low_difficulty = coalesce(
        minute.low_difficulty + excluded.low_difficulty,
        minute.low_difficulty, excluded.low_difficulty
    ),
    job_not_found = coalesce(
        minute.job_not_found + excluded.job_not_found,
        minute.job_not_found, excluded.job_not_found
    ),
    unauthorized = coalesce(
        minute.unauthorized + excluded.unauthorized,
        minute.unauthorized, excluded.unauthorized
    ),
    time_out_of_range = coalesce(
        minute.time_out_of_range + excluded.time_out_of_range,
        minute.time_out_of_range, excluded.time_out_of_range
    ),
    invalid = coalesce(minute.invalid + excluded.invalid, minute.invalid, excluded.invalid)

-- name: mark_dirty
-- Minutes for the leader to read, of all workers.
insert into dirty_minutes (bucket) select unnest(%(buckets)s::timestamptz[])

-- name: mark_dirty_workers
-- One minute of some workers.
insert into dirty_minutes (bucket, worker_ids) values (%(bucket)s, %(worker_ids)s::int4[])
