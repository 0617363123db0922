-- name: jobs
-- Compression and refresh jobs of our relations (an aggregate goes by the name of its view).
select
    hypertable_name,
    proc_name,
    schedule_interval,
    (config ->> 'compress_after')::interval,
    (config ->> 'start_offset')::interval,
    (config ->> 'end_offset')::interval
from timescaledb_information.jobs
where proc_name in ('policy_compression', 'policy_refresh_continuous_aggregate')
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

-- name: remove_refresh
select remove_continuous_aggregate_policy(%(relation)s::regclass, if_exists => true)

-- name: add_refresh
select add_continuous_aggregate_policy(
    %(relation)s::regclass,
    start_offset => %(refresh_start)s::interval,
    end_offset => %(refresh_end)s::interval,
    schedule_interval => %(refresh_every)s::interval
)

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

-- name: ceiling_is_lifted
select 1 from pg_db_role_setting, unnest(setconfig) as setting
where setrole = 0
    and setdatabase = (select oid from pg_database where datname = current_database())
    and setting = 'timescaledb.max_tuples_decompressed_per_dml_transaction=0'

-- name: lift_ceiling
do $$ begin
    execute format(
        'alter database %I set timescaledb.max_tuples_decompressed_per_dml_transaction = 0',
        current_database()
    );
end $$
