-- Who may see what, and where messages go. Users are identities of Ory Kratos.

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

create table notification_preferences (
    user_uid uuid not null references users,
    channel text not null check (channel in ('email', 'telegram')),
    kind text not null,
    enabled boolean not null,
    primary key (user_uid, channel, kind)
);

create table telegram_invites (
    code text primary key,
    user_uid uuid not null references users,
    created_at timestamptz not null default now(),
    valid_until timestamptz not null,
    activated_at timestamptz
);
create index telegram_invites_user on telegram_invites (user_uid);

create table telegram_chats (
    user_uid uuid primary key references users,
    chat_id int8 not null unique,
    chat_user jsonb not null,
    connected_at timestamptz not null default now()
);

create table webhooks (
    id uuid primary key default gen_random_uuid(),
    miner_id int4 not null references miners,
    url text not null,
    secret text not null,
    previous_secret text,
    previous_secret_until timestamptz,
    enabled boolean not null default true,
    created_at timestamptz not null default now()
);
create index webhooks_miner on webhooks (miner_id);

-- One event on its way to one webhook.
create table webhook_deliveries (
    id uuid primary key default gen_random_uuid(),
    webhook_id uuid not null references webhooks on delete cascade,
    event_id uuid not null references events (event_id),
    status text not null default 'pending' check (status in ('pending', 'delivered', 'failed')),
    attempts int4 not null default 0,
    next_attempt_at timestamptz not null default now(),
    last_error text,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    unique (webhook_id, event_id)
);
create index webhook_deliveries_due on webhook_deliveries (next_attempt_at) where status = 'pending';

-- How far each channel has come in the outbox.
create table publisher_cursors (
    channel text primary key,
    sequence int8 not null default 0
);
