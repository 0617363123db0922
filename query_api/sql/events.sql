-- Transitions of status, as history and as a live stream.

-- name: transitions_page
-- Transitions of a miner's workers in [from, to), newest first, with the count of all that match.
-- params: miner_id, from, to, worker_uids (empty: all), limit, offset
with matching as (
    select e.id, e.event_id, e.kind, e.at, e.sequence, e.transition_number, e.from_status,
           e.to_status, e.cause, w.uid as worker_uid, w.name as worker_name
    from events e
    join workers w on w.id = e.worker_id
    where e.miner_id = $1::int4 and e.kind = 'worker-status-changed'
      and e.at >= $2::timestamptz and e.at < $3::timestamptz
      and (cardinality($4::uuid[]) = 0 or w.uid = any($4))
), page as (
    select row_number() over (order by at desc, id desc) as position, * from matching
    order by at desc, id desc limit $5::int4 offset $6::int4
)
select (select count(*) from matching) as total_count, page.*
from (values (1)) as one
left join page on true
order by page.position

-- name: newest_sequence
-- Where the stream of events is now.
select coalesce(max(sequence), 0) from events

-- name: events_after
-- Events numbered after a sequence, in their order, with the inner ids of those
-- whom they concern: the miner and its pool, or every pool if a stratum server did something. Events
-- with fields (payments and the like) are no news of a worker.
-- params: sequence, limit
select e.sequence, e.event_id, e.kind, e.at, e.transition_number, e.from_status,
       e.to_status, e.cause, e.workers, w.uid as worker_uid, w.name as worker_name,
       s.name as source_name, m.uid as miner_uid, m.account_name, m.title,
       case when m.id is null then (select coalesce(array_agg(id), '{}') from pools)
            else array[m.id, m.pool_id] end as entity_ids
from events e
left join workers w on w.id = e.worker_id
left join sources s on s.id = e.source_id
left join miners m on m.id = e.miner_id
where e.sequence > $1::int8 and e.fields is null
order by e.sequence limit $2::int4

-- name: miner_events_after
-- The same for one miner, up to and with a sequence: what a reader missed.
-- params: miner_id, after, up_to, limit
select e.sequence, e.event_id, e.kind, e.at, e.transition_number, e.from_status,
       e.to_status, e.cause, w.uid as worker_uid, w.name as worker_name
from events e
join workers w on w.id = e.worker_id
where e.sequence > $2::int8 and e.sequence <= $3::int8 and e.miner_id = $1::int4
  and e.kind in ('worker-status-changed', 'worker-still-silent')
order by e.sequence limit $4::int4

-- name: pool_events_after
-- The same for a pool, with what its stratum servers did.
-- params: pool_id, after, up_to, limit
select e.sequence, e.event_id, e.kind, e.at, e.transition_number, e.from_status,
       e.to_status, e.cause, e.workers, w.uid as worker_uid, w.name as worker_name,
       s.name as source_name, m.uid as miner_uid, m.account_name, m.title
from events e
left join workers w on w.id = e.worker_id
left join sources s on s.id = e.source_id
left join miners m on m.id = e.miner_id
where e.sequence > $2::int8 and e.sequence <= $3::int8
  and (m.pool_id = $1::int4 or e.miner_id is null) and e.fields is null
order by e.sequence limit $4::int4
