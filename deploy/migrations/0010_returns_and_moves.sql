-- When a stratum server came back last: workers that it took along and did not bring back have their
-- own limit from there, also under a new leader. Null: it never was silent.
alter table source_figures add column back_at timestamptz;

-- A new leader asks whose silence is a source's: 0.3 s instead of 1 s at 4,000,000 events, and no
-- more with the events of years.
create index events_folded on events (worker_id, transition_number)
    where cause in ('source_silent', 'source_back') or kind = 'worker-still-silent';

-- Miners that went to another operator, by whatever program: minutes keep the operator of their
-- time, so the windows of both operators are summed from those and not from their workers of today.
create table operator_moves (
    id int8 generated always as identity primary key,
    miner_id int4 not null references miners on delete cascade,
    from_operator_id int4,
    to_operator_id int4,
    moved_at timestamptz not null default now()
);
create index operator_moves_moved on operator_moves (moved_at);

create function hashgauge_note_operator_move() returns trigger language plpgsql as $$
begin
    insert into operator_moves (miner_id, from_operator_id, to_operator_id)
    values (new.id, old.operator_id, new.operator_id);
    return null;
end
$$;

create trigger miners_operator_moves
after update of operator_id on miners
for each row when (old.operator_id is distinct from new.operator_id)
execute function hashgauge_note_operator_move();
