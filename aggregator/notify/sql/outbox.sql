-- name: number
-- The oldest events without a number get the next ones. The leader appends its events one transaction
-- after another, so those of a worker are numbered in their order. Notices of other rooms may become
-- visible later than a higher id; they get the next number then.
with oldest as (
    select id, row_number() over (order by id) as place
    from (
        select id from events where sequence is null order by id limit %(batch)s::int4
    ) as unnumbered
), numbered as (
    update events set sequence = publisher.sequence + oldest.place
    from oldest, publisher
    where events.id = oldest.id
    returning events.sequence
)
select count(*), max(sequence) from numbered

-- name: save_sequence
update publisher set sequence = %(sequence)s::int8

-- name: open_channel
-- A channel that is new begins with the events that come from now on.
insert into publisher_cursors (channel, sequence)
select %(channel)s, sequence from publisher
on conflict (channel) do nothing

-- name: after_cursor
-- The next numbered events of a channel: after which one they begin, where they end (null if there
-- are none), and whether notices are among them.
with place as (
    select coalesce(max(sequence), 0) as sequence
    from publisher_cursors where channel = %(channel)s
), following as (
    select sequence, fields is not null as notice
    from events
    -- A subquery, not a join: the index is entered at the place.
    where sequence > (select place.sequence from place)
    order by sequence
    limit %(batch)s::int4
)
select
    (select place.sequence from place) as "after",
    max(following.sequence) as "to",
    bool_or(following.notice) as notices
from following

-- name: events_of
-- Of workers and sources, in their order.
select * from event_details
where sequence > %(after)s::int8 and sequence <= %(to)s::int8 and fields is null
order by sequence

-- name: advance
-- The channel has published everything up to a sequence.
update publisher_cursors
set sequence = greatest(sequence, %(sequence)s::int8)
where channel = %(channel)s

-- name: lag
-- Age in seconds of the oldest event that a channel has not published.
select
    publisher_cursors.channel,
    coalesce(extract(epoch from now() - min(events.created_at)), 0)::float8
from publisher_cursors
left join lateral (
    select created_at from events
    where events.sequence > publisher_cursors.sequence
    order by events.sequence limit 1
) as events on true
group by publisher_cursors.channel
