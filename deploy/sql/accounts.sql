-- Miners known to the service, for `hashgauge accounts`. psycopg statements.

-- name: list
-- Accounts by name, with their pool and how many workers they have.
select miners.account_name, pools.title, miners.status, count(workers.id)::int8 as workers
from miners
join pools on pools.id = miners.pool_id
left join workers on workers.miner_id = miners.id
where miners.account_name ilike '%%' || %(search)s || '%%'
group by miners.id, pools.title
order by miners.account_name
limit %(limit)s
