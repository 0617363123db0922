-- Lines for chats: of users who want worker-status-changed by Telegram and have a role on the miner
-- itself. Folding and delay as for webhooks. A line waits for the end of its minute, so that a
-- miner's lines of one minute go out as one message.

-- name: take_alerts
insert into telegram_lines (user_uid, miner_id, event_id, worker_id, due_at)
select distinct
    roles.user_uid, events.miner_id, events.event_id, events.worker_id,
    date_trunc('minute', now() + case
        when events.to_status in ('unavailable', 'off') then miners.alert_delay_s else 0
    end * interval '1 second') + %(fold_s)s::float8 * interval '1 second'
from events
join miners on miners.id = events.miner_id
join roles on roles.entity_id = events.miner_id
join telegram_chats on telegram_chats.user_uid = roles.user_uid
join notification_preferences as wanted on wanted.user_uid = roles.user_uid
    and wanted.channel = 'telegram' and wanted.kind = 'worker-status-changed' and wanted.enabled
where events.sequence > %(after)s::int8 and events.sequence <= %(to)s::int8
    and events.kind in ('worker-status-changed', 'worker-still-silent')
    and events.to_status <> 'stable'
    and events.cause not in ('source_silent', 'source_back')
    and telegram_chats.connected_at <= events.created_at
    and (miners.muted_until is null or miners.muted_until <= now())
on conflict do nothing

-- name: take_returns
-- A return within the delay takes its alert back, and is then not told either; nor is one while its
-- miner is muted, which takes the alert back all the same. First shares are no news to anybody's phone.
with returned as (
    select distinct
        roles.user_uid, events.miner_id, events.event_id, events.worker_id, events.sequence,
        miners.alert_delay_s,
        miners.muted_until is null or miners.muted_until <= now() as wanted
    from events
    join miners on miners.id = events.miner_id
    join roles on roles.entity_id = events.miner_id
    join telegram_chats on telegram_chats.user_uid = roles.user_uid
    join notification_preferences as preferred on preferred.user_uid = roles.user_uid
        and preferred.channel = 'telegram' and preferred.kind = events.kind and preferred.enabled
    where events.sequence > %(after)s::int8 and events.sequence <= %(to)s::int8
        and events.kind = 'worker-status-changed'
        and events.to_status = 'stable'
        and events.cause = 'share'
        and telegram_chats.connected_at <= events.created_at
), taken_back as (
    delete from telegram_lines
    using returned, events
    where telegram_lines.user_uid = returned.user_uid
        and telegram_lines.worker_id = returned.worker_id
        and events.event_id = telegram_lines.event_id
        and events.sequence < returned.sequence
        and events.to_status <> 'stable'
        and returned.alert_delay_s > 0
        and telegram_lines.attempts = 0
        and telegram_lines.due_at > now()
    returning telegram_lines.user_uid, returned.event_id as return_id
)
insert into telegram_lines (user_uid, miner_id, event_id, worker_id, due_at)
select user_uid, miner_id, event_id, worker_id,
    date_trunc('minute', now()) + %(fold_s)s::float8 * interval '1 second'
from returned
where wanted and not exists (
    select from taken_back
    where taken_back.user_uid = returned.user_uid and taken_back.return_id = returned.event_id
)
on conflict do nothing

-- name: take_silent_sources
insert into telegram_lines (user_uid, miner_id, event_id, workers, due_at)
select
    wanting.user_uid, affected.miner_id, affected.event_id, affected.workers,
    date_trunc('minute', now() + miners.alert_delay_s * interval '1 second')
        + %(fold_s)s::float8 * interval '1 second'
from (
    select worker_figures.miner_id, events.event_id, events.created_at, count(*)::int4 as workers
    from events
    join worker_figures on worker_figures.source_id = events.source_id
        and worker_figures.status <> 'removed'
        -- Recently active, as the rule that found the source silent has it.
        and worker_figures.last_share_at > events.at - %(rate_span_s)s::float8 * interval '1 second'
    where events.sequence > %(after)s::int8 and events.sequence <= %(to)s::int8
        and events.kind = 'source-silent'
    group by worker_figures.miner_id, events.event_id, events.created_at
) as affected
join miners on miners.id = affected.miner_id
join (
    select distinct roles.entity_id, roles.user_uid, telegram_chats.connected_at
    from roles
    join telegram_chats on telegram_chats.user_uid = roles.user_uid
    join notification_preferences as wanted on wanted.user_uid = roles.user_uid
        and wanted.channel = 'telegram' and wanted.kind = 'worker-status-changed'
        and wanted.enabled
) as wanting on wanting.entity_id = affected.miner_id
    and wanting.connected_at <= affected.created_at
