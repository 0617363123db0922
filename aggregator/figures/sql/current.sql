-- name: create_stages
-- Private to the leader's connection: filling them needs no lease and takes no lock.
create temp table if not exists stage_statuses (
    is_new int2, worker_id int4, miner_id int4, status int2, status_since_s int8, transition_number int4,
    last_share_s int8, share_interval_s float8, source_id int4
);
create temp table if not exists stage_blocks (like window_blocks including storage);
create temp table if not exists stage_entities (
    entity_id int4,
    accepted_15m float8, rejected_15m float8, accepted_1h float8, rejected_1h float8,
    accepted_1d float8, rejected_1d float8, accepted_1w float8, rejected_1w float8
);
create temp table if not exists stage_transitions (
    place int8, event_id uuid, again int2, at_s int8, miner_id int4, worker_id int4,
    source_id int4, number int4, from_code int2, to_code int2, cause_code int2
);
create temp table if not exists stage_entity_minutes (like entity_minutes);
create temp table if not exists stage_counts (entity_id int4, status int2, workers int4);

-- name: empty_stages
truncate stage_statuses, stage_blocks, stage_entities, stage_counts;

-- name: copy_statuses
copy stage_statuses from stdin (format binary);

-- name: copy_blocks
copy stage_blocks from stdin (format binary);

-- name: copy_entities
copy stage_entities from stdin (format binary);

-- name: copy_counts
copy stage_counts from stdin (format binary);

-- name: update_statuses
-- No column of an index changes, so that the new row versions stay on their pages (HOT).
update worker_statuses known set
    status = (%(statuses)s::text[])[staged.status + 1],
    status_since = to_timestamp(staged.status_since_s),
    transition_number = staged.transition_number,
    last_share_at = to_timestamp(nullif(staged.last_share_s, 0)),
    share_interval_s = nullif(staged.share_interval_s, 0),
    source_id = nullif(staged.source_id, 0)
from stage_statuses staged
where staged.worker_id = known.worker_id;

-- name: insert_statuses
insert into worker_statuses
select
    worker_id, miner_id, (%(statuses)s::text[])[status + 1], to_timestamp(status_since_s),
    transition_number, to_timestamp(nullif(last_share_s, 0)), nullif(share_interval_s, 0),
    nullif(source_id, 0)
from stage_statuses staged
where is_new = 1
order by worker_id
on conflict do nothing;

-- name: update_blocks
update window_blocks known set cells = staged.cells
from stage_blocks staged
where staged.block = known.block;

-- name: insert_blocks
insert into window_blocks
select block, cells
from stage_blocks
where block in (select worker_id >> 4 from stage_statuses where is_new = 1)
order by block
on conflict do nothing;

-- name: update_entities
update entity_figures figures set
    accepted_15m = staged.accepted_15m, rejected_15m = staged.rejected_15m,
    accepted_1h = staged.accepted_1h, rejected_1h = staged.rejected_1h,
    accepted_1d = staged.accepted_1d, rejected_1d = staged.rejected_1d,
    accepted_1w = staged.accepted_1w, rejected_1w = staged.rejected_1w
from stage_entities staged
where staged.entity_id = figures.entity_id
    and (
        staged.accepted_15m, staged.rejected_15m, staged.accepted_1h, staged.rejected_1h,
        staged.accepted_1d, staged.rejected_1d, staged.accepted_1w, staged.rejected_1w
    ) is distinct from (
        figures.accepted_15m, figures.rejected_15m, figures.accepted_1h, figures.rejected_1h,
        figures.accepted_1d, figures.rejected_1d, figures.accepted_1w, figures.rejected_1w
    );

-- name: insert_entities
-- Not by NOT EXISTS: after an ANALYZE of the empty table that is planned as a nested loop over the
-- growing table (8 s for 33,000 entities).
insert into entity_figures
select * from stage_entities order by entity_id
on conflict do nothing;

-- name: update_counts
update status_counts counts set workers = staged.workers
from stage_counts staged
where counts.entity_id = staged.entity_id
    and counts.status = (%(statuses)s::text[])[staged.status + 1]
    and counts.workers <> staged.workers;

-- name: insert_counts
insert into status_counts
select entity_id, (%(statuses)s::text[])[status + 1], workers
from stage_counts staged
order by entity_id
on conflict do nothing;
