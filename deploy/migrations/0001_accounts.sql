-- Who mines, who may see it, and with which key. Users are identities of Ory Kratos.

-- Pools, operators and miners draw their ids from one sequence, so that one column (entity_id)
-- keys the minutes, rollups and figures of all three.
create sequence entity_ids as int4;

create table pools (
    id int4 primary key default nextval('entity_ids'),
    uid uuid not null unique default gen_random_uuid(),
    title text not null,
    domain text unique,
    status text not null default 'active',
    fee numeric not null default 0.009,
    min_payout numeric not null default 0.0001,
    default_language text not null default 'en',
    available_languages text[] not null default '{en}',
    created_at timestamptz not null default now()
);

create table operators (
    id int4 primary key default nextval('entity_ids'),
    uid uuid not null unique default gen_random_uuid(),
    pool_id int4 not null references pools,
    title text not null,
    status text not null default 'active',
    default_pool_fee numeric not null default 0.009,
    created_at timestamptz not null default now()
);
create index operators_pool on operators (pool_id);

create table miners (
    id int4 primary key default nextval('entity_ids'),
    uid uuid not null unique default gen_random_uuid(),
    account_name text not null unique,
    title text,
    pool_id int4 not null references pools,
    operator_id int4 references operators,
    status text not null default 'active',
    created_at timestamptz not null default now(),
    alert_delay_s int4 not null default 0 check (alert_delay_s >= 0),
    muted_until timestamptz
);
create index miners_pool on miners (pool_id);
create index miners_operator on miners (operator_id);

create table workers (
    id int4 primary key generated always as identity,
    uid uuid not null unique default gen_random_uuid(),
    miner_id int4 not null references miners,
    name text not null,
    behavior text not null default 'hardware' check (behavior in ('hardware', 'boundary')),
    created_at timestamptz not null default now(),
    unique (miner_id, behavior, name)
);

create table sources (
    id int4 primary key generated always as identity,
    name text not null unique
);

create table users (
    uid uuid primary key default gen_random_uuid(),
    email text unique,
    status text not null default 'active',
    language text not null default 'en',
    registered_at timestamptz not null default now()
);

-- entity_id is a pool, an operator or a miner; a role reaches down from pool to operator to miner.
create table roles (
    entity_id int4 not null,
    user_uid uuid not null references users,
    role text not null check (role in ('owner', 'admin', 'viewer', 'accountant', 'treasurer')),
    granted_at timestamptz not null default now(),
    primary key (entity_id, user_uid, role)
);
create index roles_user on roles (user_uid);

-- sha256 of the key (32 random bytes, so a slow hash would add nothing). user_uid null: the pool's
-- own services (X-Headframe-API-Key), which may do everything.
create table api_keys (
    id uuid primary key default gen_random_uuid(),
    digest bytea not null unique,
    user_uid uuid references users,
    title text not null,
    created_at timestamptz not null default now(),
    revoked_at timestamptz
);

create table watchers (
    id uuid primary key default gen_random_uuid(),
    miner_id int4 not null references miners,
    token text not null unique,
    title text not null,
    extra_permissions text[] not null default '{}',
    created_at timestamptz not null default now(),
    revoked_at timestamptz
);
create index watchers_miner on watchers (miner_id);

create table watcher_bookmarks (
    user_uid uuid not null references users,
    token text not null,
    created_at timestamptz not null default now(),
    primary key (user_uid, token)
);

-- Miners that went to another operator, by whatever program: minutes keep the operator of their
-- time, so the windows of both operators are summed from those and not from their workers of today.
create table operator_reassignments (
    id int8 generated always as identity primary key,
    miner_id int4 not null references miners on delete cascade,
    from_operator_id int4,
    to_operator_id int4,
    moved_at timestamptz not null default now()
);
create index operator_reassignments_moved on operator_reassignments (moved_at);

create function hashgauge_note_operator_move() returns trigger language plpgsql as $$
begin
    insert into operator_reassignments (miner_id, from_operator_id, to_operator_id)
    values (new.id, old.operator_id, new.operator_id);
    return null;
end
$$;

create trigger miners_operator_reassignments
after update of operator_id on miners
for each row when (old.operator_id is distinct from new.operator_id)
execute function hashgauge_note_operator_move();
