-- Threshold alerts: what a miner wants to be alerted of beside silence, and where each rule stands.

create table thresholds (
    id int4 primary key generated always as identity,
    uid uuid not null unique default gen_random_uuid(),
    miner_id int4 not null references miners on delete cascade,
    -- Null: the miner as a whole.
    worker_id int4 references workers on delete cascade,
    metric text not null check (
        metric in ('hashrate', 'hashrate_of_week', 'unavailable_workers', 'reject_pct')
    ),
    -- Hashes per second, percent of the own week, workers, percent of the work: as the metric has it.
    bound numeric not null check (bound >= 0),
    -- The span that the figure is an average over; a count of workers has none.
    window_name text check (window_name in ('15m', '1h', '1d')),
    -- How long the figure must be beyond the bound.
    for_s int4 not null default 0 check (for_s >= 0),
    muted_until timestamptz,
    created_at timestamptz not null default now(),

    -- What the notifier keeps (`aggregator/notify/thresholds`), all in stream time.
    breached_since timestamptz,
    is_firing boolean not null default false,
    -- Whether what people heard last is that it fires.
    is_reported boolean not null default false,
    -- Events so far; the id of the next one is made of it.
    event_number int4 not null default 0,
    measured_at timestamptz,
    figure float8,
    -- The bound in the figure's unit, and its standard error by chance alone.
    measured_bound float8,
    error float8,
    -- Mean difficulty of the shares that were seen last; null before the first one.
    share_difficulty float8,
    check ((metric = 'unavailable_workers') = (window_name is null)),
    check (metric <> 'unavailable_workers' or worker_id is null)
) with (fillfactor = 50);
create index thresholds_miner on thresholds (miner_id);
create index thresholds_worker on thresholds (worker_id) where worker_id is not null;
