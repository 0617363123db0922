-- name: worker_uids
-- Public ids of workers, packed as store.PACKED_UIDS; event ids are made from them.
select string_agg(int4send(id) || uuid_send(uid), ''::bytea order by id)
from workers where id = any(%(worker_ids)s::int4[])

-- name: empty_stage
truncate stage_transitions

-- name: stage
copy stage_transitions from stdin (format binary)

-- name: take_sequences
-- The next numbers are this transaction's: until its commit nobody else numbers events. Gives the one
-- before them.
update event_sequence set newest = newest + %(count)s::int8
returning newest - %(count)s::int8

-- name: append_transitions
-- Into the outbox, in the order in which they happened; codes begin at 0, and that of no status is -1.
insert into events (
    sequence, event_id, kind, at, miner_id, worker_id, source_id, transition_number, from_status,
    to_status, cause
)
select
    %(after)s::int8 + place, event_id,
    case again when 1 then %(again)s::text else %(changed)s::text end, to_timestamp(at_s), miner_id, worker_id, nullif(source_id, 0), number,
    (%(statuses)s::text[])[from_code + 1], (%(statuses)s::text[])[to_code + 1],
    (%(causes)s::text[])[cause_code + 1]
from stage_transitions
order by place

-- name: append_source_events
-- The same for sources.
insert into events (sequence, event_id, kind, at, source_id, cause, workers)
select
    %(after)s::int8 + place, event_id, kind, to_timestamp(at_s), source_id, cause, workers
from unnest(
    %(event_ids)s::uuid[], %(kinds)s::text[], %(at_s)s::int8[], %(source_ids)s::int4[],
    %(causes)s::text[], %(workers)s::int4[]
) with ordinality as told (event_id, kind, at_s, source_id, cause, workers, place)
order by place

-- name: boundary_changes
-- Boundary workers whose status lags behind their schedule: not seen yet, or disconnected.
select
    boundary_workers.worker_id,
    extract(epoch from boundary_workers.created_at)::int8,
    extract(epoch from boundary_workers.disconnected_at)::int8
from boundary_workers
left join worker_statuses using (worker_id)
where coalesce(worker_statuses.transition_number, 0) = 0
    or (boundary_workers.disconnected_at is not null and worker_statuses.status = 'stable')
order by boundary_workers.worker_id

-- name: sweep_state
-- Where the last sweep stopped, in epoch seconds.
select extract(epoch from judged_to)::int8, extract(epoch from resumed_at)::int8 from status_sweep

-- name: source_states
-- Sources as the last sweep left them, in epoch seconds.
select
    source_id,
    extract(epoch from last_share_at)::int8,
    share_interval_s,
    coalesce(extract(epoch from silent_since)::int8, 0),
    workers,
    coalesce(extract(epoch from back_at)::int8, 0)
from source_figures

-- name: attributed_workers
-- Workers whose present silence is laid to their source: their return is reported as the source's. Not
-- those that the source left behind and that were reported as such.
select worker_statuses.worker_id
from worker_statuses
join events using (worker_id, transition_number)
where worker_statuses.status <> 'stable'
    {chosen}
    and events.cause in ('source_silent', 'source_back')
    and not exists (
        select from events as told
        where told.worker_id = worker_statuses.worker_id
            and told.transition_number = worker_statuses.transition_number
            and told.kind = 'worker-still-silent'
    )

-- name: save_sweep
-- Where this sweep stopped.
update status_sweep
set judged_to = to_timestamp(%(judged_to_s)s::int8),
    resumed_at = to_timestamp(nullif(%(resumed_s)s::int8, 0))

-- name: save_sources
-- Sources as this sweep leaves them; those that did not change are not written.
insert into source_figures as kept
    (source_id, last_share_at, share_interval_s, silent_since, workers, back_at)
select
    source_id, to_timestamp(last_share_s), interval_s, to_timestamp(nullif(since_s, 0)), workers,
    to_timestamp(nullif(back_s, 0))
from unnest(
    %(source_ids)s::int4[], %(last_share_s)s::int8[], %(interval_s)s::float8[],
    %(silent_since_s)s::int8[], %(workers)s::int4[], %(back_s)s::int8[]
) as found (source_id, last_share_s, interval_s, since_s, workers, back_s)
on conflict (source_id) do update
set last_share_at = excluded.last_share_at,
    share_interval_s = excluded.share_interval_s,
    silent_since = excluded.silent_since,
    workers = excluded.workers,
    back_at = excluded.back_at
where kept.last_share_at <> excluded.last_share_at
    or kept.silent_since is distinct from excluded.silent_since
