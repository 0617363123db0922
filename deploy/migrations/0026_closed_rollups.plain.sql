-- Rollups on plain PostgreSQL are written once, when their buckets are over. Until then (and in the
-- minutes before the leader comes to it) a bucket is summed from the level below at each read, as
-- TimescaleDB's real-time aggregates are:
--
--     worker_15m  =  worker_15m_closed         rows of buckets before closed_rollups.closed_to
--                 +  sums of worker_minutes    the buckets after, up to leader.watermark
--
-- The later buckets are generated first and summed one by one, so that a condition on the bucket
-- leaves out those that nobody asked for.

-- Null: no bucket of the level is closed yet.
create table closed_rollups (
    level text primary key,
    closed_to timestamptz
);
insert into closed_rollups
select level, hashgauge_shim.time_bucket(width, leader.watermark)
from (
    values ('15m', interval '900 seconds'), ('1h', interval '3600 seconds'),
        ('1d', interval '86400 seconds')
) as levels (level, width)
cross join leader;

-- Buckets that changed while they were not closed, for a closing that has read its rows before.
-- Null keys: all rows.
create table late_rollups (
    level text not null,
    bucket timestamptz not null,
    keys int4[]
);

alter table worker_15m rename to worker_15m_closed;
alter index worker_15m_pkey rename to worker_15m_closed_pkey;
alter index worker_15m_bucket rename to worker_15m_closed_bucket;
delete from worker_15m_closed
where bucket >= (select closed_to from closed_rollups where level = '15m');

alter table worker_1h rename to worker_1h_closed;
alter index worker_1h_pkey rename to worker_1h_closed_pkey;
alter index worker_1h_bucket rename to worker_1h_closed_bucket;
delete from worker_1h_closed
where bucket >= (select closed_to from closed_rollups where level = '1h');

alter table worker_1d rename to worker_1d_closed;
alter index worker_1d_pkey rename to worker_1d_closed_pkey;
alter index worker_1d_bucket rename to worker_1d_closed_bucket;
delete from worker_1d_closed
where bucket >= (select closed_to from closed_rollups where level = '1d');

alter table entity_15m rename to entity_15m_closed;
alter index entity_15m_pkey rename to entity_15m_closed_pkey;
alter index entity_15m_bucket rename to entity_15m_closed_bucket;
delete from entity_15m_closed
where bucket >= (select closed_to from closed_rollups where level = '15m');

alter table entity_1h rename to entity_1h_closed;
alter index entity_1h_pkey rename to entity_1h_closed_pkey;
alter index entity_1h_bucket rename to entity_1h_closed_bucket;
delete from entity_1h_closed
where bucket >= (select closed_to from closed_rollups where level = '1h');

alter table entity_1d rename to entity_1d_closed;
alter index entity_1d_pkey rename to entity_1d_closed_pkey;
alter index entity_1d_bucket rename to entity_1d_closed_bucket;
delete from entity_1d_closed
where bucket >= (select closed_to from closed_rollups where level = '1d');

create view worker_15m as
select
    bucket, worker_id, accepted_count, rejected_count, accepted, rejected, stale, duplicate,
    low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
from worker_15m_closed
union all
select
    later.bucket, worker_id, accepted_count, rejected_count, accepted, rejected, stale, duplicate,
    low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
from leader
join closed_rollups on closed_rollups.level = '15m'
cross join lateral generate_series(
    coalesce(
        closed_rollups.closed_to,
        (
            select hashgauge_shim.time_bucket(interval '900 seconds', min(bucket))
            from worker_minutes
        )
    ),
    leader.watermark - interval '60 seconds',
    interval '900 seconds'
) as later (bucket)
cross join lateral (
    select
        worker_id, sum(accepted_count)::bigint as accepted_count,
        sum(rejected_count)::bigint as rejected_count, sum(accepted) as accepted,
        sum(rejected) as rejected, sum(stale) as stale, sum(duplicate) as duplicate,
        sum(low_difficulty) as low_difficulty, sum(job_not_found) as job_not_found,
        sum(unauthorized) as unauthorized, sum(time_out_of_range) as time_out_of_range,
        sum(invalid) as invalid
    from worker_minutes
    where bucket = any(array(
        select generate_series(
            later.bucket,
            least(later.bucket + interval '840 seconds', leader.watermark - interval '60 seconds'),
            interval '60 seconds'
        )
    ))
    group by worker_id
) as summed;

create view worker_1h as
select
    bucket, worker_id, accepted_count, rejected_count, accepted, rejected, stale, duplicate,
    low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
from worker_1h_closed
union all
select
    later.bucket, worker_id, accepted_count, rejected_count, accepted, rejected, stale, duplicate,
    low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
from leader
join closed_rollups on closed_rollups.level = '1h'
cross join lateral generate_series(
    coalesce(
        closed_rollups.closed_to,
        (
            select hashgauge_shim.time_bucket(interval '3600 seconds', min(bucket))
            from worker_minutes
        )
    ),
    leader.watermark - interval '60 seconds',
    interval '3600 seconds'
) as later (bucket)
cross join lateral (
    select
        worker_id, sum(accepted_count)::bigint as accepted_count,
        sum(rejected_count)::bigint as rejected_count, sum(accepted) as accepted,
        sum(rejected) as rejected, sum(stale) as stale, sum(duplicate) as duplicate,
        sum(low_difficulty) as low_difficulty, sum(job_not_found) as job_not_found,
        sum(unauthorized) as unauthorized, sum(time_out_of_range) as time_out_of_range,
        sum(invalid) as invalid
    from worker_15m
    where bucket >= later.bucket and bucket < later.bucket + interval '3600 seconds'
    group by worker_id
) as summed;

