-- From share to satoshi: wallets, fees, the chain, rates, the ledger, settled days, payments.
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

-- A day is frozen first (work and terms, from one snapshot), then booked in chunks of miners.
create table settlements (
    day date primary key,
    state text not null default 'frozen' check (state in ('frozen', 'booked')),
    -- sha256 of the frozen work and terms; that of the rate is in the rate's own row.
    inputs_hash text not null,
    inputs jsonb not null,
    frozen_at timestamptz not null,
    -- Miners up to this one are booked.
    booked_to int4 not null default 0,
    booked_at timestamptz,
    miners int4 not null default 0,
    workers int4 not null default 0,
    work numeric not null default 0,
    gross_sat int8 not null default 0,
    check ((booked_at is not null) = (state = 'booked'))
);

-- The work of a worker in a day under one operator (0: none), in a version of the frozen inputs:
-- 1 is what was settled, a correction adds the next.
create table settlement_work (
    day date not null,
    miner_id int4 not null,
    version int4 not null default 1,
    worker_id int4 not null,
    operator_id int4 not null,
    minutes int4 not null,
    work numeric not null,
    rejected_work numeric not null,
    primary key (day, miner_id, version, worker_id, operator_id)
);

-- Fees with their schedule entries, referrer, sharings and boundary work of a miner that day.
create table settlement_terms (
    day date not null,
    miner_id int4 not null,
    terms jsonb not null,
    primary key (day, miner_id)
);

-- What a miner's day came to, in all, as of a version; the newest one is live. *_parts are exact,
-- in 10^-36 satoshi; what is booked of them is whole, the rest is carried on.
create table settlement_rows (
    day date not null,
    miner_id int4 not null,
    version int4 not null,
    live boolean not null default true,
    work numeric not null,
    gross_parts numeric not null,
    gross_sat int8 not null check (gross_sat >= 0),
    pool_sat int8 not null check (pool_sat >= 0),
    operator_sat int8 not null check (operator_sat >= 0),
    referral_sat int8 not null check (referral_sat >= 0),
    reward_sat int8 not null check (reward_sat >= 0),
    explained jsonb not null,
    created_at timestamptz not null,
    primary key (miner_id, day, version),
    check (reward_sat + pool_sat + operator_sat = gross_sat and referral_sat <= pool_sat)
);
create unique index settlement_rows_live on settlement_rows (day, miner_id) where live;

-- Fractions of a satoshi that a miner's account carries: of its gross, of what it owes each payee.
create table settlement_carries (
    miner_id int4 not null,
    kind text not null,
    payee_id int4 not null default 0,
    parts numeric not null,
    primary key (miner_id, kind, payee_id)
) with (fillfactor = 50);

-- What people see of the ledger: one row for each side that it concerns. number is the order of
-- insertion.
create table payments (
    id uuid primary key,
    number int8 generated always as identity unique,
    entity_id int4 not null,
    type text not null check (type in (
        'reward', 'payout', 'profit_sharing', 'virtual_mining_transfer', 'virtual_mining_reward',
        'transfer')),
    direction text not null check (direction in ('incoming', 'outgoing')),
    amount_sat int8 not null check (amount_sat >= 0),
    currency text not null default 'BTC' check (currency = 'BTC'),
    status text not null default 'completed',
    created_at timestamptz not null,
    effective_at timestamptz not null,
    -- Whole hashes per second of the day, and BTC per H/s and day.
    hashrate numeric,
    rate numeric,
    description text,
    tx_hash text,
    counterparty_id int4,
    settlement_day date,
    settlement_version int4,
    corrects uuid references payments
);
create index payments_entity on payments (entity_id, created_at desc, number desc);
create index payments_day on payments (settlement_day) where settlement_day is not null;

-- At most one process settles; waits_for says why the next day is not settled yet.
create table settlement_leader (
    only_row boolean primary key default true check (only_row),
    epoch int8 not null default 0,
    holder text,
    renewed_at timestamptz not null default '-infinity',
    next_day date,
    waits_for text,
    looked_at timestamptz
);
insert into settlement_leader default values;

