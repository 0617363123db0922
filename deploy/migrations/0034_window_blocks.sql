-- The windows of every worker change at each cycle, its status once a day. So a status has a row, and
-- the windows of sixteen workers have one together: 62,500 updates a cycle for a million workers, not
-- a million. A block stays below 2 KB, so that it lies in its page as it is; a reader takes one number
-- out of it. Everybody but the leader reads the view `worker_figures`.

alter table worker_figures rename to worker_statuses;
alter index worker_figures_pkey rename to worker_statuses_pkey;
alter index worker_figures_miner rename to worker_statuses_miner;

create table window_blocks (
    -- worker_id / 16
    block int4 primary key,
    -- Ten numbers for each of the sixteen, in the order of `worker_figures`: eight sums, epoch of the
    -- last share (0: none, or the leader does not hold this worker), interval between shares.
    cells float8[] not null
) with (fillfactor = 50);
alter table window_blocks alter column cells set storage plain;

insert into window_blocks (block, cells)
select block, array_agg(coalesce(cell, 0) order by slot, place)
from (select distinct worker_id >> 4 as block from worker_statuses) as blocks
cross join generate_series(0, 15) as slot
left join worker_statuses s on s.worker_id = block * 16 + slot
cross join lateral unnest(array[
    accepted_15m, rejected_15m, accepted_1h, rejected_1h,
    accepted_1d, rejected_1d, accepted_1w, rejected_1w,
    extract(epoch from last_share_at)::float8, share_interval_s
]) with ordinality as of_worker (cell, place)
group by block;

alter table worker_statuses
    drop column accepted_15m, drop column rejected_15m,
    drop column accepted_1h, drop column rejected_1h,
    drop column accepted_1d, drop column rejected_1d,
    drop column accepted_1w, drop column rejected_1w;
alter table worker_statuses set (fillfactor = 90);

-- The last share and the interval are in the row, too, as of the last change of status: there the
-- leader finds them when a worker that it has forgotten comes back.
create view worker_figures as
select s.worker_id, s.miner_id, s.status, s.status_since, s.transition_number,
    greatest(to_timestamp(nullif(b.cells[first + 8], 0)), s.last_share_at) as last_share_at,
    case when b.block is null or s.last_share_at > to_timestamp(b.cells[first + 8])
        then s.share_interval_s else nullif(b.cells[first + 9], 0) end as share_interval_s,
    s.source_id,
    coalesce(b.cells[first], 0) as accepted_15m, coalesce(b.cells[first + 1], 0) as rejected_15m,
    coalesce(b.cells[first + 2], 0) as accepted_1h, coalesce(b.cells[first + 3], 0) as rejected_1h,
    coalesce(b.cells[first + 4], 0) as accepted_1d, coalesce(b.cells[first + 5], 0) as rejected_1d,
    coalesce(b.cells[first + 6], 0) as accepted_1w, coalesce(b.cells[first + 7], 0) as rejected_1w
from worker_statuses s
left join window_blocks b on b.block = s.worker_id >> 4
cross join lateral (values ((s.worker_id & 15) * 10 + 1)) as places (first);
