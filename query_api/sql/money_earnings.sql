-- What the work that is not booked yet will bring: an estimate at the newest rate.

-- name: newest_rate
-- The rate of a day, or the newest one before it.
-- params: day
select rate from reward_rates where day <= $1::date and currency = 'BTC' order by day desc limit 1

-- name: unbooked_days
-- The complete days before today that are not booked for a miner (or, for operators and pools, not
-- booked at all); as far back as a settlement may wait.
-- params: entity_id, miner
select d.day::date
from generate_series((now() at time zone 'UTC')::date - 7, (now() at time zone 'UTC')::date - 1,
                     interval '1 day') as d (day)
where d.day::date > coalesce(
        (select max(day) from settlements where state = 'booked'),
        (now() at time zone 'UTC')::date - 2)
  and not ($2::boolean and exists (
        select from settlement_rows s where s.miner_id = $1::int4 and s.day = d.day and s.live))

-- name: work_of
-- Accepted difficulty of an entity from midnight to midnight.
-- params: entity_id, day
select coalesce(sum(accepted), 0)
from entity_minutes
where entity_id = $1::int4
  and bucket >= $2::date::timestamp at time zone 'UTC'
  and bucket < ($2::date + 1)::timestamp at time zone 'UTC'

-- name: given_work_of
-- Boundary work that a miner gives. The key of minutes leads with the minute, so each is looked up: by
-- the range alone, by which TimescaleDB leaves chunks out, the day of everybody would be read.
-- params: miner_id, day
select coalesce(sum(m.accepted), 0)
from boundary_workers b
join worker_minutes m on m.worker_id = b.worker_id
where b.donor_id = $1::int4
  and m.bucket >= $2::date::timestamp at time zone 'UTC'
  and m.bucket < ($2::date + 1)::timestamp at time zone 'UTC'
  and m.bucket = any(array(
        select generate_series(
            $2::date::timestamp at time zone 'UTC',
            ($2::date + 1)::timestamp at time zone 'UTC' - interval '1 minute',
            interval '1 minute'
        )
  ))

-- name: miner_fee
-- What pool and operator take of a miner together.
-- params: miner_id
select coalesce(sum(f.fee), 0)
from miners m
cross join lateral (
    (select fee from fee_entries
     where relation = 'miner_pool' and payer_id = m.id and payee_id = m.pool_id
       and valid_from <= (now() at time zone 'UTC')::date and superseded_at is null
     order by valid_from desc limit 1)
    union all
    (select fee from fee_entries
     where relation = 'miner_operator' and payer_id = m.id and payee_id = m.operator_id
       and valid_from <= (now() at time zone 'UTC')::date and superseded_at is null
     order by valid_from desc limit 1)
) f
where m.id = $1::int4

-- name: newest_commissions
-- Of an operator or a pool: what its last reward was, and the work and rate behind it.
-- params: entity_id
select amount_sat, hashrate, rate from payments
where entity_id = $1::int4 and type = 'reward' and corrects is null and hashrate > 0 and rate > 0
order by created_at desc, number desc limit 1

-- name: default_fee
-- params: entity_id
select fee from pools where id = $1::int4
union all
select default_pool_fee from operators where id = $1
