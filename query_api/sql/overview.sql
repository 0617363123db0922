-- What a pool's operator sees first.

-- name: top_miners
-- The pool's miners with the most accepted work in the last hour.
-- params: pool_id, limit
select m.uid, m.account_name, m.title, f.*,
       (select coalesce(sum(s.workers), 0) from worker_counts s
        where s.entity_id = m.id and s.status <> 'removed') as workers
from entity_figures f
join miners m on m.id = f.entity_id
where m.pool_id = $1::int4 and f.accepted_1h > 0
order by f.accepted_1h desc, m.id limit $2::int4

-- name: biggest_drops
-- Miners whose last quarter of an hour lies furthest below the hour that ends with it. A twentieth is
-- the luck of a miner with 400 shares in a quarter of an hour.
-- params: pool_id, limit
select m.uid, m.account_name, m.title, f.*,
       (select coalesce(sum(s.workers), 0) from worker_counts s
        where s.entity_id = m.id and s.status <> 'removed') as workers
from entity_figures f
join miners m on m.id = f.entity_id
where m.pool_id = $1::int4 and f.accepted_1h * 0.95 > f.accepted_15m * 4
order by f.accepted_1h - 4 * f.accepted_15m desc, m.id limit $2::int4

-- name: latest_events
-- The newest changes of status in the pool, and what its stratum servers did.
-- params: pool_id, limit
select e.event_id, e.kind, e.at, e.transition_number, e.from_status, e.to_status, e.cause,
       e.workers, w.uid as worker_uid, w.name as worker_name, s.name as source_name,
       m.uid as miner_uid, m.account_name, m.title
from events e
left join workers w on w.id = e.worker_id
left join sources s on s.id = e.source_id
left join miners m on m.id = e.miner_id
where (m.pool_id = $1::int4 or e.miner_id is null) and e.fields is null
order by e.id desc limit $2::int4

-- name: pool_since
-- When the pool began to mine: a log that was read in afterwards reaches further back than its row.
-- Then it is the minute of its first shares, or their day when minutes of then are no longer kept.
-- params: pool_id
select least(
    created_at,
    (select bucket from entity_minutes where entity_id = pools.id order by bucket limit 1),
    (select bucket from entity_1d
     where entity_id = pools.id and bucket < date_trunc('day', pools.created_at, 'UTC')
     order by bucket limit 1)
)
from pools where id = $1::int4

-- name: service_health
-- How fresh the figures are, and how far intake has come.
select l.stream_time, l.watermark, l.cycle_at, max(p.flushed_at) as last_flush_at,
       count(p.partition) as partitions, coalesce(bool_and(p.caught_up), false) as caught_up
from leader l
left join intake_stream i on true
left join intake_partitions p using (cluster_id, topic)
group by l.stream_time, l.watermark, l.cycle_at
