-- Users of a pool: who has a role on it or below it, and who stands for an address invited there.

-- name: page
-- params: pool_id, active, limit, offset
with ids as (
    select r.user_uid from roles r join entities e on e.entity_id = r.entity_id
    where e.pool_id = $1::int4
    union
    select i.user_uid from invitations i join entities e on e.entity_id = i.entity_id
    join users u on u.uid = i.user_uid
    where e.pool_id = $1 and u.status = 'pending' and u.email is null
      and i.accepted_at is null and i.withdrawn_at is null
), matching as (
    select u.uid, u.status, u.registered_at from users u
    where u.uid in (select user_uid from ids) and (u.status = 'active') = $2::boolean
), page as (
    select * from matching order by registered_at, uid limit $3::int4 offset $4::int4
)
select (select count(*) from matching) as total_count, page.*
from (values (1)) as one left join page on true
order by page.registered_at, page.uid

-- name: in_pool
-- A user as seen from a pool: roles there (empty: only invited), and the pools of all its roles.
-- params: user_uid, pool_id
select u.uid, u.status, u.language, u.registered_at,
       coalesce(array_agg(r.role) filter (where r.entity_id = $2::int4), '{}') as pool_roles,
       coalesce(array_agg(distinct e.pool_id) filter (where e.pool_id is not null), '{}') as pools
from users u
left join roles r on r.user_uid = u.uid
left join entities e on e.entity_id = r.entity_id
where u.uid = $1::uuid
group by u.uid
having bool_or(e.pool_id = $2) or exists (
    select from invitations i join entities n on n.entity_id = i.entity_id
    where i.user_uid = u.uid and n.pool_id = $2 and u.status = 'pending' and u.email is null
)

-- name: permissions
-- A user's roles in a pool.
-- params: user_uid, pool_id
select e.kind as type, e.uid, e.account_name, array_agg(r.role order by r.role) as roles
from roles r join entities e on e.entity_id = r.entity_id
where r.user_uid = $1::uuid and e.pool_id = $2::int4
group by e.kind, e.uid, e.account_name
order by 1, 3, 2

-- name: lock_user
-- params: uid
select uid, status, email from users where uid = $1::uuid for update

-- name: only_owner_of
-- What would be left without an owner. Locks the owners, so that none of them goes meanwhile.
-- params: uid
with owners as (
    select entity_id, user_uid from roles
    where role = 'owner'
      and entity_id in (select entity_id from roles where user_uid = $1::uuid and role = 'owner')
    for update
)
select coalesce(e.account_name, e.title) as title, e.kind
from owners o join entities e on e.entity_id = o.entity_id
group by o.entity_id, e.account_name, e.title, e.kind
having count(*) = 1
order by 1

-- name: delete_belongings_of_user
-- Everything that refers to the user; what it did (invitations sent, requests) keeps a bare id.
-- params: uid
with gone_roles as (delete from roles where user_uid = $1::uuid),
     gone_keys as (delete from api_keys where user_uid = $1),
     gone_bookmarks as (delete from watcher_bookmarks where user_uid = $1),
     gone_preferences as (delete from notification_preferences where user_uid = $1),
     gone_invites as (delete from telegram_invites where user_uid = $1),
     gone_chats as (delete from telegram_chats where user_uid = $1),
     gone_invitations as (delete from invitations where user_uid = $1)
update deletion_requests set completed_at = now()
where kind = 'user' and subject_uid = $1 and completed_at is null

-- name: delete_user
-- params: uid
delete from users where uid = $1::uuid

-- name: set_status
-- params: uid, status
update users set status = $2::text where uid = $1::uuid

-- name: set_language
-- params: uid, language
update users set language = $2::text where uid = $1::uuid

-- name: request_deletion
-- The request that stands already, or a new one.
-- params: kind, subject_uid, created_by
insert into deletion_requests (kind, subject_uid, created_by)
values ($1::text, $2::uuid, $3::uuid)
on conflict (kind, subject_uid) where completed_at is null do update set kind = excluded.kind
returning id, subject_uid, created_at, created_by, (xmax = 0) as is_new

-- name: deletion_request
-- params: kind, subject_uid
select subject_uid, created_at, created_by from deletion_requests
where kind = $1::text and subject_uid = $2::uuid and completed_at is null

-- name: deletion_requests_page
-- Of a pool's users and miners, the oldest first.
-- params: pool_id, limit, offset
with matching as (
    select d.kind, d.subject_uid, d.created_at, d.created_by, m.account_name
    from deletion_requests d
    left join miners m on d.kind = 'miner' and m.uid = d.subject_uid
    where d.completed_at is null and (
        m.pool_id = $1::int4
        or d.kind = 'user' and exists (
            select from roles r join entities e on e.entity_id = r.entity_id
            where r.user_uid = d.subject_uid and e.pool_id = $1
        )
    )
), page as (
    select * from matching order by created_at, subject_uid limit $2::int4 offset $3::int4
)
select (select count(*) from matching) as total_count, page.*
from (values (1)) as one left join page on true
order by page.created_at, page.subject_uid

-- name: keys
-- params: user_uid
select k.id, k.title, k.role, k.created_at, k.entity_ids,
       (select coalesce(jsonb_agg(jsonb_build_object('type', e.kind, 'id', e.uid) order by e.kind, e.uid), '[]')
        from entities e where e.entity_id = any (k.entity_ids)) as entities
from api_keys k where k.user_uid = $1::uuid and k.revoked_at is null
order by k.created_at, k.id

-- name: count_keys
-- In force.
-- params: user_uid
select count(*) from api_keys where user_uid = $1::uuid and revoked_at is null

-- name: create_key
-- params: id, digest, user_uid, title, role, entity_ids
insert into api_keys (id, digest, user_uid, title, role, entity_ids)
values ($1::uuid, $2::bytea, $3::uuid, $4::text, $5::text, $6::int4[])

-- name: revoke_key
-- params: id, user_uid
update api_keys set revoked_at = now()
where id = $1::uuid and user_uid = $2::uuid and revoked_at is null returning id
