-- History of another pool's software, written beside live traffic.

-- name: lock
-- Imports write one after the other: their rollup rows are updated and inserted without a key that
-- both kinds of database have. Any number that no other program takes.
select pg_advisory_xact_lock(1212237896)

-- name: boundary
-- Where live counting began as far as it was noted, whether any record was ever consumed, and how
-- far stream time and the leader have come.
select
    (select extract(epoch from live_from)::int8 from import_boundary) as noted_s,
    exists (select from intake_partitions where last_offset is not null) as is_live,
    (select extract(epoch from stream_time)::int8 from stream) as stream_s,
    (select extract(epoch from watermark)::int8 from leader) as watermark_s

-- name: first_live
-- The oldest work after what imports may have brought, or the first day that was settled.
select extract(epoch from least(
    (select min(day)::timestamp at time zone 'UTC' from settlements),
    (select min(bucket) from worker_1d where bucket >= to_timestamp(%(noted_s)s::int8)),
    (select min(bucket) from worker_minutes where bucket >= to_timestamp(%(noted_s)s::int8)),
    (select min(bucket) from flushed_minutes where bucket >= to_timestamp(%(noted_s)s::int8))
))::int8

-- name: note_boundary
insert into import_boundary (live_from) values (to_timestamp(%(live_from_s)s::int8))
on conflict (only_row) do update set live_from = excluded.live_from

-- name: mark_minutes
-- Minutes before this may be incomplete: what is older goes straight into rollups, and no refresh
-- makes a rollup from such minutes. Held to the end of the transaction, so that retention waits.
insert into retention_marks as marks (relation, kept_from)
select relation, to_timestamp(%(kept_from_s)s::int8)
from unnest(array['worker_minutes', 'entity_minutes']) as relation
order by relation
on conflict (relation) do update set kept_from = greatest(marks.kept_from, excluded.kept_from)
returning extract(epoch from kept_from)::int8

-- name: depose_leader
-- Whoever leads stands back and begins anew from the rollups: what it kept is no longer true.
with forgotten as (delete from ring_buckets)
update leader set epoch = epoch + 1, holder = null, renewed_at = 'epoch'

-- name: begin_stream
-- Before the first live share: figures are complete up to where live counting begins.
update leader set stream_time = greatest(stream_time, to_timestamp(%(live_from_s)s::int8)),
    watermark = greatest(watermark, to_timestamp(%(live_from_s)s::int8))
where watermark is null
    or not exists (select from intake_partitions where last_offset is not null)

-- name: positions
select
    stream, next_place, last_crc, open_from, extract(epoch from counted_before)::int8
from import_positions

-- name: advance
-- No row is changed if another import was here: `begins` is what this one has read on from.
insert into import_positions as known (stream, next_place, last_crc, open_from, counted_before)
values (
    %(stream)s, %(next_place)s, %(last_crc)s, %(open_from)s,
    to_timestamp(%(counted_before_s)s::int8)
)
on conflict (stream) do update
set next_place = excluded.next_place, last_crc = excluded.last_crc,
    open_from = excluded.open_from, counted_before = excluded.counted_before, imported_at = now()
where known.next_place = %(begins)s::int8 and known.open_from is not distinct from %(begins_open)s::int8

-- name: counted_hours
-- Hours of some workers that have work, packed as hours.PACKED.
select string_agg(
    int4send(worker_id) || int4send((extract(epoch from bucket) / 3600)::int4), ''::bytea
)
from worker_1h
where worker_id = any(%(worker_ids)s::int4[])
    and bucket >= %(from)s::timestamptz and bucket <= %(to)s::timestamptz

-- name: create_stages
create temp table if not exists import_rows (
    bucket timestamptz, key int4, accepted_count int8, rejected_count int8,
    accepted float8, rejected float8,
    stale float8, duplicate float8, low_difficulty float8, job_not_found float8,
    unauthorized float8, time_out_of_range float8, invalid float8
);
create temp table if not exists import_entities (like import_rows);

-- name: empty_stages
truncate import_rows, import_entities

-- name: stage
copy import_rows from stdin (format binary)

-- name: stage_entities
-- The same work by miner, operator and pool, as they belong together now: history has no operators.
insert into import_entities
select
    rows.bucket, entity.id,
    sum(accepted_count)::int8, sum(rejected_count)::int8, sum(accepted), sum(rejected),
    sum(stale), sum(duplicate), sum(low_difficulty), sum(job_not_found), sum(unauthorized),
    sum(time_out_of_range), sum(invalid)
from import_rows as rows
join workers on workers.id = rows.key
join miners on miners.id = workers.miner_id
cross join lateral (
    values (miners.id), (miners.operator_id), (miners.pool_id)
) as entity (id)
where entity.id is not null
group by rows.bucket, entity.id

