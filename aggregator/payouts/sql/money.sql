-- What a pool owes, and what its wallet was last seen to hold.

-- name: liabilities
with customers as (
    select id from miners where pool_id = %(pool_id)s
    union all
    select id from operators where pool_id = %(pool_id)s
    union all
    select id from pools where id = %(pool_id)s
),
balances as (
    select
        balances.credits_sat - balances.debits_sat - balances.pending_debits_sat as free_sat,
        balances.pending_debits_sat,
        coalesce(
            (
                select amount_sat
                from wallet_min_payments entries
                join wallets on wallets.uid = entries.wallet
                where wallets.owner_id = accounts.owner_id
                    and entries.superseded_at is null
                    and entries.valid_from <= now()
                order by entries.valid_from desc
                limit 1
            ),
            (
                select greatest(100000, round(min_payout * 100000000)::int8)
                from pools
                where id = %(pool_id)s
            )
        ) as minimum_sat,
        -- An address in force, and none that waits.
        exists (
            select
            from wallet_addresses entries
            join wallets on wallets.uid = entries.wallet
            where wallets.owner_id = accounts.owner_id and entries.superseded_at is null
            having max(entries.valid_from) <= now()
        ) as payable
    from customers
    join ledger_accounts accounts on accounts.owner_id = customers.id and accounts.kind = 'customer'
    join ledger_balances balances on balances.account_id = accounts.id
)
select
    coalesce(sum(free_sat), 0)::int8 as liabilities_sat,
    coalesce(sum(free_sat) filter (where free_sat >= minimum_sat and payable), 0)::int8
        as due_sat,
    coalesce(sum(pending_debits_sat), 0)::int8 as reserved_sat,
    (
        select coalesce(sum(total_sat), 0)::int8
        from payout_batches
        where pool_id = %(pool_id)s and state in ('proposed', 'approved')
    ) as promised_sat
from balances;

-- name: unaccounted
select coalesce(sum(account_sat - unspent_sat), 0)::int8 as unaccounted_sat
from wallet_differences
where pool_id = %(pool_id)s;

-- name: remember
-- For commands and the API, which have no descriptor to look with.
insert into payout_money
    (pool_id, liabilities_sat, due_sat, reserved_sat, promised_sat, spendable_sat, locked_sat,
     waiting_sat, immature_sat, unaccounted_sat, shortfall_sat, seen_at)
values
    (%(pool_id)s, %(liabilities_sat)s, %(due_sat)s, %(reserved_sat)s, %(promised_sat)s,
     %(spendable_sat)s, %(locked_sat)s, %(waiting_sat)s, %(immature_sat)s, %(unaccounted_sat)s,
     %(shortfall_sat)s, now())
on conflict (pool_id) do update set
    liabilities_sat = excluded.liabilities_sat,
    due_sat = excluded.due_sat,
    reserved_sat = excluded.reserved_sat,
    promised_sat = excluded.promised_sat,
    spendable_sat = excluded.spendable_sat,
    locked_sat = excluded.locked_sat,
    waiting_sat = excluded.waiting_sat,
    immature_sat = excluded.immature_sat,
    unaccounted_sat = excluded.unaccounted_sat,
    shortfall_sat = excluded.shortfall_sat,
    seen_at = excluded.seen_at;

-- name: attention
-- Batches that need a person, and how long the oldest one waits for a block.
select
    count(*) filter (where stopped is not null) as stopped,
    coalesce(
        extract(epoch from now() - min(changed_at) filter (where state = 'broadcast')), 0
    )::float8 as unconfirmed_s
from payout_batches;
