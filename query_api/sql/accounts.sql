-- Pools, operators and miners as objects, with their owners and how many workers they have.

-- name: pool
-- params: uid
select p.*, s.statuses, (select w.uid from wallets w where w.owner_id = p.id) as wallet
from pools p
left join lateral (
    select jsonb_object_agg(status, workers) as statuses
    from worker_counts where entity_id = p.id
) s on true
where p.uid = $1::uuid

-- name: public_pool
-- The pool of a domain, or the only one there is.
-- params: domain
select * from pools p
where lower(p.domain) = lower($1::text) or ($1 is null and (select count(*) from pools) = 1)

-- name: operator
-- params: uid
select * from operator_details where uid = $1::uuid

-- name: operators_page
-- params: pool_id, limit, offset
with page as (
    select id, title from operators where pool_id = $1::int4 order by title collate "C", id
    limit $2::int4 offset $3::int4
)
select (select count(*) from operators where pool_id = $1) as total_count, operator_details.*
from (values (1)) as one
left join page on true
left join operator_details on operator_details.id = page.id
order by page.title collate "C", page.id

-- name: miner
-- params: uid
select * from miner_details where uid = $1::uuid

-- name: miner_names
-- What a search among the miners of a pool or of an operator compares (the other one null).
-- params: pool_id, operator_id
select id, account_name, title from miners
where ($1::int4 is null or pool_id = $1) and ($2::int4 is null or operator_id = $2)

-- name: miners_by_status
-- How many miners of a pool or of an operator have workers in each status.
-- params: pool_id, operator_id
select c.status, count(*) as miners
from miners m join worker_counts c on c.entity_id = m.id
where ($1::int4 is null or m.pool_id = $1) and ($2::int4 is null or m.operator_id = $2)
  and c.workers > 0
group by c.status

-- name: miners_page
-- Of a pool, of an operator, with a role of somebody's, at or below some ids; with workers in one
-- of some statuses; found by a search (what does not matter is null). The order is from the closed
-- set in query_api/store/accounts.py; a join that it does not ask for, the planner leaves out.
-- params: pool_id, operator_id, email, under, statuses, found, limit, offset
with matching as not materialized (
    select * from miners
    where ($1::int4 is null or pool_id = $1) and ($2::int4 is null or operator_id = $2)
      and ($3::text is null or id in (
          select r.entity_id from roles r join users u on u.uid = r.user_uid where u.email = $3
      ))
      and ($4::int4[] is null
           or id = any ($4) or operator_id = any ($4) or pool_id = any ($4))
      and ($5::text[] is null or id in (
          select entity_id from worker_counts where status = any ($5) and workers > 0
      ))
      and ($6::int4[] is null or id in (select unnest($6)))
), sorted as (
    select matching.id
    from matching
    left join entity_figures on entity_figures.entity_id = matching.id
    left join (
        select entity_id, sum(workers) as workers
        from worker_counts where status <> 'removed' group by entity_id
    ) counts on counts.entity_id = matching.id
    order by {order} limit $7::int4 offset $8::int4
), page as (
    select id, row_number() over () as position from sorted
)
select (select count(*) from matching) as total_count, miner_details.*
from (values (1)) as one
left join page on true
left join miner_details on miner_details.id = page.id
order by page.position

-- name: count_registered
-- params: user_uid
select count(*) from miners where registered_by = $1::uuid

-- name: create_miner
-- Nothing where the account name is taken.
-- params: account_name, title, pool_id, operator_id, donor_id, registered_by
insert into miners (account_name, title, pool_id, operator_id, donor_id, registered_by)
values ($1::text, $2::text, $3::int4, $4::int4, $5::int4, $6::uuid)
on conflict (account_name) do nothing
returning id, uid

-- name: set_title
-- params: miner_id, title
update miners set title = $2::text where id = $1::int4

-- name: add_owner
-- params: entity_id, user_uid, role
insert into roles (entity_id, user_uid, role) values ($1::int4, $2::uuid, $3::text)

-- name: oldest_miner
-- params: entity_ids
select uid from miners where id = any ($1::int4[]) order by id limit 1

-- name: set_first_fee
-- In place of the default that every new miner has.
-- params: payer_id, relation, fee, created_by
with replaced as (
    update fee_entries set superseded_at = now(), superseded_by = $4::text
    where payer_id = $1::int4 and relation = $2::text and superseded_at is null
    returning relation, payer_id, payee_id, valid_from
)
insert into fee_entries (relation, payer_id, payee_id, valid_from, fee, created_by)
select relation, payer_id, payee_id, valid_from, $3::numeric, $4 from replaced
