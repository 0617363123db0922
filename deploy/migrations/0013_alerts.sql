-- Alerts once for every channel, and what webhooks and chats need to wait for themselves alone.

-- What is to be said about a miner's workers: `aggregator/notify/alerts/rule.py` decides it event by
-- event. A waiting alert is sent when it is due, to everybody in `alert_recipients`.
create table alerts (
    event_id uuid not null references events (event_id) on delete cascade,
    miner_id int4 not null references miners on delete cascade,
    sequence int8 not null,
    -- The worker, or the stratum server, that it is about.
    worker_id int4,
    source_id int4,
    -- How many of the miner's own workers a silent source concerns.
    workers int4,
    is_return boolean not null,
    due_at timestamptz not null,
    status text not null check (status in ('waiting', 'sent', 'cancelled', 'muted')),
    finished_at timestamptz,
    primary key (event_id, miner_id)
);
create index alerts_due on alerts (due_at) where status = 'waiting';
create index alerts_worker on alerts (worker_id, sequence) where worker_id is not null;
create index alerts_finished on alerts (finished_at) where status <> 'waiting';
create index alerts_miner on alerts (miner_id);

-- Lines of messages to people; those of one miner that are due together become one message: a minute
-- of Telegram, a digest by e-mail.
create table alert_lines (
    id int8 generated always as identity primary key,
    channel text not null check (channel in ('telegram', 'email')),
    user_uid uuid not null references users on delete cascade,
    miner_id int4 not null references miners on delete cascade,
    event_id uuid not null references events (event_id),
    workers int4,
    due_at timestamptz not null,
    attempts int4 not null default 0,
    created_at timestamptz not null default now(),
    unique (channel, user_uid, event_id, miner_id)
);
create index alert_lines_due on alert_lines (channel, due_at);
create index alert_lines_event on alert_lines (event_id);
create index alert_lines_user on alert_lines (user_uid);
create index alert_lines_miner on alert_lines (miner_id);

insert into alert_lines (channel, user_uid, miner_id, event_id, workers, due_at, attempts, created_at)
select 'telegram', user_uid, miner_id, event_id, workers, due_at, attempts, created_at
from telegram_lines order by id;
drop table telegram_lines;

-- Webhooks and Telegram had a cursor each. What one of them had taken already is known by its rows.
insert into publisher_cursors (channel, sequence)
select 'alerts', min(sequence) from publisher_cursors where channel in ('webhooks', 'telegram')
having count(*) > 0;
delete from publisher_cursors where channel in ('webhooks', 'telegram');

-- Who hears of a miner's workers, and since when. People: with a role on the miner itself, who have
-- switched it on. First shares are no news to them.
create view alert_recipients as
select
    webhooks.miner_id, 'webhook' as channel, webhooks.id as webhook_id, null::uuid as user_uid,
    webhooks.created_at as since
from webhooks
where webhooks.enabled
union all
select distinct
    roles.entity_id, preferences.channel, null::uuid, roles.user_uid,
    case preferences.channel
        when 'telegram' then telegram_chats.connected_at else '-infinity'::timestamptz
    end
from roles
join users on users.uid = roles.user_uid and users.status = 'active'
join notification_preferences as preferences on preferences.user_uid = roles.user_uid
    and preferences.kind = 'worker-status-changed' and preferences.enabled
left join telegram_chats on telegram_chats.user_uid = roles.user_uid
where case preferences.channel
    when 'telegram' then telegram_chats.chat_id is not null else users.email is not null
end;

-- Since when a receiver fails without a break, and when it was tried last: messages that wait behind
-- the failing one are given up by how long it was really tried, not by how long we were away.
alter table webhooks
    add column failing_since timestamptz,
    add column failed_at timestamptz;

-- Telegram asked to wait with this chat.
alter table telegram_chats add column held_until timestamptz;

-- Why the bot can no longer write to a chat; shown to its user until another chat is connected.
create table telegram_disconnections (
    user_uid uuid primary key references users on delete cascade,
    reason text not null,
    disconnected_at timestamptz not null default now()
);

-- The bot as it introduced itself (getMe); null until a notifier with a token ran.
alter table telegram_updates
    add column username text,
    add column first_name text;
