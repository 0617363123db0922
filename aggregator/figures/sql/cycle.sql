-- name: read_snapshot
-- One state of the database for all that a cycle reads.
set transaction isolation level repeatable read, read only;

-- name: delete_dirty
-- What the cycle has read of complete minutes; rows that came in since stay for the next one.
delete from dirty_minutes where id = any(%(ids)s::int8[]);

-- name: finish
-- The end of a cycle. The API serves figures up to watermark, as of stream_time.
update leader set
    stream_time = greatest(stream_time, to_timestamp(%(stream_s)s::float8)),
    watermark = greatest(watermark, to_timestamp(%(watermark_s)s::int8)),
    cycle_at = clock_timestamp(),
    renewed_at = clock_timestamp();
