-- Rollups on plain PostgreSQL: tables that the figures leader fills with the SELECTs of
-- schemas/rollups.py, in the transaction that takes the minutes in.

-- TimescaleDB's time_bucket, equal to it for every width used here; in a schema of its own, so that
-- nothing is in the way should the extension come later.
create schema hashgauge_shim;
create function hashgauge_shim.time_bucket(bucket_width interval, ts timestamptz)
returns timestamptz language sql immutable strict parallel safe
return pg_catalog.date_bin(bucket_width, ts, timestamptz '2000-01-03 00:00:00+00');

-- Minutes are written minute by minute and read by minute: a key that begins with the bucket grows
-- at its end only, and makes an index by bucket superfluous. A chart of one worker looks up its 15
-- or 60 minutes one by one.
alter table worker_minutes
    drop constraint worker_minutes_pkey,
    add constraint worker_minutes_pkey primary key (bucket, worker_id);
alter table entity_minutes
    drop constraint entity_minutes_pkey,
    add constraint entity_minutes_pkey primary key (bucket, entity_id);

-- Buckets before kept_from may be incomplete: retention dropped rows of them. No refresh makes a
-- bucket from such rows.
create table retention_marks (
    relation text primary key,
    kept_from timestamptz not null
);

-- Charts and daily reports read two sums of a rollup. With them in the key's index they need no row
-- of the table, where the buckets of one worker lie on as many pages (a week of 100,000 workers: 75
-- instead of 760 µs a chart; the index grows from 31 to 49 bytes a row).
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
    primary key (worker_id, bucket) include (accepted, rejected)
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
    primary key (worker_id, bucket) include (accepted, rejected)
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
    primary key (worker_id, bucket) include (accepted, rejected)
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
    primary key (entity_id, bucket) include (accepted, rejected)
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
    primary key (entity_id, bucket) include (accepted, rejected)
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
    primary key (entity_id, bucket) include (accepted, rejected)
);
create index entity_1d_bucket on entity_1d (bucket);
