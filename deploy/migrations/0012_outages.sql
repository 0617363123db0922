-- The newest outage that intake has seen of a partition: the broker said nothing (or intake was not
-- there) from stood_from to resumed_at. Shares that trickle in later do not undo it, so the leader
-- reads it here and need not guess it from shares. Null: none yet.
alter table intake_partitions
    add column stood_from timestamptz,
    add column resumed_at timestamptz,
    add constraint intake_partitions_outage check (
        (stood_from is null) = (resumed_at is null) and stood_from <= resumed_at
    );
