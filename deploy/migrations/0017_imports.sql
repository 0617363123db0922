-- History of the pool software that was there before, brought in by `hashgauge import`.

-- Days before live_from may be imported and are never settled; days from it on are counted by this
-- installation. Always a midnight (UTC), so that no bucket and no settled day is of both.
create table import_boundary (
    only_row boolean primary key default true check (only_row),
    live_from timestamptz not null
);

-- How far each file or partition was read, written in the transaction of its rows. Records before
-- next_place are counted, but for those from open_from on that were not before counted_before:
-- they were left to the live topic, and count if the boundary moves before anything is live.
create table import_positions (
    stream text primary key,
    next_place int8 not null,
    last_crc int8 not null,
    open_from int8,
    counted_before timestamptz not null,
    imported_at timestamptz not null default now()
);
