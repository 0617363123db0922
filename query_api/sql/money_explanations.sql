-- What came of a miner's day, and from what.

-- name: settled_day
-- In a version, with the amounts of the version before it.
-- params: miner_id, day, version
select s.day, s.version, s.work, s.gross_sat, s.pool_sat, s.operator_sat, s.referral_sat,
       s.reward_sat, s.explained, s.created_at,
       b.gross_sat as before_gross_sat, b.pool_sat as before_pool_sat,
       b.operator_sat as before_operator_sat, b.reward_sat as before_reward_sat
from settlement_rows s
left join settlement_rows b
    on b.miner_id = s.miner_id and b.day = s.day and b.version = s.version - 1
where s.miner_id = $1::int4 and s.day = $2::date and s.version = $3::int4

-- name: settled_workers
-- The work of each worker, by name; a worker that changed its operator that day stands there twice.
-- params: miner_id, day, version, limit, offset
with page as (
    select k.*, w.uid, w.name, o.uid as operator_uid
    from settlement_work k
    join workers w on w.id = k.worker_id
    left join operators o on o.id = k.operator_id
    where k.miner_id = $1::int4 and k.day = $2::date and k.version = $3::int4
    order by w.name collate "C", w.id, k.operator_id limit $4::int4 offset $5::int4
)
select (select count(*) from settlement_work
        where miner_id = $1 and day = $2 and version = $3) as total_count, page.*
from (values (1)) as one
left join page on true
order by page.name collate "C", page.worker_id, page.operator_id

-- name: fee_entries
-- params: ids
select id, valid_from, fee, comment, created_by, created_at
from fee_entries where id = any($1::int8[])

-- name: entity
-- params: id
select uid, account_name as name from miners where id = $1::int4
union all
select uid, title from operators where id = $1
union all
select uid, title from pools where id = $1

-- name: sides
-- Who the lines of a day are about: recipients of boundary work by worker, of sharings by sharing.
-- params: worker_ids, sharing_ids
select 'gift' as line, w.id::int8 as about, m.uid, m.account_name as name, w.name as worker
from workers w join miners m on m.id = w.miner_id
where w.id = any($1::int4[])
union all
select 'sharing', s.id, m.uid, m.account_name, null
from profit_sharings s join miners m on m.id = s.recipient_id
where s.id = any($2::int8[])

-- name: day_factors
-- A settled day as a comparison needs it; work of all workers, with the minutes that they worked.
-- params: miner_id, day
select s.day, s.version, s.work, s.gross_sat, s.reward_sat,
       r.subsidy_rate, r.fee_ratio, r.rate,
       k.workers, k.minutes, k.rejected_work,
       (select coalesce(sum(case p.direction when 'incoming' then p.amount_sat
                                             else -p.amount_sat end), 0)::int8
        from payments p
        where p.entity_id = s.miner_id and p.settlement_day = s.day
          and p.type in ('virtual_mining_transfer', 'virtual_mining_reward', 'profit_sharing')
       ) as transfers_sat
from settlement_rows s
join reward_rates r on r.day = s.day and r.currency = 'BTC'
left join lateral (
    select count(distinct worker_id) as workers, sum(minutes) as minutes,
           sum(rejected_work) as rejected_work
    from settlement_work
    where miner_id = s.miner_id and day = s.day and version = s.version
) k on true
where s.miner_id = $1::int4 and s.day = $2::date and s.live

-- name: day_before
-- The settled day before one.
-- params: miner_id, day
select max(day) from settlement_rows where miner_id = $1::int4 and day < $2::date and live
