-- Thresholds of a miner: what it is alerted of beside silence.

-- name: thresholds
-- params: miner_id, threshold_uid (null: all)
select
    rules.uid, rules.metric, rules.bound, rules.window_name, rules.for_s, rules.muted_until,
    rules.created_at, rules.breached_since, rules.is_firing, rules.measured_at, rules.figure,
    rules.measured_bound, rules.error, workers.uid as worker_uid, workers.name as worker_name
from thresholds as rules
left join workers on workers.id = rules.worker_id
where rules.miner_id = $1::int4 and ($2::uuid is null or rules.uid = $2)
order by rules.id

-- name: worker_of_miner
-- params: miner_id, worker_uid
select id from workers where miner_id = $1::int4 and uid = $2::uuid

-- name: create_threshold
-- Nothing where the miner has as many as it may.
-- params: miner_id, worker_id, metric, bound, window_name, for_s, most
insert into thresholds (miner_id, worker_id, metric, bound, window_name, for_s)
select $1::int4, $2::int4, $3::text, $4::numeric, $5::text, $6::int4
where (select count(*) from thresholds where miner_id = $1) < $7::int4
returning uid

-- name: change_threshold
-- Another bound, window or length is measured anew; what fires goes on until it is clear.
-- params: miner_id, threshold_uid, bound, window_name, for_s, muted_until
update thresholds
set bound = $3::numeric, window_name = $4::text, for_s = $5::int4, muted_until = $6::timestamptz,
    breached_since = case when (bound, window_name) is not distinct from ($3, $4)
        then breached_since end,
    measured_at = case when (bound, window_name) is not distinct from ($3, $4)
        then measured_at end
where miner_id = $1::int4 and uid = $2::uuid
returning uid

-- name: delete_threshold
-- params: miner_id, threshold_uid
delete from thresholds where miner_id = $1::int4 and uid = $2::uuid returning uid
