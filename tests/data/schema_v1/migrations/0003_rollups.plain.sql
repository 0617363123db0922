-- Rollups on plain PostgreSQL: tables that the figures leader fills with the SELECTs of
-- schemas/rollups.py, in the transaction that takes the minutes in.

-- TimescaleDB's time_bucket, equal to it for every width used here; in a schema of its own, so that
-- nothing is in the way should the extension come later.
create schema hashgauge_shim;
create function hashgauge_shim.time_bucket(bucket_width interval, ts timestamptz)
returns timestamptz language sql immutable strict parallel safe
return pg_catalog.date_bin(bucket_width, ts, timestamptz '2000-01-03 00:00:00+00');

-- The leader reads minutes by bucket, and retention deletes them by bucket.
create index worker_minutes_bucket on worker_minutes (bucket);
create index entity_minutes_bucket on entity_minutes (bucket);

-- Buckets before kept_from may be incomplete: retention dropped rows of them. No refresh makes a
-- bucket from such rows.
create table retention_marks (
    relation text primary key,
    kept_from timestamptz not null
);

create table worker_15m (
    bucket timestamptz not null,
    worker_id int4 not null,
    accepted_count int8 not null,
    rejected_count int8 not null,
    accepted float8 not null,
    rejected float8 not null,
    stale float8,
    duplicate float8,
    low_difficulty float8,
    job_not_found float8,
    unauthorized float8,
    time_out_of_range float8,
    invalid float8,
    primary key (worker_id, bucket)
);
create index worker_15m_bucket on worker_15m (bucket);

create table worker_1h (
    bucket timestamptz not null,
    worker_id int4 not null,
    accepted_count int8 not null,
    rejected_count int8 not null,
    accepted float8 not null,
    rejected float8 not null,
    stale float8,
    duplicate float8,
    low_difficulty float8,
    job_not_found float8,
    unauthorized float8,
    time_out_of_range float8,
    invalid float8,
    primary key (worker_id, bucket)
);
create index worker_1h_bucket on worker_1h (bucket);

create table worker_1d (
    bucket timestamptz not null,
    worker_id int4 not null,
    accepted_count int8 not null,
    rejected_count int8 not null,
    accepted float8 not null,
    rejected float8 not null,
    stale float8,
    duplicate float8,
    low_difficulty float8,
    job_not_found float8,
    unauthorized float8,
    time_out_of_range float8,
    invalid float8,
    primary key (worker_id, bucket)
);
create index worker_1d_bucket on worker_1d (bucket);

create table entity_15m (
    bucket timestamptz not null,
    entity_id int4 not null,
    accepted_count int8 not null,
    rejected_count int8 not null,
    accepted float8 not null,
    rejected float8 not null,
    stale float8,
    duplicate float8,
    low_difficulty float8,
    job_not_found float8,
    unauthorized float8,
    time_out_of_range float8,
    invalid float8,
    primary key (entity_id, bucket)
);
create index entity_15m_bucket on entity_15m (bucket);

create table entity_1h (
    bucket timestamptz not null,
    entity_id int4 not null,
    accepted_count int8 not null,
    rejected_count int8 not null,
    accepted float8 not null,
    rejected float8 not null,
    stale float8,
    duplicate float8,
    low_difficulty float8,
    job_not_found float8,
    unauthorized float8,
    time_out_of_range float8,
    invalid float8,
    primary key (entity_id, bucket)
);
create index entity_1h_bucket on entity_1h (bucket);

create table entity_1d (
    bucket timestamptz not null,
    entity_id int4 not null,
    accepted_count int8 not null,
    rejected_count int8 not null,
    accepted float8 not null,
    rejected float8 not null,
    stale float8,
    duplicate float8,
    low_difficulty float8,
    job_not_found float8,
    unauthorized float8,
    time_out_of_range float8,
    invalid float8,
    primary key (entity_id, bucket)
);
create index entity_1d_bucket on entity_1d (bucket);
