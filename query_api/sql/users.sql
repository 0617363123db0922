-- Users, what they may see, and what they chose.

-- name: user_of_email
-- The user with this address, pending if there is none yet.
-- params: email
insert into users (email, status) values ($1::text, 'pending')
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

-- name: named_entities
-- What a limited key is limited to, and where it hangs.
-- params: entity_ids
select 'pool' as type, id, uid, null::text as account_name, id as pool_id, null::int4 as operator_id,
       null::int4 as miner_id
from pools where id = any ($1::int4[])
union all
select 'operator', id, uid, null, pool_id, id, null from operators where id = any ($1)
union all
select 'miner', id, uid, account_name, pool_id, operator_id, id from miners where id = any ($1)
order by 1, 4, 3

-- name: all_pools
-- What an internal key opens.
select 'pool' as type, uid, null::text as account_name, array['owner'] as roles
from pools order by uid

-- name: watched_miner
-- What a watcher link opens.
-- params: miner_id
select 'miner' as type, uid, account_name, array['viewer'] as roles
from miners where id = $1::int4

-- name: roles_of_address
-- params: entity_id, email
select array_agg(r.role order by r.role) from roles r join users u on u.uid = r.user_uid
where r.entity_id = $1::int4 and u.email = $2::text

-- name: uid_of_address
-- params: email
select uid from users where email = $1::text

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
select w.digest, w.token, b.created_at, w.title, w.extra_permissions,
       w.revoked_at is null as active, m.uid, m.account_name, m.title as miner_title
from watcher_bookmarks b
join watchers w on w.id = b.watcher_id
join miners m on m.id = w.miner_id
where b.user_uid = $1::uuid
order by b.created_at, w.id

-- name: add_bookmark
-- Nothing where the token opens nothing.
-- params: user_uid, digest
insert into watcher_bookmarks (user_uid, watcher_id)
select $1::uuid, id from watchers where digest = $2::bytea and revoked_at is null
on conflict (user_uid, watcher_id) do update set watcher_id = excluded.watcher_id
returning watcher_id

-- name: drop_bookmark
-- params: user_uid, digest
delete from watcher_bookmarks b using watchers w
where b.user_uid = $1::uuid and w.id = b.watcher_id and w.digest = $2::bytea
returning w.id

-- name: preferences
-- params: user_uid
select channel, kind, enabled from notification_preferences where user_uid = $1::uuid

-- name: set_preference
-- params: user_uid, channel, kind, enabled
insert into notification_preferences (user_uid, channel, kind, enabled)
values ($1::uuid, $2::text, $3::text, $4::boolean)
on conflict (user_uid, channel, kind) do update set enabled = excluded.enabled

-- name: create_invite
-- Those that ran out a month ago go with it.
-- params: digest, code, user_uid, valid
with old as (
    delete from telegram_invites where valid_until < now() - interval '30 days'
)
insert into telegram_invites (digest, code, user_uid, valid_until)
values ($1::bytea, $2::text, $3::uuid, now() + $4::interval)
returning code, valid_until, created_at, activated_at

-- name: newest_invite
-- params: user_uid
select code, valid_until, created_at, activated_at from telegram_invites
where user_uid = $1::uuid order by created_at desc limit 1

-- name: chat
-- params: user_uid
select chat_id, chat_user from telegram_chats where user_uid = $1::uuid

-- name: telegram_bot
select username, first_name from telegram_updates where username is not null

-- name: disconnection
-- params: user_uid
select reason, disconnected_at from telegram_disconnections where user_uid = $1::uuid

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

-- name: count_watchers
-- In force.
-- params: miner_id
select count(*) from watchers where miner_id = $1::int4 and revoked_at is null

-- name: create_watcher
-- params: miner_id, digest, token, title (null: made up), extra_permissions
insert into watchers (miner_id, digest, token, title, extra_permissions)
select id, $2::bytea, $3::text, coalesce($4::text, 'Watcher for ' || coalesce(title, account_name)),
       $5::text[]
from miners where id = $1::int4
returning id, token, title, created_at, extra_permissions

-- name: revoke_watcher
-- params: miner_id, watcher_id
update watchers set revoked_at = now()
where miner_id = $1::int4 and id = $2::uuid and revoked_at is null
returning id

-- name: watcher_permissions
-- params: digest
select m.uid, m.account_name, w.extra_permissions
from watchers w join miners m on m.id = w.miner_id
where w.digest = $1::bytea and w.revoked_at is null
