-- Wallets: one for every pool, operator and miner. An entry that is not superseded counts from its
-- valid_from until the next one begins.

-- name: find_wallet
-- With whose it is.
-- params: uid
select w.uid, w.created_at, w.owner_id, own.kind, own.pool_id, own.operator_id, own.miner_id,
       greatest(0.001, p.min_payout) * 100000000 as least_sat
from wallets w
join lateral (
    select 'pool' as kind, id as pool_id, null::int4 as operator_id, null::int4 as miner_id
    from pools where id = w.owner_id
    union all
    select 'operator', pool_id, id, null from operators where id = w.owner_id
    union all
    select 'miner', pool_id, operator_id, id from miners where id = w.owner_id
) own on true
join pools p on p.id = own.pool_id
where w.uid = $1::uuid

-- name: addresses
-- The newest first.
-- params: wallet
select address, network, valid_from, updated_at, valid_from <= now() as begun,
       lead(valid_from) over (order by valid_from, id) as valid_until
from wallet_addresses
where wallet = $1::uuid and superseded_at is null
order by valid_from desc, id desc

-- name: min_payments
-- The newest first.
-- params: wallet
select amount_sat, valid_from, updated_at, valid_from <= now() as begun,
       lead(valid_from) over (order by valid_from, id) as valid_until
from wallet_min_payments
where wallet = $1::uuid and superseded_at is null
order by valid_from desc, id desc

-- name: lock_wallet
-- params: wallet
select uid from wallets where uid = $1::uuid for update

-- name: cancel_coming_addresses
-- How many there were.
-- params: wallet
with cancelled as (
    update wallet_addresses set superseded_at = now()
    where wallet = $1::uuid and valid_from > now() and superseded_at is null
    returning id
)
select count(*) from cancelled

-- name: add_address
-- From the first 00:00 UTC that is at least so many seconds away; nothing if it is the one in force.
-- params: wallet, address, network, wait_s, who
insert into wallet_addresses (wallet, address, network, valid_from, created_by)
select $1::uuid, $2::text, $3::text,
       date_trunc('day', now() + make_interval(secs => $4::float8) + interval '1 day'
                  - interval '1 microsecond', 'UTC'), $5::text
where $2 is distinct from (
    select address from wallet_addresses
    where wallet = $1 and valid_from <= now() and superseded_at is null
    order by valid_from desc, id desc limit 1
)
returning valid_from

-- name: address_in_force_since
-- params: wallet
select valid_from from wallet_addresses
where wallet = $1::uuid and valid_from <= now() and superseded_at is null
order by valid_from desc, id desc limit 1

-- name: cancel_coming_min_payments
-- How many there were.
-- params: wallet
with cancelled as (
    update wallet_min_payments set superseded_at = now()
    where wallet = $1::uuid and valid_from > now() and superseded_at is null
    returning id
)
select count(*) from cancelled

-- name: add_min_payment
-- From the next 00:00 UTC; nothing if it is the one in force.
-- params: wallet, amount_sat, who
insert into wallet_min_payments (wallet, amount_sat, valid_from, created_by)
select $1::uuid, $2::int8, date_trunc('day', now(), 'UTC') + interval '1 day', $3::text
where $2 is distinct from (
    select amount_sat from wallet_min_payments
    where wallet = $1 and valid_from <= now() and superseded_at is null
    order by valid_from desc, id desc limit 1
)
returning valid_from

-- name: min_payment_in_force_since
-- params: wallet
select valid_from from wallet_min_payments
where wallet = $1::uuid and valid_from <= now() and superseded_at is null
order by valid_from desc, id desc limit 1

-- name: add_event
-- A notice in the outbox, in the transaction of the change.
-- params: kind, entity_id, fields
insert into events (event_id, kind, at, entity_id, fields)
values (gen_random_uuid(), $1::text, now(), $2::int4, $3::jsonb)
