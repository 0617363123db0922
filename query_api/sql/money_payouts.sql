-- Payout batches of a pool, and requests for their steps.

-- name: batches
-- params: pool, limit, offset
select
    batches.*,
    (select count(*) from payout_items items where items.batch_id = batches.id) as payees,
    (select count(*) from payout_left_out left_out where left_out.batch_id = batches.id)
        as left_out,
    coalesce(
        (
            select max(confirmed.confirmations)
            from payout_transactions transactions
            join confirmed_transactions confirmed using (txid)
            where transactions.batch_id = batches.id
        ), 0
    ) as confirmations
from payout_batches batches
where batches.pool_id = $1
order by batches.created_at desc, batches.id
limit $2 offset $3;

-- name: count
-- params: pool
select count(*) from payout_batches where pool_id = $1;

-- name: batch
-- params: pool, batch
select
    batches.*,
    (select count(*) from payout_items items where items.batch_id = batches.id) as payees,
    (select count(*) from payout_left_out left_out where left_out.batch_id = batches.id)
        as left_out,
    coalesce(
        (
            select max(confirmed.confirmations)
            from payout_transactions transactions
            join confirmed_transactions confirmed using (txid)
            where transactions.batch_id = batches.id
        ), 0
    ) as confirmations
from payout_batches batches
where batches.pool_id = $1 and batches.id = $2;

-- name: items
-- params: batch
select coalesce(miners.account_name, operators.title, pools.title) as payee, items.address,
    items.amount_sat
from payout_items items
left join miners on miners.id = items.entity_id
left join operators on operators.id = items.entity_id
left join pools on pools.id = items.entity_id
where items.batch_id = $1
order by items.position;

-- name: left_out
-- params: batch
select coalesce(miners.account_name, operators.title, pools.title) as payee, left_out.amount_sat,
    left_out.reason
from payout_left_out left_out
left join miners on miners.id = left_out.entity_id
left join operators on operators.id = left_out.entity_id
left join pools on pools.id = left_out.entity_id
where left_out.batch_id = $1
order by left_out.reason, 1;

-- name: transactions
-- params: batch
select transactions.*, coalesce(confirmed.confirmations, 0) as confirmations
from payout_transactions transactions
left join confirmed_transactions confirmed using (txid)
where transactions.batch_id = $1
order by transactions.version;

-- name: steps
-- params: batch
select done_at, step, done_by, detail from payout_steps where batch_id = $1 order by id;

-- name: psbt
-- The newest version that waits for a signature.
-- params: batch
select psbt from payout_transactions
where batch_id = $1 and state = 'built'
order by version desc
limit 1;

-- name: money
-- params: pool
select * from payout_money where pool_id = $1;

-- name: ask
-- params: pool, batch, action, arguments, who
insert into payout_requests (pool_id, batch_id, action, arguments, requested_by)
values ($1, $2, $3, $4::text::jsonb, $5)
returning id, outcome, message;

-- name: request
-- params: request
select id, outcome, message from payout_requests where id = $1;
