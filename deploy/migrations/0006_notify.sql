-- The publisher: who it is, how far it has numbered, and what waits to be sent.

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

-- A folded message about a source tells each miner how many of its own workers it concerns; a
-- delivery that turned out needless (the worker was back within the delay, the miner is muted) is
-- kept as dropped, so that a list of deliveries explains itself.
alter table webhook_deliveries
    add column workers int4,
    add column sequence int8,
    add column worker_id int4,
    drop constraint webhook_deliveries_status_check,
    add constraint webhook_deliveries_status_check
        check (status in ('pending', 'delivered', 'failed', 'dropped'));
create index webhook_deliveries_pending on webhook_deliveries (webhook_id, sequence)
    where status = 'pending';
create index webhook_deliveries_recent on webhook_deliveries (webhook_id, created_at desc);

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
create index telegram_lines_worker on telegram_lines (worker_id) where worker_id is not null;

-- Where the long poll of the bot's updates stands.
create table telegram_updates (
    only_row boolean primary key default true check (only_row),
    next_update_id int8 not null default 0
);
insert into telegram_updates default values;
