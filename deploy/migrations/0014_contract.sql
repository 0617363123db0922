-- What the API shows of money and workers beside the tables themselves.

-- The fee in force today: that of the newest entry whose day has come, or of the first one.
create function hashgauge_current_fee(relation text, payer_id int4, payee_id int4) returns numeric
language sql stable parallel safe as $$
    select entry.fee
    from fee_entries entry
    where entry.relation = $1
        and entry.payer_id = $2
        and entry.payee_id = $3
        and entry.superseded_at is null
    order by
        entry.valid_from > (now() at time zone 'UTC')::date,
        abs(entry.valid_from - (now() at time zone 'UTC')::date)
    limit 1
$$;

-- How many workers a list shows. Figures of operators and pools leave boundary workers out, so that
-- no hash counts twice; a list of workers has them.
create view worker_counts as
select entity_id, status, workers::int8 as workers from status_counts
union all
select
    m.operator_id,
    case when b.disconnected_at is null then 'stable' else 'off' end,
    count(*)
from boundary_workers b
join workers w on w.id = b.worker_id
join miners m on m.id = w.miner_id
where m.operator_id is not null
group by 1, 2
union all
select
    m.pool_id,
    case when b.disconnected_at is null then 'stable' else 'off' end,
    count(*)
from boundary_workers b
join workers w on w.id = b.worker_id
join miners m on m.id = w.miner_id
group by 1, 2;
