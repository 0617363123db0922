-- name: drop_superseded
-- The next events in their order, as far as they are old and every channel has taken them; what each
-- of them supersedes goes: older events of its worker or of its source. So the last one of each
-- before the cut stays, and says what held there. Stays too: a worker's first transition (since when
-- it, its miner and the pool are there), and what a delivery or a line of a message still names.
with page as (
    select id, at, worker_id, source_id, transition_number, sequence, fields
    from events
    where id > %(after)s::int8
    order by id limit %(limit)s::int4
), stop as (
    select coalesce(min(id), 9223372036854775807) as id
    from page
    where at >= %(kept_from)s::timestamptz
        or sequence is null
        or sequence > (select coalesce(min(taken.sequence), 0) from publisher_cursors as taken)
), passed as (
    select page.* from page join stop on page.id < stop.id
), superseded as (
    select old.id
    from passed
    cross join lateral (
        select id
        from events
        where events.worker_id = passed.worker_id
            and events.at <= passed.at
            and events.transition_number < passed.transition_number
            and events.transition_number > 1
        -- By index, worker by worker: a join would read the events of a year for each batch.
        offset 0
    ) as old
    union
    select old.id
    from passed
    join events as old on old.source_id = passed.source_id
        and old.at <= passed.at
        and old.id < passed.id
        and old.miner_id is null
    where passed.worker_id is null
    union
    -- A notice (a payment, a log-in) is news once; the accounts keep what it was about.
    select passed.id
    from passed
    where passed.fields is not null
), dropped as (
    delete from events
    using superseded
    where events.id = superseded.id
        and not exists (
            select from webhook_deliveries where webhook_deliveries.event_id = events.event_id
        )
        and not exists (
            select from alert_lines where alert_lines.event_id = events.event_id
        )
    returning events.id
)
select
    (select count(*) from passed),
    (select max(id) from passed),
    (select count(*) from dropped)