where miners.muted_until is null or miners.muted_until <= now()
on conflict do nothing

-- name: take_returned_sources
-- To whom it concerns: the miners with workers that the source took along and gave back.
with told as (
    select distinct
        returned.event_id, returned.workers, last_silent.event_id as silent_id,
        roles.user_uid, affected.miner_id, miners.alert_delay_s,
        miners.muted_until is null or miners.muted_until <= now() as wanted
    from events as returned
    cross join lateral (
        select silent.event_id, silent.at from events as silent
        where silent.source_id = returned.source_id and silent.kind = 'source-silent'
            and silent.sequence < returned.sequence
        order by silent.sequence desc
        limit 1
    ) as last_silent
    join worker_figures as affected on affected.source_id = returned.source_id
        and affected.status <> 'removed'
        and affected.last_share_at
            > last_silent.at - %(rate_span_s)s::float8 * interval '1 second'
    join miners on miners.id = affected.miner_id
    join roles on roles.entity_id = affected.miner_id
    join telegram_chats on telegram_chats.user_uid = roles.user_uid
    join notification_preferences as preferred on preferred.user_uid = roles.user_uid
        and preferred.channel = 'telegram' and preferred.kind = 'worker-status-changed'
        and preferred.enabled
    where returned.sequence > %(after)s::int8 and returned.sequence <= %(to)s::int8
        and returned.kind = 'source-back'
), taken_back as (
    delete from telegram_lines using told
    where telegram_lines.user_uid = told.user_uid
        and telegram_lines.miner_id = told.miner_id
        and telegram_lines.event_id = told.silent_id
        and told.alert_delay_s > 0
        and telegram_lines.attempts = 0
        and telegram_lines.due_at > now()
    returning telegram_lines.user_uid, telegram_lines.miner_id, told.event_id
)
insert into telegram_lines (user_uid, miner_id, event_id, due_at)
select user_uid, miner_id, event_id,
    date_trunc('minute', now()) + %(fold_s)s::float8 * interval '1 second'
from told
where wanted and not exists (
    select from taken_back
    where taken_back.user_uid = told.user_uid and taken_back.miner_id = told.miner_id
        and taken_back.event_id = told.event_id
)
on conflict do nothing

-- name: due
-- Everything due, one row a line, in the order of events within each message.
select
    telegram_lines.id as line_id, telegram_lines.user_uid, telegram_lines.attempts,
    telegram_lines.miner_id as chat_miner_id, telegram_lines.workers as own_workers,
    telegram_chats.chat_id,
    coalesce(miners.title, miners.account_name) as miner_title, event_details.*
from telegram_lines
join telegram_chats using (user_uid)
join miners on miners.id = telegram_lines.miner_id
join event_details on event_details.event_id = telegram_lines.event_id
where telegram_lines.due_at <= now()
order by telegram_chats.chat_id, telegram_lines.miner_id, event_details.sequence
limit %(limit)s::int4

-- name: sent
delete from telegram_lines where id = any(%(line_ids)s::int8[])

-- name: retry_later
update telegram_lines
set attempts = attempts + 1, due_at = now() + %(delay_s)s::float8 * interval '1 second'
where id = any(%(line_ids)s::int8[])

-- name: drop_old
-- What nobody wants to know any more, and lines for chats that are not there.
delete from telegram_lines
where created_at < now() - %(give_up_s)s::float8 * interval '1 second'
    or not exists (
        select from telegram_chats where telegram_chats.user_uid = telegram_lines.user_uid
    )

-- name: disconnect_chat
-- The user has blocked the bot, left, or asked for it.
delete from telegram_chats where chat_id = %(chat_id)s::int8

-- name: next_update
select next_update_id from telegram_updates

-- name: save_update
update telegram_updates set next_update_id = %(next_update_id)s::int8

-- name: activate_invite
-- Each code works once, and until it runs out.
update telegram_invites
set activated_at = now()
where code = %(code)s and activated_at is null and valid_until > now()
returning user_uid

-- name: drop_other_users_of_chat
-- A chat belongs to the user who connected it last.
delete from telegram_chats where chat_id = %(chat_id)s::int8 and user_uid <> %(user_uid)s::uuid

-- name: connect_chat
insert into telegram_chats (user_uid, chat_id, chat_user)
values (%(user_uid)s, %(chat_id)s, %(chat_user)s)
on conflict (user_uid) do update
set chat_id = excluded.chat_id, chat_user = excluded.chat_user, connected_at = now()
