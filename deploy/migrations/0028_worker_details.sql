-- What shares say of a worker beside its work: the best that one of them reached, and the software.
-- Written by intake in the transaction of the shares, and only when it changes.
create table worker_details (
    worker_id int4 primary key references workers on delete cascade,
    best_difficulty float8,
    best_at timestamptz,
    agent text,
    agent_at timestamptz,
    constraint worker_details_pairs check (
        (best_difficulty is null) = (best_at is null) and (agent is null) = (agent_at is null)
    )
);
