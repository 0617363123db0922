-- A minute that is summed again (late work, `hashgauge rebuild`) stays with the pool that the miner
-- had then, as it does with the operator, which is in the minute itself. What had been published when
-- the miner moved is the former pool's: minutes before `first_minute`. Null: nothing was, or the move
-- is older than this column.

alter table operator_reassignments add column first_minute timestamptz;

create or replace function hashgauge_note_operator_move() returns trigger language plpgsql as $$
begin
    insert into operator_reassignments (
        miner_id, from_operator_id, to_operator_id, from_pool_id, to_pool_id, first_minute
    )
    values (
        new.id, nullif(old.operator_id, new.operator_id), nullif(new.operator_id, old.operator_id),
        nullif(old.pool_id, new.pool_id), nullif(new.pool_id, old.pool_id),
        (select watermark from leader)
    );
    return null;
end
$$;

create index operator_reassignments_of_miner on operator_reassignments (miner_id, id);
