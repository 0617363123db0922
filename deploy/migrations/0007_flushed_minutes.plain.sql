-- Intake appends, the leader adds up.

-- Worker minutes as flushes bring them, several rows for one worker and minute, until the leader
-- moves them into worker_minutes. No key and no index: a flush costs little more than its bytes.
-- Emptied at every beat, so that a vacuum is due once some beats' rows are gone.
create table flushed_minutes (like worker_minutes) with (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_insert_threshold = -1
);

-- Minutes are written minute by minute and read by minute: a key that begins with the bucket grows
-- at its end only, and makes an index by bucket superfluous. A chart of one worker looks up its 15
-- or 60 minutes one by one.
alter table worker_minutes
    drop constraint worker_minutes_pkey,
    add constraint worker_minutes_pkey primary key (bucket, worker_id);
alter table entity_minutes
    drop constraint entity_minutes_pkey,
    add constraint entity_minutes_pkey primary key (bucket, entity_id);
drop index worker_minutes_bucket, entity_minutes_bucket;