create view worker_1d as
select
    bucket, worker_id, accepted_count, rejected_count, accepted, rejected, stale, duplicate,
    low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
from worker_1d_closed
union all
select
    later.bucket, worker_id, accepted_count, rejected_count, accepted, rejected, stale, duplicate,
    low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
from leader
join closed_rollups on closed_rollups.level = '1d'
cross join lateral generate_series(
    coalesce(
        closed_rollups.closed_to,
        (
            select hashgauge_shim.time_bucket(interval '86400 seconds', min(bucket))
            from worker_minutes
        )
    ),
    leader.watermark - interval '60 seconds',
    interval '86400 seconds'
) as later (bucket)
cross join lateral (
    select
        worker_id, sum(accepted_count)::bigint as accepted_count,
        sum(rejected_count)::bigint as rejected_count, sum(accepted) as accepted,
        sum(rejected) as rejected, sum(stale) as stale, sum(duplicate) as duplicate,
        sum(low_difficulty) as low_difficulty, sum(job_not_found) as job_not_found,
        sum(unauthorized) as unauthorized, sum(time_out_of_range) as time_out_of_range,
        sum(invalid) as invalid
    from worker_1h
    where bucket >= later.bucket and bucket < later.bucket + interval '86400 seconds'
    group by worker_id
) as summed;

create view entity_15m as
select
    bucket, entity_id, accepted_count, rejected_count, accepted, rejected, stale, duplicate,
    low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
from entity_15m_closed
union all
select
    later.bucket, entity_id, accepted_count, rejected_count, accepted, rejected, stale, duplicate,
    low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
from leader
join closed_rollups on closed_rollups.level = '15m'
cross join lateral generate_series(
    coalesce(
        closed_rollups.closed_to,
        (
            select hashgauge_shim.time_bucket(interval '900 seconds', min(bucket))
            from entity_minutes
        )
    ),
    leader.watermark - interval '60 seconds',
    interval '900 seconds'
) as later (bucket)
cross join lateral (
    select
        entity_id, sum(accepted_count)::bigint as accepted_count,
        sum(rejected_count)::bigint as rejected_count, sum(accepted) as accepted,
        sum(rejected) as rejected, sum(stale) as stale, sum(duplicate) as duplicate,
        sum(low_difficulty) as low_difficulty, sum(job_not_found) as job_not_found,
        sum(unauthorized) as unauthorized, sum(time_out_of_range) as time_out_of_range,
        sum(invalid) as invalid
    from entity_minutes
    where bucket = any(array(
        select generate_series(
            later.bucket,
            least(later.bucket + interval '840 seconds', leader.watermark - interval '60 seconds'),
            interval '60 seconds'
        )
    ))
    group by entity_id
) as summed;

create view entity_1h as
select
    bucket, entity_id, accepted_count, rejected_count, accepted, rejected, stale, duplicate,
    low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
from entity_1h_closed
union all
select
    later.bucket, entity_id, accepted_count, rejected_count, accepted, rejected, stale, duplicate,
    low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
from leader
join closed_rollups on closed_rollups.level = '1h'
cross join lateral generate_series(
    coalesce(
        closed_rollups.closed_to,
        (
            select hashgauge_shim.time_bucket(interval '3600 seconds', min(bucket))
            from entity_minutes
        )
    ),
    leader.watermark - interval '60 seconds',
    interval '3600 seconds'
) as later (bucket)
cross join lateral (
    select
        entity_id, sum(accepted_count)::bigint as accepted_count,
        sum(rejected_count)::bigint as rejected_count, sum(accepted) as accepted,
        sum(rejected) as rejected, sum(stale) as stale, sum(duplicate) as duplicate,
        sum(low_difficulty) as low_difficulty, sum(job_not_found) as job_not_found,
        sum(unauthorized) as unauthorized, sum(time_out_of_range) as time_out_of_range,
        sum(invalid) as invalid
    from entity_15m
    where bucket >= later.bucket and bucket < later.bucket + interval '3600 seconds'
    group by entity_id
) as summed;

create view entity_1d as
select
    bucket, entity_id, accepted_count, rejected_count, accepted, rejected, stale, duplicate,
    low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
from entity_1d_closed
union all
select
    later.bucket, entity_id, accepted_count, rejected_count, accepted, rejected, stale, duplicate,
    low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
from leader
join closed_rollups on closed_rollups.level = '1d'
cross join lateral generate_series(
    coalesce(
        closed_rollups.closed_to,
        (
            select hashgauge_shim.time_bucket(interval '86400 seconds', min(bucket))
            from entity_minutes
        )
    ),
    leader.watermark - interval '60 seconds',
    interval '86400 seconds'
) as later (bucket)
cross join lateral (
    select
        entity_id, sum(accepted_count)::bigint as accepted_count,
        sum(rejected_count)::bigint as rejected_count, sum(accepted) as accepted,
        sum(rejected) as rejected, sum(stale) as stale, sum(duplicate) as duplicate,
        sum(low_difficulty) as low_difficulty, sum(job_not_found) as job_not_found,
        sum(unauthorized) as unauthorized, sum(time_out_of_range) as time_out_of_range,
        sum(invalid) as invalid
    from entity_1h
    where bucket >= later.bucket and bucket < later.bucket + interval '86400 seconds'
    group by entity_id
) as summed;
