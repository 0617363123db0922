-- Payments as people see them. `number` is the order in which they were booked.

-- name: payments_page
-- The newest first.
-- params: entity_id, types, limit, offset
with page as (
    select * from payments where entity_id = $1::int4 and type = any($2::text[])
    order by created_at desc, number desc limit $3::int4 offset $4::int4
)
select (select count(*) from payments where entity_id = $1 and type = any($2)) as total_count,
       page.*
from (values (1)) as one
left join page on true
order by page.created_at desc, page.number desc

-- name: number_of
-- params: entity_id, payment
select number from payments where id = $2::uuid and entity_id = $1::int4

-- name: payments_since
-- Those booked after one, or from a time on; in the order of booking.
-- params: entity_id, types, number, time, limit, offset
with matching as (
    select * from payments
    where entity_id = $1::int4 and type = any($2::text[])
      and number > $3::int8 and created_at >= $4::timestamptz
), page as (
    select * from matching order by number limit $5::int4 offset $6::int4
)
select (select count(*) from matching) as total_count, page.*
from (values (1)) as one
left join page on true
order by page.number

-- name: payments_between
-- A piece of an export: the next ones after (created_at, number).
-- params: entity_id, types, from, to, after_time, after_number, limit
select * from payments
where entity_id = $1::int4 and type = any($2::text[])
  and created_at >= $3::timestamptz and created_at < $4::timestamptz
  and (created_at, number) > ($5::timestamptz, $6::int8)
order by created_at, number limit $7::int4

-- name: payment
-- With whether it came of the miner's own day; what others gave came of theirs. A correction may go
-- the other way than what it corrects.
-- params: entity_id, payment
select payments.*,
       type in ('reward', 'virtual_mining_transfer') or type = 'profit_sharing' and coalesce(
           (select first.direction from payments first where first.id = payments.corrects), direction
       ) = 'outgoing' as of_own_day
from payments
where id = $2::uuid and entity_id = $1::int4

-- name: balance
-- What is owed and not on its way yet.
-- params: owner_id
select b.credits_sat - b.debits_sat - b.pending_debits_sat as balance_sat
from ledger_accounts a
join ledger_balances b on b.account_id = a.id
where a.owner_id = $1::int4 and a.kind = 'customer'

-- name: earned_all_time
-- What mining brought: all payments but those that only move it.
-- params: entity_id
select coalesce(sum(case direction when 'incoming' then amount_sat else -amount_sat end), 0)::int8
from payments
where entity_id = $1::int4 and type not in ('payout', 'transfer')

-- name: pool_earned_from
-- The pool's commissions, less what a referrer got of them, on the days that were this pool's.
-- params: miner_id, pool_id
select coalesce(sum(pool_sat - referral_sat), 0)::int8
from settlement_rows
join settlement_terms using (day, miner_id)
where miner_id = $1::int4 and live and (terms #>> '{pool,id}')::int4 = $2::int4

-- name: operator_earned_from
-- params: miner_id, operator_id
select coalesce(sum((line ->> 'sat')::int8), 0)::int8
from settlement_rows
cross join lateral jsonb_array_elements(explained -> 'lines') as lines (line)
where miner_id = $1::int4 and live
  and line ->> 'line' = 'operator' and (line ->> 'about')::int4 = $2::int4
