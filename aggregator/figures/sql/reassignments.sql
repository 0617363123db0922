-- name: reassigned_miners
-- Where miners that were reassigned of late belong now: operator (0: none) and pool.
select distinct miners.id, coalesce(miners.operator_id, 0), miners.pool_id
from operator_reassignments
join miners on miners.id = operator_reassignments.miner_id
where operator_reassignments.moved_at > now() - %(kept_s)s * interval '1 second';

-- name: concerned_owners
-- Operators and pools that a miner left or joined of late.
select distinct concerned.owner_id
from operator_reassignments
cross join lateral (
    values (from_operator_id), (to_operator_id), (from_pool_id), (to_pool_id)
) as concerned (owner_id)
where operator_reassignments.moved_at > now() - %(kept_s)s * interval '1 second'
    and concerned.owner_id is not null
order by concerned.owner_id;

-- name: pools_since
-- The minute from which on each miner's pool is the one of now.
select coalesce(max(extract(epoch from first_minute)::int8 / 60), 0)::int8
from operator_reassignments
where from_pool_id is not null;

-- name: stage_missing_entities
-- An operator or pool whose last worker left has no sums of workers.
insert into stage_entities
select owner_id, 0, 0, 0, 0, 0, 0, 0, 0
from unnest(%(owner_ids)s::int4[]) as concerned (owner_id)
where not exists (select from stage_entities where entity_id = owner_id);

-- name: stage_missing_counts
insert into stage_counts
select owner_id, code, 0
from unnest(%(owner_ids)s::int4[]) as concerned (owner_id)
cross join generate_series(0, %(statuses)s - 1) as code
where not exists (select from stage_counts where entity_id = owner_id);

-- name: stage_own_minutes
-- Windows of some operators and pools from their own minutes and rollups, by the rule of windows.WindowGrid:
-- the oldest bucket of a day and of a week counts by the whole minutes of it that are still inside.
update stage_entities staged set
    accepted_15m = coalesce(recent.accepted_15m, 0),
    rejected_15m = coalesce(recent.rejected_15m, 0),
    accepted_1h = coalesce(recent.accepted_1h, 0),
    rejected_1h = coalesce(recent.rejected_1h, 0),
    accepted_1d = coalesce(quarters.accepted_1d, 0) + coalesce(recent.accepted, 0),
    rejected_1d = coalesce(quarters.rejected_1d, 0) + coalesce(recent.rejected, 0),
    accepted_1w = coalesce(hours.accepted, 0) + coalesce(quarters.accepted, 0)
        + coalesce(recent.accepted, 0),
    rejected_1w = coalesce(hours.rejected, 0) + coalesce(quarters.rejected, 0)
        + coalesce(recent.rejected, 0)
from unnest(%(owner_ids)s::int4[]) as concerned (owner_id)
left join lateral (
    select
        sum(accepted) filter (where bucket >= %(quarter_from)s::timestamptz) as accepted_15m,
        sum(rejected) filter (where bucket >= %(quarter_from)s::timestamptz) as rejected_15m,
        sum(accepted) filter (where bucket >= %(hour_from)s::timestamptz) as accepted_1h,
        sum(rejected) filter (where bucket >= %(hour_from)s::timestamptz) as rejected_1h,
        sum(accepted) as accepted,
        sum(rejected) as rejected
    from generate_series(
        %(minutes_from)s::timestamptz, %(watermark)s::timestamptz - interval '1 minute',
        interval '1 minute'
    ) as bucket
    join entity_minutes using (bucket)
    where entity_id = owner_id
) as recent on true
left join lateral (
    select
        sum(accepted * case
            when bucket < %(day_inner)s::timestamptz then %(day_weight)s::float8 else 1
        end) as accepted_1d,
        sum(rejected * case
            when bucket < %(day_inner)s::timestamptz then %(day_weight)s::float8 else 1
        end) as rejected_1d,
        sum(accepted) filter (where bucket >= %(quarters_from)s::timestamptz) as accepted,
        sum(rejected) filter (where bucket >= %(quarters_from)s::timestamptz) as rejected
    from entity_15m
    where entity_id = owner_id
        and bucket >= %(day_from)s::timestamptz and bucket < %(minutes_from)s::timestamptz
) as quarters on true
left join lateral (
    select
        sum(accepted * case
            when bucket < %(week_inner)s::timestamptz then %(week_weight)s::float8 else 1
        end) as accepted,
        sum(rejected * case
            when bucket < %(week_inner)s::timestamptz then %(week_weight)s::float8 else 1
        end) as rejected
    from entity_1h
    where entity_id = owner_id
        and bucket >= %(week_from)s::timestamptz and bucket < %(quarters_from)s::timestamptz
) as hours on true
where staged.entity_id = owner_id;

-- name: forget_reassignments
-- No window reaches back so far; by the index on moved_at nothing is read if there is none.
delete from operator_reassignments
where moved_at < now() - 2 * %(kept_s)s * interval '1 second';
