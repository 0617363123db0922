-- A miner that moves to another pool pays that pool's fee, as it does with an operator; one that comes
-- back has its old schedule. Without an entry it would have paid nothing.

create function hashgauge_first_pool_fee() returns trigger
language plpgsql security definer as $$
begin
    insert into fee_entries (relation, payer_id, payee_id, valid_from, fee, created_by)
    select
        'miner_pool', new.id, pools.id, (now() at time zone 'UTC')::date,
        least(1, greatest(0, pools.fee)), 'default'
    from pools
    where pools.id = new.pool_id
        and not exists (
            select from fee_entries
            where relation = 'miner_pool'
                and payer_id = new.id
                and payee_id = new.pool_id
                and superseded_at is null
        );
    return null;
end
$$;
do $$
begin
    execute format(
        'alter function hashgauge_first_pool_fee() set search_path = %I, pg_temp', current_schema()
    );
end
$$;
create trigger miners_first_pool_fee after update of pool_id on miners
for each row when (old.pool_id is distinct from new.pool_id)
execute function hashgauge_first_pool_fee();

-- Those who moved already: from tomorrow, since fees never reach back.
insert into fee_entries (relation, payer_id, payee_id, valid_from, fee, created_by)
select
    'miner_pool', miners.id, pools.id, days.day, days.fee, 'default'
from miners
join pools on pools.id = miners.pool_id
cross join lateral (
    values
        ((miners.created_at at time zone 'UTC')::date, 0),
        ((now() at time zone 'UTC')::date + 1, least(1, greatest(0, pools.fee)))
) days (day, fee)
where not exists (
    select from fee_entries
    where relation = 'miner_pool'
        and payer_id = miners.id
        and payee_id = pools.id
        and superseded_at is null
);
