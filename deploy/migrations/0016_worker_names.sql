-- Names under which a worker was known, or that its pool knows it by: shares under them are its own.
-- A worker that is renamed keeps its id, and with it its history, status and schedule.
create table worker_aliases (
    -- Rises with every change, for whoever keeps names in memory.
    id int8 generated always as identity primary key,
    miner_id int4 not null references miners on delete cascade,
    name text not null,
    worker_id int4 not null references workers on delete cascade,
    unique (miner_id, name)
);
create index worker_aliases_worker on worker_aliases (worker_id);
