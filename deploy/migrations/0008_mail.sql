-- Mail, and events beside workers' statuses: payments, wallets, deletion requests, log-ins.

-- Any room publishes an event in the transaction that makes it true:
--
--     insert into events (event_id, kind, at, entity_id, fields)
--     values (uuid of the payment, 'payment.payout', now(), miner, '{"amount": "0.1", ...}')
--     on conflict (event_id) do nothing
--
-- entity_id is the pool, operator or miner that it concerns; user_uid (instead) the user. Kinds and
-- their fields: `schemas/messages/notifications.py`. An event id that is derived from what happened makes a
-- repeat of the transaction harmless.
alter table events
    alter column cause drop not null,
    add column entity_id int4,
    add column user_uid uuid references users on delete cascade,
    add column fields jsonb;

alter table events add constraint events_of_workers_or_with_fields check (
    case when kind like '%.%'
        then fields is not null and (entity_id is null) <> (user_uid is null)
        else fields is null and entity_id is null and user_uid is null and cause is not null
    end
);

create index events_entity on events (entity_id, at desc) where entity_id is not null;
create index events_user on events (user_uid) where user_uid is not null;

create or replace view event_details as
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
    sources.name as source,
    events.entity_id,
    events.user_uid,
    events.fields
from events
left join workers on workers.id = events.worker_id
left join miners on miners.id = coalesce(events.miner_id, events.entity_id)
left join sources on sources.id = events.source_id;

-- Mail on its way. Any room sends one by an insert of kind, to_address, language and fields, in the
-- transaction that gives the reason for it; the notifier makes the message out of its catalogue,
-- retries for a day and lists what it gave up. Kinds and their fields: `schemas/messages/notifications.py`.
-- Fields may hold what only the addressee may know (the code of an invitation): they are emptied
-- when the mail was sent.
create table outgoing_mails (
    id int8 generated always as identity primary key,
    kind text not null,
    to_address text not null,
    language text not null default 'en',
    fields jsonb not null default '{}',
    -- Of what the notifier sends for an event, and to whom; null for a mail of another room.
    event_id uuid references events (event_id) on delete cascade,
    user_uid uuid references users on delete cascade,
    -- Names the message for the receiver's server, the same at each attempt.
    message_id uuid not null unique default gen_random_uuid(),
    status text not null default 'pending' check (status in ('pending', 'sent', 'failed')),
    attempts int4 not null default 0,
    first_attempt_at timestamptz,
    next_attempt_at timestamptz not null default now(),
    last_error text,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    unique (event_id, user_uid)
);
create index outgoing_mails_pending on outgoing_mails (to_address, id) where status = 'pending';
create index outgoing_mails_finished on outgoing_mails (finished_at) where status <> 'pending';
create index outgoing_mails_user on outgoing_mails (user_uid) where user_uid is not null;
