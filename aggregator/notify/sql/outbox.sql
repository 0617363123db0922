-- name: newest_sequence
-- The highest number, held until the commit; no row while another transaction numbers events.
select newest from event_sequence for update skip locked

-- name: number
-- The oldest events without a number get the next ones: notices of other rooms, which may become
-- visible later than a higher id, and get the next number then. The leader numbers its own events as it
-- appends them.
with oldest as (
    select id, row_number() over (order by id) as place
    from (
        select id from events where sequence is null order by id limit %(batch)s::int4
    ) as unnumbered
), numbered as (
    update events set sequence = %(newest)s::int8 + oldest.place
    from oldest
    where events.id = oldest.id
    returning events.sequence
)
select count(*), max(sequence) from numbered

-- name: save_sequence
update event_sequence set newest = %(sequence)s::int8

-- name: open_channels
-- A channel that is new begins with the events that come from now on; those of the first publisher
-- ever with the first event, since the leader does not wait for it.
insert into publisher_cursors (channel, sequence)
select channel, case when exists (select from publisher_cursors) then newest else 0 end
from event_sequence, unnest(%(channels)s::text[]) as channel
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
