-- name: create_stages
-- Private to the leader's connection: filling them needs no lease and takes no lock.
create temp table if not exists stage_workers (
    worker_id int4, miner_id int4, status int2, status_since_s int8, transition_number int4,
    last_share_s int8, share_interval_s float8, source_id int4,
    accepted_15m float8, rejected_15m float8, accepted_1h float8, rejected_1h float8,
    accepted_1d float8, rejected_1d float8, accepted_1w float8, rejected_1w float8
);
create temp table if not exists stage_entities (
    entity_id int4,
    accepted_15m float8, rejected_15m float8, accepted_1h float8, rejected_1h float8,
    accepted_1d float8, rejected_1d float8, accepted_1w float8, rejected_1w float8
);
create temp table if not exists stage_counts (entity_id int4, status int2, workers int4);

-- name: empty_stages
truncate stage_workers, stage_entities, stage_counts;

-- name: copy_workers
copy stage_workers from stdin (format binary);

-- name: copy_entities
copy stage_entities from stdin (format binary);

-- name: copy_counts
copy stage_counts from stdin (format binary);

-- name: update_workers
-- No column of an index changes, so that the new row versions stay on their pages (HOT).
update worker_figures figures set
    status = (%(statuses)s::text[])[staged.status + 1],
    status_since = to_timestamp(staged.status_since_s),
    transition_number = staged.transition_number,
    last_share_at = to_timestamp(nullif(staged.last_share_s, 0)),
    share_interval_s = nullif(staged.share_interval_s, 0),
    source_id = nullif(staged.source_id, 0),
    accepted_15m = staged.accepted_15m, rejected_15m = staged.rejected_15m,
    accepted_1h = staged.accepted_1h, rejected_1h = staged.rejected_1h,
    accepted_1d = staged.accepted_1d, rejected_1d = staged.rejected_1d,
    accepted_1w = staged.accepted_1w, rejected_1w = staged.rejected_1w
from stage_workers staged
where staged.worker_id = figures.worker_id;

-- name: insert_workers
insert into worker_figures
select
    worker_id, miner_id, (%(statuses)s::text[])[status + 1], to_timestamp(status_since_s),
    transition_number, to_timestamp(nullif(last_share_s, 0)), nullif(share_interval_s, 0),
    nullif(source_id, 0),
    accepted_15m, rejected_15m, accepted_1h, rejected_1h,
    accepted_1d, rejected_1d, accepted_1w, rejected_1w
from stage_workers staged
where not exists (select from worker_figures known where known.worker_id = staged.worker_id)
order by worker_id;

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
insert into entity_figures
select * from stage_entities staged
where not exists (select from entity_figures known where known.entity_id = staged.entity_id);

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
where not exists (
    select from status_counts known
    where known.entity_id = staged.entity_id
        and known.status = (%(statuses)s::text[])[staged.status + 1]
);
