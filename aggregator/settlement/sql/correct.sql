-- Settled days whose minutes changed since.

-- name: day
select state from settlements where day = %(day)s;

-- name: minutes_are_there
-- False if retention took minutes of the day.
select not exists (
    select from retention_marks where relation = 'worker_minutes' and kept_from > %(start)s
) and (
    exists (select from worker_minutes where bucket >= %(start)s and bucket < %(end)s)
    or not exists (select from settlement_work where day = %(day)s)
) as there;

-- name: changed
-- Miners whose minutes sum to other work than the live version says; `version` of those who were
-- not there at all is 0. A version may have no work: of who only gave boundary work, or of whom a
-- recount left nothing.
with newest as (
    select miner_id, version
    from settlement_rows
    where day = %(day)s and live
),
settled as (
    select work.miner_id, work.worker_id, work.operator_id, work.work
    from settlement_work work
    join newest using (miner_id, version)
    where work.day = %(day)s
),
counted as (
    select miner_id, worker_id, operator_id, work
    from day_work
    where worker_id not in (select worker_id from boundary_workers)
),
compared as (
    select
        coalesce(settled.miner_id, counted.miner_id) as miner_id,
        coalesce(settled.work, 0) as settled,
        coalesce(counted.work, 0) as counted
    from settled
    full join counted using (miner_id, worker_id, operator_id)
)
select miner_id, coalesce(newest.version, 0) as version, sum(settled) as settled,
    sum(counted) as counted
from compared
left join newest using (miner_id)
group by miner_id, newest.version
having bool_or(settled <> counted)
order by miner_id;

-- name: live_row
select version, explained
from settlement_rows
where day = %(day)s and miner_id = %(miner)s and live;

-- name: terms_of
select terms from settlement_terms where day = %(day)s and miner_id = %(miner)s;

-- name: operator_fees
-- In force on the day, towards operators that had no work of the miner when it was frozen: no entry
-- reaches back, so they are what they were then.
select distinct on (payee_id) payee_id, (fee * 1000000)::int4 as ppm, id as entry
from fee_entries
where relation = 'miner_operator' and payer_id = %(miner)s and payee_id = any(%(operators)s)
    and superseded_at is null
order by payee_id, valid_from <= %(day)s desc, abs(valid_from - %(day)s);

-- name: retire
update settlement_rows set live = false
where day = %(day)s and miner_id = %(miner)s and live;

-- name: first_ids
select id from payments
where settlement_day = %(day)s and settlement_version = 1
    and (entity_id = %(miner)s or counterparty_id = %(miner)s or id = any(%(ids)s))
union all
select id from ledger_transfers
where settlement_day = %(day)s and corrects is null
    and id = any(%(ids)s);

-- name: add_gross
update settlements set gross_sat = gross_sat + %(gross_sat)s where day = %(day)s;

-- name: no_gifts
create temporary table day_gifts
    (donor_id int4, recipient_id int4, worker_id int4, work numeric, minutes int4)
on commit drop;

-- name: booked_lately
select day from settlements where state = 'booked' order by day desc limit 3;
