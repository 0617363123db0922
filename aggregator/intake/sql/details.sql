-- name: save_details
-- Another process may have seen a better or a later one; in key order, so that no two wait in a circle.
insert into worker_details as known (worker_id, best_difficulty, best_at, agent, agent_at)
select worker_id, best_difficulty, best_at, agent, agent_at
from unnest(
    %(worker_ids)s::int4[], %(bests)s::float8[], %(bests_at)s::timestamptz[], %(agents)s::text[],
    %(agents_at)s::timestamptz[]
) as seen (worker_id, best_difficulty, best_at, agent, agent_at)
order by worker_id
on conflict (worker_id) do update
set best_difficulty = greatest(known.best_difficulty, excluded.best_difficulty),
    best_at = case
        when excluded.best_difficulty > known.best_difficulty or known.best_difficulty is null
            then excluded.best_at
        else known.best_at
    end,
    agent = case
        when excluded.agent_at >= known.agent_at or known.agent_at is null then excluded.agent
        else known.agent
    end,
    agent_at = greatest(known.agent_at, excluded.agent_at)
