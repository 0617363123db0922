-- name: jobs
-- Compression jobs of our relations (an aggregate goes by the name of its view).
select
    hypertable_name,
    schedule_interval,
    (config ->> 'compress_after')::interval
from timescaledb_information.jobs
where proc_name = 'policy_compression'
    and hypertable_schema = current_schema()

-- name: chunk_intervals
-- Width of the chunks to come, of hypertables and of what holds the aggregates.
select coalesce(aggregates.view_name, dimensions.hypertable_name), dimensions.time_interval
from timescaledb_information.dimensions dimensions
left join timescaledb_information.continuous_aggregates aggregates
    on aggregates.materialization_hypertable_name = dimensions.hypertable_name

-- name: set_chunk_interval
select set_chunk_time_interval(%(relation)s::regclass, %(width)s::interval)

-- name: remove_compression
select remove_compression_policy(%(relation)s::regclass, if_exists => true)

-- name: add_compression
select add_compression_policy(
    %(relation)s::regclass,
    compress_after => %(compress_after)s::interval,
    schedule_interval => %(compress_every)s::interval
)

-- name: refresh_jobs
-- Aggregates that a job refreshes by the wall clock: it would materialise buckets that stream time
-- has not completed, and what comes in afterwards would not show.
select job_id, hypertable_name from timescaledb_information.jobs
where proc_name = 'policy_refresh_continuous_aggregate' and hypertable_schema = current_schema()
    and scheduled

-- name: stop_job
select alter_job(%(job_id)s::int4, scheduled => false)

-- name: add_idle_refresh
-- TimescaleDB takes a compression policy of an aggregate only beside a refresh policy: this one
-- never runs.
select alter_job(
    add_continuous_aggregate_policy(
        %(relation)s::regclass,
        start_offset => 3 * %(bucket)s::interval,
        end_offset => %(bucket)s::interval,
        schedule_interval => interval '1 day'
    ),
    scheduled => false
)

-- name: remove_refresh
select remove_continuous_aggregate_policy(%(relation)s::regclass, if_exists => true)

-- name: retention_is_so
-- A row where the one retention job is as wanted.
select 1 from timescaledb_information.jobs
where proc_name = %(proc)s and proc_schema = current_schema()
having count(*) = 1 and bool_and(schedule_interval = %(every)s and config = %(config)s)

-- name: remove_retention
select delete_job(job_id) from timescaledb_information.jobs
where proc_name = %(proc)s and proc_schema = current_schema()

-- name: add_retention
select add_job(%(proc)s::regproc, %(every)s::interval, config => %(config)s)

-- name: limit_is_lifted
select 1 from pg_db_role_setting, unnest(setconfig) as setting
where setrole = 0
    and setdatabase = (select oid from pg_database where datname = current_database())
    and setting = 'timescaledb.max_tuples_decompressed_per_dml_transaction=0'

-- name: lift_limit
do $$ begin
    execute format(
        'alter database %I set timescaledb.max_tuples_decompressed_per_dml_transaction = 0',
        current_database()
    );
end $$
