-- Fee schedules: who pays how much of its work to whom, from which day on. A row that a later
-- request replaced stays with who did it and when.

-- name: today
-- The UTC day, by the clock that schedules are compared with.
select (now() at time zone 'UTC')::date

-- name: lock_payers
-- Changes of one miner's schedules wait for each other, so that sums of two are checked together.
-- params: miner_ids
select id from miners where id = any($1::int4[]) order by id for update

-- name: fee_schedule
-- Ascending; an entry ends where the next one begins.
-- params: relation, payer_id, payee_id
select valid_from, fee, comment,
       lead(valid_from) over (order by valid_from) as valid_until
from fee_entries
where relation = $1::text and payer_id = $2::int4 and payee_id = $3::int4
  and superseded_at is null
order by valid_from

-- name: fee_history
-- All that was ever entered, the newest first; what was replaced is with who did it and when.
-- params: relation, payer_id, payee_id, limit, offset
select valid_from, fee, comment, created_at, created_by, superseded_at, superseded_by,
       count(*) over () as total_count
from fee_entries
where relation = $1::text and payer_id = $2::int4 and payee_id = $3::int4
order by created_at desc, id desc
limit $4::int8 offset $5::int8

-- name: supersede_fees
-- params: relation, payer_id, payee_id, first, who
update fee_entries set superseded_at = now(), superseded_by = $5::text
where relation = $1::text and payer_id = $2::int4 and payee_id = $3::int4
  and valid_from >= $4::date and superseded_at is null

-- name: add_fees
-- params: relation, payer_id, payee_id, days, fees, comments, who
insert into fee_entries (relation, payer_id, payee_id, valid_from, fee, comment, created_by)
select $1::text, $2::int4, $3::int4, e.valid_from, e.fee, e.comment, $7::text
from unnest($4::date[], $5::numeric[], $6::text[]) as e (valid_from, fee, comment)

-- name: begun_on
-- The day from which two miners both exist.
-- params: first_id, second_id
select max((created_at at time zone 'UTC')::date) from miners where id in ($1::int4, $2::int4)

-- name: free_until_then
-- Before its first entry a schedule has the fee of that entry: what was never agreed is kept at 0.
-- params: relation, payer_id, payee_id
insert into fee_entries (relation, payer_id, payee_id, valid_from, fee, created_by)
select $1::text, $2::int4, $3::int4, max((created_at at time zone 'UTC')::date), 0, 'default'
from miners
where id in ($2, $3) and not exists (
    select from fee_entries
    where relation = $1 and payer_id = $2 and payee_id = $3 and superseded_at is null
)
having count(*) = 2

-- name: set_default_fee
-- For miners that come later; those that are there keep theirs. Nothing if it would be above 1
-- together with the pool's.
-- params: operator_id, fee
update operators o set default_pool_fee = $2::numeric
from pools p
where o.id = $1::int4 and p.id = o.pool_id and p.fee + $2::numeric <= 1
returning o.id
