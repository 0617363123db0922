-- People: invitations that wait until they are accepted, requests to delete, keys with limits.

-- The Headframe API knows a user who has not come yet as pending.
update users set status = 'pending' where status = 'invited';
alter table users
    add constraint users_status check (status in ('active', 'pending', 'inactive')),
    add constraint users_language check (language in ('en', 'ru'));

-- Roles that wait for the person with an address. user_uid is a user who stands for the address
-- until somebody accepts, the same whether the address has an account or not: so nobody learns from
-- a list who has one. The code itself is kept nowhere: it is made from the id and a secret.
create table invitations (
    id uuid primary key default gen_random_uuid(),
    digest bytea not null unique,
    email text not null,
    user_uid uuid not null references users,
    entity_id int4 not null,
    roles text[] not null check (cardinality(roles) > 0),
    -- Null: the pool's own services.
    invited_by uuid,
    created_at timestamptz not null default now(),
    sent_at timestamptz not null default now(),
    valid_until timestamptz not null,
    accepted_at timestamptz,
    withdrawn_at timestamptz
);
-- One open invitation of an address to an entity: who is invited again has a new code.
create unique index invitations_open on invitations (entity_id, email)
    where accepted_at is null and withdrawn_at is null;
create index invitations_email on invitations (email)
    where accepted_at is null and withdrawn_at is null;
create index invitations_user on invitations (user_uid);
create index invitations_sent on invitations (invited_by, sent_at);

-- What somebody asked to be deleted; carried out by hand. subject_uid is a user's or a miner's uid.
create table deletion_requests (
    id uuid primary key default gen_random_uuid(),
    kind text not null check (kind in ('user', 'miner')),
    subject_uid uuid not null,
    -- Null: the pool's own services.
    created_by uuid,
    created_at timestamptz not null default now(),
    completed_at timestamptz
);
create unique index deletion_requests_open on deletion_requests (kind, subject_uid)
    where completed_at is null;

-- The miner that made this one to give it boundary workers.
alter table miners add column donor_id int4 references miners;

-- A key with a role opens what that role would open and its user may do; one with entities opens
-- nothing beside them and what hangs below them.
alter table api_keys
    add column role text check (role in ('admin', 'viewer', 'accountant', 'treasurer')),
    add column entity_ids int4[] check (cardinality(entity_ids) > 0),
    add constraint api_keys_limited check (user_uid is not null or (role is null and entity_ids is null));
create index api_keys_user on api_keys (user_uid) where user_uid is not null;

-- Devices that a user has signed in from: a mail is sent for a new one.
create table known_devices (
    user_uid uuid not null references users on delete cascade,
    digest bytea not null,
    first_seen_at timestamptz not null default now(),
    primary key (user_uid, digest)
);

-- Every pool, operator and miner, with the pool it belongs to and its names.
create view entities as
select id as entity_id, 'pool' as kind, uid, id as pool_id, null::int4 as operator_id,
       null::text as account_name, title
from pools
union all
select id, 'operator', uid, pool_id, id, null, title from operators
union all
select id, 'miner', uid, pool_id, operator_id, account_name, title from miners;
