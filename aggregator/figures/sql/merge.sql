-- What intake flushed, added up into worker minutes.

-- name: blocks
-- How far the flushed rows reach, in blocks: all that is committed lies before.
select (pg_relation_size('flushed_minutes') / current_setting('block_size')::int8)::int8

-- name: unbound
-- Late shares reach compressed chunks of any size; without TimescaleDB it is a name nobody reads.
select set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', true)

-- name: merge
-- Move the rows of some blocks (of minutes before one, or of all): added up by worker and minute, put
-- on top of what is there, and listed for the leader to read; late minutes with their workers, where
-- they are few. In one statement, so that a row is in one of the two tables, never in both.
with taken as (
    delete from flushed_minutes
    where ctid >= format('(%%s,0)', %(from)s::int8)::tid
        and ctid < format('(%%s,0)', %(to)s::int8)::tid
        and (bucket < %(before)s::timestamptz) is not false
    returning *
),
merged as (
    insert into worker_minutes as minute (
        bucket, worker_id, miner_id, operator_id, source_id,
        accepted_count, rejected_count, accepted, rejected, last_share_at,
        stale, duplicate, low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
    )
    select
        bucket, worker_id, min(miner_id), min(operator_id),
        -- The source of the last share: the lower half of the greatest (second, source).
        (max(date_part('second', last_share_at)::int8 << 32 | source_id) & 4294967295)::int4,
        sum(accepted_count)::int4, sum(rejected_count)::int4, sum(accepted), sum(rejected),
        max(last_share_at),
        sum(stale), sum(duplicate), sum(low_difficulty), sum(job_not_found), sum(unauthorized),
        sum(time_out_of_range), sum(invalid)
    from taken
    group by bucket, worker_id
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
    returning bucket, worker_id
),
touched as (
    insert into touched_minutes (bucket, worker_ids)
    select
        bucket,
        case
            when bucket < %(late_before)s::timestamptz and count(*) <= 1000
                then array_agg(worker_id)
        end
    from merged
    group by bucket
)
select count(*)::int8 from merged
