-- What is sent to people and programs, and how far each channel has come in the outbox.

-- At most one process holds the lease; every write of the publisher checks the epoch. sequence is
-- the number of the newest numbered event, in the row that is locked anyway.
create table publisher (
    only_row boolean primary key default true check (only_row),
    epoch int8 not null default 0,
    holder text,
    renewed_at timestamptz not null default '-infinity',
    sequence int8 not null default 0
);
insert into publisher default values;

-- An event with the names that messages show.
create view event_details as
select
    events.sequence,
    events.event_id,
    events.kind,
    events.at,
    events.cause,
    events.miner_id,
    events.worker_id,
    events.source_id,
    events.transition_number,
    events.from_status,
    events.to_status,
    events.workers,
    workers.uid as worker_uid,
    workers.name as worker_name,
    miners.uid as miner_uid,
    miners.account_name,
    sources.name as source
from events
left join workers on workers.id = events.worker_id
left join miners on miners.id = events.miner_id
left join sources on sources.id = events.source_id;

-- How far each channel has come in the outbox.
create table publisher_cursors (
    channel text primary key,
    sequence int8 not null default 0
);

create table notification_preferences (
    user_uid uuid not null references users,
    channel text not null check (channel in ('email', 'telegram')),
    kind text not null,
    enabled boolean not null,
    primary key (user_uid, channel, kind)
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

-- One event on its way to one webhook. A folded message about a source says how many of the miner's
-- own workers it concerns; a delivery that turned out needless (the worker was back within the delay,
-- the miner is muted) is kept as dropped, so that a list of deliveries explains itself.
create table webhook_deliveries (
    id uuid primary key default gen_random_uuid(),
    webhook_id uuid not null references webhooks on delete cascade,
    event_id uuid not null references events (event_id),
    status text not null default 'pending' check (status in ('pending', 'delivered', 'failed', 'dropped')),
    attempts int4 not null default 0,
    next_attempt_at timestamptz not null default now(),
    last_error text,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    workers int4,
    sequence int8,
    worker_id int4,
    unique (webhook_id, event_id)
);
create index webhook_deliveries_due on webhook_deliveries (next_attempt_at) where status = 'pending';
create index webhook_deliveries_pending on webhook_deliveries (webhook_id, sequence)
    where status = 'pending';
create index webhook_deliveries_recent on webhook_deliveries (webhook_id, created_at desc);
-- Retention of events asks of each whether a message about it still waits, and so do the foreign keys.
create index webhook_deliveries_event on webhook_deliveries (event_id);

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

-- Lines of messages for a chat; those of one miner that are due together become one message.
create table telegram_lines (
    id int8 generated always as identity primary key,
    user_uid uuid not null references users on delete cascade,
    miner_id int4 not null references miners,
    event_id uuid not null references events (event_id),
    worker_id int4,
    workers int4,
    due_at timestamptz not null,
    attempts int4 not null default 0,
    created_at timestamptz not null default now(),
    unique (user_uid, event_id, miner_id)
);
create index telegram_lines_due on telegram_lines (due_at);
create index telegram_lines_event on telegram_lines (event_id);
create index telegram_lines_worker on telegram_lines (worker_id) where worker_id is not null;

-- Where the long poll of the bot's updates stands.
create table telegram_updates (
    only_row boolean primary key default true check (only_row),
    next_update_id int8 not null default 0
);
insert into telegram_updates default values;
