-- Which day is next, and what it waits for.

-- name: next_to_freeze
-- The day after the newest frozen one; at first, the day of the oldest minute that retention has
-- not touched. Never one before live counting began: imported history was paid by somebody else.
-- No row without minutes.
with boundary as (
    select coalesce((select live_from from import_boundary), '-infinity') as live_from
)
select coalesce(
    (select max(day) + 1 from settlements),
    (
        select greatest(%(first_day)s::date, (live_from at time zone 'UTC')::date)
        from boundary
        where %(first_day)s::date is not null
    ),
    (
        select greatest(
            (oldest.bucket at time zone 'UTC')::date,
            (
                select (date_trunc('day', kept_from, 'UTC') at time zone 'UTC')::date + 1
                from retention_marks
                where relation = 'worker_minutes'
            )
        )
        from (
            select min(bucket) as bucket
            from worker_minutes
            where bucket >= (select live_from from boundary)
        ) oldest
        where oldest.bucket is not null
    )
) as day;

-- name: coming_in
-- Intake has not caught up, or minutes of the day were flushed or changed a moment ago.
select exists (
        select
        from intake_stream streams
        join intake_partitions partitions using (cluster_id, topic)
        where not partitions.caught_up
    )
    or exists (select from flushed_minutes where bucket >= %(start)s and bucket < %(end)s)
    or exists (select from dirty_minutes where bucket >= %(start)s and bucket < %(end)s);

-- name: next_to_book
select min(day) as day from settlements where state = 'frozen';

-- name: watermark
select watermark from leader;

-- name: boundary_behind
-- Boundary workers with hashrate in the day whose minutes are not written to its end.
select count(*)::int
from boundary_workers boundary
where boundary.created_at < %(end)s
    and coalesce(boundary.disconnected_at, 'infinity') > %(start)s
    and exists (
        select from boundary_hashrates rates
        where rates.worker_id = boundary.worker_id and rates.valid_from < %(end)s
    )
    and coalesce(boundary.minutes_to, '-infinity')
        < date_trunc('minute', least(%(end)s, coalesce(boundary.disconnected_at, 'infinity')));

-- name: note
update settlement_leader
set next_day = %(day)s, waits_for = %(waits_for)s, looked_at = %(now)s;

-- name: booked_between
select day from settlements where state = 'booked' and day >= %(first)s order by day;
