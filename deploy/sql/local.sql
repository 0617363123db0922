-- What only the local stack needs. psycopg statements.

-- name: forget_embedded_partitions
-- The embedded broker is a new cluster at each start; of those before the last nobody will read.
delete from intake_partitions
where cluster_id like 'mockCluster%'
    and (cluster_id, topic) not in (select cluster_id, topic from intake_stream)

-- name: forget_embedded_sequences
-- The producers of those.
delete from producer_sequences
where cluster_id like 'mockCluster%'
    and (cluster_id, topic) not in (select cluster_id, topic from intake_stream)

-- name: is_fresh
-- Whether no share was ever counted here.
select not exists (select from worker_minutes) and not exists (select from flushed_minutes)

-- name: example
-- Ids that a person can ask for, once the history has reached the figures.
select pools.uid, miners.uid
from miners
join pools on pools.id = miners.pool_id
join entity_figures figures on figures.entity_id = miners.id and figures.accepted_1d > 0
order by miners.id
limit 1

-- name: add_local_owner
-- params: email
insert into users (email, status) values (%(email)s, 'pending') on conflict (email) do nothing

-- name: own_all_pools
-- params: email
insert into roles (entity_id, user_uid, role)
select pools.id, users.uid, 'owner' from pools, users where users.email = %(email)s
on conflict do nothing
