-- name: removals
-- What the API asked for and nobody has carried out.
select worker_id from worker_removals;

-- name: clear_removals
-- Those that this cycle carried out; one that came in since stays.
delete from worker_removals where worker_id = any(%(worker_ids)s::int4[]);
