-- From share to satoshi: wallets, fees, the chain, rates, the ledger.
-- Amounts are whole satoshi, work is whole hashes.

-- The hashes of a worker minute, exactly: float8 to numeric keeps 15 digits only, float8 to int8 is
-- exact below 2^63. Larger values (a farm behind one name) are taken apart in digits of 62 bits.
create function hashgauge_hashes(accepted float8) returns numeric
language sql immutable strict parallel safe as $$
    select case
        when hashes < 4611686018427387904 then hashes::int8::numeric
        else (
            select sum(
                (trunc(hashes / unit) - trunc(hashes / unit / 4611686018427387904)
                    * 4611686018427387904)::int8 * unit_exactly
            )
            from (values
                (1::float8, 1::numeric),
                (4611686018427387904::float8, 4611686018427387904::numeric),
                (21267647932558653966460912964485513216::float8, 21267647932558653966460912964485513216::numeric),
                (98079714615416886934934209737619787751599303819750539264::float8, 98079714615416886934934209737619787751599303819750539264::numeric),
                (452312848583266388373324160190187140051835877600158453279131187530910662656::float8, 452312848583266388373324160190187140051835877600158453279131187530910662656::numeric)
            ) digits (unit, unit_exactly)
        )
    end
    from (select round(accepted * 4294967296) as hashes) work
$$;

create table wallets (
    uid uuid primary key default gen_random_uuid(),
    -- A pool, an operator or a miner.
    owner_id int4 not null unique,
    created_at timestamptz not null default now()
);

-- What is not superseded counts from valid_from until the next one does.
create table wallet_addresses (
    id int8 generated always as identity primary key,
    wallet uuid not null references wallets,
    address text not null,
    network text not null,
    valid_from timestamptz not null,
    updated_at timestamptz not null default now(),
    created_by text not null,
    superseded_at timestamptz
);
create index wallet_addresses_wallet on wallet_addresses (wallet, valid_from);

create table wallet_min_payments (
    id int8 generated always as identity primary key,
    wallet uuid not null references wallets,
    amount_sat int8 not null check (amount_sat > 0),
    valid_from timestamptz not null,
    updated_at timestamptz not null default now(),
    created_by text not null,
    superseded_at timestamptz
);
create index wallet_min_payments_wallet on wallet_min_payments (wallet, valid_from);

-- One schedule for each relation, payer and payee: an entry counts from 00:00 UTC of its day until
-- the next one does; before the first one, the first one counts. Entries are superseded, never
-- changed. The payee of miner_pool is the pool, of miner_operator the operator, of recipient_donor
-- the miner that gives its hashrate.
create table fee_entries (
    id int8 generated always as identity primary key,
    relation text not null check (relation in ('miner_pool', 'miner_operator', 'recipient_donor')),
    payer_id int4 not null,
    payee_id int4 not null,
    valid_from date not null,
    fee numeric(7, 6) not null check (fee between 0 and 1),
    comment text not null default '',
    created_at timestamptz not null default now(),
    created_by text not null,
    superseded_at timestamptz,
    superseded_by text,
    check ((superseded_at is null) = (superseded_by is null))
);
create unique index fee_entries_live on fee_entries (relation, payer_id, payee_id, valid_from)
    where superseded_at is null;

-- A sharing is in force on the days from valid_from until before valid_until.
create table profit_sharings (
    id int8 generated always as identity primary key,
    donor_id int4 not null,
    recipient_id int4 not null,
    type text not null check (type in ('profit_sharing', 'referral')),
    rate numeric(7, 6) not null check (rate between 0 and 1),
    valid_from date not null,
    valid_until date,
    created_at timestamptz not null default now(),
    created_by text not null,
    ended_at timestamptz,
    ended_by text,
    check (donor_id <> recipient_id),
    check (valid_until >= valid_from)
);
create index profit_sharings_donor on profit_sharings (donor_id, valid_from);
create index profit_sharings_recipient on profit_sharings (recipient_id);

-- What a referred miner pays of the pool's fee, and what of that fee its referrer gets.
alter table pools
    add pool_rate_multiplier numeric(7, 6) not null default 0.9,
    add referrer_reward_multiplier numeric(7, 6) not null default 0.1,
    add constraint pools_referral_policy check (
        pool_rate_multiplier >= 0
        and referrer_reward_multiplier >= 0
        and pool_rate_multiplier + referrer_reward_multiplier <= 1
        and referrer_reward_multiplier <= pool_rate_multiplier
    );

create table referrer_codes (
    code text primary key check (code ~ '^hfrc_[A-Z0-9]{8}$'),
    miner_id int4 not null unique,
    created_at timestamptz not null default now()
);

create table referrals (
    miner_id int4 primary key,
    referrer_id int4 not null,
    code text not null references referrer_codes,
    created_at timestamptz not null default now(),
    check (miner_id <> referrer_id)
);
create index referrals_referrer on referrals (referrer_id);

-- Blocks of the best chain, as the node said; a reorganisation replaces the rows above the fork.
-- difficulty is cut to 8 decimals for people: the exact one follows from bits.
create table chain_blocks (
    height int4 primary key,
    hash text not null unique,
    prev_hash text not null,
    header_time timestamptz not null,
    -- Of the block's own header and the ten before it (BIP 113).
    median_time timestamptz not null,
    bits int8 not null,
    difficulty numeric not null,
    subsidy_sat int8 not null,
    -- What the coinbase claims above the subsidy.
    fee_sat int8 not null
);
create index chain_blocks_median_time on chain_blocks (median_time);

