-- Freezes a day: its work and the terms of its miners, from one snapshot.

-- name: gather
-- Work of a worker minute is round(accepted * 2^32), summed exactly: as int8 below 2^62, the rest in
-- numeric. A temporary table, since only such a statement reads in parallel.
create temporary table day_work on commit drop as
select
    miner_id,
    worker_id,
    coalesce(operator_id, 0) as operator_id,
    count(*)::int4 as minutes,
    coalesce(sum(case when accepted < 1073741824 then round(accepted * 4294967296)::int8 end), 0)
        + coalesce(sum(case when accepted >= 1073741824 then hashgauge_hashes(accepted) end), 0)
        as work,
    coalesce(sum(case when rejected < 1073741824 then round(rejected * 4294967296)::int8 end), 0)
        + coalesce(sum(case when rejected >= 1073741824 then hashgauge_hashes(rejected) end), 0)
        as rejected_work
from worker_minutes
where bucket >= {start} and bucket < {end}
group by miner_id, worker_id, coalesce(operator_id, 0);

-- name: keep_work
insert into settlement_work
    (day, miner_id, version, worker_id, operator_id, minutes, work, rejected_work)
select %(day)s, miner_id, %(version)s, worker_id, operator_id, minutes, work, rejected_work
from day_work
where worker_id not in (select worker_id from boundary_workers)
    and (%(miners)s::int4[] is null or miner_id = any(%(miners)s))
order by miner_id, worker_id, operator_id;

-- name: analyze_work
analyze day_work;

-- name: gather_gifts
create temporary table day_gifts on commit drop as
select boundary.donor_id, day_work.miner_id as recipient_id, boundary.worker_id,
    sum(day_work.work) as work, sum(day_work.minutes)::int4 as minutes
from day_work
join boundary_workers boundary using (worker_id)
where day_work.work > 0
group by 1, 2, 3;

-- name: analyze_gifts
analyze day_gifts;

-- name: keep_terms
-- Of all miners with hardware work or gifts, or of some. Millionths are whole numbers in jsonb, ids
-- are numbers, work is text: none of them loses a digit. Set by set, each read once: what is joined
-- is large only in the day's temporary tables, which are analyzed, so no plan goes row by row.
insert into settlement_terms (day, miner_id, terms)
with worked as materialized (
    select distinct miner_id, operator_id
    from day_work
    where worker_id not in (select worker_id from boundary_workers)
        and (%(miners)s::int4[] is null or miner_id = any(%(miners)s))
),
concerned as materialized (
    select miner_id from worked union select donor_id from day_gifts
),
-- The day is the pool's in which the miner began it: who moves pays the next one from the next day.
left_since as materialized (
    select distinct on (miner_id) miner_id, from_pool_id
    from operator_reassignments
    where from_pool_id is not null and moved_at >= %(start)s
    order by miner_id, id
),
-- In force on the day; before the first entry, the first one counts.
fees as materialized (
    select distinct on (relation, payer_id, payee_id)
        relation, payer_id, payee_id, id, (fee * 1000000)::int4 as ppm
    from fee_entries
    where superseded_at is null
    order by relation, payer_id, payee_id, valid_from <= %(day)s desc, abs(valid_from - %(day)s)
),
operators as (
    select worked.miner_id, jsonb_agg(jsonb_build_object(
        'id', worked.operator_id, 'ppm', coalesce(fees.ppm, 0), 'entry', fees.id
    ) order by worked.operator_id) as terms
    from worked
    left join fees on fees.relation = 'miner_operator'
        and fees.payer_id = worked.miner_id and fees.payee_id = worked.operator_id
    where worked.operator_id <> 0
    group by worked.miner_id
),
gifts as (
    select gifts.donor_id as miner_id, jsonb_agg(jsonb_build_object(
        'worker', gifts.worker_id, 'recipient', gifts.recipient_id, 'work', gifts.work::text,
        'minutes', gifts.minutes, 'fee_ppm', coalesce(fees.ppm, 0), 'entry', fees.id
    ) order by gifts.worker_id) as terms
    from day_gifts gifts
    left join fees on fees.relation = 'recipient_donor'
        and fees.payer_id = gifts.recipient_id and fees.payee_id = gifts.donor_id
    group by gifts.donor_id
),
sharings as (
    select donor_id as miner_id, jsonb_agg(jsonb_build_object(
        'id', id, 'recipient', recipient_id, 'rate_ppm', (rate * 1000000)::int4, 'type', type
    ) order by id) as terms
    from profit_sharings
    where valid_from <= %(day)s and (valid_until is null or valid_until > %(day)s)
    group by donor_id
)
select %(day)s, miners.id, jsonb_build_object(
    'pool', jsonb_build_object(
        'id', pools.id, 'ppm', coalesce(fees.ppm, 0), 'entry', fees.id
    ),
    'operators', coalesce(operators.terms, '[]'),
    'referral', case when referrals.miner_id is not null then jsonb_build_object(
        'id', referrals.referrer_id,
        'pool_ppm', (pools.pool_rate_multiplier * 1000000)::int4,
        'referrer_ppm', (pools.referrer_reward_multiplier * 1000000)::int4
    ) end,
    'gifts', coalesce(gifts.terms, '[]'),
    'sharings', coalesce(sharings.terms, '[]')
)
from concerned
join miners on miners.id = concerned.miner_id
left join left_since on left_since.miner_id = miners.id
join pools on pools.id = coalesce(left_since.from_pool_id, miners.pool_id)
left join fees on fees.relation = 'miner_pool'
    and fees.payer_id = miners.id and fees.payee_id = pools.id
left join referrals on referrals.miner_id = miners.id
left join operators on operators.miner_id = miners.id
left join gifts on gifts.miner_id = miners.id
left join sharings on sharings.miner_id = miners.id
where not exists (
    select from settlement_terms known
    where known.day = %(day)s and known.miner_id = miners.id
)
order by miners.id;

-- name: hash_of_inputs
-- sha256 over the digests of all miners in order, first those of their work, then of their terms.
select encode(sha256(string_agg(digest, '' order by part, miner_id)), 'hex')
from (
    select 1 as part, miner_id, sha256(convert_to(string_agg(
        concat_ws(' ', worker_id, operator_id, minutes, work, rejected_work), e'\n'
        order by worker_id, operator_id
    ), 'UTF8')) as digest
    from settlement_work
    where day = %(day)s and version = 1
    group by miner_id
    union all
    select 2, miner_id, sha256(convert_to(terms::text, 'UTF8'))
    from settlement_terms
    where day = %(day)s
) digests;

-- name: keep_day
insert into settlements (day, inputs_hash, inputs, frozen_at, miners, workers, work)
select
    %(day)s,
    %(inputs_hash)s,
    %(inputs)s,
    %(now)s,
    (select count(*) from settlement_terms where day = %(day)s),
    count(distinct worker_id),
    coalesce(sum(work), 0)
from settlement_work
where day = %(day)s and version = 1;
