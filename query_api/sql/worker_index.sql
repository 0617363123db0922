-- What orders of very many workers are made from.

-- name: version
select epoch, cycle_at, stream_time, watermark from leader

-- name: boundary_ids
select worker_id from boundary_workers

-- name: removals
-- By hand, not carried out yet.
select worker_id from worker_removals

-- name: figures
-- Fixed width and without nulls, so that numpy reads the COPY as it is. Codes as in STATUS_CODES.
select worker_id, miner_id,
       case status when 'stable' then 0 when 'unavailable' then 1 when 'off' then 2 else 3
       end::int2,
       accepted_15m, rejected_15m, accepted_1h, accepted_1d
from worker_figures

-- name: names
-- Of the workers after an id: ids, lengths and texts, each packed in the same order.
-- params: after
select string_agg(int4send(id), ''::bytea) as ids,
       string_agg(int4send(octet_length(name)), ''::bytea) as lengths,
       string_agg(convert_to(name, 'UTF8'), ''::bytea) as texts
from workers where id > $1::int4

-- name: renamed
-- Of the workers renamed since: the one with the smallest id, and where to ask on from.
-- params: since
select min(worker_id) as worker_id, max(id) as until from worker_aliases where id > $1::int8

-- name: miners
-- {scope} is a column of miners.
-- params: entity_id
select count(*) filter (where {scope} is distinct from $1::int4) = 0 as all_of_them,
       array_agg(id) filter (where {scope} = $1) as ids
from miners

-- name: size
-- Workers under an entity, in any status.
-- params: entity_id
select coalesce(sum(workers), 0) from worker_counts where entity_id = $1::int4
