-- hashgauge: statement by statement
-- Rollups on TimescaleDB: hypertables of minutes and real-time continuous aggregates upon them. The
-- SELECTs are those of schemas/rollups.py, word for word (a test compares them). Every statement
-- may run again: the file is not one transaction.
--
-- No data at first, and no group indexes (an index per column of the key, which nothing reads): the
-- one index on (key, bucket) answers charts, with the two sums that charts and reports read.
--
-- The keys of minutes stay (worker_id, bucket): a continuous aggregate that is asked for one worker
-- finds the newest minutes by it.

create table if not exists retention_marks (
    relation text primary key,
    kept_from timestamptz not null
);

-- Buckets that the leader has to refresh, noted in the transaction that took their minutes in.
create table if not exists rollup_queue (
    level text not null,
    bucket timestamptz not null,
    token int8 not null generated always as identity,
    primary key (level, bucket)
);

-- Chunk intervals are settings, which `hashgauge migrate` sets afterwards. The index by bucket that
-- a hypertable makes by itself serves the leader, which reads minutes by bucket.
select create_hypertable(
    'worker_minutes', by_range('bucket', interval '6 hours'), if_not_exists => true, migrate_data => true
);
select create_hypertable(
    'entity_minutes', by_range('bucket', interval '6 hours'), if_not_exists => true, migrate_data => true
);

create materialized view if not exists worker_15m
with (timescaledb.continuous, timescaledb.materialized_only = false, timescaledb.create_group_indexes = false)
as select time_bucket(interval '900 seconds', bucket) as bucket, worker_id,
sum(accepted_count)::bigint as accepted_count, sum(rejected_count)::bigint as rejected_count,
sum(accepted) as accepted, sum(rejected) as rejected, sum(stale) as stale, sum(duplicate) as
duplicate, sum(low_difficulty) as low_difficulty, sum(job_not_found) as job_not_found,
sum(unauthorized) as unauthorized, sum(time_out_of_range) as time_out_of_range, sum(invalid) as
invalid from worker_minutes group by 1, 2
with no data;
create index if not exists worker_15m_covering on worker_15m (worker_id, bucket) include (accepted, rejected);

create materialized view if not exists worker_1h
with (timescaledb.continuous, timescaledb.materialized_only = false, timescaledb.create_group_indexes = false)
as select time_bucket(interval '3600 seconds', bucket) as bucket, worker_id,
sum(accepted_count)::bigint as accepted_count, sum(rejected_count)::bigint as rejected_count,
sum(accepted) as accepted, sum(rejected) as rejected, sum(stale) as stale, sum(duplicate) as
duplicate, sum(low_difficulty) as low_difficulty, sum(job_not_found) as job_not_found,
sum(unauthorized) as unauthorized, sum(time_out_of_range) as time_out_of_range, sum(invalid) as
invalid from worker_15m group by 1, 2
with no data;
create index if not exists worker_1h_covering on worker_1h (worker_id, bucket) include (accepted, rejected);

create materialized view if not exists worker_1d
with (timescaledb.continuous, timescaledb.materialized_only = false, timescaledb.create_group_indexes = false)
as select time_bucket(interval '86400 seconds', bucket) as bucket, worker_id,
sum(accepted_count)::bigint as accepted_count, sum(rejected_count)::bigint as rejected_count,
sum(accepted) as accepted, sum(rejected) as rejected, sum(stale) as stale, sum(duplicate) as
duplicate, sum(low_difficulty) as low_difficulty, sum(job_not_found) as job_not_found,
sum(unauthorized) as unauthorized, sum(time_out_of_range) as time_out_of_range, sum(invalid) as
invalid from worker_1h group by 1, 2
with no data;
create index if not exists worker_1d_covering on worker_1d (worker_id, bucket) include (accepted, rejected);

create materialized view if not exists entity_15m
with (timescaledb.continuous, timescaledb.materialized_only = false, timescaledb.create_group_indexes = false)
as select time_bucket(interval '900 seconds', bucket) as bucket, entity_id,
sum(accepted_count)::bigint as accepted_count, sum(rejected_count)::bigint as rejected_count,
sum(accepted) as accepted, sum(rejected) as rejected, sum(stale) as stale, sum(duplicate) as
duplicate, sum(low_difficulty) as low_difficulty, sum(job_not_found) as job_not_found,
sum(unauthorized) as unauthorized, sum(time_out_of_range) as time_out_of_range, sum(invalid) as
invalid from entity_minutes group by 1, 2
with no data;
create index if not exists entity_15m_covering on entity_15m (entity_id, bucket) include (accepted, rejected);

