-- What payouts write into the ledger and into payments, and the balances that they begin with.

-- name: candidates
-- Balances that reached the minimum in force, with the address in force. An address that is not in
-- force yet holds the old one back, too. A pool without an address keeps its commissions.
select
    parties.id as entity_id,
    wallets.uid,
    (balances.credits_sat - balances.debits_sat - balances.pending_debits_sat)::int8 as balance_sat,
    minimum.amount_sat as minimum_sat,
    current.address,
    coming.valid_from as waiting_until,
    coalesce(paid.last_at, wallets.created_at) as due_since
from (
    select id, false as is_pool from miners where pool_id = %(pool_id)s
    union all
    select id, false from operators where pool_id = %(pool_id)s
    union all
    select id, true from pools where id = %(pool_id)s
) parties
join wallets on wallets.owner_id = parties.id
join ledger_accounts accounts on accounts.owner_id = parties.id and accounts.kind = 'customer'
join ledger_balances balances on balances.account_id = accounts.id
cross join lateral (
    select coalesce(
        (
            select amount_sat
            from wallet_min_payments entries
            where entries.wallet = wallets.uid
                and entries.superseded_at is null
                and entries.valid_from <= %(now)s
            order by entries.valid_from desc
            limit 1
        ),
        (select greatest(100000, round(min_payout * 100000000)::int8) from pools where id = %(pool_id)s)
    ) as amount_sat
) minimum
left join lateral (
    select address
    from wallet_addresses entries
    where entries.wallet = wallets.uid
        and entries.superseded_at is null
        and entries.valid_from <= %(now)s
    order by entries.valid_from desc, entries.id desc
    limit 1
) current on true
left join lateral (
    select min(valid_from) as valid_from
    from wallet_addresses entries
    where entries.wallet = wallets.uid
        and entries.superseded_at is null
        and entries.valid_from > %(now)s
) coming on true
left join lateral (
    select max(batches.created_at) as last_at
    from payout_items items
    join payout_batches batches on batches.id = items.batch_id
    where items.entity_id = parties.id and batches.state <> 'cancelled'
) paid on true
where balances.credits_sat - balances.debits_sat - balances.pending_debits_sat
        >= minimum.amount_sat
    and not (parties.is_pool and current.address is null and coming.valid_from is null);

-- name: promised
select coalesce(sum(total_sat), 0)::int8 as promised_sat
from payout_batches
where pool_id = %(pool_id)s and state in ('proposed', 'approved');

-- name: reserve
-- The balance may not go below 0: the ledger refuses what was spent meanwhile.
insert into ledger_transfers
    (id, debit_account_id, credit_account_id, amount_sat, kind, state, payment_id, effective_at)
select
    items.id, customers.id, pool_wallet.id, items.amount_sat, 'payout', 'pending',
    items.payment_id, %(now)s
from unnest(
    %(ids)s::uuid[], %(entity_ids)s::int4[], %(amounts_sat)s::int8[], %(payment_ids)s::uuid[]
) items (id, entity_id, amount_sat, payment_id)
join ledger_accounts customers
    on customers.owner_id = items.entity_id and customers.kind = 'customer'
join ledger_accounts pool_wallet
    on pool_wallet.owner_id = %(pool_id)s and pool_wallet.kind = 'wallet';

-- name: end_reservations
insert into ledger_transfers
    (id, debit_account_id, credit_account_id, amount_sat, kind, state, pending_id, payment_id,
     effective_at)
select
    ends.id, reserved.debit_account_id, reserved.credit_account_id, reserved.amount_sat,
    reserved.kind, %(state)s, reserved.id, reserved.payment_id, %(now)s
from unnest(%(ids)s::uuid[], %(pending_ids)s::uuid[]) ends (id, pending_id)
join ledger_transfers reserved on reserved.id = ends.pending_id;

-- name: network_fee
insert into ledger_transfers
    (id, debit_account_id, credit_account_id, amount_sat, kind, effective_at)
select %(id)s, fees.id, pool_wallet.id, %(amount_sat)s, 'network_fee', %(now)s
from ledger_accounts fees
join ledger_accounts pool_wallet
    on pool_wallet.owner_id = fees.owner_id and pool_wallet.kind = 'wallet'
where fees.owner_id = %(pool_id)s and fees.kind = 'network_fees';

-- name: deposit
insert into ledger_transfers
    (id, debit_account_id, credit_account_id, amount_sat, kind, effective_at)
select %(id)s, pool_wallet.id, outside.id, %(amount_sat)s, 'deposit', %(now)s
from ledger_accounts pool_wallet
join ledger_accounts outside
    on outside.owner_id = pool_wallet.owner_id and outside.kind = 'external'
where pool_wallet.owner_id = %(pool_id)s and pool_wallet.kind = 'wallet';

-- name: note_deposit
-- Fails if another process books it, which then is the one that does.
insert into wallet_deposits (txid, vout, transfer_id, booked_at)
values (%(txid)s, %(vout)s, %(id)s, %(now)s);

-- name: payees
select items.entity_id, items.amount_sat, items.address, items.transfer_id, reserved.payment_id
from payout_items items
join ledger_transfers reserved on reserved.id = items.transfer_id
where items.batch_id = %(batch_id)s
order by items.position;

-- name: insert_payments
insert into payments
    (id, entity_id, type, direction, amount_sat, status, created_at, effective_at, description,
     tx_hash)
select
    reserved.payment_id, items.entity_id, 'payout', 'outgoing', items.amount_sat, 'pending',
    %(now)s, %(now)s, 'Payout to ' || items.address, %(tx_hash)s
from payout_items items
join ledger_transfers reserved on reserved.id = items.transfer_id
where items.batch_id = %(batch_id)s
order by items.position
on conflict (id) do nothing;

-- name: set_payments
update payments
set status = %(status)s, tx_hash = %(tx_hash)s
where id in (
    select transfers.payment_id
    from payout_items items
    join ledger_transfers transfers on transfers.id = items.transfer_id
    where items.batch_id = %(batch_id)s
);

-- name: publish
insert into events (event_id, kind, at, entity_id, fields)
select given.event_id, 'payment.payout', %(now)s, given.entity_id, given.fields::jsonb
from unnest(%(event_ids)s::uuid[], %(entity_ids)s::int4[], %(fields)s::text[])
    given (event_id, entity_id, fields)
on conflict (event_id) do nothing;
