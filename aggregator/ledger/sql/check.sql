-- What must hold; each statement answers with the cases in which it does not.

-- name: debits_equal_credits
select format('debits %%s, credits %%s', sum(debits_sat), sum(credits_sat))
from ledger_balances
having sum(debits_sat) <> sum(credits_sat) or sum(pending_debits_sat) <> sum(pending_credits_sat);

-- name: balances_are_sums_of_transfers
with ended as (
    select id, debit_account_id, credit_account_id, amount_sat, state,
        state = 'pending' and not exists (
            select from ledger_transfers ends where ends.pending_id = pending.id
        ) as open
    from ledger_transfers pending
),
sides as (
    select debit_account_id as account_id, amount_sat as debit, 0 as credit, state, open from ended
    union all
    select credit_account_id, 0, amount_sat, state, open from ended
),
sums as (
    select
        account_id,
        coalesce(sum(debit) filter (where state in ('single', 'post')), 0) as debits_sat,
        coalesce(sum(credit) filter (where state in ('single', 'post')), 0) as credits_sat,
        coalesce(sum(debit) filter (where open), 0) as pending_debits_sat,
        coalesce(sum(credit) filter (where open), 0) as pending_credits_sat
    from sides
    group by account_id
)
select format('account %%s of %%s %%s', accounts.kind, accounts.owner_id, balances.account_id)
from ledger_balances balances
join ledger_accounts accounts on accounts.id = balances.account_id
left join sums using (account_id)
where (
        balances.debits_sat, balances.credits_sat,
        balances.pending_debits_sat, balances.pending_credits_sat
    ) <> (
        coalesce(sums.debits_sat, 0), coalesce(sums.credits_sat, 0),
        coalesce(sums.pending_debits_sat, 0), coalesce(sums.pending_credits_sat, 0)
    );

-- name: no_customer_is_below_zero
select format('customer %%s: %%s', accounts.owner_id, balances.credits_sat - balances.debits_sat)
from ledger_balances balances
join ledger_accounts accounts on accounts.id = balances.account_id
where accounts.kind = 'customer'
    and balances.credits_sat < balances.debits_sat + balances.pending_debits_sat;

-- name: every_account_has_a_balance
select format('account %%s of %%s', accounts.kind, accounts.owner_id)
from ledger_accounts accounts
where not exists (select from ledger_balances balances where balances.account_id = accounts.id);

-- name: every_settled_miner_day_has_one_live_version
select format('miner %%s on %%s', terms.miner_id, terms.day)
from settlement_terms terms
join settlements on settlements.day = terms.day and settlements.state = 'booked'
where (
    select count(*)
    from settlement_rows rows
    where rows.miner_id = terms.miner_id and rows.day = terms.day and rows.live
) <> 1;

-- name: transfers_of_a_day_sum_to_its_gross
with booked as (
    select transfers.settlement_day as day, sum(
        case debits.kind when 'mining' then transfers.amount_sat else 0 end
        - case credits.kind when 'mining' then transfers.amount_sat else 0 end
    ) as moved_sat
    from ledger_transfers transfers
    join ledger_accounts debits on debits.id = transfers.debit_account_id
    join ledger_accounts credits on credits.id = transfers.credit_account_id
    where transfers.settlement_day is not null
    group by 1
),
gross as (
    select day, sum(gross_sat) as gross_sat from settlement_rows where live group by 1
)
select format('%%s: %%s booked, gross %%s, kept %%s', settlements.day, booked.moved_sat,
    gross.gross_sat, settlements.gross_sat)
from settlements
left join booked using (day)
left join gross using (day)
where coalesce(booked.moved_sat, 0) <> coalesce(gross.gross_sat, 0)
    or coalesce(gross.gross_sat, 0) <> settlements.gross_sat;

-- name: carries_are_what_was_not_booked
select format('miner %%s', rows.miner_id)
from settlement_rows rows
left join settlement_carries carries
    on carries.miner_id = rows.miner_id and carries.kind = 'gross'
where rows.live
group by rows.miner_id, carries.parts
having sum(rows.gross_parts) - sum(rows.gross_sat) * 1000000000000000000000000000000000000::numeric
    <> coalesce(carries.parts, 0);

-- name: every_payout_output_has_one_pending_transfer
select format('item of %%s in batch %%s', items.entity_id, items.batch_id)
from payout_items items
left join ledger_transfers pending on pending.id = items.transfer_id
where pending.state is distinct from 'pending' or pending.amount_sat <> items.amount_sat;

-- name: wallet_account_is_its_unspent_outputs
select format('pool %%s: the account says %%s sat, the chain %%s sat%%s', pool_id, account_sat,
    unspent_sat, '; ' || left(gone, 400))
from wallet_differences;
