-- What a status sweep must know of those before it, so that a new leader goes on where the old one
-- stopped: without it a restart would take a silent source for a new one, or forget an outage.

create table source_figures (
    source_id int4 primary key references sources,
    last_share_at timestamptz not null,
    share_interval_s float8 not null,
    -- Null while the source is heard.
    silent_since timestamptz,
    -- Recently active workers on it when it fell silent.
    workers int4 not null default 0
);

create table status_sweep (
    only_row boolean primary key default true check (only_row),
    swept_to timestamptz,
    -- When the service itself last came back from an outage: silence counts from here at the least.
    resumed_at timestamptz
);
insert into status_sweep default values;
