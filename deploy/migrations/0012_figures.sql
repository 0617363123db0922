-- Which transaction flushed a row. The leader reads flushed rows without a lock, adds them up, and
-- deletes afterwards exactly those that its reading saw: `pg_visible_in_snapshot` decides.
alter table flushed_minutes add column flushed_by xid8 not null default pg_current_xact_id();

-- A miner may change its pool, too: the windows of both pools follow as those of operators do. A
-- side that did not change is null on both ends.
alter table operator_reassignments
    add column from_pool_id int4,
    add column to_pool_id int4;

create or replace function hashgauge_note_operator_move() returns trigger language plpgsql as $$
begin
    insert into operator_reassignments (
        miner_id, from_operator_id, to_operator_id, from_pool_id, to_pool_id
    )
    values (
        new.id, nullif(old.operator_id, new.operator_id), nullif(new.operator_id, old.operator_id),
        nullif(old.pool_id, new.pool_id), nullif(new.pool_id, old.pool_id)
    );
    return null;
end
$$;

drop trigger miners_operator_reassignments on miners;
create trigger miners_operator_reassignments
after update of operator_id, pool_id on miners
for each row when (
    old.operator_id is distinct from new.operator_id or old.pool_id is distinct from new.pool_id
)
execute function hashgauge_note_operator_move();
