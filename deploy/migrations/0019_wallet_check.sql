-- What the books say that a pool's wallet holds, coin by coin, beside what the chain says of it.

-- A coin is held from the booking of its deposit (or, for change, from its batch being final) until a
-- final batch spends it; so the coins of a pool sum up to its wallet account. `in_chain` false: its
-- transaction left the chain. `spent_by`: a transaction in the chain that no batch books.
create view wallet_held_coins as
with held as (
    select accounts.owner_id as pool_id, deposits.txid, deposits.vout
    from wallet_deposits deposits
    join ledger_transfers transfers on transfers.id = deposits.transfer_id
    join ledger_accounts accounts on accounts.id = transfers.debit_account_id
    union all
    select batches.pool_id, ours.txid, ours.change_vout
    from payout_transactions ours
    join payout_batches batches on batches.id = ours.batch_id
    where ours.state = 'final' and ours.change_vout is not null
)
select
    held.pool_id,
    coins.txid,
    coins.vout,
    coins.amount_sat,
    exists (select from confirmed_transactions made where made.txid = held.txid) as in_chain,
    (
        select min(spends.spent_by)
        from wallet_spends spends
        join confirmed_transactions confirmed on confirmed.txid = spends.spent_by
        where spends.txid = held.txid
            and spends.vout = held.vout
            and not exists (
                select from payout_transactions ours
                where ours.txid = spends.spent_by and ours.state <> 'cancelled'
            )
    ) as spent_by
from held
join wallet_coins coins on coins.txid = held.txid and coins.vout = held.vout
where not exists (
    select
    from payout_transaction_inputs inputs
    join payout_transactions ours on ours.txid = inputs.txid
    where inputs.coin_txid = held.txid and inputs.coin_vout = held.vout and ours.state = 'final'
);

-- For each pool, its wallet account and the coins that stand for it: equal, or somebody must look.
create view wallet_differences as
select
    accounts.owner_id as pool_id,
    balances.debits_sat - balances.credits_sat as account_sat,
    coalesce(coins.unspent_sat, 0)::int8 as unspent_sat,
    coins.gone
from ledger_accounts accounts
join ledger_balances balances on balances.account_id = accounts.id
left join (
    select
        pool_id,
        sum(amount_sat) filter (where in_chain and spent_by is null) as unspent_sat,
        string_agg(
            format(
                '%s:%s of %s sat %s', txid, vout, amount_sat,
                case when in_chain then 'was spent by ' || spent_by else 'left the chain' end
            ), ', ' order by amount_sat desc, txid, vout
        ) filter (where not in_chain or spent_by is not null) as gone
    from wallet_held_coins
    group by pool_id
) coins on coins.pool_id = accounts.owner_id
where accounts.kind = 'wallet'
    and balances.debits_sat - balances.credits_sat <> coalesce(coins.unspent_sat, 0);

-- Metrics and `hashgauge payouts list` say it, too.
alter table payout_money
    add unaccounted_sat int8 not null default 0,
    add shortfall_sat int8 not null default 0;
