-- name: find_miners
-- Accounts that are miners.
select account_name, id, operator_id from miners where account_name = any(%(accounts)s::text[])

-- name: lock_pools
-- Two processes that both find no pool must not both make one.
lock table pools in share row exclusive mode

-- name: create_pool
-- The pool of unknown accounts, if none takes them yet: the oldest of that title, or a new one. Once
-- it takes them it may be renamed.
with taken as (
    update pools set takes_unknown_accounts = true
    where not exists (select from pools where takes_unknown_accounts)
        and id = (select min(id) from pools where title = %(title)s)
    returning id
)
insert into pools (title, takes_unknown_accounts)
select %(title)s, true
where not exists (select from pools where takes_unknown_accounts) and not exists (select from taken)

-- name: create_miners
-- Miners for accounts never seen, as long as there is room for them: those that people registered
-- take none of it. Another process may have made them meanwhile.
insert into miners (account_name, pool_id, by_intake)
select account_name, (select id from pools where takes_unknown_accounts), true
from unnest(%(accounts)s::text[]) as asked (account_name)
where not exists (select from miners where miners.account_name = asked.account_name)
order by account_name
limit greatest(0, %(miners_limit)s::int8 - (select count(*) from miners where by_intake))
on conflict (account_name) do nothing

-- name: find_workers
-- Hardware workers by miner and name, or by a name that they had before.
select asked.miner_id, asked.name, coalesce(workers.id, aliases.worker_id)
from unnest(%(miner_ids)s::int4[], %(names)s::text[]) as asked (miner_id, name)
left join workers on workers.miner_id = asked.miner_id
    and workers.name = asked.name and workers.behavior = 'hardware'
left join worker_aliases as aliases on aliases.miner_id = asked.miner_id
    and aliases.name = asked.name
where workers.id is not null or aliases.worker_id is not null

-- name: lock_miners
-- Processes that make workers of one miner take turns, so its limit is exact. With how many each has
-- at most: all that were ever made.
select id, workers_made from miners where id = any(%(miner_ids)s::int4[]) order by id for update

-- name: count_workers
-- Number of hardware workers of each miner that exist: neither removed ones count, nor the one that
-- stands for the rest.
select miner_id, count(*) from workers
where miner_id = any(%(miner_ids)s::int4[]) and behavior = 'hardware' and name <> %(other)s
    and not exists (
        select from worker_statuses as figures
        where figures.worker_id = workers.id and figures.status = 'removed'
    )
group by miner_id

-- name: create_workers
-- Workers never seen, and their ids; not of those that there are already.
with made as (
    insert into workers (miner_id, name)
    select miner_id, name
    from unnest(%(miner_ids)s::int4[], %(names)s::text[]) as asked (miner_id, name)
    order by miner_id, name
    on conflict (miner_id, behavior, name) do nothing
    returning miner_id, name, id
), counted as (
    update miners set workers_made = workers_made + made_now.workers
    from (
        select miner_id, count(*) as workers from made where name <> %(other)s group by miner_id
    ) as made_now
    where miners.id = made_now.miner_id
)
select miner_id, name, id from made

-- name: workers_of
-- All hardware workers of a full miner, so that unknown names need no question any more.
select name, worker_id from worker_aliases where miner_id = %(miner_id)s::int4
union all
select name, id from workers where miner_id = %(miner_id)s::int4 and behavior = 'hardware'

-- name: find_operators
-- Which miners belong to an operator now.
select id, operator_id from miners where operator_id is not null

-- name: find_sources
-- Stratum servers by name.
select name, id from sources where name = any(%(names)s::text[])

-- name: create_sources
-- Stratum servers never seen, as long as there is room for them; those without a share for 30 days
-- take none.
insert into sources (name)
select name from unnest(%(names)s::text[]) as name
order by name
limit greatest(0, %(sources_limit)s::int8 - (
    select count(*)
    from sources
    left join source_figures as figures on figures.source_id = sources.id
    where figures.last_share_at is null
        or figures.last_share_at > coalesce((select stream_time from stream), now())
            - interval '30 days'
))
on conflict (name) do nothing

-- name: all_sources
-- Every stratum server, once there is no room for more: other names need no question any more.
select name, id from sources
