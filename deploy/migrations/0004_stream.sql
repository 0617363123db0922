-- Which stream the service follows now, and how far it has taken it in.

-- Written at every assignment of partitions: a new cluster or topic takes the place of the old one,
-- whose rows in intake_partitions stay but no longer hold the stream time back. clock is 'wall', or
-- 'records' for replays, where record timestamps alone count.
create table intake_stream (
    only_row boolean primary key default true check (only_row),
    cluster_id text not null,
    topic text not null,
    clock text not null check (clock in ('wall', 'records')),
    assigned_at timestamptz not null default now()
);

-- One row; stream_time is null until every partition in use has one. A partition that never had a
-- record is left out of a replay's minimum.
create view stream as
select
    case
        when bool_or(partitions.stream_time is null and streams.clock = 'wall') then null
        else min(partitions.stream_time)
    end as stream_time,
    coalesce(bool_and(partitions.caught_up), false) as caught_up
from intake_stream streams
join intake_partitions partitions using (cluster_id, topic);

-- A flush of late minutes may touch a compressed chunk; what it lists here is read back in order.
create index producer_sequences_producer on producer_sequences (producer_id);
