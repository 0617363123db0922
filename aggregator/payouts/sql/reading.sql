-- Batches for people.

-- name: list_batches
select
    batches.id, batches.state, batches.total_sat, batches.created_at, batches.stopped,
    (select count(*) from payout_items items where items.batch_id = batches.id) as payees,
    coalesce(
        (
            select max(confirmed.confirmations)
            from payout_transactions transactions
            join confirmed_transactions confirmed using (txid)
            where transactions.batch_id = batches.id
        ), 0
    ) as confirmations
from payout_batches batches
order by batches.created_at desc, batches.id
limit %(limit)s;

-- name: batch
select id, state, list_hash, total_sat, stopped, created_at, changed_at
from payout_batches
where id = %(batch_id)s;

-- name: items
select coalesce(miners.account_name, operators.title, pools.title) as payee, items.address,
    items.amount_sat
from payout_items items
left join miners on miners.id = items.entity_id
left join operators on operators.id = items.entity_id
left join pools on pools.id = items.entity_id
where items.batch_id = %(batch_id)s
order by items.position;

-- name: left_out
select coalesce(miners.account_name, operators.title, pools.title) as payee, left_out.amount_sat,
    left_out.reason
from payout_left_out left_out
left join miners on miners.id = left_out.entity_id
left join operators on operators.id = left_out.entity_id
left join pools on pools.id = left_out.entity_id
where left_out.batch_id = %(batch_id)s
order by left_out.reason, 1;

-- name: transactions
select transactions.version, transactions.txid, transactions.state, transactions.fee_sat,
    transactions.fee_rate_sat_vb as sat_per_vb, coalesce(confirmed.confirmations, 0) as confirmations
from payout_transactions transactions
left join confirmed_transactions confirmed using (txid)
where transactions.batch_id = %(batch_id)s
order by transactions.version;

-- name: steps
select done_at, step, done_by, detail
from payout_steps
where batch_id = %(batch_id)s
order by id;

-- name: psbt_to_sign
select psbt
from payout_transactions
where batch_id = %(batch_id)s and state = 'built'
order by version desc
limit 1;

-- name: money_on_hand
select
    pools.title as pool,
    wallets.liabilities_sat,
    wallets.due_sat,
    wallets.reserved_sat,
    wallets.promised_sat,
    wallets.spendable_sat,
    wallets.locked_sat,
    wallets.waiting_sat,
    wallets.immature_sat,
    wallets.shortfall_sat,
    wallets.unaccounted_sat,
    wallets.seen_at
from payout_money wallets
join pools on pools.id = wallets.pool_id
order by wallets.pool_id;
