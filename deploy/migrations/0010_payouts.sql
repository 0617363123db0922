-- Payouts: the pool's wallet as the chain shows it, and batches that cannot pay anybody twice.

-- What blocks say of the wallet never changes, so none of these rows is ever changed: which of them
-- hold follows from chain_blocks alone, and a reorganisation needs no repair here. `wallet` is the
-- checksum of the descriptor: another descriptor is another wallet, and reads the blocks anew.
create table wallet_scanned (
    wallet text not null,
    block_hash text not null,
    primary key (wallet, block_hash)
);
create table wallet_coins (
    wallet text not null,
    txid text not null,
    vout int4 not null,
    amount_sat int8 not null check (amount_sat >= 0),
    keychain int4 not null check (keychain in (0, 1)),
    address_index int4 not null,
    coinbase boolean not null,
    parent bytea not null,
    primary key (txid, vout)
);
create table wallet_spends (
    txid text not null,
    vout int4 not null,
    spent_by text not null,
    primary key (txid, vout, spent_by)
);
create table wallet_sightings (
    txid text not null,
    block_hash text not null,
    primary key (txid, block_hash)
);

-- Deposits that the ledger holds.
create table wallet_deposits (
    txid text not null,
    vout int4 not null,
    transfer_id uuid not null,
    booked_at timestamptz not null,
    primary key (txid, vout),
    foreign key (txid, vout) references wallet_coins
);

create view confirmed_transactions as
select
    sightings.txid,
    blocks.height,
    blocks.hash as block_hash,
    (select max(height) from chain_blocks) - blocks.height + 1 as confirmations
from wallet_sightings sightings
join chain_blocks blocks on blocks.hash = sightings.block_hash;

-- Coins that are in the chain, and whether (and how deep) a block of the chain spends them.
create view wallet_coin_states as
select
    coins.txid,
    coins.vout,
    made.height,
    made.confirmations,
    spent.confirmations is not null as spent,
    spent.confirmations as spent_confirmations
from wallet_coins coins
join confirmed_transactions made on made.txid = coins.txid
left join lateral (
    select spenders.confirmations
    from wallet_spends spends
    join confirmed_transactions spenders on spenders.txid = spends.spent_by
    where spends.txid = coins.txid and spends.vout = coins.vout
) spent on true;

create table payout_batches (
    id uuid primary key,
    pool_id int4 not null references pools,
    state text not null default 'proposed' check (state in (
        'proposed', 'approved', 'built', 'signed', 'broadcast', 'confirmed', 'final', 'cancelled')),
    -- The day that it was proposed for by itself; null: by a person.
    proposed_for date,
    list_hash text not null,
    total_sat int8 not null check (total_sat > 0),
    -- Why a person is needed; null: nobody is.
    stopped text,
    created_at timestamptz not null,
    changed_at timestamptz not null
);
-- Two clicks, two leaders: the second one finds the first one's batch.
create unique index payout_batches_proposed on payout_batches (pool_id) where state = 'proposed';
create unique index payout_batches_day on payout_batches (pool_id, proposed_for);
create index payout_batches_recent on payout_batches (pool_id, created_at desc);

-- No program moves a batch along another way than this, whatever it believes.
create function hashgauge_payout_forward() returns trigger language plpgsql as $$
begin
    if new.id <> old.id or new.pool_id <> old.pool_id or new.list_hash <> old.list_hash
        or new.total_sat <> old.total_sat
    then
        raise exception 'what a payout batch pays is frozen' using errcode = 'check_violation';
    end if;
    if new.state <> old.state and (old.state, new.state) not in (
        ('proposed', 'approved'), ('approved', 'built'), ('built', 'signed'),
        ('signed', 'broadcast'), ('broadcast', 'confirmed'), ('confirmed', 'final'),
        ('confirmed', 'broadcast'),
        ('proposed', 'cancelled'), ('approved', 'cancelled'), ('built', 'cancelled'))
    then
        raise exception 'a payout batch does not go from % to %', old.state, new.state
            using errcode = 'check_violation';
    end if;
    return new;
end
$$;
create trigger payout_batches_forward before update on payout_batches
for each row execute function hashgauge_payout_forward();

-- transfer_id is the pending transfer that reserves the amount.
create table payout_items (
    batch_id uuid not null references payout_batches,
    position int4 not null,
    entity_id int4 not null,
    address text not null,
    script bytea not null,
    amount_sat int8 not null check (amount_sat > 0),
    transfer_id uuid not null unique,
    primary key (batch_id, entity_id),
    unique (batch_id, position)
);
create index payout_items_entity on payout_items (entity_id);

create table payout_left_out (
    batch_id uuid not null references payout_batches,
    entity_id int4 not null,
    amount_sat int8 not null,
    reason text not null,
    primary key (batch_id, entity_id)
);

-- The versions of a batch's transaction: the first, and one for each fee bump. raw is stored before
-- anything is sent. Every version keeps an input of the one before it, or the one before it has lost
-- an input for good: so no two of them can both be in the chain.
create table payout_transactions (
    txid text primary key,
    batch_id uuid not null references payout_batches,
    version int4 not null,
    state text not null default 'built' check (state in (
        'built', 'signed', 'broadcast', 'confirmed', 'final', 'replaced', 'cancelled')),
    psbt text not null,
    raw bytea,
    fee_sat int8 not null check (fee_sat > 0),
    fee_rate_sat_vb int4 not null,
    change_vout int4,
    change_index int4 not null,
    sent_at timestamptz,
    unique (batch_id, version),
    check (raw is not null or state in ('built', 'cancelled'))
);

create table payout_transaction_inputs (
    txid text not null references payout_transactions,
    coin_txid text not null,
    coin_vout int4 not null,
    primary key (txid, coin_txid, coin_vout)
);

-- A coin is in one live batch at most: the guard against two live transactions for one item.
create table payout_inputs (
    batch_id uuid not null references payout_batches,
    txid text not null,
    vout int4 not null,
    live boolean not null default true,
    primary key (batch_id, txid, vout),
    foreign key (txid, vout) references wallet_coins
);
create unique index payout_inputs_live on payout_inputs (txid, vout) where live;

-- What people ask for, by command or over HTTP: whoever carries it out marks the row in the
-- transaction of its effect, so that a request has its effect once.
create table payout_requests (
    id uuid primary key default gen_random_uuid(),
    pool_id int4 not null references pools,
    batch_id uuid references payout_batches,
    action text not null check (action in (
        'propose', 'approve', 'build', 'import', 'broadcast', 'bump', 'cancel')),
    arguments jsonb not null default '{}',
    requested_by text not null,
    requested_at timestamptz not null default now(),
    outcome text check (outcome in ('done', 'refused')),
    message text,
    finished_at timestamptz,
    check ((outcome is null) = (finished_at is null))
);
create index payout_requests_open on payout_requests (requested_at) where outcome is null;

-- Every step with who and when; never changed.
create table payout_steps (
    id int8 generated always as identity primary key,
    batch_id uuid not null references payout_batches,
    step text not null,
    done_by text not null,
    done_at timestamptz not null,
    detail text
);
create index payout_steps_batch on payout_steps (batch_id, id);

-- Money on hand as the service last saw it, in satoshi: what is owed, and what the wallet holds.
create table payout_money (
    pool_id int4 primary key references pools,
    liabilities_sat int8 not null,
    due_sat int8 not null,
    reserved_sat int8 not null,
    promised_sat int8 not null,
    spendable_sat int8 not null,
    locked_sat int8 not null,
    waiting_sat int8 not null,
    immature_sat int8 not null,
    seen_at timestamptz not null
);
