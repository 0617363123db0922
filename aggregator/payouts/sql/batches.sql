-- Batches of payouts: their rows, their versions, their steps.

-- name: lock_batch
-- Held to the end of the transaction: of two who take a step at once, one waits for the other.
select id, pool_id, state, list_hash, total_sat, stopped
from payout_batches
where id = %(batch_id)s
for update;

-- name: versions
select transactions.*, confirmed.block_hash, confirmed.confirmations
from payout_transactions transactions
left join confirmed_transactions confirmed using (txid)
where transactions.batch_id = %(batch_id)s
order by transactions.version;

-- name: items
select items.entity_id, wallets.uid, items.address, items.script, items.amount_sat
from payout_items items
join wallets on wallets.owner_id = items.entity_id
where items.batch_id = %(batch_id)s
order by items.position;

-- name: insert_batch
-- No row if the pool has a proposed batch, or one for that day.
insert into payout_batches
    (id, pool_id, proposed_for, list_hash, total_sat, created_at, changed_at)
values
    (%(batch_id)s, %(pool_id)s, %(proposed_for)s, %(list_hash)s, %(total_sat)s, %(now)s, %(now)s)
on conflict do nothing
returning id;

-- name: insert_items
-- In the order of payment.
insert into payout_items
    (batch_id, position, entity_id, address, script, amount_sat, transfer_id)
select
    %(batch_id)s, given.position - 1, given.entity_id, given.address, given.script,
    given.amount_sat, given.transfer_id
from unnest(
    %(entity_ids)s::int4[], %(addresses)s::text[], %(scripts)s::bytea[], %(amounts_sat)s::int8[],
    %(transfer_ids)s::uuid[]
) with ordinality given (entity_id, address, script, amount_sat, transfer_id, position);

-- name: insert_left_out
insert into payout_left_out (batch_id, entity_id, amount_sat, reason)
values (%(batch_id)s, %(entity_id)s, %(amount_sat)s, %(reason)s);

-- name: move
update payout_batches set state = %(state)s, changed_at = %(now)s where id = %(batch_id)s;

-- name: note
insert into payout_steps (batch_id, step, done_by, done_at, detail)
values (%(batch_id)s, %(step)s, %(done_by)s, %(now)s, %(detail)s);

-- name: stop
update payout_batches set stopped = %(reason)s where id = %(batch_id)s;

-- name: insert_version
insert into payout_transactions
    (txid, batch_id, version, psbt, fee_sat, fee_rate_sat_vb, change_vout, change_index)
values
    (%(txid)s, %(batch_id)s, %(version)s, %(psbt)s, %(fee_sat)s, %(fee_rate_sat_vb)s,
     %(change_vout)s, %(change_index)s);

-- name: insert_version_input
insert into payout_transaction_inputs (txid, coin_txid, coin_vout)
values (%(version_txid)s, %(txid)s, %(vout)s);

-- name: lock_coin
-- Fails for a coin that another live batch holds.
insert into payout_inputs (batch_id, txid, vout) values (%(batch_id)s, %(txid)s, %(vout)s)
on conflict (batch_id, txid, vout) do nothing;

-- name: release_coins
update payout_inputs set live = false where batch_id = %(batch_id)s and live;

-- name: set_version
update payout_transactions set state = %(state)s where txid = %(txid)s;

-- name: store_raw
update payout_transactions set raw = %(raw)s, state = 'signed'
where txid = %(txid)s and state in ('built', 'signed');

-- name: sent
update payout_transactions set state = 'broadcast', sent_at = %(now)s
where txid = %(txid)s;

-- name: cancel_unsigned
update payout_transactions set state = 'cancelled'
where batch_id = %(batch_id)s and state = 'built';

-- name: watched
-- Final ones for a month: a reorganisation that deep is an alarm.
select id
from payout_batches
where state in ('signed', 'broadcast', 'confirmed')
    or state in ('final', 'cancelled') and changed_at > now() - interval '30 days'
order by created_at;

-- name: foreign_spend
-- A confirmed transaction that is not ours and spends a coin of this version.
select spends.spent_by, confirmed.confirmations
from payout_transaction_inputs inputs
join wallet_spends spends on spends.txid = inputs.coin_txid and spends.vout = inputs.coin_vout
join confirmed_transactions confirmed on confirmed.txid = spends.spent_by
where inputs.txid = %(txid)s
    and not exists (
        select from payout_transactions ours
        where ours.txid = spends.spent_by and ours.batch_id = %(batch_id)s
    )
order by confirmed.confirmations desc
limit 1;

-- name: sums_for_limits
select
    (select max(amount_sat) from payout_items where batch_id = %(batch_id)s) as item_sat,
    (
        select coalesce(sum(total_sat), 0)::int8
        from payout_batches
        where pool_id = %(pool_id)s
            and created_at >= date_trunc('day', %(now)s::timestamptz, 'UTC')
            and state <> 'cancelled'
    ) as day_sat;

-- name: lock_pool
-- One proposal of a pool at a time: the second one sees what the first has reserved.
select id from pools where id = %(pool_id)s for update;

-- name: batch_of_day
select id from payout_batches where pool_id = %(pool_id)s and proposed_for = %(day)s;
