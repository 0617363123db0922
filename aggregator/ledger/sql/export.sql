-- name: accounts
select
    accounts.id,
    accounts.owner_id,
    accounts.kind,
    (accounts.created_at at time zone 'UTC')::date as opened_on,
    balances.debits_sat - balances.credits_sat as balance_sat
from ledger_accounts accounts
join ledger_balances balances on balances.account_id = accounts.id
where balances.debits_sat <> 0 or balances.credits_sat <> 0
order by accounts.id;

-- name: transfers
-- What is done; a pending transfer is none until it is posted.
select id, debit_account_id, credit_account_id, amount_sat, kind, effective_at, corrects, reason
from ledger_transfers
where state in ('single', 'post')
order by effective_at, id;
