-- How many hardware workers were ever made of a miner: it has no more than that. Only where this leaves
-- no room under the limit are those that it has counted, which reads all of them (10 ms for a farm of
-- 20,000) and was done at each fetch with a new one.
alter table miners add column workers_made int4 not null default 0;

update miners set workers_made = existing.workers
from (
    select miner_id, count(*) as workers from workers where behavior = 'hardware' group by miner_id
) as existing
where miners.id = existing.miner_id;
