-- Transfers by hand.

-- name: account
-- Of an owner in this pool.
-- params: pool, owner, kind
select accounts.id, accounts.owner_id
from (
    select id, uid, id as pool_id from pools
    union all
    select id, uid, pool_id from operators
    union all
    select id, uid, pool_id from miners
) owners
join ledger_accounts accounts on accounts.owner_id = owners.id and accounts.kind = $3
where owners.pool_id = $1 and owners.uid = $2;

-- name: known
-- What was booked under this id.
-- params: id
select debit_account_id, credit_account_id, amount_sat, kind from ledger_transfers where id = $1;

-- name: book
-- params: id, debit, credit, amount, reason
insert into ledger_transfers
    (id, debit_account_id, credit_account_id, amount_sat, kind, payment_id, reason, effective_at)
values ($1, $2, $3, $4, 'transfer', $1, $5, now())
on conflict (id) do nothing
returning id;

-- name: payment
-- What a customer sees of it; `incoming` or `outgoing`.
-- params: id, entity, direction, amount, description, counterparty
insert into payments
    (id, entity_id, type, direction, amount_sat, created_at, effective_at, description,
     counterparty_id)
values ($1, $2, 'transfer', $3, $4, now(), now(), $5, $6);