-- BTC per hash per second and day: numerator / denominator is what settlements use; rate is that,
-- cut to 63 decimals. subsidy_rate leaves transaction fees out, fee_ratio is what they add.
create table reward_rates (
    day date not null,
    currency text not null default 'BTC' check (currency = 'BTC'),
    scheme text not null check (scheme in ('fpps', 'pps', 'given')),
    numerator numeric not null check (numerator >= 0 and numerator = trunc(numerator)),
    denominator numeric not null check (denominator > 0 and denominator = trunc(denominator)),
    rate numeric not null,
    subsidy_rate numeric not null,
    fee_ratio numeric not null default 0,
    -- Blocks behind the rate; those of `dropped` counted for the subsidy alone.
    blocks jsonb not null default '[]',
    dropped jsonb not null default '[]',
    created_at timestamptz not null default now(),
    created_by text not null,
    primary key (day, currency)
);

-- customer: what is owed to a miner, an operator or a pool. Of a pool: mining is where rewards come
-- from, wallet what it holds on chain, network_fees what sending cost, external the world outside.
create table ledger_accounts (
    id int4 generated always as identity primary key,
    owner_id int4 not null,
    kind text not null check (kind in ('customer', 'mining', 'wallet', 'network_fees', 'external')),
    created_at timestamptz not null default now(),
    unique (owner_id, kind)
);

-- One row is one debit and one credit of the same amount, so nothing can be out of balance. A
-- credit is what an account receives. single: done; pending: reserved, taken from the debit account
-- but not yet given to the other; post and void end the pending transfer that they name.
create table ledger_transfers (
    id uuid primary key,
    debit_account_id int4 not null references ledger_accounts,
    credit_account_id int4 not null references ledger_accounts,
    amount_sat int8 not null check (amount_sat > 0 and amount_sat <= 2100000000000000),
    kind text not null check (kind ~ '^[a-z_]+$'),
    state text not null default 'single' check (state in ('single', 'pending', 'post', 'void')),
    pending_id uuid unique references ledger_transfers,
    payment_id uuid,
    -- The settled day that it belongs to.
    settlement_day date,
    corrects uuid references ledger_transfers,
    reason text,
    created_at timestamptz not null default now(),
    effective_at timestamptz not null,
    check (debit_account_id <> credit_account_id),
    check ((pending_id is not null) = (state in ('post', 'void')))
);
create index ledger_transfers_debit on ledger_transfers (debit_account_id, effective_at);
create index ledger_transfers_credit on ledger_transfers (credit_account_id, effective_at);
create index ledger_transfers_payment on ledger_transfers (payment_id) where payment_id is not null;
create index ledger_transfers_day on ledger_transfers (settlement_day)
    where settlement_day is not null;
revoke update, delete, truncate on ledger_transfers from public;

-- Sums of the transfers, kept by a trigger. What a customer may still spend is never below 0.
create table ledger_balances (
    account_id int4 primary key references ledger_accounts,
    never_negative boolean not null,
    debits_sat int8 not null default 0,
    credits_sat int8 not null default 0,
    pending_debits_sat int8 not null default 0 check (pending_debits_sat >= 0),
    pending_credits_sat int8 not null default 0 check (pending_credits_sat >= 0),
    constraint ledger_balances_never_negative check (
        not never_negative or credits_sat >= debits_sat + pending_debits_sat
    )
) with (fillfactor = 50);

create function hashgauge_refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% of % is refused: correct by a new row', tg_op, tg_table_name
        using errcode = 'insufficient_privilege';
end
$$;
create trigger ledger_transfers_append_only
before update or delete or truncate on ledger_transfers
for each statement execute function hashgauge_refuse_change();

create function hashgauge_book() returns trigger language plpgsql as $$
begin
    if exists (
        select
        from added
        join ledger_transfers pending on pending.id = added.pending_id
        where pending.state <> 'pending'
            or (pending.debit_account_id, pending.credit_account_id, pending.amount_sat)
                <> (added.debit_account_id, added.credit_account_id, added.amount_sat)
    ) then
        raise exception 'a transfer ends a pending one of the same accounts and amount'
            using errcode = 'check_violation';
    end if;
    -- In the order of their ids: two writers wait for each other, but never in a circle.
    perform
    from ledger_balances
    where account_id in (
        select debit_account_id from added union select credit_account_id from added
    )
    order by account_id
    for no key update;
    update ledger_balances balances
    set
        debits_sat = balances.debits_sat + sums.debits_sat,
        credits_sat = balances.credits_sat + sums.credits_sat,
        pending_debits_sat = balances.pending_debits_sat + sums.pending_debits_sat,
        pending_credits_sat = balances.pending_credits_sat + sums.pending_credits_sat
    from (
        select
            account_id,
            sum(debit_sat)::int8 as debits_sat,
            sum(credit_sat)::int8 as credits_sat,
            sum(pending_debit_sat)::int8 as pending_debits_sat,
            sum(pending_credit_sat)::int8 as pending_credits_sat
        from (
            select
                sides.account_id,
                effects.done * added.amount_sat * sides.debit as debit_sat,
                effects.done * added.amount_sat * (1 - sides.debit) as credit_sat,
                effects.reserved * added.amount_sat * sides.debit as pending_debit_sat,
                effects.reserved * added.amount_sat * (1 - sides.debit) as pending_credit_sat
            from added
            join (values ('single', 1, 0), ('pending', 0, 1), ('post', 1, -1), ('void', 0, -1))
                effects (state, done, reserved) using (state)
            cross join lateral (
                values (added.debit_account_id, 1), (added.credit_account_id, 0)
            ) sides (account_id, debit)
        ) effects
        group by account_id
    ) sums
    where balances.account_id = sums.account_id;
    return null;
end
$$;
create trigger ledger_transfers_book
after insert on ledger_transfers referencing new table as added
for each statement execute function hashgauge_book();
