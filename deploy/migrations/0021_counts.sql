-- A worker that was removed by hand is removed in every count at once, not when the leader has
-- carried it out. One row for each entity and status.

create or replace view worker_counts as
select entity_id, status, sum(workers)::int8 as workers
from (
    select entity_id, status, workers::int8 as workers from status_counts
    union all
    select
        m.operator_id,
        case when b.disconnected_at is null then 'stable' else 'off' end,
        count(*)
    from boundary_workers b
    join workers w on w.id = b.worker_id
    join miners m on m.id = w.miner_id
    where m.operator_id is not null
    group by 1, 2
    union all
    select
        m.pool_id,
        case when b.disconnected_at is null then 'stable' else 'off' end,
        count(*)
    from boundary_workers b
    join workers w on w.id = b.worker_id
    join miners m on m.id = w.miner_id
    group by 1, 2
    union all
    select above.entity_id, change.status, change.workers::int8
    from worker_removals x
    join worker_figures f on f.worker_id = x.worker_id and f.status <> 'removed'
    join miners m on m.id = f.miner_id
    cross join lateral (values (m.id), (m.operator_id), (m.pool_id)) as above (entity_id)
    cross join lateral (values (f.status, -1), ('removed', 1)) as change (status, workers)
    where above.entity_id is not null
) counted
group by entity_id, status;
