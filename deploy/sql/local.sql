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
-- Ids that a person can ask for.
select pools.uid, miners.uid
from miners
join pools on pools.id = miners.pool_id
order by miners.id
limit 1