-- name: analyze
-- Without it the join below is planned for an empty table.
analyze import_rows, import_entities

-- name: add_to_known
update {relation} as known
set accepted_count = known.accepted_count + added.accepted_count,
    rejected_count = known.rejected_count + added.rejected_count,
    accepted = known.accepted + added.accepted,
    rejected = known.rejected + added.rejected,
    stale = coalesce(known.stale + added.stale, known.stale, added.stale),
    duplicate = coalesce(known.duplicate + added.duplicate, known.duplicate, added.duplicate),
    low_difficulty = coalesce(
        known.low_difficulty + added.low_difficulty, known.low_difficulty, added.low_difficulty
    ),
    job_not_found = coalesce(
        known.job_not_found + added.job_not_found, known.job_not_found, added.job_not_found
    ),
    unauthorized = coalesce(
        known.unauthorized + added.unauthorized, known.unauthorized, added.unauthorized
    ),
    time_out_of_range = coalesce(
        known.time_out_of_range + added.time_out_of_range,
        known.time_out_of_range, added.time_out_of_range
    ),
    invalid = coalesce(known.invalid + added.invalid, known.invalid, added.invalid)
from {stage} as added
where known.{key} = added.key and known.bucket = added.bucket
    and known.bucket >= %(from)s::timestamptz and known.bucket <= %(to)s::timestamptz

-- name: insert_new
insert into {relation} (
    bucket, {key}, accepted_count, rejected_count, accepted, rejected,
    stale, duplicate, low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
)
select
    bucket, key, accepted_count, rejected_count, accepted, rejected,
    stale, duplicate, low_difficulty, job_not_found, unauthorized, time_out_of_range, invalid
from {stage} as added
where not exists (
    select from {relation} as known
    where known.{key} = added.key and known.bucket = added.bucket
        and known.bucket >= %(from)s::timestamptz and known.bucket <= %(to)s::timestamptz
)
order by key, bucket

-- name: unpack
-- Rollups may lie in compressed chunks; without TimescaleDB it is a name that nobody reads.
select set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', '0', true)

-- name: show_workers
-- Workers of the past are shown as off, those whom the service would have removed by now as removed,
-- and no event says so. A live worker is as its own shares say.
insert into worker_statuses as known
    (worker_id, miner_id, status, status_since, transition_number, last_share_at)
select
    workers.id, workers.miner_id, case when gone.is_gone then 'removed' else 'off' end,
    case when gone.is_gone then seen.last_at + gone.after else seen.last_at end,
    gone.is_gone::int4, seen.last_at
from unnest(%(worker_ids)s::int4[], %(lasts)s::timestamptz[]) as seen (worker_id, last_at)
join workers on workers.id = seen.worker_id
cross join lateral (
    select
        make_interval(secs => %(removed_after_s)s) as after,
        seen.last_at + make_interval(secs => %(removed_after_s)s)
            <= to_timestamp(%(now_s)s::int8) as is_gone
) as gone
order by workers.id
on conflict (worker_id) do update
set status = excluded.status, status_since = excluded.status_since,
    transition_number = excluded.transition_number, last_share_at = excluded.last_share_at
where known.last_share_at < excluded.last_share_at
    and (
        known.transition_number = 0
        or known.transition_number = 1 and known.status = 'removed'
            and known.status_since
                = known.last_share_at + make_interval(secs => %(removed_after_s)s)
    )

-- name: close_history
-- Plain PostgreSQL: where nothing is closed yet, closing begins after history.
update closed_rollups set closed_to = %(kept_from)s where closed_to is null

-- name: stored_relations
-- TimescaleDB: what holds a continuous aggregate's rows, and how far it is read (microseconds).
select
    view_name,
    quote_ident(materialization_hypertable_schema) || '.'
        || quote_ident(materialization_hypertable_name),
    extract(epoch from _timescaledb_functions.to_timestamp(
        _timescaledb_functions.cagg_watermark(catalog.mat_hypertable_id)
    ))::float8
from timescaledb_information.continuous_aggregates as views
join _timescaledb_catalog.continuous_agg as catalog
    on catalog.user_view_schema = views.view_schema and catalog.user_view_name = views.view_name
where view_schema = current_schema()

-- name: add_nothing
-- TimescaleDB: a row without work, of no worker.
insert into {relation} (bucket, {key}, {also} accepted_count, rejected_count, accepted, rejected)
values (%(bucket)s, 0, {no} 0, 0, 0, 0)
on conflict do nothing

-- name: remove_nothing
delete from {relation} where {key} = 0 and bucket = %(bucket)s
