-- What the figures leader makes of the minutes: sums, windows, statuses, events.

-- The figures leader: at most one process holds the lease; every write of it checks the epoch.
create table leader (
    only_row boolean primary key default true check (only_row),
    epoch int8 not null default 0,
    holder text,
    renewed_at timestamptz not null default '-infinity',
    stream_time timestamptz,
    watermark timestamptz,
    cycle_at timestamptz
);
insert into leader default values;

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

-- Windows and status of every worker, updated in place at each cycle (no index but on what never
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

-- What a status sweep must know of those before it, so that a new leader goes on where the old one
-- stopped: without it a restart would take a silent source for a new one, or forget an outage.
create table source_figures (
    source_id int4 primary key references sources,
    last_share_at timestamptz not null,
    share_interval_s float8 not null,
    -- Null while the source is heard.
    silent_since timestamptz,
    -- Recently active workers on it when it fell silent.
    workers int4 not null default 0,
    -- When it came back last: workers that fell silent with it and did not return have their own
    -- limit from here, also under a new leader. Null: it never was silent.
    back_at timestamptz
);

create table status_sweep (
    only_row boolean primary key default true check (only_row),
    judged_to timestamptz,
    -- When the service itself last came back from an outage: silence counts from here at the least.
    resumed_at timestamptz
);
insert into status_sweep default values;

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

-- A new leader asks whose silence is a source's: 0.3 s instead of 1 s at 4,000,000 events, and no
-- more with the events of years.
create index events_folded on events (worker_id, transition_number)
    where cause in ('source_silent', 'source_back') or kind = 'worker-still-silent';
