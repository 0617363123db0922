-- name: read_snapshot
-- One state of the database for all that a beat reads.
set transaction isolation level repeatable read, read only;

-- name: delete_touched
-- What the beat has read of complete minutes; rows that came in since stay for the next one.
delete from touched_minutes where id = any(%(ids)s::int8[]);

-- name: finish
-- The end of a beat. The API serves figures up to complete_to, as of stream_time.
update leader set
    stream_time = greatest(stream_time, to_timestamp(%(stream_s)s::float8)),
    complete_to = greatest(complete_to, to_timestamp(%(complete_to_s)s::int8)),
    beat_at = clock_timestamp(),
    renewed_at = clock_timestamp();
