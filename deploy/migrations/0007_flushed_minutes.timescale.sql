-- Intake appends, the leader adds up.

-- Worker minutes as flushes bring them, several rows for one worker and minute, until the leader
-- moves them into worker_minutes. No key and no index: a flush costs little more than its bytes.
-- Emptied at every beat, so that a vacuum is due once some beats' rows are gone.
--
-- The keys of minutes stay as they are: what a continuous aggregate sums of the newest minutes, when
-- it is asked for one worker, it finds by (worker_id, bucket) only.
create table flushed_minutes (like worker_minutes) with (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 20000,
    autovacuum_vacuum_insert_threshold = -1
);