-- A rate that a booked day used never changes.
create function hashgauge_keep_used_rate() returns trigger language plpgsql as $$
begin
    if exists (select from settlements where day = old.day and (state = 'booked' or booked_to > 0))
    then
        raise exception 'the rate of % is settled', old.day using errcode = 'check_violation';
    end if;
    return case tg_op when 'DELETE' then old else new end;
end
$$;
create trigger reward_rates_keep_used before update or delete on reward_rates
for each row execute function hashgauge_keep_used_rate();

-- Who comes to be has a wallet, an account and its first fees at once, by whatever program.
create function hashgauge_open_accounts() returns trigger language plpgsql as $$
begin
    insert into wallets (owner_id) select id from added order by id;
    with opened as (
        insert into ledger_accounts (owner_id, kind)
        select added.id, kinds.kind
        from added
        join unnest(tg_argv::text[]) kinds (kind) on true
        order by added.id
        returning id, kind
    )
    insert into ledger_balances (account_id, never_negative)
    select id, kind = 'customer' from opened;
    return null;
end
$$;
create trigger pools_open_accounts after insert on pools referencing new table as added
for each statement execute function hashgauge_open_accounts(
    'customer', 'mining', 'wallet', 'network_fees', 'external');
create trigger operators_open_accounts after insert on operators referencing new table as added
for each statement execute function hashgauge_open_accounts('customer');
create trigger miners_open_accounts after insert on miners referencing new table as added
for each statement execute function hashgauge_open_accounts('customer');

create function hashgauge_first_fees() returns trigger language plpgsql as $$
begin
    insert into fee_entries (relation, payer_id, payee_id, valid_from, fee, created_by)
    select
        'miner_pool', added.id, pools.id, (added.created_at at time zone 'UTC')::date,
        least(1, greatest(0, pools.fee)), 'default'
    from added
    join pools on pools.id = added.pool_id;
    insert into fee_entries (relation, payer_id, payee_id, valid_from, fee, created_by)
    select
        'miner_operator', added.id, operators.id, (added.created_at at time zone 'UTC')::date,
        least(1, greatest(0, operators.default_pool_fee)), 'default'
    from added
    join operators on operators.id = added.operator_id;
    return null;
end
$$;
create trigger miners_first_fees after insert on miners referencing new table as added
for each statement execute function hashgauge_first_fees();

-- A miner that comes back to an operator has its old schedule.
create function hashgauge_first_operator_fee() returns trigger language plpgsql as $$
begin
    insert into fee_entries (relation, payer_id, payee_id, valid_from, fee, created_by)
    select
        'miner_operator', new.id, operators.id, (now() at time zone 'UTC')::date,
        least(1, greatest(0, operators.default_pool_fee)), 'default'
    from operators
    where operators.id = new.operator_id
        and not exists (
            select from fee_entries
            where relation = 'miner_operator'
                and payer_id = new.id
                and payee_id = new.operator_id
                and superseded_at is null
        );
    return null;
end
$$;
create trigger miners_first_operator_fee after update of operator_id on miners
for each row when (old.operator_id is distinct from new.operator_id and new.operator_id is not null)
execute function hashgauge_first_operator_fee();

-- Those who are there already.
insert into wallets (owner_id)
select id from pools union all select id from operators union all select id from miners;
with opened as (
    insert into ledger_accounts (owner_id, kind)
    select id, kind
    from pools
    cross join unnest('{customer,mining,wallet,network_fees,external}'::text[]) kind
    union all
    select id, 'customer' from operators
    union all
    select id, 'customer' from miners
    returning id, kind
)
insert into ledger_balances (account_id, never_negative)
select id, kind = 'customer' from opened;
insert into fee_entries (relation, payer_id, payee_id, valid_from, fee, created_by)
select
    'miner_pool', miners.id, pools.id, (miners.created_at at time zone 'UTC')::date,
    least(1, greatest(0, pools.fee)), 'default'
from miners
join pools on pools.id = miners.pool_id
union all
select
    'miner_operator', miners.id, operators.id, (miners.created_at at time zone 'UTC')::date,
    least(1, greatest(0, operators.default_pool_fee)), 'default'
from miners
join operators on operators.id = miners.operator_id;
