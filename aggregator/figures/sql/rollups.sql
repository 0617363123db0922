-- name: kept_from
-- Buckets before these instants may be incomplete: their rows were dropped by retention.
select relation, extract(epoch from kept_from)::int8 from retention_marks

-- name: oldest_untaken
-- Nothing that the leader has not read yet may be dropped.
select extract(epoch from min(bucket))::int8 from dirty_minutes

-- name: mark_retention
insert into retention_marks as marks (relation, kept_from)
values (%(relation)s, %(kept_from)s)
on conflict (relation) do update set kept_from = excluded.kept_from
where marks.kept_from < excluded.kept_from

-- name: delete_old
-- A bounded number of rows, oldest first, so that no transaction runs long.
delete from {table}
where ctid = any (array(
    select ctid from {table} where bucket < %(kept_from)s order by bucket limit %(limit)s
))

-- name: delete_range
-- Rows of whole buckets, before they are made anew.
delete from {table} where bucket >= %(from)s and bucket < %(to)s

-- name: delete_rows
-- Single rows, before they are made anew.
delete from {table} as rollup
using unnest(%(keys)s::int4[], %(starts)s::timestamptz[]) as stale (key, start)
where rollup.{key} = stale.key and rollup.bucket = stale.start

-- name: where_range
-- Follows the FROM of a rollup's SELECT.
where bucket >= %(from)s::timestamptz and bucket < %(to)s::timestamptz

-- name: where_rows
-- Follows the FROM of a rollup's SELECT: the rows below, each by its whole key.
join (
    select stale.key, stale.start + step * %(width_below)s as start
    from unnest(%(keys)s::int4[], %(starts)s::timestamptz[]) as stale (key, start),
        generate_series(0, %(rows_below)s::int4 - 1) as step
) as stale on {key} = stale.key and bucket = stale.start

-- name: closed_to
-- Plain PostgreSQL: the end of the last closed bucket of each level, null before the first.
select level, extract(epoch from closed_to)::int8 from closed_rollups

-- name: hold_closed
-- The same, and nothing is closed before this transaction ends.
select level, extract(epoch from closed_to)::int8 from closed_rollups for share

-- name: note_late
-- Buckets that changed before they were closed.
insert into late_rollups (level, bucket, keys) values (%(level)s, %(bucket)s, %(keys)s::int4[])

-- name: first_bucket
-- Where the first bucket of all begins.
select extract(epoch from hashgauge_shim.time_bucket(%(width)s, min(bucket)))::int8
from worker_minutes

-- name: close_alone
-- Two leaders must not close the same bucket; a frozen one lets go when its transaction is ended.
select pg_advisory_xact_lock(hashtext('close rollups'))

-- name: close_memory
-- A quarter of an hour of 1,000,000 workers is grouped in one pass.
select set_config('work_mem', '512MB', true), set_config('jit', 'off', true)

-- name: hold_level
-- From here on no cycle changes buckets that are not closed.
select extract(epoch from closed_to)::int8 from closed_rollups where level = %(level)s for update

-- name: take_late
-- Forget what was noted of some buckets: who reads their rows afterwards sees those changes.
delete from late_rollups
where level = %(level)s and bucket >= %(from)s and bucket < %(to)s
returning extract(epoch from bucket)::int8, keys

-- name: closed
update closed_rollups set closed_to = %(to)s where level = %(level)s

-- name: enqueue
-- TimescaleDB: note buckets to refresh. A bucket noted again gets a new token, so that a refresh
-- that began before does not take the note away.
insert into rollup_queue (level, bucket)
select %(level)s, bucket from unnest(%(buckets)s::timestamptz[]) as stale (bucket) order by bucket
on conflict (level, bucket) do update set token = default

-- name: due
-- TimescaleDB: noted buckets of a level that have ended.
select extract(epoch from bucket)::int8, token from rollup_queue
where level = %(level)s and bucket <= %(until)s
order by bucket limit %(limit)s

-- name: dequeue
delete from rollup_queue
using unnest(%(buckets)s::timestamptz[], %(tokens)s::int8[]) as done (bucket, token)
where level = %(level)s and rollup_queue.bucket = done.bucket and rollup_queue.token = done.token

-- name: count_due
select count(*) from rollup_queue where level = %(level)s and bucket <= %(until)s

-- name: refresh_aggregate
-- TimescaleDB: whole buckets of one continuous aggregate; not inside a transaction.
call refresh_continuous_aggregate(%(relation)s::regclass, %(from)s::timestamptz, %(to)s::timestamptz)
