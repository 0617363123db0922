-- Settled days: frozen work and terms, rows, carries, payments; and the first fees of whoever comes
-- to be. Amounts are whole satoshi, work is whole hashes.

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
