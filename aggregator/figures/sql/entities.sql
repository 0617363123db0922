-- name: entity_minutes
-- Sums of some minutes by miner (all workers), operator and pool (hardware only), replacing what
-- was there. First by (miner, operator, behaviour): a few thousand groups, not three times all rows.
-- The pool is the one that the miner had then: what its first move after the minute left.
insert into entity_minutes (
    bucket, entity_id, accepted_count, rejected_count, accepted, rejected,
    stale, duplicate, low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
)
select
    groups.bucket, entity.id,
    sum(accepted_count)::int8, sum(rejected_count)::int8, sum(accepted), sum(rejected),
    sum(stale), sum(duplicate), sum(low_difficulty), sum(job_not_found), sum(unauthorized),
    sum(time_out_of_range), sum(invalid)
from (
    select
        minutes.bucket, minutes.miner_id, minutes.operator_id, workers.behavior,
        sum(minutes.accepted_count) as accepted_count,
        sum(minutes.rejected_count) as rejected_count,
        sum(minutes.accepted) as accepted, sum(minutes.rejected) as rejected,
        sum(minutes.stale) as stale, sum(minutes.duplicate) as duplicate,
        sum(minutes.low_difficulty) as low_difficulty,
        sum(minutes.job_not_found) as job_not_found,
        sum(minutes.unauthorized) as unauthorized,
        sum(minutes.time_out_of_range) as time_out_of_range,
        sum(minutes.invalid) as invalid
    from worker_minutes minutes
    join workers on workers.id = minutes.worker_id
    where minutes.bucket = any(%(buckets)s::timestamptz[])
    group by minutes.bucket, minutes.miner_id, minutes.operator_id, workers.behavior
) groups
join miners on miners.id = groups.miner_id
left join lateral (
    select moves.from_pool_id from operator_reassignments as moves
    where moves.miner_id = groups.miner_id and moves.from_pool_id is not null
        and moves.first_minute > groups.bucket
    order by moves.id limit 1
) as left_pool on true
cross join lateral (
    values
        (groups.miner_id, true),
        (groups.operator_id, groups.behavior = 'hardware'),
        (coalesce(left_pool.from_pool_id, miners.pool_id), groups.behavior = 'hardware')
) as entity (id, counts)
where entity.counts and entity.id is not null
group by groups.bucket, entity.id
on conflict (bucket, entity_id) do update set
    accepted_count = excluded.accepted_count,
    rejected_count = excluded.rejected_count,
    accepted = excluded.accepted,
    rejected = excluded.rejected,
    stale = excluded.stale,
    duplicate = excluded.duplicate,
    low_difficulty = excluded.low_difficulty,
    job_not_found = excluded.job_not_found,
    unauthorized = excluded.unauthorized,
    time_out_of_range = excluded.time_out_of_range,
    invalid = excluded.invalid;

-- name: delete_pools_minutes
-- Of pools that a miner left or joined: one that was summed while it moved may belong to the other.
delete from entity_minutes
where bucket = any(%(buckets)s::timestamptz[])
    and entity_id in (
        select pool_id from operator_reassignments
        cross join lateral (values (from_pool_id), (to_pool_id)) as concerned (pool_id)
    );

-- name: empty_stage
truncate stage_entity_minutes;

-- name: stage
copy stage_entity_minutes (
    bucket, entity_id, accepted_count, rejected_count, accepted, rejected,
    stale, duplicate, low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
) from stdin (format binary);

-- name: write_staged
-- Sums that the leader made itself, replacing what was there.
insert into entity_minutes (
    bucket, entity_id, accepted_count, rejected_count, accepted, rejected,
    stale, duplicate, low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
)
select
    bucket, entity_id, accepted_count, rejected_count, accepted, rejected,
    stale, duplicate, low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
from stage_entity_minutes
order by bucket, entity_id
on conflict (bucket, entity_id) do update set
    accepted_count = excluded.accepted_count,
    rejected_count = excluded.rejected_count,
    accepted = excluded.accepted,
    rejected = excluded.rejected,
    stale = excluded.stale,
    duplicate = excluded.duplicate,
    low_difficulty = excluded.low_difficulty,
    job_not_found = excluded.job_not_found,
    unauthorized = excluded.unauthorized,
    time_out_of_range = excluded.time_out_of_range,
    invalid = excluded.invalid;
