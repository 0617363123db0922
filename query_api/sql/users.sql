-- Users, what they may see, and what they chose.

-- name: invited_user
-- Somebody who was invited by this address and has not come yet.
-- params: email
select uid from users where email = $1::text and status = 'invited' for update

-- name: release_email
-- params: uid
update users set email = null where uid = $1::uuid

-- name: add_user
-- Or the address of one who is there without any. An address that another user has stays with that
-- one.
-- params: uid, email
insert into users (uid, email)
select $1::uuid, case when exists (select from users where email = $2::text) then null else $2 end
on conflict (uid) do update set email = coalesce(users.email, excluded.email)

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
insert into watcher_bookmarks (user_uid, token, created_at)
select $2::uuid, token, created_at from moved on conflict do nothing

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

-- name: user_of_email
-- The user with this address, invited if there is none yet.
-- params: email
insert into users (email, status) values ($1::text, 'invited')
on conflict (email) do update set email = excluded.email
returning uid, email, status

-- name: user
-- params: uid
select uid, status, language from users where uid = $1::uuid

-- name: permissions
-- Where a user has roles.
-- params: user_uid
select 'pool' as type, e.uid, null::text as account_name, array_agg(r.role order by r.role) as roles
from roles r join pools e on e.id = r.entity_id where r.user_uid = $1::uuid group by e.uid
union all
select 'operator', e.uid, null, array_agg(r.role order by r.role)
from roles r join operators e on e.id = r.entity_id where r.user_uid = $1 group by e.uid
union all
select 'miner', e.uid, e.account_name, array_agg(r.role order by r.role)
from roles r join miners e on e.id = r.entity_id where r.user_uid = $1
group by e.uid, e.account_name
order by 1, 3, 2

-- name: all_pools
-- What an internal key opens.
select 'pool' as type, uid, null::text as account_name, array['owner'] as roles
from pools order by uid

-- name: watched_miner
-- What a watcher link opens.
-- params: miner_id
select 'miner' as type, uid, account_name, array['viewer'] as roles
from miners where id = $1::int4

-- name: roles_on
-- params: entity_id, user_uid
select array_agg(role order by role) from roles
where entity_id = $1::int4 and user_uid = $2::uuid

-- name: find_user_by_email
-- params: email
select uid, email, status from users where email = $1::text

-- name: lock_roles
-- One change of an entity's roles at a time, so that an owner always stays.
-- params: entity_id
select role, user_uid from roles where entity_id = $1::int4 for update

-- name: clear_roles
-- params: entity_id, user_uid
delete from roles where entity_id = $1::int4 and user_uid = $2::uuid

-- name: grant_roles
-- params: entity_id, user_uid, roles
insert into roles (entity_id, user_uid, role)
select $1::int4, $2::uuid, unnest($3::text[])
on conflict do nothing

-- name: bookmarks
-- params: user_uid
select b.token, b.created_at, w.title, m.uid as miner_uid, m.account_name, m.title as miner_title
from watcher_bookmarks b
join watchers w on w.token = b.token and w.revoked_at is null
join miners m on m.id = w.miner_id
where b.user_uid = $1::uuid
order by b.created_at, b.token

-- name: add_bookmark
-- Nothing where the token opens nothing.
-- params: user_uid, token
insert into watcher_bookmarks (user_uid, token)
select $1::uuid, token from watchers where token = $2::text and revoked_at is null
on conflict (user_uid, token) do update set token = excluded.token
returning token

-- name: drop_bookmark
-- params: user_uid, token
delete from watcher_bookmarks where user_uid = $1::uuid and token = $2::text returning token

-- name: preferences
-- params: user_uid
select channel, kind, enabled from notification_preferences where user_uid = $1::uuid

-- name: set_preference
-- params: user_uid, channel, kind, enabled
insert into notification_preferences (user_uid, channel, kind, enabled)
values ($1::uuid, $2::text, $3::text, $4::boolean)
on conflict (user_uid, channel, kind) do update set enabled = excluded.enabled

-- name: create_invite
-- params: code, user_uid, valid
insert into telegram_invites (code, user_uid, valid_until)
values ($1::text, $2::uuid, now() + $3::interval)
returning code, valid_until, created_at, activated_at

-- name: newest_invite
-- params: user_uid
select code, valid_until, created_at, activated_at from telegram_invites
where user_uid = $1::uuid order by created_at desc limit 1

-- name: chat
-- params: user_uid
select chat_id, chat_user from telegram_chats where user_uid = $1::uuid

-- name: drop_chat
-- params: user_uid
delete from telegram_chats where user_uid = $1::uuid returning chat_id

-- name: watchers_page
-- params: miner_id, limit, offset
with matching as (
    select id, token, title, created_at, extra_permissions from watchers
    where miner_id = $1::int4 and revoked_at is null
), page as (
    select row_number() over (order by created_at desc, id) as position, * from matching
    order by created_at desc, id limit $2::int4 offset $3::int4
)
select (select count(*) from matching) as total_count, page.*
from (values (1)) as one
left join page on true
order by page.position

-- name: create_watcher
-- params: miner_id, token, title (null: made up), extra_permissions
insert into watchers (miner_id, token, title, extra_permissions)
select $1::int4, $2::text,
       coalesce($3::text,
                'Watcher ' || (select count(*) + 1 from watchers where miner_id = $1)::text),
       $4::text[]
returning id, token, title, created_at, extra_permissions

-- name: revoke_watcher
-- params: miner_id, watcher_id
update watchers set revoked_at = now()
where miner_id = $1::int4 and id = $2::uuid and revoked_at is null
returning id

-- name: watcher_permissions
-- params: token
select m.uid, m.account_name, w.extra_permissions
from watchers w join miners m on m.id = w.miner_id
where w.token = $1::text and w.revoked_at is null
