-- Thresholds: read where each rule stands beside the figures of one moment, store what follows.

-- name: leader_position
-- Up to when figures are published; nothing while old shares still come in: they prove no lack.
select extract(epoch from leader.watermark)::int8 as at_s
from leader
where leader.watermark is not null
    and not exists (select from stream where status_time < stream_time)

-- name: figures
-- Every rule with the figures of its miner or worker, in one snapshot with the watermark. Removed
-- workers and rules that stand at this watermark already are passed over. The shares' mean difficulty
-- is that of the last day; without a share it stays what it was.
-- params: window_names, spans_s, day_s, after, limit
with position as (
    select watermark as at, extract(epoch from watermark)::int8 as at_s from leader
)
select
    rules.id, rules.uid, rules.miner_id, rules.metric, rules.bound::float8, rules.window_name,
    rules.for_s, rules.event_number, rules.is_firing, rules.is_reported,
    extract(epoch from rules.breached_since)::int8 as breached_since_s,
    extract(epoch from rules.measured_at)::int8 as measured_s,
    greatest(coalesce(rules.muted_until, '-infinity'), coalesce(miners.muted_until, '-infinity'))
        > now() as is_muted,
    position.at_s,
    extract(epoch from position.at - coalesce(workers.created_at, miners.created_at))::float8
        as age_s,
    workers.uid as worker_uid, workers.name as worker_name,
    coalesce(own.accepted, entity.accepted, 0) as accepted,
    coalesce(own.rejected, entity.rejected, 0) as rejected,
    coalesce(own.accepted_week, entity.accepted_week, 0) as accepted_week,
    coalesce(recent.share_difficulty, rules.share_difficulty) as share_difficulty,
    extract(epoch from outage.outage_from)::float8 as outage_from_s,
    extract(epoch from outage.resumed_at)::float8 as outage_to_s,
    coalesce((
        select sum(counts.workers) from status_counts as counts
        where counts.entity_id = rules.miner_id and counts.status = 'unavailable'
    ), 0)::int4 as unavailable,
    coalesce(windows.span_s, 0) as span_s
from thresholds as rules
cross join position
cross join last_outage as outage
join miners on miners.id = rules.miner_id
left join workers on workers.id = rules.worker_id
left join unnest(%(window_names)s::text[], %(spans_s)s::int4[]) as windows (name, span_s)
    on windows.name = rules.window_name
left join lateral (
    select
        status, accepted_1w as accepted_week,
        case rules.window_name when '15m' then accepted_15m when '1h' then accepted_1h else accepted_1d end
            as accepted,
        case rules.window_name when '15m' then rejected_15m when '1h' then rejected_1h else rejected_1d end
            as rejected
    from worker_figures where worker_figures.worker_id = rules.worker_id
) as own on true
left join lateral (
    select
        accepted_1w as accepted_week,
        case rules.window_name when '15m' then accepted_15m when '1h' then accepted_1h else accepted_1d end
            as accepted,
        case rules.window_name when '15m' then rejected_15m when '1h' then rejected_1h else rejected_1d end
            as rejected
    from entity_figures
    where rules.worker_id is null and entity_figures.entity_id = rules.miner_id
) as entity on true
left join lateral (
    select (sum(accepted + rejected) / nullif(sum(accepted_count + rejected_count), 0))
        as share_difficulty
    from (
        select accepted, rejected, accepted_count, rejected_count
        from worker_1h
        where worker_1h.worker_id = rules.worker_id
            and bucket >= position.at - %(day_s)s::float8 * interval '1 second'
            and bucket < position.at
        union all
        select accepted, rejected, accepted_count, rejected_count
        from entity_1h
        where rules.worker_id is null and entity_1h.entity_id = rules.miner_id
            and bucket >= position.at - %(day_s)s::float8 * interval '1 second'
            and bucket < position.at
    ) as hours
) as recent on rules.window_name is not null
where rules.id > %(after)s::int4
    and rules.measured_at is distinct from position.at
    and own.status is distinct from 'removed'
order by rules.id
limit %(limit)s::int4

-- name: save_states
-- A rule that was deleted or changed meanwhile keeps what its owner did.
-- params: columns of arrays
update thresholds as rules
set measured_at = to_timestamp(found.measured_s),
    breached_since = to_timestamp(found.breached_since_s),
    is_firing = found.is_firing,
    is_reported = found.is_reported,
    event_number = found.event_number,
    figure = found.figure,
    measured_bound = found.measured_bound,
    error = found.error,
    share_difficulty = found.share_difficulty
from unnest(
    %(ids)s::int4[], %(measured_s)s::int8[], %(breached_since_s)s::int8[], %(is_firing)s::boolean[],
    %(is_reported)s::boolean[], %(event_number)s::int4[], %(figure)s::float8[],
    %(measured_bound)s::float8[], %(error)s::float8[], %(share_difficulty)s::float8[]
) as found (
    id, measured_s, breached_since_s, is_firing, is_reported, event_number, figure, measured_bound,
    error, share_difficulty
)
where rules.id = found.id

-- name: append_event
-- params: event_id, kind, at_s, miner_id, fields
insert into events (event_id, kind, at, entity_id, fields)
values (
    %(event_id)s, %(kind)s, to_timestamp(%(at_s)s::int8), %(miner_id)s::int4, %(fields)s
)
on conflict (event_id) do nothing
