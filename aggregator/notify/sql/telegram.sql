-- Telegram: lines on their way to chats, and what users write to the bot.

-- name: due
-- Everything due, one row a line, in the order of events within each message.
-- params: limit
select
    alert_lines.id as line_id, alert_lines.user_uid as line_user_uid,
    alert_lines.miner_id as line_miner_id,
    alert_lines.workers as own_workers, telegram_chats.chat_id,
    coalesce(miners.title, miners.account_name) as miner_title, event_details.*
from alert_lines
join telegram_chats on telegram_chats.user_uid = alert_lines.user_uid
    and coalesce(telegram_chats.held_until <= now(), true)
join miners on miners.id = alert_lines.miner_id
join event_details on event_details.event_id = alert_lines.event_id
where alert_lines.channel = 'telegram' and alert_lines.due_at <= now()
order by telegram_chats.chat_id, alert_lines.miner_id, event_details.sequence
limit %(limit)s::int4

-- name: sent
delete from alert_lines where id = any(%(line_ids)s::int8[])

-- name: retry_later
update alert_lines
set attempts = attempts + 1, due_at = now() + %(delay_s)s::float8 * interval '1 second'
where id = any(%(line_ids)s::int8[])

-- name: drop_old
-- What nobody wants to know any more, and lines for chats that are not there. What was never tried
-- stays: after an outage of ours of a day it is late by no fault of the chat.
delete from alert_lines
where channel = 'telegram' and (
    attempts > 0 and created_at < now() - %(give_up_s)s::float8 * interval '1 second'
    or not exists (
        select from telegram_chats where telegram_chats.user_uid = alert_lines.user_uid
    )
)

-- name: hold_chat
update telegram_chats set held_until = now() + %(delay_s)s::float8 * interval '1 second'
where chat_id = %(chat_id)s::int8

-- name: move_chat
-- A chat belongs to the user who connected it last: the mover. Counting what was deleted has it
-- deleted first; otherwise the key would be found twice.
with replaced as (
    delete from telegram_chats
    where chat_id = %(new_chat_id)s::int8
        and exists (select from telegram_chats where chat_id = %(chat_id)s::int8)
    returning chat_id
)
update telegram_chats set chat_id = %(new_chat_id)s::int8, held_until = null
where chat_id = %(chat_id)s::int8 and (select count(*) from replaced) <= 1

-- name: disconnect_chat
-- The user has asked for it.
delete from telegram_chats where chat_id = %(chat_id)s::int8

-- name: disconnect_refused_chat
-- The user has blocked the bot or removed it from the group; its user can read why.
with gone as (
    delete from telegram_chats where chat_id = %(chat_id)s::int8 returning user_uid
)
insert into telegram_disconnections (user_uid, reason)
select user_uid, %(reason)s from gone
on conflict (user_uid) do update set reason = excluded.reason, disconnected_at = now()

-- name: next_update
select next_update_id from telegram_updates

-- name: save_update
update telegram_updates set next_update_id = %(next_update_id)s::int8

-- name: save_bot
-- What the bot is called, for those who invite users to it.
update telegram_updates set username = %(username)s, first_name = %(first_name)s

-- name: activate_invite
-- Each code works once, and until it runs out.
update telegram_invites
set activated_at = now()
where digest = %(digest)s and activated_at is null and valid_until > now()
returning user_uid

-- name: drop_other_users_of_chat
-- A chat belongs to the user who connected it last.
delete from telegram_chats where chat_id = %(chat_id)s::int8 and user_uid <> %(user_uid)s::uuid

-- name: connect_chat
insert into telegram_chats (user_uid, chat_id, chat_user)
values (%(user_uid)s, %(chat_id)s, %(chat_user)s)
on conflict (user_uid) do update
set chat_id = excluded.chat_id, chat_user = excluded.chat_user, connected_at = now(),
    held_until = null

-- name: forget_disconnection
delete from telegram_disconnections where user_uid = %(user_uid)s::uuid
