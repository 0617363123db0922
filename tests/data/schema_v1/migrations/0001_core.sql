-- Who mines, what came in, and what was made of it. The same on both flavours of database.

-- Pools, operators and miners draw their ids from one sequence, so that one column (entity_id)
-- keys the minutes, rollups and figures of all three.
create sequence entity_ids as int4;

create table pools (
    id int4 primary key default nextval('entity_ids'),
    uid uuid not null unique default gen_random_uuid(),
    title text not null,
    domain text unique,
    status text not null default 'active',
    fee numeric not null default 0.009,
    min_payout numeric not null default 0.0001,
    default_language text not null default 'en',
    available_languages text[] not null default '{en}',
    created_at timestamptz not null default now()
);

create table operators (
    id int4 primary key default nextval('entity_ids'),
    uid uuid not null unique default gen_random_uuid(),
    pool_id int4 not null references pools,
    title text not null,
    status text not null default 'active',
    default_pool_fee numeric not null default 0.009,
    created_at timestamptz not null default now()
);
create index operators_pool on operators (pool_id);

create table miners (
    id int4 primary key default nextval('entity_ids'),
    uid uuid not null unique default gen_random_uuid(),
    account_name text not null unique,
    title text,
    pool_id int4 not null references pools,
    operator_id int4 references operators,
    status text not null default 'active',
    created_at timestamptz not null default now(),
    alert_delay_s int4 not null default 0 check (alert_delay_s >= 0),
    muted_until timestamptz
);
create index miners_pool on miners (pool_id);
create index miners_operator on miners (operator_id);

create table workers (
    id int4 primary key generated always as identity,
    uid uuid not null unique default gen_random_uuid(),
    miner_id int4 not null references miners,
    name text not null,
    behavior text not null default 'hardware' check (behavior in ('hardware', 'boundary')),
    created_at timestamptz not null default now(),
    unique (miner_id, behavior, name)
);

create table sources (
    id int4 primary key generated always as identity,
    name text not null unique
);

-- What intake has taken in, per partition. next_offset and owner_epoch fence every flush: a process
-- that does not own the row any more changes no row and stops.
create table intake_partitions (
    cluster_id text not null,
    topic text not null,
    partition int4 not null,
    next_offset int8 not null,
    owner_epoch int8 not null default 0,
    owner text,
    last_offset int8,
    last_timestamp timestamptz,
    last_crc int8,
    stream_time timestamptz,
    caught_up boolean not null default false,
    taken_at timestamptz not null default now(),
    primary key (cluster_id, topic, partition)
);

-- Highest sequence taken from each producer on each partition: what is not above it is a repeat.
create table producer_sequences (
    cluster_id text not null,
    topic text not null,
    partition int4 not null,
    producer_id text not null,
    sequence int8 not null,
    seen_at timestamptz not null,
    primary key (cluster_id, topic, partition, producer_id)
);
create index producer_sequences_seen on producer_sequences (seen_at);

-- One row per worker and minute with work in it: the truth. Difficulty sums in float64, exact for
-- whole difficulties; a reject reason without work is null, which costs no byte.
create table worker_minutes (
    bucket timestamptz not null,
    worker_id int4 not null,
    miner_id int4 not null,
    operator_id int4,
    source_id int4,
    accepted_count int4 not null,
    rejected_count int4 not null,
    accepted float8 not null,
    rejected float8 not null,
    last_share_at timestamptz,
    stale float8,
    duplicate float8,
    low_difficulty float8,
    job_not_found float8,
    unauthorized float8,
    time_out_of_range float8,
    invalid float8,
    primary key (worker_id, bucket)
);

-- Sums over the workers of a miner (all), an operator and a pool (hardware only); written by the
-- leader, a whole minute at a time.
create table entity_minutes (
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

-- Minutes of which some rows changed since the leader last read them; listed by intake in the
-- transaction of the rows. worker_ids names the workers where they are few (late shares).
create table touched_minutes (
    id int8 generated always as identity primary key,
    bucket timestamptz not null,
    worker_ids int4[]
);

-- The figures leader: at most one process holds the lease; every write of it checks the epoch.
create table leader (
    only_row boolean primary key default true check (only_row),
    epoch int8 not null default 0,
    holder text,
    renewed_at timestamptz not null default '-infinity',
    stream_time timestamptz,
    complete_to timestamptz,
    beat_at timestamptz
);
insert into leader default values;

-- Windows and status of every worker, updated in place at each beat (no index but on what never
-- changes, so that 99 % of the updates are HOT).
create table worker_figures (
    worker_id int4 primary key,
    miner_id int4 not null,
    status text not null,
    status_since timestamptz not null,
    transition_number int4 not null default 0,
    last_share_at timestamptz,
    share_interval_s float8,
    source_id int4,
    accepted_15m float8 not null default 0,
    rejected_15m float8 not null default 0,
    accepted_1h float8 not null default 0,
    rejected_1h float8 not null default 0,
    accepted_1d float8 not null default 0,
    rejected_1d float8 not null default 0,
    accepted_1w float8 not null default 0,
    rejected_1w float8 not null default 0
) with (fillfactor = 50);
create index worker_figures_miner on worker_figures (miner_id);

create table entity_figures (
    entity_id int4 primary key,
    accepted_15m float8 not null default 0,
    rejected_15m float8 not null default 0,
    accepted_1h float8 not null default 0,
    rejected_1h float8 not null default 0,
    accepted_1d float8 not null default 0,
    rejected_1d float8 not null default 0,
    accepted_1w float8 not null default 0,
    rejected_1w float8 not null default 0
) with (fillfactor = 50);

-- How many workers of a miner (all), operator and pool (hardware) are in each status.
create table status_counts (
    entity_id int4 not null,
    status text not null,
    workers int4 not null,
    primary key (entity_id, status)
) with (fillfactor = 50);

-- Removals by hand that the leader has not carried out yet.
create table worker_removals (
    worker_id int4 primary key references workers,
    requested_at timestamptz not null default now()
);

-- A boundary worker moves nominal hashrate on paper from the donor to the miner of its worker.
create table boundary_workers (
    worker_id int4 primary key references workers,
    donor_id int4 not null references miners,
    created_at timestamptz not null,
    disconnected_at timestamptz,
    -- Minutes before this are written; null until the first one is.
    minutes_to timestamptz
);
create index boundary_workers_donor on boundary_workers (donor_id);

create table boundary_hashrates (
    worker_id int4 not null references boundary_workers,
    valid_from timestamptz not null,
    hashrate numeric not null check (hashrate >= 4294967296),
    primary key (worker_id, valid_from)
);

-- The outbox: stored in the transaction that changes a status, numbered by the publisher when it
-- picks the event up (sequence is the order for Kafka and Server-Sent Events).
create table events (
    id int8 generated always as identity primary key,
    event_id uuid not null unique,
    kind text not null,
    at timestamptz not null,
    miner_id int4,
    worker_id int4,
    source_id int4,
    transition_number int4,
    from_status text,
    to_status text,
    cause text not null,
    workers int4,
    created_at timestamptz not null default now(),
    sequence int8 unique
);
create index events_unnumbered on events (id) where sequence is null;
create index events_miner on events (miner_id, at desc, id desc);
create index events_worker on events (worker_id, at desc);
