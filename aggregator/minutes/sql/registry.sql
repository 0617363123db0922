-- name: find_miners
-- Accounts that are miners.
select account_name, id, operator_id from miners where account_name = any(%(accounts)s::text[])

-- name: lock_pools
-- Two processes that both find no pool must not both make one.
lock table pools in share row exclusive mode

-- name: create_pool
-- The pool of unknown accounts, where no pool bears its title yet.
insert into pools (title)
select %(title)s where not exists (select from pools where title = %(title)s)

-- name: create_miners
-- Miners for accounts never seen, as long as there is room for them; another process may have made
-- them meanwhile.
insert into miners (account_name, pool_id)
select account_name, (select min(id) from pools where title = %(title)s)
from unnest(%(accounts)s::text[]) as asked (account_name)
where not exists (select from miners where miners.account_name = asked.account_name)
order by account_name
limit greatest(0, %(miners_limit)s::int8 - (select count(*) from miners))
on conflict (account_name) do nothing

-- name: find_workers
-- Hardware workers by miner and name.
select workers.miner_id, workers.name, workers.id
from workers
join unnest(%(miner_ids)s::int4[], %(names)s::text[]) as asked (miner_id, name)
    using (miner_id, name)
where workers.behavior = 'hardware'

-- name: lock_miners
-- Processes that make workers of one miner take turns, so its limit is exact.
select id from miners where id = any(%(miner_ids)s::int4[]) order by id for update

-- name: count_workers
-- Number of hardware workers of each miner; the one that stands for the rest does not count.
select miner_id, count(*) from workers
where miner_id = any(%(miner_ids)s::int4[]) and behavior = 'hardware' and name <> %(other)s
group by miner_id

-- name: create_workers
-- Workers never seen; another process may have made them meanwhile.
insert into workers (miner_id, name)
select miner_id, name
from unnest(%(miner_ids)s::int4[], %(names)s::text[]) as asked (miner_id, name)
order by miner_id, name
on conflict (miner_id, behavior, name) do nothing

-- name: workers_of
-- All hardware workers of a full miner, so that unknown names need no question any more.
select name, id from workers where miner_id = %(miner_id)s::int4 and behavior = 'hardware'

-- name: find_operators
-- Which miners belong to an operator now.
select id, operator_id from miners where operator_id is not null

-- name: find_sources
-- Stratum servers by name.
select name, id from sources where name = any(%(names)s::text[])

-- name: create_sources
-- Stratum servers never seen, as long as there is room for them.
insert into sources (name)
select name from unnest(%(names)s::text[]) as name
order by name
limit greatest(0, %(sources_limit)s::int8 - (select count(*) from sources))
on conflict (name) do nothing

-- name: all_sources
-- Every stratum server, once there is no room for more: other names need no question any more.
select name, id from sources
