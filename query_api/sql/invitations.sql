-- Roles that wait for the person with an address.

-- name: member_of_pool
-- The user with this address, if it has a role somewhere in the pool.
-- params: email, pool_id
select u.uid from users u
where u.email = $1::text and exists (
    select from roles r join entities e on e.entity_id = r.entity_id
    where r.user_uid = u.uid and e.pool_id = $2::int4
)

-- name: invitee
-- Who stands for the address in this pool already.
-- params: email, pool_id
select i.user_uid from invitations i join entities e on e.entity_id = i.entity_id
where i.email = $1::text and e.pool_id = $2::int4
  and i.accepted_at is null and i.withdrawn_at is null
limit 1

-- name: add_invitee
insert into users (status) values ('pending') returning uid

-- name: sent_lately
-- Mails that somebody had sent to others within the last day.
-- params: invited_by
select count(*) from invitations
where invited_by = $1::uuid and sent_at > now() - interval '1 day'

-- name: withdraw
-- params: entity_id, email
update invitations set withdrawn_at = now()
where entity_id = $1::int4 and email = $2::text and accepted_at is null and withdrawn_at is null
returning user_uid, roles

-- name: add
-- params: id, digest, email, user_uid, entity_id, roles, invited_by, valid
insert into invitations (id, digest, email, user_uid, entity_id, roles, invited_by, valid_until)
values ($1::uuid, $2::bytea, $3::text, $4::uuid, $5::int4, $6::text[], $7::uuid, now() + $8::interval)
returning *

-- name: set_roles
-- Whoever is to be owner stays so.
-- params: entity_id, email, roles
update invitations
set roles = case when 'owner' = any (roles) then array['owner'] else '{}' end || $3::text[]
where entity_id = $1::int4 and email = $2::text and accepted_at is null and withdrawn_at is null
returning id

-- name: open_of_user
-- What waits for a user in a pool, expired or not, the newest last.
-- params: user_uid, pool_id
select i.* from invitations i join entities e on e.entity_id = i.entity_id
where i.user_uid = $1::uuid and e.pool_id = $2::int4
  and i.accepted_at is null and i.withdrawn_at is null
order by i.created_at, i.id
for update of i

-- name: renew
-- params: old id, id, digest, valid, invited_by
update invitations
set id = $2::uuid, digest = $3::bytea, sent_at = now(), valid_until = now() + $4::interval,
    invited_by = coalesce($5::uuid, invited_by)
where id = $1::uuid
returning *

-- name: to_accept
-- With a code: that one. Without: all of the address that are still valid.
-- params: email, digest (null: any)
select * from invitations
where accepted_at is null and withdrawn_at is null and valid_until > now()
  and case when $2::bytea is null then email = $1::text else digest = $2 end
order by created_at, id
for update

-- name: accepted_before
-- params: email, digest
select exists (
    select from invitations
    where email = $1::text and digest = $2::bytea and accepted_at is not null
)

-- name: accept
-- params: id, user_uid
update invitations set accepted_at = now(), user_uid = $2::uuid where id = $1::uuid

-- name: drop_invitee
-- Who only stood for an address, and for which nothing waits any more.
-- params: uid
delete from users u
where u.uid = $1::uuid and u.status = 'pending' and u.email is null
  and not exists (select from invitations i where i.user_uid = u.uid)

-- name: waiting_for
-- params: email
select i.id, i.sent_at, i.roles, i.valid_until, i.created_at, n.kind, n.uid, n.account_name, n.title
from invitations i join entities n on n.entity_id = i.entity_id
where i.email = $1::text and i.accepted_at is null and i.withdrawn_at is null
  and i.valid_until > now()
order by i.created_at, i.id

-- name: title_of
-- params: entity_id
select coalesce(account_name, title) from entities where entity_id = $1::int4

-- name: page_of_user
-- params: user_uid, pool_id, limit, offset
with matching as (
    select i.* from invitations i join entities e on e.entity_id = i.entity_id
    where i.user_uid = $1::uuid and e.pool_id = $2::int4
), page as (
    select * from matching order by created_at desc, id limit $3::int4 offset $4::int4
)
select (select count(*) from matching) as total_count, page.*, now() as now
from (values (1)) as one left join page on true
order by page.created_at desc, page.id

-- name: page_of_entity
-- params: entity_id, limit, offset
with matching as (
    select * from invitations where entity_id = $1::int4
), page as (
    select * from matching order by created_at desc, id limit $2::int4 offset $3::int4
)
select (select count(*) from matching) as total_count, page.*, now() as now
from (values (1)) as one left join page on true
order by page.created_at desc, page.id
