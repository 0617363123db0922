-- What grows for good is not read at each cycle: boundary workers that are disconnected.
create index boundary_workers_disconnected on boundary_workers (disconnected_at);
create index boundary_workers_due on boundary_workers (worker_id)
    where disconnected_at is null or minutes_to is null or minutes_to < disconnected_at;
