-- What `hashgauge doctor` asks the database. Plain psycopg statements.

-- name: server
-- Version, whether it only replicates, how full it is with connections, and its clock.
select
    current_setting('server_version') as version,
    current_setting('server_version_num')::int as version_number,
    pg_is_in_recovery() as replica,
    current_setting('max_connections')::int as connections_limit,
    (select count(*) from pg_stat_activity where backend_type = 'client backend') as connections,
    clock_timestamp() as clock

-- name: extension
-- TimescaleDB: version in this database, its licence, and how the schema was migrated.
select
    (select extversion from pg_extension where extname = 'timescaledb') as installed,
    current_setting('timescaledb.license', true) as licence,
    (select min(database_kind) from schema_migrations) as migrated_as

-- name: rights
-- Our tables that this role may not read and write.
select relname as relation
from pg_class
where relnamespace = current_schema()::regnamespace
    and relkind in ('r', 'p')
    and not (
        has_table_privilege(oid, 'select')
        and has_table_privilege(oid, 'insert')
        and has_table_privilege(oid, 'update')
        and has_table_privilege(oid, 'delete')
    )
order by relname

-- name: jobs
-- TimescaleDB's jobs of ours: how many run, and which failed the last time.
select
    count(*) filter (where jobs.scheduled) as scheduled,
    count(*) as known,
    array_agg(jobs.proc_name || ' of ' || coalesce(jobs.hypertable_name, 'all'))
        filter (where stats.last_run_status = 'Failed') as failed
from timescaledb_information.jobs
left join timescaledb_information.job_stats stats using (job_id)
where jobs.hypertable_schema = current_schema() or jobs.proc_schema = current_schema()

-- name: oldest_minute
-- Retention is the leader's on plain PostgreSQL: how far back minutes go from stream time.
select leader.stream_time - (select min(bucket) from entity_minutes) as kept
from leader

-- name: leader
-- Who leads, since when nobody heard of it, and how far its figures reach.
select holder, now() - renewed_at as silent, watermark, now() - watermark as age
from leader

-- name: partitions
-- Stored offsets of the stream that is followed.
select
    known.partition, known.owner, known.next_offset, known.caught_up, known.cluster_id,
    now() - known.flushed_at as silent, known.last_timestamp - now() as ahead
from intake_partitions as known
join intake_stream using (cluster_id, topic)
order by known.partition

-- name: unpublished
-- Age of the oldest event that waits for a publisher: a notice without a number, or the next event that
-- no channel has taken.
select now() - least(
    (select min(created_at) from events where sequence is null),
    (
        select created_at from events
        where sequence > (select coalesce(max(taken.sequence), 0) from publisher_cursors as taken)
        order by sequence limit 1
    )
) as age

-- name: settlement
-- The day that is settled next, what it waits for, when that was looked at, and how many days of
-- stream time have begun since: figures that stand are another finding.
select next_day, waits_for, now() - looked_at as unseen,
    (select (watermark at time zone 'UTC')::date from leader) - next_day as days
from settlement_leader;

-- name: payouts
-- Batches that need a person, requests that nobody carries out, and when the wallet was looked at.
select
    (select count(*) from payout_batches where stopped is not null) as stopped,
    (select now() - min(requested_at) from payout_requests where outcome is null) as waiting,
    (select now() - max(seen_at) from payout_money) as unseen
