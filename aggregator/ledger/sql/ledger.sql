-- name: copy_transfers
copy ledger_transfers (id, debit_account_id, credit_account_id, amount_sat, kind, state, pending_id,
    payment_id, settlement_day, corrects, reason, created_at, effective_at) from stdin;

-- name: account
select id from ledger_accounts where owner_id = %(owner_id)s and kind = %(kind)s;

-- name: known
select id from ledger_transfers where id = any(%(ids)s);

-- name: pending
select * from ledger_transfers where id = %(id)s and state = 'pending';

-- name: outcome
select state from ledger_transfers where pending_id = %(id)s;

-- name: balance
-- What a customer may spend.
select credits_sat - debits_sat - pending_debits_sat as available_sat
from ledger_balances
join ledger_accounts on id = account_id
where owner_id = %(owner_id)s and kind = 'customer';
