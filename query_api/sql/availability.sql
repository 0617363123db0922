-- How much of each day a worker was stable, from its transitions.

-- name: availability
-- Seconds of each UTC day of [from, to) that a worker was known and stable; a day that is not over
-- counts up to as_of, a worker's first one from its first transition; left out are days that have not begun, that end before the worker's first
-- transition, or of which retention has dropped events.
-- params: worker_ids, from, to, as_of
with began as (
    select worker_id, transition_number, to_status, at
    from events
    where worker_id = any($1::int4[]) and kind = 'worker-status-changed'
        and at > $2::timestamptz and at < $3::timestamptz
    union all
    -- The status that each worker had when the span began.
    select before.*
    from unnest($1::int4[]) as asked (worker_id)
    cross join lateral (
        select events.worker_id, transition_number, to_status, at
        from events
        where events.worker_id = asked.worker_id and kind = 'worker-status-changed'
            and at <= $2::timestamptz
        order by at desc, transition_number desc
        limit 1
    ) as before
), spans as (
    select worker_id, to_status, at as since,
        lead(at, 1, 'infinity') over (partition by worker_id order by transition_number) as until
    from began
), days as (
    -- 24 hours and not a day, which the session's time zone may make longer or shorter.
    select day, least(day + interval '24 hours', $4::timestamptz) as until
    from generate_series(
        $2::timestamptz, $3::timestamptz - interval '1 second', interval '24 hours'
    ) as day
    where day < $4::timestamptz and day >= coalesce(
        (select kept_from from retention_marks where relation = 'events'), '-infinity'
    )
)
select spans.worker_id, days.day,
    coalesce(sum(
        extract(epoch from least(spans.until, days.until) - greatest(spans.since, days.day))
    ) filter (
        where to_status = 'stable' and spans.since < days.until and spans.until > days.day
    ), 0)::float8 as stable_s,
    extract(epoch from days.until - greatest(days.day, min(spans.since)))::float8 as known_s
from spans
cross join days
group by spans.worker_id, days.day, days.until
having min(spans.since) < days.until
order by spans.worker_id, days.day
