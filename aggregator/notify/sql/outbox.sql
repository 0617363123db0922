-- name: acquire
-- Take the lease where nobody renewed it for lease_s.
update publisher
set epoch = epoch + 1, holder = %(holder)s, renewed_at = clock_timestamp()
where renewed_at < clock_timestamp() - make_interval(secs => %(lease_s)s)
returning epoch

-- name: renew
update publisher set renewed_at = clock_timestamp() where epoch = %(epoch)s returning epoch

-- name: release
-- At an orderly stop, so that the next publisher need not wait.
update publisher set renewed_at = '-infinity', holder = null where epoch = %(epoch)s

-- name: fence
-- First in every write transaction of a channel: nobody can take the lease until it has committed.
-- Channels share the lock, so none waits for another.
select epoch from publisher where epoch = %(epoch)s for share

-- name: fence_numbering
select sequence from publisher where epoch = %(epoch)s for update

-- name: number
-- The oldest events without a number get the next ones. The leader alone appends events, one
-- transaction after another, so ids become visible in their order and none slips in below.
with oldest as (
    select id, row_number() over (order by id) as place
    from (
        select id from events where sequence is null order by id limit %(batch)s::int4
    ) as unnumbered
), numbered as (
    update events set sequence = %(sequence)s::int8 + oldest.place
    from oldest
    where events.id = oldest.id
    returning events.sequence
)
select count(*), max(sequence) from numbered

-- name: save_sequence
update publisher set sequence = %(sequence)s::int8 where epoch = %(epoch)s

-- name: open_channel
-- A channel that is new begins with the events that come from now on.
insert into publisher_cursors (channel, sequence)
select %(channel)s, sequence from publisher
on conflict (channel) do nothing

-- name: cursor
select sequence from publisher_cursors where channel = %(channel)s

-- name: events_after
-- Numbered events behind a cursor, in their order.
select * from event_details
where sequence > %(sequence)s::int8
order by sequence
limit %(batch)s::int4

-- name: advance
-- The channel has taken everything up to a sequence.
update publisher_cursors
set sequence = greatest(sequence, %(sequence)s::int8)
where channel = %(channel)s

-- name: lag
-- Seconds since the oldest event that a channel has not taken was stored.
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
