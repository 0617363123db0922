-- Books a frozen day, a chunk of miners in each transaction.

-- name: day
select state, booked_to from settlements where day = %(day)s;

-- name: rate
select numerator, denominator, rate from reward_rates where day = %(day)s and currency = 'BTC';

-- name: accounts
-- Customer accounts by owner, and the mining account of each pool.
select owner_id, kind, id from ledger_accounts where kind in ('customer', 'mining');

-- name: terms
select miner_id, terms
from settlement_terms
where day = %(day)s and miner_id > %(after)s
order by miner_id
limit %(limit)s;

-- name: work
select miner_id, operator_id, sum(work) as work
from settlement_work
where day = %(day)s and version = %(version)s
    and miner_id between %(first)s and %(last)s
group by miner_id, operator_id;

-- name: carries
select miner_id, kind, payee_id, parts
from settlement_carries
where miner_id between %(first)s and %(last)s;

-- name: keep_carries
insert into settlement_carries (miner_id, kind, payee_id, parts)
select *
from unnest(%(miners)s::int4[], %(kinds)s::text[], %(payees)s::int4[], %(parts)s::numeric[])
on conflict (miner_id, kind, payee_id) do update set parts = excluded.parts;

-- name: copy_rows
copy settlement_rows (day, miner_id, version, work, gross_parts, gross_sat, pool_sat, operator_sat,
    referral_sat, reward_sat, explained, created_at) from stdin;

-- name: copy_payments
copy payments (id, entity_id, type, direction, amount_sat, created_at, effective_at, hashrate, rate,
    description, counterparty_id, settlement_day, settlement_version, corrects) from stdin;

-- name: copy_events
copy events (event_id, kind, at, entity_id, fields) from stdin;

-- name: progress
update settlements
set booked_to = %(last)s, gross_sat = gross_sat + %(gross_sat)s
where day = %(day)s;

-- name: commissions
-- What pools and operators got of the day, with the work behind it.
with earned as (
    select accounts.owner_id, sum(transfers.amount_sat)::int8 as amount_sat
    from ledger_transfers transfers
    join ledger_accounts accounts on accounts.id = transfers.credit_account_id
    where transfers.settlement_day = %(day)s
        and transfers.kind in ('pool_commission', 'operator_commission')
        and transfers.corrects is null
    group by 1
),
worked as (
    select (terms.terms->'pool'->>'id')::int4 as owner_id, sum(work.work) as work
    from settlement_work work
    join settlement_terms terms using (day, miner_id)
    where day = %(day)s and work.version = 1
    group by 1
    union all
    select operator_id, sum(work)
    from settlement_work
    where day = %(day)s and version = 1 and operator_id <> 0
    group by 1
)
select owner_id, amount_sat, coalesce(worked.work, 0) as work
from earned
left join worked using (owner_id)
order by owner_id;

-- name: close
update settlements set state = 'booked', booked_at = %(now)s where day = %(day)s;
