-- A user's row follows the identity that Kratos knows.

-- name: known
-- params: uid, digest of the device
select u.email, u.language,
       exists (
           select from known_devices d where d.user_uid = u.uid and d.digest = $2::bytea
       ) as known_device,
       exists (select from known_devices d where d.user_uid = u.uid) as other_devices
from users u where u.uid = $1::uuid

-- name: lock
select pg_advisory_xact_lock(hashtext('hashgauge:sign-in'))

-- name: now
select now()

-- name: add_user
-- params: uid
insert into users (uid) values ($1::uuid) on conflict (uid) do nothing

-- name: user_of_email
-- params: email
select uid, status from users where email = $1::text for update

-- name: set_email
-- params: uid, email
update users set email = $2::text where uid = $1::uuid

-- name: set_language
-- params: uid, language
update users set language = $2::text where uid = $1::uuid and language <> $2

-- name: add_device
-- params: uid, digest
insert into known_devices (user_uid, digest) values ($1::uuid, $2::bytea)
on conflict do nothing

-- name: move_roles
-- What the other has already goes, here and below.
-- params: from, to
with moved as (delete from roles where user_uid = $1::uuid returning *)
insert into roles (entity_id, user_uid, role, granted_at)
select entity_id, $2::uuid, role, granted_at from moved on conflict do nothing

-- name: move_keys
-- params: from, to
update api_keys set user_uid = $2::uuid where user_uid = $1::uuid

-- name: move_bookmarks
-- params: from, to
with moved as (delete from watcher_bookmarks where user_uid = $1::uuid returning *)
insert into watcher_bookmarks (user_uid, watcher_id, created_at)
select $2::uuid, watcher_id, created_at from moved on conflict do nothing

-- name: move_preferences
-- params: from, to
with moved as (delete from notification_preferences where user_uid = $1::uuid returning *)
insert into notification_preferences (user_uid, channel, kind, enabled)
select $2::uuid, channel, kind, enabled from moved on conflict do nothing

-- name: move_telegram_invites
-- params: from, to
update telegram_invites set user_uid = $2::uuid where user_uid = $1::uuid

-- name: move_telegram_chat
-- params: from, to
with moved as (delete from telegram_chats where user_uid = $1::uuid returning *)
insert into telegram_chats (user_uid, chat_id, chat_user, connected_at)
select $2::uuid, chat_id, chat_user, connected_at from moved on conflict do nothing

-- name: drop_user
-- params: uid
delete from users where uid = $1::uuid

-- name: move_invitations
-- params: from, to
update invitations set user_uid = $2::uuid where user_uid = $1::uuid
