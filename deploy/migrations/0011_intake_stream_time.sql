-- When statuses may be judged: not before the shares of the time in question are in.

-- history_at: sources that send their history (more slowly than intake reads it) have come so far;
-- null: none does. seen_end: reading has reached the end of the log at least once.
alter table intake_partitions
    add column history_at timestamptz,
    add column seen_end boolean not null default false;

update intake_partitions set seen_end = caught_up or stream_time is not null;

-- One row; stream_time is null until every partition in use has one, so that a backlog in a partition
-- that was not read yet is no silence. With clock=records, a partition that was read to its end and
-- never had a record is left out. status_time: before it, silence is certain (a source that still
-- sends its history may bring shares of after it).
create or replace view stream as
select
    times.stream_time,
    times.caught_up,
    least(times.stream_time, times.history_at) as status_time
from (
    select
        case
            when bool_or(
                partitions.stream_time is null
                and (streams.clock = 'wall' or not partitions.seen_end)
            ) then null
            else min(partitions.stream_time)
        end as stream_time,
        coalesce(bool_and(partitions.caught_up), false) as caught_up,
        min(partitions.history_at) as history_at
    from intake_stream streams
    join intake_partitions partitions using (cluster_id, topic)
) times;
