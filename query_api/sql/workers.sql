-- Lists of workers. {scope} is a column of miners (id, operator_id, pool_id), {order} an ORDER BY
-- from the closed set in query_api/store/workers.py. created_at is the first transition where that
-- is earlier than the row: a log that was read in afterwards reaches further back.

-- name: names
-- params: entity_id
select w.id, w.name from miners m join workers w on w.miner_id = m.id where m.{scope} = $1::int4

-- name: workers_page
-- A page of the workers of an entity, with the count of all that match. Without a match there is
-- one row with the count alone.
-- params: entity_id, statuses, behaviors, found (ids; null: all), limit, offset
with listed as (
    select w.id, w.uid, w.name, w.name_key, w.behavior, w.miner_id,
           w.created_at as registered_at,
           f.last_share_at, f.accepted_15m, f.rejected_15m, f.accepted_1h, f.rejected_1h,
           f.accepted_1d, f.rejected_1d, f.accepted_1w, f.rejected_1w,
           case when x.worker_id is not null then 'removed'
                when w.behavior = 'hardware' then coalesce(f.status, 'stable')
                when b.disconnected_at is null then 'stable' else 'off' end as status
    from miners m
    join workers w on w.miner_id = m.id
    left join worker_figures f on f.worker_id = w.id
    left join worker_removals x on x.worker_id = w.id
    left join boundary_workers b on b.worker_id = w.id
    where m.{scope} = $1::int4
      and w.behavior = any($3::text[])
      and ($4::int4[] is null or w.id in (select unnest($4)))
), matching as materialized (
    select * from listed where status = any($2::text[])
), page as (
    select row_number() over (order by {order}) as position, * from matching
    order by {order} limit $5::int4 offset $6::int4
)
select (select count(*) from matching) as total_count,
       l.epoch, l.cycle_at, l.stream_time, l.watermark, page.*,
       m.uid as miner_uid, m.account_name, m.title,
       least(page.registered_at,
             (select min(e.at) from events e where e.worker_id = page.id)) as created_at
from leader l
left join page on true
left join miners m on m.id = page.miner_id
order by page.position

-- name: worker
-- One worker as in a list, with the ids above it.
-- params: uid
select w.id, w.uid, w.name, w.behavior, w.miner_id, m.operator_id, m.pool_id,
       d.id as donor_id, d.operator_id as donor_operator_id, d.pool_id as donor_pool_id,
       s.best_difficulty, s.best_at, s.agent,
       f.last_share_at,
       f.accepted_15m, f.rejected_15m, f.accepted_1h, f.rejected_1h,
       f.accepted_1d, f.rejected_1d, f.accepted_1w, f.rejected_1w,
       case when x.worker_id is not null then 'removed'
            when w.behavior = 'hardware' then coalesce(f.status, 'stable')
            when b.disconnected_at is null then 'stable' else 'off' end as status,
       l.epoch, l.cycle_at, l.stream_time, l.watermark,
       m.uid as miner_uid, m.account_name, m.title,
       least(w.created_at,
             (select min(e.at) from events e where e.worker_id = w.id)) as created_at
from leader l
join workers w on w.uid = $1::uuid
join miners m on m.id = w.miner_id
left join worker_figures f on f.worker_id = w.id
left join worker_removals x on x.worker_id = w.id
left join boundary_workers b on b.worker_id = w.id
left join miners d on d.id = b.donor_id
left join worker_details s on s.worker_id = w.id

-- name: remove_worker
-- Ask the leader to remove a hardware worker; asking again changes nothing.
-- params: worker_id
insert into worker_removals (worker_id) values ($1::int4) on conflict do nothing

-- name: workers_by_id
-- The listed workers, in the order of the list.
-- params: worker_ids
select w.id, w.uid, w.name, w.behavior, w.miner_id, f.last_share_at,
       f.accepted_15m, f.rejected_15m, f.accepted_1h, f.rejected_1h,
       f.accepted_1d, f.rejected_1d, f.accepted_1w, f.rejected_1w,
       case when x.worker_id is not null then 'removed'
            when w.behavior = 'hardware' then coalesce(f.status, 'stable')
            when b.disconnected_at is null then 'stable' else 'off' end as status,
       m.uid as miner_uid, m.account_name, m.title,
       least(w.created_at,
             (select min(e.at) from events e where e.worker_id = w.id)) as created_at
from unnest($1::int4[]) with ordinality as listed (id, position)
join workers w on w.id = listed.id
join miners m on m.id = w.miner_id
left join worker_figures f on f.worker_id = w.id
left join worker_removals x on x.worker_id = w.id
left join boundary_workers b on b.worker_id = w.id
order by listed.position

-- name: share_difficulties
-- Mean difficulty of each worker's shares in the last day, beside the newest outage. No rows while
-- old shares still come in: the newest figures prove no lack then.
-- params: worker_ids, watermark, day
select asked.worker_id,
       (select sum(h.accepted + h.rejected) / nullif(sum(h.accepted_count + h.rejected_count), 0)
        from worker_1h h
        where h.worker_id = asked.worker_id
            and h.bucket >= $2::timestamptz - $3::interval and h.bucket < $2::timestamptz
       )::float8 as share_difficulty,
       extract(epoch from outage.outage_from)::float8 as outage_from_s,
       extract(epoch from outage.resumed_at)::float8 as outage_to_s
from unnest($1::int4[]) as asked (worker_id)
cross join last_outage as outage
where not exists (select from stream where status_time < stream_time)