create materialized view if not exists entity_1h
with (timescaledb.continuous, timescaledb.materialized_only = false, timescaledb.create_group_indexes = false)
as select time_bucket(interval '3600 seconds', bucket) as bucket, entity_id,
sum(accepted_count)::bigint as accepted_count, sum(rejected_count)::bigint as rejected_count,
sum(accepted) as accepted, sum(rejected) as rejected, sum(stale) as stale, sum(duplicate) as
duplicate, sum(low_difficulty) as low_difficulty, sum(job_not_found) as job_not_found,
sum(unauthorized) as unauthorized, sum(time_out_of_range) as time_out_of_range, sum(invalid) as
invalid from entity_15m group by 1, 2
with no data;
create index if not exists entity_1h_covering on entity_1h (entity_id, bucket) include (accepted, rejected);

create materialized view if not exists entity_1d
with (timescaledb.continuous, timescaledb.materialized_only = false, timescaledb.create_group_indexes = false)
as select time_bucket(interval '86400 seconds', bucket) as bucket, entity_id,
sum(accepted_count)::bigint as accepted_count, sum(rejected_count)::bigint as rejected_count,
sum(accepted) as accepted, sum(rejected) as rejected, sum(stale) as stale, sum(duplicate) as
duplicate, sum(low_difficulty) as low_difficulty, sum(job_not_found) as job_not_found,
sum(unauthorized) as unauthorized, sum(time_out_of_range) as time_out_of_range, sum(invalid) as
invalid from entity_1h group by 1, 2
with no data;
create index if not exists entity_1d_covering on entity_1d (entity_id, bucket) include (accepted, rejected);

-- Ordered by worker and minute, without segments: a batch of 1,000 rows holds a few workers, so a
-- late minute unpacks little, and a row takes 10 B in chunks of six hours and 14 B in chunks of one
-- (14 and 26 B with a segment for each worker, whose 360 or 60 rows do not fill a batch).
alter table worker_minutes set (
    timescaledb.compress, timescaledb.compress_segmentby = '',
    timescaledb.compress_orderby = 'worker_id, bucket'
);
alter table entity_minutes set (
    timescaledb.compress, timescaledb.compress_segmentby = '',
    timescaledb.compress_orderby = 'entity_id, bucket'
);
alter materialized view worker_15m set (
    timescaledb.compress = true, timescaledb.compress_segmentby = '',
    timescaledb.compress_orderby = 'worker_id, bucket'
);
alter materialized view worker_1h set (
    timescaledb.compress = true, timescaledb.compress_segmentby = '',
    timescaledb.compress_orderby = 'worker_id, bucket'
);
alter materialized view worker_1d set (
    timescaledb.compress = true, timescaledb.compress_segmentby = '',
    timescaledb.compress_orderby = 'worker_id, bucket'
);
alter materialized view entity_15m set (
    timescaledb.compress = true, timescaledb.compress_segmentby = '',
    timescaledb.compress_orderby = 'entity_id, bucket'
);
alter materialized view entity_1h set (
    timescaledb.compress = true, timescaledb.compress_segmentby = '',
    timescaledb.compress_orderby = 'entity_id, bucket'
);
alter materialized view entity_1d set (
    timescaledb.compress = true, timescaledb.compress_segmentby = '',
    timescaledb.compress_orderby = 'entity_id, bucket'
);

-- Retention by stream time: after an outage of three days the minutes that come in are as old as
-- that, and must reach their rollups before they go. config: {"keep": {relation: interval}}.
create or replace procedure hashgauge_retain(job_id int, config jsonb) language plpgsql as $$
declare
    stream timestamptz := (
        select least(stream_time, now()) from leader where stream_time is not null
    );
    -- What the leader has not read, and what no rollup holds yet.
    waiting timestamptz := least(
        (select min(bucket) from dirty_minutes), (select min(bucket) from rollup_queue)
    );
    kept record;
    cutoff timestamptz;
begin
    for kept in
        select key as relation, value::interval as span from jsonb_each_text(config -> 'keep')
    loop
        -- Midnight, so that what is dropped ends where a bucket of the level above ends.
        cutoff := date_trunc('day', least(stream - kept.span, waiting), 'UTC');
        continue when stream is null;
        -- Marked in the transaction that drops: no refresh makes a bucket from half its rows.
        insert into retention_marks as marks (relation, kept_from) values (kept.relation, cutoff)
        on conflict (relation) do update set kept_from = excluded.kept_from
        where marks.kept_from < excluded.kept_from;
        perform drop_chunks(kept.relation::regclass, older_than => cutoff);
        commit;
    end loop;
end
$$;
