-- Daily reports, a day at a time: complete days do not change, so that no transaction has to stay
-- open while a slow client reads. The workers are handed to the rollup as an array, which reaches the
-- index under its view: a join would read everybody's day.

-- name: miner_day
-- The workers of a miner on a UTC day, by name: those with work on it, and those that existed and
-- were not removed by then.
-- params: miner_id, day
select w.id as worker_id, m.account_name, w.name as worker_name, r.accepted, r.rejected
from workers w
join miners m on m.id = w.miner_id
left join (
    select worker_id, accepted, rejected from worker_1d
    where worker_id = any(array(select id from workers where miner_id = $1::int4))
        and bucket = $2::timestamptz
) r on r.worker_id = w.id
left join worker_statuses f on f.worker_id = w.id
where w.miner_id = $1::int4
  and (r.worker_id is not null
       or (w.created_at < $2::timestamptz + interval '1 day'
           and not coalesce(f.status = 'removed' and f.status_since < $2::timestamptz, false)))
order by w.name_key, w.name collate "C", w.id

-- name: donor_day
-- The boundary workers of a donor on a UTC day, by name.
-- params: donor_id, day
select w.id as worker_id, m.account_name, w.name as worker_name, r.accepted, r.rejected
from boundary_workers b
join workers w on w.id = b.worker_id
join miners m on m.id = w.miner_id
left join (
    select worker_id, accepted, rejected from worker_1d
    where worker_id = any(array(
            select worker_id from boundary_workers where donor_id = $1::int4
        ))
        and bucket = $2::timestamptz
) r on r.worker_id = w.id
where b.donor_id = $1::int4
  and (r.worker_id is not null
       or (b.created_at < $2::timestamptz + interval '1 day'
           and coalesce(b.disconnected_at >= $2::timestamptz, true)))
order by w.name_key, w.name collate "C", w.id

-- name: miner_and_version
-- The miner of an account name, with the version of the figures.
-- params: account_name
select m.id, l.stream_time, l.watermark
from leader l
join miners m on m.account_name = $1::text
