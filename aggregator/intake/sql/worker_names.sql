-- name: named_workers
-- What names that a feed gave stand for: the worker that its key means, and what it is called.
select asked.miner_id, asked.name, workers.id, workers.name
from unnest(%(miner_ids)s::int4[], %(keys)s::text[], %(names)s::text[])
    as asked (miner_id, key, name)
left join worker_aliases as aliases
    on aliases.miner_id = asked.miner_id and aliases.name = asked.key
left join workers on workers.behavior = 'hardware' and (
    workers.id = aliases.worker_id
    or aliases.worker_id is null and workers.miner_id = asked.miner_id and workers.name = asked.key
)

-- name: free_name
-- A name that another worker had once is the one's that has it now.
delete from worker_aliases
where miner_id = %(miner_id)s::int4 and name = %(name)s
    and worker_id is distinct from %(worker_id)s::int4

-- name: rename
-- Unless another worker is called so: its history is its own.
update workers set name = %(name)s
where id = %(worker_id)s::int4
    and not exists (
        select from workers as other
        where other.miner_id = workers.miner_id
            and other.behavior = workers.behavior
            and other.name = %(name)s
    )

-- name: add_alias
insert into worker_aliases (miner_id, name, worker_id)
values (%(miner_id)s::int4, %(name)s, %(worker_id)s::int4)
on conflict (miner_id, name) do update
set worker_id = excluded.worker_id, id = default
where worker_aliases.worker_id <> excluded.worker_id

-- name: add_keys
-- What a worker's pool knows it by, so that its next name finds it.
insert into worker_aliases (miner_id, name, worker_id)
select asked.miner_id, asked.key, workers.id
from unnest(%(miner_ids)s::int4[], %(keys)s::text[], %(names)s::text[])
    as asked (miner_id, key, name)
join workers on workers.miner_id = asked.miner_id
    and workers.behavior = 'hardware' and workers.name = asked.name
where asked.key <> asked.name
order by asked.miner_id, asked.key
on conflict (miner_id, name) do nothing
