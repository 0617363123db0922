-- Miners known to the service, for `hashgauge accounts`. psycopg statements.

-- name: names
-- What a search compares.
select id, account_name, title from miners

-- name: list
-- Accounts by name, with their pool and how many workers they have.
select miners.account_name, pools.title, miners.status, count(workers.id)::int8 as workers
from miners
join pools on pools.id = miners.pool_id
left join workers on workers.miner_id = miners.id
where %(found)s::int4[] is null or miners.id = any(%(found)s)
group by miners.id, pools.title
order by miners.account_name_key, miners.account_name collate "C"
limit %(limit)s

-- name: pools
-- Pools, oldest first.
select title, domain, fee, min_payout, (select count(*) from miners where pool_id = pools.id),
    takes_unknown_accounts, public_page, public_miners
from pools
order by id

-- name: set_pool
-- The pool of a domain, else of a title; what is null stays.
update pools
set title = coalesce(%(title)s::text, title), domain = coalesce(%(domain)s::text, domain),
    fee = coalesce(%(fee)s::numeric, fee),
    min_payout = coalesce(%(min_payout)s::numeric, min_payout),
    fee_published = fee_published or %(fee)s::numeric is not null,
    min_payout_published = min_payout_published or %(min_payout)s::numeric is not null,
    public_page = coalesce(%(public_page)s::boolean, public_page),
    public_miners = coalesce(%(public_miners)s::boolean, public_miners)
where id = (
    select id from pools
    where lower(domain) = lower(%(pool)s::text) or title = %(pool)s
    order by (lower(domain) = lower(%(pool)s)) desc nulls last, id
    limit 1
)
returning title
