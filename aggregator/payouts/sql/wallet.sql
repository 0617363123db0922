-- The pool's coins. A transaction is confirmed if a block that holds it is in chain_blocks.

-- name: unread_blocks
-- Blocks of our chain that were not read for this wallet yet, from below.
select blocks.hash
from chain_blocks blocks
where blocks.height >= %(first_height)s
    and not exists (
        select from wallet_scanned scanned
        where scanned.wallet = %(wallet)s and scanned.block_hash = blocks.hash
    )
order by blocks.height
limit %(limit)s;

-- name: mark_read
insert into wallet_scanned (wallet, block_hash) values (%(wallet)s, %(block_hash)s)
on conflict do nothing;

-- name: see
-- The transaction is one of ours, and in this block.
insert into wallet_sightings (txid, block_hash) values (%(txid)s, %(block_hash)s)
on conflict do nothing;

-- name: keep_coin
insert into wallet_coins
    (wallet, txid, vout, amount_sat, keychain, address_index, coinbase, parent)
values
    (%(wallet)s, %(txid)s, %(vout)s, %(amount_sat)s, %(keychain)s, %(address_index)s,
     %(coinbase)s, %(parent)s)
on conflict do nothing;

-- name: keep_spend
insert into wallet_spends (txid, vout, spent_by) values (%(txid)s, %(vout)s, %(spent_by)s)
on conflict do nothing;

-- name: own_coins
-- Of every wallet: coins of a descriptor that was given up are ours as well.
select txid, vout from wallet_coins where txid = any(%(txids)s);

-- name: used_indices
-- Of each branch: how many scripts from its beginning have been used, by coins or as change.
select keychain, max(address_index) + 1 as count
from (
    select keychain, address_index from wallet_coins where wallet = %(wallet)s
    union all
    select 1, change_index from payout_transactions
) used
group by keychain;

-- name: next_change_index
select coalesce(max(address_index) + 1, 0) as next_index
from (
    select address_index from wallet_coins where wallet = %(wallet)s and keychain = 1
    union all
    select change_index from payout_transactions
) used;

-- name: spendable
-- Oldest first. A batch that is built beside this one may take them, too: its lock decides. Coins of
-- a final batch stay its own, also if a reorganisation took it out of the chain: it is sent again.
select
    coins.txid,
    coins.vout,
    coins.amount_sat,
    coins.keychain,
    coins.address_index,
    coins.parent,
    (
        select min(cancelled.txid)
        from payout_transactions cancelled
        join payout_transaction_inputs inputs on inputs.txid = cancelled.txid
        where cancelled.state = 'cancelled'
            and inputs.coin_txid = coins.txid
            and inputs.coin_vout = coins.vout
    ) as cancelled_in
from wallet_coins coins
join wallet_coin_states states using (txid, vout)
where coins.wallet = %(wallet)s
    and not states.spent
    and states.confirmations >= %(final_depth)s
    and (not coins.coinbase or states.confirmations >= %(maturity)s)
    and not exists (
        select from payout_inputs inputs
        where inputs.txid = coins.txid and inputs.vout = coins.vout and inputs.live
    )
    and not exists (
        select from payout_transaction_inputs inputs
        join payout_transactions paid on paid.txid = inputs.txid and paid.state = 'final'
        where inputs.coin_txid = coins.txid and inputs.coin_vout = coins.vout
    )
order by states.height, coins.txid, coins.vout;

-- name: coins_of
select coins.txid, coins.vout, coins.amount_sat, coins.keychain, coins.address_index, coins.parent
from payout_inputs inputs
join wallet_coins coins using (txid, vout)
where inputs.batch_id = %(batch_id)s
    and inputs.live
    and not exists (
        select
        from wallet_spends spends
        join confirmed_transactions spenders on spenders.txid = spends.spent_by
        where spends.txid = inputs.txid
            and spends.vout = inputs.vout
            and spenders.confirmations >= %(final_depth)s
            and not exists (
                select from payout_transactions ours
                where ours.txid = spends.spent_by and ours.batch_id = inputs.batch_id
            )
    )
order by coins.txid, coins.vout;

-- name: money
select
    coalesce(sum(coins.amount_sat) filter (
        where not inputs.live and not states.spent and ripe.deep and ripe.mature
    ), 0)::int8 as spendable,
    coalesce(sum(coins.amount_sat) filter (where inputs.live and not states.spent), 0)::int8
        as locked,
    coalesce(sum(coins.amount_sat) filter (
        where not inputs.live and not states.spent and not ripe.deep and ripe.mature
    ), 0)::int8 as waiting,
    coalesce(sum(coins.amount_sat) filter (where not states.spent and not ripe.mature), 0)::int8
        as immature,
    coalesce(sum(coins.amount_sat) filter (
        where ripe.deep and coalesce(states.spent_confirmations, 0) < %(final_depth)s
    ), 0)::int8 as booked
from wallet_coins coins
join wallet_coin_states states using (txid, vout)
cross join lateral (
    select
        states.confirmations >= %(final_depth)s as deep,
        not coins.coinbase or states.confirmations >= %(maturity)s as mature
) ripe
cross join lateral (
    select exists (
        select from payout_inputs locks
        where locks.txid = coins.txid and locks.vout = coins.vout and locks.live
    ) or exists (
        select from payout_transaction_inputs spent
        join payout_transactions paid on paid.txid = spent.txid and paid.state = 'final'
        where spent.coin_txid = coins.txid and spent.coin_vout = coins.vout
    ) as live
) inputs
where coins.wallet = %(wallet)s;

-- name: unspent
-- Of every wallet, as the blocks that were read say it.
select coins.txid, coins.vout, coins.amount_sat
from wallet_coins coins
join wallet_coin_states states using (txid, vout)
where not states.spent
order by coins.txid, coins.vout;

-- name: tip
select hash from chain_blocks order by height desc limit 1;

-- name: unbooked_deposits
-- What we did not send to ourselves as change.
select coins.txid, coins.vout, coins.amount_sat
from wallet_coins coins
join wallet_coin_states states using (txid, vout)
where coins.wallet = %(wallet)s
    and states.confirmations >= %(final_depth)s
    and not exists (
        select from payout_transactions ours
        where ours.txid = coins.txid and ours.change_vout = coins.vout
    )
    and not exists (
        select from wallet_deposits booked
        where booked.txid = coins.txid and booked.vout = coins.vout
    )
order by states.height, coins.txid, coins.vout;
